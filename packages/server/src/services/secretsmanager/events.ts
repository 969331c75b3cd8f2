// What changes of a secret tell: the events that AWS sends to Amazon EventBridge, and the few that it does not have. Whoever stores a
// change of a secret tells of it (store.ts); what the service does besides is told with tellServiceEvents. Never a value.
// https://docs.aws.amazon.com/secretsmanager/latest/userguide/secret-event-notifications.html
// https://docs.aws.amazon.com/secretsmanager/latest/userguide/monitoring-eventbridge.html

import type { App } from '../../app.ts'
import { encodeEvent } from '../../audit/encode.ts'
import type { AuditEvent } from '../../audit/event.ts'
import type { AlsoEvent } from '../../call.ts'
import type { Change, Changed } from '../../events/event.ts'
import type { Transaction } from '../../storage/database.ts'
import {
  findHolder,
  findReplica,
  findVersion,
  PENDING,
  PREVIOUS,
  RESOURCE_TYPE,
  type ReplicationState,
  type Secret,
  type SecretVersion,
} from './model.ts'
import type { StoredSecret } from './store.ts'

/**
 * The events of the service itself (AwsServiceEvent) and when each is told.
 * https://docs.aws.amazon.com/secretsmanager/latest/userguide/cloudtrail_log_entries.html
 */
export const SERVICE_EVENTS = {
  StartSecretVersionDelete: 'a deletion was scheduled, or forced; for each version',
  CancelSecretVersionDelete: 'a deletion was taken back; for each version',
  EndSecretVersionDelete: 'the secret is gone; for each version',
  SecretVersionDeletion: 'a version without labels was removed to make room',
  RotationStarted: 'a rotation began',
  RotationSucceeded: 'a rotation ended well',
  RotationFailed: 'a rotation, or an attempt at it, failed',
  RotationAbandoned: 'AWSCURRENT was moved by hand during a rotation',
  TestRotationStarted: 'a rotation is tried out: RotateImmediately is false',
  TestRotationSucceeded: 'the trial ended well',
  TestRotationFailed: 'the trial failed',
  ReplicationStarted: 'a replica is being made or brought up to date: its status is InProgress',
  ReplicationSucceeded: 'a replica has what its primary has: its status is InSync',
  ReplicationFailed: 'a replica could not be made or brought up to date: its status is Failed',
} as const

export type ServiceEventName = keyof typeof SERVICE_EVENTS

export type ServiceEvent = {
  readonly eventName: ServiceEventName
  /** What it tells besides the secret: `SecretVersionId`, `Region`, a reason in words. Never a value. */
  readonly additional?: { readonly [member: string]: string }
}

/** Who tells: a call, whose trail then has the event under its caller, or a job. */
type Teller = { readonly app: App; readonly tx: Transaction; readonly also?: (event: AlsoEvent) => void }

/** The secret that an event is about, as it is after the change. */
type Told = Omit<Changed, 'arn'> & { readonly secret: Pick<Secret, 'arn'> }

/**
 * Tells of what the service did to a secret: in the trail of the account that has it, and as an event `AWS Service Event via CloudTrail`
 * of which that record is the detail. In the transaction in which it was done.
 */
export async function tellServiceEvents(
  { app, tx, also }: Teller,
  { account, region, rev, secret: { arn } }: Told,
  events: readonly ServiceEvent[],
): Promise<void> {
  if (events.length === 0) return
  const records = events.map((event) => serviceRecord(app, account, region, arn, event))
  if (also === undefined) await app.trail.record(tx, records)
  else for (const record of records) also(alsoEvent(record, account))
  await app.events.emit(
    tx,
    { account, region, arn, rev },
    records.map((record) => ({
      source: 'aws.secretsmanager',
      detailType: 'AWS Service Event via CloudTrail',
      detail: encodeEvent(record),
    })),
  )
}

/** What the service itself calls on somebody's behalf, of an operation of AWS's: for the trail alone, of the account that has the secret. */
export const serviceCall = (
  app: App,
  { account, region, secret: { arn } }: Pick<StoredSecret, 'account' | 'region' | 'secret'>,
  eventName: string,
  requestParameters: { readonly [member: string]: unknown },
): AuditEvent => ({
  ...serviceRecord(app, account, region, arn, { eventName }),
  readOnly: eventName.startsWith('Get'),
  requestParameters,
})

