// Replication, where the primary is: which Regions a secret is copied to, with whose rights, and how each copy stands. The copies themselves
// are jobs (copy.ts), scheduled in the transaction of the change that they follow.
// https://docs.aws.amazon.com/secretsmanager/latest/userguide/replicate-secrets.html

import { isRegion } from '../../auth/region.ts'
import type { Call } from '../../call.ts'
import { cancel, schedule } from '../../jobs/job.ts'
import * as errors from './errors.ts'
import {
  findReplica,
  findVersion,
  keptKeyId,
  MANAGED_KEY,
  type Replica,
  type ReplicationState,
  type Rights,
  replicaArn,
  type Secret,
  type SecretVersion,
  type ValuedVersion,
  withReplica,
} from './model.ts'
import { removeNow } from './purge.ts'
import { inRegion, joinRights, noteRights } from './rights.ts'
import { heedChange } from './rotation/heed.ts'
import { findSecret, type Store, type StoredSecret, updateSecret } from './store.ts'
import { openVersion, tryKey } from './value.ts'

/** AWS has fewer Regions than this. */
const REPLICAS_MAX = 64

type GivenRegion = { readonly Region?: string | undefined; readonly KmsKeyId?: string | undefined }

/**
 * The one way in which the status of a replica changes. Whoever stores the secret tells of it (events.ts).
 * @param more what else of the replica changes with it
 */
export function withStatus(
  secret: Secret,
  region: string,
  status: ReplicationState,
  statusMessage: string | undefined,
  more: Partial<Replica> = {},
): Secret {
  const before = findReplica(secret, region)
  if (before === undefined) return secret
  const { statusMessage: _, ...bare } = before
  const changed = { ...bare, ...more, status, ...(statusMessage !== undefined && { statusMessage }) }
  return withReplica(secret, region, changed)
}

// The jobs.

/** The kinds of the jobs that bring a replica up to date: on this server, and on another one. */
export const COPY_SECRET = 'secretsmanager.CopySecret'
export const SEND_COPY = 'secretsmanager.SendCopy'
/** The kind of the job that removes a replica on another server. */
export const SEND_REMOVAL = 'secretsmanager.SendRemoval'

/** One job for each replica: a later change takes the place of an earlier one. */
const jobIdOf = (arn: string, region: string): string => `secretsmanager.Replicate:${arn}:${region}`

/** Names what is to be copied. What is copied, and with whose rights, is read from the sealed rows. */
export type CopyPayload = {
  readonly account: string
  readonly region: string
  readonly name: string
  readonly arn: string
  readonly to: string
}

/** Schedules the copy to one Region, in the place of the job that may wait there already. */
export function scheduleCopy(
  { app, tx }: Store,
  account: string,
  region: string,
  { name, arn }: Secret,
  to: string,
  inMs = 0,
): Promise<void> {
  const payload: CopyPayload = { account, region, name, arn, to }
  return schedule(tx, {
    id: jobIdOf(arn, to),
    kind: app.remoteRegions.has(to) ? SEND_COPY : COPY_SECRET,
    dueAt: app.now() + inMs,
    payload: JSON.stringify(payload),
  })
}

export type RemovalPayload = CopyPayload & {
  /** Later copies are not removed. */
  readonly revision: number
  readonly again: boolean
}

export const scheduleRemoval = ({ app, tx }: Store, payload: RemovalPayload, inMs = 0): Promise<void> =>
  schedule(tx, {
    id: jobIdOf(payload.arn, payload.to),
    kind: SEND_REMOVAL,
    dueAt: app.now() + inMs,
    payload: JSON.stringify(payload),
  })

/** Greater than all before it, and than those of a primary that was restored from a backup since. */
const nextRevision = ({ app }: Pick<Store, 'app'>, { revision = 0 }: Secret): number =>
  Math.max(revision + 1, app.wallNow())

