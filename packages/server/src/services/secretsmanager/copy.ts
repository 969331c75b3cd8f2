// Copies, between Regions of this server: a job for each replica, which reads the primary as it is then and makes the replica the same, in the
// transaction that also says so at the primary. The value is encrypted anew, under the replica's key and for the replica's ARN.
// https://docs.aws.amazon.com/secretsmanager/latest/userguide/replicate-secrets_troubleshoot.html

import { ServiceError } from '../../errors.ts'
import type { InsideHandler } from '../../jobs/job.ts'
import type { NamingPolicy } from '../iam/port.ts'
import {
  findReplica,
  findVersion,
  followedBy,
  type Replica,
  replicaArn,
  type Secret,
  type SecretVersion,
} from './model.ts'
import { removeNow } from './purge.ts'
import { type CopyPayload, isReplicaOf, scheduleCopy, withStatus } from './replication.ts'
import { callByRights } from './rights.ts'
import {
  countSecrets,
  findSecret,
  insertSecret,
  insertValue,
  readPolicy,
  removePolicy,
  removeValues,
  type Store,
  type StoredSecret,
  updateSecret,
  writePolicy,
} from './store.ts'
import { openVersion, type SealedValue, sealVersion } from './value.ts'

export const SUCCEEDED = 'Replication succeeded'

/** Why a copy cannot be made, as StatusMessage says it. It is tried again when the primary changes, or when replication is asked for anew. */
export class CopyError extends Error {}

const NAME_EXISTS = 'Secret with this name already exists in this region'
const NO_PERMISSION = 'No permissions available on the KMS key to complete the replication'
const KEY_UNAVAILABLE = 'The KMS key is disabled or not found'

/** The job. What it copies, and with whose rights, is in the sealed row of the primary; a payload made by SQL copies nothing else. */
export const copySecret: InsideHandler = async (app, tx, payload) => {
  const { account, region, name, arn, to } = JSON.parse(payload) as CopyPayload
  const store: Store = { app, tx }
  const stored = await findSecret(store, account, region, name)
  if (stored === undefined || stored.secret.arn !== arn) return
  const replica = findReplica(stored.secret, to)
  if (replica === undefined) return
  if (app.remoteRegions.has(to)) return scheduleCopy(store, account, region, stored.secret, to)

  const failure = await copyTo(store, stored, replica).then(() => undefined, toFailure)
  const secret =
    failure === undefined
      ? withStatus(stored.secret, to, 'InSync', SUCCEEDED, { arrived: true, overwrite: undefined })
      : withStatus(stored.secret, to, 'Failed', failure)
  await updateSecret(store, stored, secret)
}

/** What StatusMessage says. @throws whatever has the job tried again */
export function toFailure(error: unknown): string {
  if (error instanceof CopyError) return error.message
  if (!(error instanceof ServiceError) || error.status >= 500) throw error
  switch (error.code) {
    case 'AccessDeniedException':
      return NO_PERMISSION
    case 'EncryptionFailure':
    case 'DecryptionFailure':
      return KEY_UNAVAILABLE
    default:
      return error.message
  }
}

/** Nothing is written before all that can fail is done. @throws CopyError, ServiceError of KMS */
async function copyTo(store: Store, stored: StoredSecret, replica: Replica) {
  const { account, region, secret: primary } = stored
  const to = replica.region
  const found = await findSecret(store, account, to, primary.name)
  const mine = found !== undefined && isReplicaOf(found.secret, region, primary.suffix) ? found : undefined
  if (mine === undefined) await mustHavePlace(store, account, to, found, replica.overwrite === true)

  const kmsKeyId = replica.kmsKeyId
  const bare: Secret = {
    ...followedBy(primary),
    arn: replicaArn(primary.arn, to),
    primaryRegion: region,
    ...(kmsKeyId !== undefined && { kmsKeyId }),
    versions: [],
  }
  const fresh = new Map<string, SealedValue>()
  const versions: SecretVersion[] = []
  for (const version of primary.versions) {
    const { value } = version
    const kept = mine && findVersion(mine.secret, version.id)?.value
    if (value === undefined || kept !== undefined) {
      versions.push(kept === undefined ? version : { ...version, value: kept })
      continue
    }
    const reader = callByRights(store, replica.rights, region)
    const plain = await openVersion(reader, primary, { ...version, value }).catch((error) => {
      // What has no label any more does not hold up what has.
      if (version.stages.length > 0 || !(error instanceof ServiceError) || error.status >= 500) throw error
    })
    if (plain === undefined) continue
    fresh.set(version.id, await sealVersion(callByRights(store, replica.rights, to), bare, version.id, plain))
    plain.bytes.fill(0)
    versions.push(version)
  }
  if (mine === undefined && found !== undefined) await removeNow(store, found)
  await storeReplica(store, account, to, mine, { ...bare, versions }, await readPolicy(store, primary), fresh)
}

/** @throws CopyError where the name is taken, or the quota of the Region is used up */
export async function mustHavePlace(
  store: Store,
  account: string,
  region: string,
  found: StoredSecret | undefined,
  overwrite: boolean,
): Promise<void> {
  if (found === undefined) {
    const { secretsPerRegion } = store.app.limits
    if ((await countSecrets(store, account, region)) < secretsPerRegion) return
    throw new CopyError(`You've reached the quota of ${secretsPerRegion} secrets in this account and Region.`)
  }
  const { primaryRegion, replicas, owningService } = found.secret
  // A replica is its primary's, a primary its replicas', a secret of a service that service's: none of them gives way.
  const mayGive = primaryRegion === undefined && replicas === undefined && owningService === undefined
  if (!overwrite || !mayGive) throw new CopyError(NAME_EXISTS)
}

/** Writes a replica in the place of what it was. `fresh` are the values that it did not have; `replica` names all that it is to have. */
export async function storeReplica(
  store: Store,
  account: string,
  region: string,
  before: StoredSecret | undefined,
  replica: Secret,
  policy: NamingPolicy | undefined,
  fresh: ReadonlyMap<string, SealedValue>,
): Promise<StoredSecret> {
  const { arn } = replica
  const versions: SecretVersion[] = []
  for (const version of replica.versions) {
    const value = fresh.get(version.id)
    if (value === undefined) versions.push(version)
    else {
      const { kind, kmsKey, bytes } = value
      versions.push({ ...version, value: { kind, kmsKey, digest: await insertValue(store, arn, version.id, bytes) } })
    }
  }
  if (before !== undefined) {
    const gone = before.secret.versions.filter(({ id }) => findVersion(replica, id) === undefined)
    await removeValues(store, arn, gone)
    if (policy === undefined && before.secret.policyDigest !== undefined) await removePolicy(store, arn)
  }
  const policyDigest = policy && (await writePolicy(store, { rev: before?.rev ?? 0, secret: replica }, policy))
  const secret: Secret = { ...replica, ...(policyDigest !== undefined && { policyDigest }), versions }
  return before === undefined ? insertSecret(store, account, region, secret) : updateSecret(store, before, secret)
}
