// The end of a secret: removed for good when its recovery window is over, or at once where the caller forced it.
// https://docs.aws.amazon.com/secretsmanager/latest/userguide/manage_delete-secret.html

import type { App } from '../../app.ts'
import type { AuditEvent } from '../../audit/event.ts'
import type { AlsoEvent } from '../../call.ts'
import { cancel, type JobHandler, schedule } from '../../jobs/job.ts'
import type { Secret, SecretVersion } from './model.ts'
import { findSecret, removeSecret, type Store, type StoredSecret } from './store.ts'
import { RESOURCE_TYPE } from './target.ts'

export const PURGE_SECRET = 'secretsmanager.PurgeSecret'

/** Names the job of one secret; its ARN is never used again, even by a secret of the same name. */
const purgeJobId = (secret: Secret): string => `${PURGE_SECRET}:${secret.arn}`

type PurgePayload = { readonly account: string; readonly region: string; readonly name: string; readonly arn: string }

export function schedulePurge(store: Store, { account, region, secret }: StoredSecret, dueAt: number): Promise<void> {
  const payload: PurgePayload = { account, region, name: secret.name, arn: secret.arn }
  return schedule(store.tx, {
    id: purgeJobId(secret),
    kind: PURGE_SECRET,
    dueAt,
    payload: JSON.stringify(payload),
  })
}

export const cancelPurge = async ({ tx }: Store, { secret }: StoredSecret): Promise<void> => {
  await cancel(tx, purgeJobId(secret))
}

/**
 * The job: removes the secret if, by its own sealed row, its time has come. Jobs carry no MAC, so one that was made or moved
 * outside the server removes nothing that is not due.
 */
export const purgeSecret: JobHandler = async (app, tx, payload) => {
  const { account, region, name, arn } = JSON.parse(payload) as PurgePayload
  const store: Store = { app, tx }
  const stored = await findSecret(store, account, region, name)
  if (stored === undefined || stored.secret.arn !== arn) return
  const { deletionDate } = stored.secret
  if (deletionDate === undefined) return
  // Early: due again at its time.
  if (deletionDate > app.now()) return schedulePurge(store, stored, deletionDate)
  await removeSecret(store, stored)
  await app.trail.record(
    tx,
    versionEvents(stored, 'EndSecretVersionDelete').map((event) => serviceEvent(app, stored, event)),
  )
}

export type VersionDeletionEvent = 'StartSecretVersionDelete' | 'CancelSecretVersionDelete' | 'EndSecretVersionDelete'

/** One event of the service for each version of a secret. */
export const versionEvents = (stored: StoredSecret, eventName: VersionDeletionEvent): readonly AlsoEvent[] =>
  stored.secret.versions.map((version) => versionEvent(stored, version, eventName))

const versionEvent = (
  { account, secret }: StoredSecret,
  version: SecretVersion,
  eventName: VersionDeletionEvent,
): AlsoEvent => ({
  eventName,
  readOnly: false,
  ofService: true,
  requestParameters: null,
  additionalEventData: { SecretId: secret.arn, SecretVersionId: version.id },
  owner: account,
  resources: [{ arn: secret.arn, accountId: account, type: RESOURCE_TYPE }],
})

/** An event of nobody's call: the service's own work. */
export const serviceEvent = (
  app: App,
  { account, region }: StoredSecret,
  { owner: _, ...event }: AlsoEvent,
): AuditEvent => ({
  requestParameters: null,
  ...event,
  eventId: app.uuid(),
  time: app.wallNow(),
  requestId: app.uuid(),
  service: 'secretsmanager',
  region,
  account,
  sourceIpAddress: 'secretsmanager.amazonaws.com',
  userAgent: 'secretsmanager.amazonaws.com',
  responseElements: null,
})