const serviceRecord = (
  app: App,
  account: string,
  region: string,
  arn: string,
  { eventName, additional }: { readonly eventName: string; readonly additional?: ServiceEvent['additional'] },
): AuditEvent => ({
  eventId: app.uuid(),
  time: app.wallNow(),
  requestId: app.uuid(),
  service: 'secretsmanager',
  eventName,
  region,
  readOnly: false,
  ofService: true,
  account,
  sourceIpAddress: 'secretsmanager.amazonaws.com',
  userAgent: 'secretsmanager.amazonaws.com',
  requestParameters: null,
  responseElements: null,
  additionalEventData: { SecretId: arn, ...additional },
  resources: [{ arn, accountId: account, type: RESOURCE_TYPE }],
})

/** The same event under the caller of a call. */
const alsoEvent = (
  { eventId, eventName, readOnly, requestParameters, additionalEventData, resources }: AuditEvent,
  owner: string,
): AlsoEvent => ({
  eventId,
  eventName,
  readOnly,
  ofService: true,
  owner,
  requestParameters,
  ...(additionalEventData && { additionalEventData }),
  ...(resources && { resources }),
})

/** What storing a secret tells. `before` is absent where it is new, `after` where it is gone. */
export function secretChanges(before: Secret | undefined, after: Secret | undefined): readonly Change[] {
  if (after === undefined) return [ours('Secret Deleted', { name: before!.name })]
  const { name } = after
  const changes: Change[] = before === undefined ? [ours('Secret Created', { name })] : []
  if (after.deletedAt !== undefined && before?.deletedAt === undefined) {
    const deletionDate = new Date(after.deletionDate!).toISOString()
    changes.push(ours('Secret Deletion Scheduled', { name, deletionDate }))
  }
  if (after.deletedAt === undefined && before?.deletedAt !== undefined) {
    changes.push(ours('Secret Deletion Cancelled', { name }))
  }
  return [...changes, ...labelChanges(name, before?.versions ?? [], after.versions)]
}

/** AWS tells of labels that were attached, but for AWSPENDING and AWSPREVIOUS. Those two, and labels that nothing has any more, are ours. */
function labelChanges(
  name: string,
  before: readonly SecretVersion[],
  after: readonly SecretVersion[],
): readonly Change[] {
  if (before === after) return []
  const labels = new Set([...after, ...before].flatMap(({ stages }) => stages))
  const changes = [...labels].flatMap((label): readonly Change[] => {
    const from = findHolder(before, label)?.id
    const to = findHolder(after, label)?.id
    if (from === to) return []
    if (to !== undefined && label !== PENDING && label !== PREVIOUS) {
      const detail = { name, labelUpdated: label, versionId: to }
      return [{ source: 'aws.secretsmanager', detailType: 'Secret Label Updated', detail, label }]
    }
    const versionId = to !== undefined && { versionId: to }
    const previousVersionId = from !== undefined && { previousVersionId: from }
    return [{ ...ours('Secret Label Changed', { name, label, ...versionId, ...previousVersionId }), label }]
  })
  // What most wait for comes first.
  return changes.toSorted((a, b) => a.source.localeCompare(b.source))
}

/** The versions that a change removed to make room. */
export const prunedVersions = (before: Secret, after: Secret): readonly ServiceEvent[] =>
  before.versions === after.versions
    ? []
    : before.versions
        .filter(({ id }) => findVersion(after, id) === undefined)
        .map(({ id }) => ({ eventName: 'SecretVersionDeletion', additional: { SecretVersionId: id } }))

const REPLICA_EVENTS = {
  InProgress: 'ReplicationStarted',
  InSync: 'ReplicationSucceeded',
  Failed: 'ReplicationFailed',
} as const satisfies { readonly [status in ReplicationState]: ServiceEventName }

/** The replicas of a primary whose status is another than it was. */
export const replicaEvents = (before: Secret | undefined, after: Secret): readonly ServiceEvent[] =>
  (after.replicas ?? []).flatMap(({ region, status, statusMessage }) => {
    const known = before && findReplica(before, region)
    if (known?.status === status && known.statusMessage === statusMessage) return []
    const message = statusMessage !== undefined && { StatusMessage: statusMessage }
    return [{ eventName: REPLICA_EVENTS[status], additional: { ReplicaRegion: region, ...message } }]
  })

const ours = (detailType: string, detail: Change['detail']): Change => ({ source: 'strongroom', detailType, detail })
