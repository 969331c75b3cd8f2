// Copies to Regions that are on another Strongroom: the jobs that send them, and learn what became of the replicas there.
// docs/adr/0010-replication-over-the-wire.md

import type { App } from '../../app.ts'
import { ServiceError } from '../../errors.ts'
import { outsideHandler } from '../../jobs/job.ts'
import { shownDocument } from '../iam/port.ts'
import { CopyError, SUCCEEDED, toFailure } from './copy.ts'
import { findReplica, findVersion, type Replica, withReplica } from './model.ts'
import { type PutReplicaAnswer, type PutReplicaInput, sentRotation } from './receive.ts'
import { RemoteError } from './remote-regions.ts'
import { type CopyPayload, type RemovalPayload, scheduleCopy, scheduleRemoval, withStatus } from './replication.ts'
import { callByRights } from './rights.ts'
import { findSecret, readPolicy, type Store, type StoredSecret, updateSecret } from './store.ts'
import { openVersion } from './value.ts'

const PUT_PATH = '/_strongroom/replicas/put'
const REMOVE_PATH = '/_strongroom/replicas/remove'
const TIMEOUT_MS = 30_000
const RETRY_MS_MAX = 60_000
/** How often a replica that is in sync is looked at: it may have been made a secret of its own there, or be gone. */
export const CHECK_MS = 300_000
/** How long after a removal it is repeated: longer than a copy that was on its way when it was asked for can take. */
const REMOVE_AGAIN_MS = 2 * TIMEOUT_MS
/** How often the other side may be out of reach before the status says so. */
const ATTEMPTS_UNTOLD = 3

type Sent =
  /** There is nothing to copy any more. */
  | { readonly kind: 'nothing' }
  /** The Region is on this server. */
  | { readonly kind: 'local' }
  | { readonly kind: 'failed'; readonly message: string }
  | { readonly kind: 'answered'; readonly answer: PutReplicaAnswer; readonly revision: number }

type Found = { readonly stored: StoredSecret; readonly replica: Replica }

async function findSource(store: Store, { account, region, name, arn, to }: CopyPayload): Promise<Found | undefined> {
  const stored = await findSecret(store, account, region, name)
  const replica = stored && stored.secret.arn === arn ? findReplica(stored.secret, to) : undefined
  return stored && replica && { stored, replica }
}

const inRead = <T>(app: App, work: (store: Store) => Promise<T>): Promise<T> =>
  app.database.transaction('read', (tx) => work({ app, tx }))

/** The job. Its payload only names; what is sent, and with whose rights it is decrypted, is in the sealed row of the primary. */
export const sendCopy = outsideHandler<Sent>({
  timeoutMs: TIMEOUT_MS,
  retryMsMax: RETRY_MS_MAX,
  concurrency: 4,

  work: async (app, payload, signal) => {
    const names = JSON.parse(payload) as CopyPayload
    if (!app.remoteRegions.has(names.to)) return { kind: 'local' }
    const head = await inRead(app, (store) => readHead(store, names))
    if (head === undefined) return { kind: 'nothing' }
    try {
      return await send(app, names, head, signal)
    } catch (error) {
      if (error instanceof RemoteError) throw error
      return { kind: 'failed', message: toFailure(error) }
    }
  },

  finish: async (app, tx, payload, sent) => {
    const names = JSON.parse(payload) as CopyPayload
    const store: Store = { app, tx }
    const found = await findSource(store, names)
    if (found === undefined || sent.kind === 'nothing') return
    const { stored, replica } = found
    const { account, region, secret } = stored
    const { to } = names
    if (sent.kind === 'local') return scheduleCopy(store, account, region, secret, to)
    const fail = (message: string) => withStatus(secret, to, 'Failed', message)
    let changed = secret
    if (sent.kind === 'failed') changed = fail(sent.message)
    else {
      const { Status, StatusMessage, KmsKeyId } = sent.answer
      if (Status === 'InSync') {
        const { kmsKeyId: _, ...rest } = replica
        const known = {
          ...rest,
          arrived: true,
          overwrite: undefined,
          ...(KmsKeyId !== undefined && { kmsKeyId: KmsKeyId }),
        }
        changed = withReplica(secret, to, known as Replica)
        if (sent.revision === secret.revision) {
          changed = withStatus(changed, to, 'InSync', SUCCEEDED)
          await scheduleCopy(store, account, region, secret, to, CHECK_MS)
        } else await scheduleCopy(store, account, region, secret, to)
      } else if (Status === 'Stopped') changed = withReplica(secret, to, undefined)
      else if (Status === 'Gone') {
        const { arrived: _, ...never } = replica
        changed = withStatus(withReplica(secret, to, never), to, 'InProgress', undefined)
        await scheduleCopy(store, account, region, secret, to)
      } else changed = fail(StatusMessage ?? `The replica in Region ${to} is newer than its primary`)
    }
    await updateSecret(store, stored, changed)
  },

  failed: async (app, tx, payload, error, attempts) => {
    const names = JSON.parse(payload) as CopyPayload
    const found = await findSource({ app, tx }, names)
    // What is in sync stays so as far as anybody knows: nothing has changed since.
    if (found === undefined || found.replica.status === 'InSync' || !(error instanceof RemoteError)) return
    if (!error.refused && attempts < ATTEMPTS_UNTOLD) return
    const { stored } = found
    await updateSecret({ app, tx }, stored, withStatus(stored.secret, names.to, 'Failed', error.message))
  },
})