/** A new revision of a primary, to be copied to the Regions that `due` names. */
async function follow(
  store: Store,
  account: string,
  region: string,
  secret: Secret,
  due: readonly string[],
): Promise<Secret> {
  let changed: Secret = { ...secret, revision: nextRevision(store, secret) }
  for (const to of due) {
    changed = withStatus(changed, to, 'InProgress', undefined)
    await scheduleCopy(store, account, region, changed, to)
  }
  return changed
}

/**
 * Stores a secret that was read in this transaction and that the service itself changed, and has its replicas follow. No value is new, so that
 * nobody's rights are asked.
 */
export async function changeByService(store: Store, stored: StoredSecret, changed: Secret): Promise<StoredSecret> {
  if (changed.replicas === undefined) return updateSecret(store, stored, changed)
  const due = changed.replicas.map(({ region }) => region)
  return updateSecret(store, stored, await follow(store, stored.account, stored.region, changed, due))
}

/**
 * Stores a changed secret that was read in this transaction, and has its replicas follow. A version that got a value, or another key, in
 * this call is copied also with the rights of this caller. What the change means to a rotation is done with it.
 */
export async function changeSecret(call: Call, stored: StoredSecret, given: Secret): Promise<StoredSecret> {
  const changed = await heedChange(call, stored, given)
  if (changed.replicas === undefined) return updateSecret(call, stored, changed)
  const fresh = changed.versions.filter(
    ({ id, value }) => value !== undefined && findVersion(stored.secret, id)?.value?.digest !== value.digest,
  )
  const rights = fresh.length > 0 ? await noteReading(call, changed, fresh) : undefined
  const replicas = changed.replicas.map((replica) =>
    rights === undefined ? replica : { ...replica, rights: joinRights(replica.rights, rights) },
  )
  const due = replicas.map(({ region }) => region)
  const next = await follow(call, stored.account, stored.region, { ...changed, replicas }, due)
  return updateSecret(call, stored, next)
}

/** What the caller may decrypt of these versions. */
const noteReading = (call: Call, secret: Secret, versions: readonly SecretVersion[]): Promise<Rights> =>
  noteRights(call, async (noting) => {
    for (const { value, ...version } of versions) {
      // Each by itself: one that is refused does not keep the next from being asked.
      if (value !== undefined) await noteRights(noting, (each) => openToNothing(each, secret, { ...version, value }))
    }
  })

async function openToNothing(call: Call, secret: Secret, version: ValuedVersion): Promise<void> {
  const { bytes } = await openVersion(call, secret, version)
  bytes.fill(0)
}

/**
 * The secret with these Regions, InProgress and their copies scheduled; for the caller to store. A Region where replication failed is
 * tried again, with what is asked for now.
 * @throws InvalidParameterException for a Region that is missing, malformed, given twice, the primary's own, or replicated to already
 */
export async function addReplicas(
  call: Call,
  account: string,
  region: string,
  secret: Secret,
  given: readonly GivenRegion[],
  overwrite: boolean,
): Promise<Secret> {
  const asked: string[] = []
  for (const { Region: to } of given) {
    if (to === undefined) throw errors.replicaRegionMissing()
    if (!isRegion(to)) throw errors.replicaRegionInvalid(to)
    if (to === region) throw errors.replicaRegionIsPrimary(to)
    if (asked.includes(to)) throw errors.replicaRegionTwice(to)
    const known = findReplica(secret, to)
    if (known !== undefined && known.status !== 'Failed') throw errors.replicaRegionExists(to)
    asked.push(to)
  }
  const reading = await noteReading(call, secret, secret.versions)
  let changed = secret
  for (const { Region: to, KmsKeyId } of given as readonly { readonly Region: string; readonly KmsKeyId?: string }[]) {
    const kmsKeyId = keptKeyId(KmsKeyId)
    const writing = await noteRights(inRegion(call, to), (noting) =>
      tryKey(noting, replicaArn(secret.arn, to), kmsKeyId),
    )
    const rights = { ...joinRights(reading, writing), denied: [...reading.denied, ...writing.denied] }
    const arrived = findReplica(secret, to)?.arrived
    changed = withReplica(changed, to, {
      region: to,
      ...(kmsKeyId !== undefined && { kmsKeyId }),
      // Anything but InProgress, which is told as a change.
      status: 'Failed',
      ...(overwrite && { overwrite }),
      ...(arrived && { arrived }),
      rights,
    })
  }
  if ((changed.replicas?.length ?? 0) > REPLICAS_MAX) throw errors.tooManyReplicas(REPLICAS_MAX)
  return follow(call, account, region, changed, asked)
}

