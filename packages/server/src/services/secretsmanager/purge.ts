// The end of a secret: removed for good when its recovery window is over, or at once where the caller forced it.
// https://docs.aws.amazon.com/secretsmanager/latest/userguide/manage_delete-secret.html

import { cancel, type JobHandler, schedule } from '../../jobs/job.ts'
import { type ServiceEvent, tellServiceEvents } from './events.ts'
import type { Secret } from './model.ts'
import { findSecret, removeSecret, type Store, type StoredSecret } from './store.ts'

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
  await tellServiceEvents(store, removed(stored), versionEvents(stored, 'EndSecretVersionDelete'))
}

/** A secret that is gone: what is told of it comes after all that was told before. */
export const removed = (stored: StoredSecret): StoredSecret => ({ ...stored, rev: stored.rev + 1 })

export type VersionDeletionEvent = 'StartSecretVersionDelete' | 'CancelSecretVersionDelete' | 'EndSecretVersionDelete'

/** One event of the service for each version of a secret. */
export const versionEvents = ({ secret }: StoredSecret, eventName: VersionDeletionEvent): readonly ServiceEvent[] =>
  secret.versions.map(({ id }) => ({ eventName, additional: { SecretVersionId: id } }))