type Head = { readonly input: PutReplicaInput; readonly left: readonly string[] }

/** All but the values. */
async function readHead(store: Store, names: CopyPayload): Promise<Head | undefined> {
  const found = await findSource(store, names)
  if (found === undefined) return undefined
  const { secret } = found.stored
  const { replica } = found
  const policy = await readPolicy(store, secret)
  const input: PutReplicaInput = {
    PrimaryArn: secret.arn,
    Revision: secret.revision ?? 0,
    Create: replica.arrived !== true,
    Overwrite: replica.overwrite === true,
    KmsKeyId: replica.kmsKeyId,
    Description: secret.description,
    OwningService: secret.owningService,
    Type: secret.type,
    Tags: secret.tags.map(({ key, value }) => ({ Key: key, Value: value })),
    ResourcePolicy: policy && (await shownDocument(store.app, store.tx, policy)),
    Rotation: secret.rotation && sentRotation(secret.rotation),
    CreatedAt: secret.createdAt,
    ChangedAt: secret.changedAt,
    Versions: secret.versions.map(({ id, stages, createdAt, value }) => ({
      VersionId: id,
      VersionStages: stages,
      CreatedAt: createdAt,
      HasValue: value !== undefined,
    })),
  }
  return { input, left: secret.versions.map(({ id }) => id) }
}

/** One call more than there are values, at most. @throws RemoteError, ServiceError of KMS */
async function send(app: App, names: CopyPayload, head: Head, signal: AbortSignal): Promise<Sent> {
  const { account, to: region } = names
  let { input } = head
  let value: object | undefined
  for (let calls = 0; calls <= 2 * head.left.length + 1; calls++) {
    const answer = (await app.remoteRegions.call({
      region,
      account,
      path: PUT_PATH,
      input: { ...input, Value: value },
      signal,
    })) as PutReplicaAnswer
    const [missing] = answer.MissingVersionIds ?? []
    if (answer.Status !== 'ValuesMissing' || missing === undefined) {
      return { kind: 'answered', answer, revision: input.Revision }
    }
    value = await inRead(app, (store) => readMissing(store, names, missing))
    // What has no label any more does not hold up what has.
    if (value === undefined)
      input = { ...input, Versions: input.Versions.filter(({ VersionId }) => VersionId !== missing) }
  }
  throw new RemoteError(`Region ${region} keeps asking for values`, true)
}

/** A value, decrypted with the rights of who asked for the replica; undefined of a version without labels that cannot be. */
async function readMissing(store: Store, names: CopyPayload, id: string): Promise<object | undefined> {
  const found = await findSource(store, names)
  const version = found && findVersion(found.stored.secret, id)
  if (found === undefined || version?.value === undefined) throw new CopyError('The secret has changed meanwhile')
  const reader = callByRights(store, found.replica.rights, names.region)
  try {
    const plain = await openVersion(reader, found.stored.secret, { ...version, value: version.value })
    const Bytes = Buffer.from(plain.bytes).toString('base64')
    plain.bytes.fill(0)
    return { VersionId: id, Kind: plain.kind, Bytes }
  } catch (error) {
    if (version.stages.length === 0 && error instanceof ServiceError && error.status < 500) return undefined
    throw error
  }
}

/** The job that removes a replica there, twice: a copy that was on its way may have arrived after the first time. */
export const sendRemoval = outsideHandler<boolean>({
  timeoutMs: TIMEOUT_MS,
  retryMsMax: RETRY_MS_MAX,
  concurrency: 4,

  work: async (app, payload, signal) => {
    const names = JSON.parse(payload) as RemovalPayload
    // A job that was made by SQL removes no replica that its primary has.
    if ((await inRead(app, (store) => findSource(store, names))) !== undefined) return false
    if (!app.remoteRegions.has(names.to)) return false
    await app.remoteRegions.call({
      region: names.to,
      account: names.account,
      path: REMOVE_PATH,
      input: { PrimaryArn: names.arn, Revision: names.revision },
      signal,
    })
    return true
  },

  finish: async (app, tx, payload, removed) => {
    const names = JSON.parse(payload) as RemovalPayload
    if (removed && !names.again) await scheduleRemoval({ app, tx }, { ...names, again: true }, REMOVE_AGAIN_MS)
  },
})