/** A primary without one of its replicas, and without the job that would copy to it. It is for the caller to store. */
export async function dropReplica({ tx }: Store, secret: Secret, region: string): Promise<Secret> {
  await cancel(tx, jobIdOf(secret.arn, region))
  return withReplica(secret, region, undefined)
}

/**
 * A primary without one of its replicas, which is removed: at once on this server, by a job on another one. The primary is for the caller to
 * store.
 */
export async function removeReplica(call: Call, stored: StoredSecret, secret: Secret, region: string): Promise<Secret> {
  if (!call.app.remoteRegions.has(region)) {
    const replica = await findReplicaSecret(call, stored, region)
    if (replica !== undefined) await removeNow(call, replica)
    return dropReplica(call, secret, region)
  }
  const revision = nextRevision(call, secret)
  const names = { account: stored.account, region: stored.region, name: secret.name, arn: secret.arn, to: region }
  const dropped = await dropReplica(call, { ...secret, revision }, region)
  await scheduleRemoval(call, { ...names, revision, again: false })
  return dropped
}

/** The replica of a secret in a Region of this server; undefined where no copy arrived, or something else has the name. */
export async function findReplicaSecret(
  store: Store,
  { account, region, secret }: StoredSecret,
  to: string,
): Promise<StoredSecret | undefined> {
  const found = store.app.remoteRegions.has(to) ? undefined : await findSecret(store, account, to, secret.name)
  return found !== undefined && isReplicaOf(found.secret, region, secret.suffix) ? found : undefined
}

/** Whether a secret of the same name is the replica of the primary in that Region that has that suffix. */
export const isReplicaOf = (secret: Secret, primaryRegion: string, suffix: string): boolean =>
  secret.primaryRegion === primaryRegion && secret.suffix === suffix

/** The primary of a replica, where it is in a Region of this server and still has it. */
export async function findPrimary(
  store: Store,
  { account, region, secret }: StoredSecret,
): Promise<StoredSecret | undefined> {
  if (secret.primaryRegion === undefined) return undefined
  const found = await findSecret(store, account, secret.primaryRegion, secret.name)
  const isPrimary = found?.secret.suffix === secret.suffix && findReplica(found.secret, region) !== undefined
  return isPrimary ? found : undefined
}

/** The key of a replica has changed, where the replica is: its primary knows, and the caller's rights on the new key stand for copies. */
export async function noteReplicaKey(call: Call, replica: StoredSecret, changed: Secret): Promise<void> {
  const primary = await findPrimary(call, replica)
  if (primary === undefined) return
  const { kmsKeyId: _, ...entry } = findReplica(primary.secret, replica.region)!
  const { kmsKeyId } = changed
  const writing = await noteRights(call, (noting) => tryKey(noting, changed.arn, kmsKeyId))
  const next: Replica = {
    ...entry,
    ...(kmsKeyId !== undefined && { kmsKeyId }),
    rights: joinRights(entry.rights, writing),
  }
  await updateSecret(call, primary, withReplica(primary.secret, replica.region, next))
}

/** As answers show it; undefined where a secret has no replicas. */
export async function replicationStatus(store: Store, stored: StoredSecret) {
  const { replicas } = stored.secret
  if (replicas === undefined) return undefined
  const statuses = []
  for (const { region, kmsKeyId, status, statusMessage } of replicas) {
    const replica = await findReplicaSecret(store, stored, region)
    statuses.push({
      Region: region,
      KmsKeyId: kmsKeyId ?? MANAGED_KEY,
      Status: status,
      StatusMessage: statusMessage,
      LastAccessedDate: replica && store.app.accesses.dayOfSecret(replica),
    })
  }
  return statuses
}
