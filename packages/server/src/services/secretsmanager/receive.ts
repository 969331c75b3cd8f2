// Replicas that another Strongroom sends: its primary's Region is there, this Region is here. Idempotent, and ordered by the primary's revision.
// docs/adr/0010-replication-over-the-wire.md

import type { Call } from '../../call.ts'
import { ServiceError } from '../../errors.ts'
import type { Target } from '../../operation.ts'
import { CopyError, mustHavePlace, storeReplica, toFailure } from './copy.ts'
import * as errors from './errors.ts'
import { findVersion, RESOURCE_TYPE, replicaArn, type Secret, splitTail, type Tag } from './model.ts'
import { removeNow } from './purge.ts'
import { isReplicaOf } from './replication.ts'
import { acceptDocument } from './resource-policy.ts'
import type { SecretRotation } from './rotation/model.ts'
import type { RotationRules } from './rotation/schedule.ts'
import { findSecret, readPolicy, type StoredSecret } from './store.ts'
import { parseSecretArn } from './target.ts'
import { type SealedValue, sealVersion } from './value.ts'

/** What one call says of a primary. Only one value at a time, so that a body is bounded. */
export type PutReplicaInput = {
  readonly PrimaryArn: string
  readonly Revision: number
  /** Whether the replica is to be made where there is none: the primary never heard that a copy arrived. */
  readonly Create: boolean
  /** Where it is made: whether a secret of the same name gives way. */
  readonly Overwrite: boolean
  /** Where it is made: its key. Afterwards the key is the replica's own. */
  readonly KmsKeyId?: string | undefined
  readonly Description?: string | undefined
  readonly OwningService?: string | undefined
  readonly Type?: string | undefined
  readonly Tags: readonly { readonly Key: string; readonly Value: string }[]
  readonly ResourcePolicy?: string | undefined
  readonly Rotation?: SentRotation | undefined
  /** Milliseconds since the epoch. */
  readonly CreatedAt: number
  readonly ChangedAt: number
  readonly Versions: readonly {
    readonly VersionId: string
    readonly VersionStages: readonly string[]
    readonly CreatedAt: number
    readonly HasValue: boolean
  }[]
  readonly Value?:
    | { readonly VersionId: string; readonly Kind: 'string' | 'binary'; readonly Bytes: Uint8Array }
    | undefined
}

/** What a replica shows of the rotation of its primary. Times are milliseconds since the epoch. */
export type SentRotation = {
  readonly Enabled: boolean
  readonly FunctionArn?: string | undefined
  readonly Rules?: RotationRules | undefined
  readonly ConfiguredAt: number
  readonly RotatedAt?: number | undefined
  readonly DaysBetween?: number | undefined
  readonly NextOpensAt?: number | undefined
  readonly NextStartsAt?: number | undefined
  readonly NextClosesAt?: number | undefined
}

export function sentRotation(rotation: SecretRotation): SentRotation {
  const { enabled, functionArn, rules, configuredAt, rotatedAt, daysBetween, next } = rotation
  return {
    Enabled: enabled,
    FunctionArn: functionArn,
    Rules: rules,
    ConfiguredAt: configuredAt,
    RotatedAt: rotatedAt,
    DaysBetween: daysBetween,
    NextOpensAt: next?.opensAt,
    NextStartsAt: next?.startsAt,
    NextClosesAt: next?.closesAt,
  }
}

function receivedRotation(sent: SentRotation): SecretRotation {
  const { FunctionArn, Rules, RotatedAt, DaysBetween, NextOpensAt, NextStartsAt, NextClosesAt } = sent
  const known = NextOpensAt !== undefined && NextStartsAt !== undefined && NextClosesAt !== undefined
  return {
    enabled: sent.Enabled,
    configuredAt: sent.ConfiguredAt,
    ...(FunctionArn !== undefined && { functionArn: FunctionArn }),
    ...(Rules !== undefined && { rules: Rules }),
    ...(RotatedAt !== undefined && { rotatedAt: RotatedAt }),
    ...(DaysBetween !== undefined && { daysBetween: DaysBetween }),
    ...(known && { next: { opensAt: NextOpensAt, startsAt: NextStartsAt, closesAt: NextClosesAt } }),
  }
}

/**
 * `InSync`: the replica shows that revision. `ValuesMissing`: nothing but values changed, and these are to be sent. `Stopped`: it is a secret
 * of its own now. `Gone`: there is none, and none was to be made. `Newer`: it shows a later revision. `Failed`: StatusMessage says why.
 */
export type PutReplicaAnswer = {
  readonly Status: 'InSync' | 'ValuesMissing' | 'Stopped' | 'Gone' | 'Newer' | 'Failed'
  readonly StatusMessage?: string | undefined
  readonly MissingVersionIds?: readonly string[] | undefined
  readonly KmsKeyId?: string | undefined
}

type Received = { readonly name: string; readonly suffix: string; readonly primaryRegion: string; readonly arn: string }

/** The replica that a primary has here, by its ARN: of the caller's account, and of another Region. */
function received({ account, region, partition }: Call, primaryArn: string): Received | undefined {
  const arn = parseSecretArn(primaryArn)
  if (arn === undefined || arn.account !== account || arn.partition !== partition || arn.region === region)
    return undefined
  const { name, suffix } = splitTail(arn.tail)
  if (suffix === undefined || !/^[A-Za-z0-9/_+=.@!-]{1,512}$/.test(name)) return undefined
  return { name, suffix, primaryRegion: arn.region, arn: replicaArn(primaryArn, region) }
}

/** What the permission is asked on: the replica. */
export const receivedTarget = async (call: Call<{ readonly PrimaryArn: string }>): Promise<Target> => {
  const { PrimaryArn } = call.input
  const owner = parseSecretArn(PrimaryArn)?.account
  const resource = owner === undefined ? PrimaryArn : replicaArn(PrimaryArn, call.region)
  return { resource, shown: resource, account: owner ?? call.account, resourceType: RESOURCE_TYPE }
}

/** @throws InvalidParameterException for an ARN that no primary of the caller's account in another Region can have */
export async function receiveReplica(call: Call<PutReplicaInput>): Promise<PutReplicaAnswer> {
  const { account, region, input } = call
  const place = received(call, input.PrimaryArn)
  if (place === undefined) throw errors.notAPrimary(input.PrimaryArn)
  const found = await findSecret(call, account, region, place.name)
  const mine = found !== undefined && isReplicaOf(found.secret, place.primaryRegion, place.suffix) ? found : undefined
  const KmsKeyId = mine?.secret.kmsKeyId
  if (mine === undefined && !input.Create) return { Status: found?.secret.suffix === place.suffix ? 'Stopped' : 'Gone' }
  const shown = mine?.secret.revision ?? 0
  if (shown > input.Revision) return { Status: 'Newer' }
  if (shown === input.Revision) return { Status: 'InSync', KmsKeyId }
  try {
    if (mine === undefined) await mustHavePlace(call, account, region, found, input.Overwrite)
    return await receive(call, place, found, mine)
  } catch (error) {
    return { Status: 'Failed', StatusMessage: toFailure(error) }
  }
}

async function receive(
  call: Call<PutReplicaInput>,
  place: Received,
  found: StoredSecret | undefined,
  mine: StoredSecret | undefined,
): Promise<PutReplicaAnswer> {
  const { account, region, input } = call
  const kmsKeyId = mine === undefined ? input.KmsKeyId : mine.secret.kmsKeyId
  const { Description, OwningService, Type, ResourcePolicy, Rotation, Value } = input
  const bare: Secret = {
    arn: place.arn,
    name: place.name,
    suffix: place.suffix,
    ...(Description !== undefined && { description: Description }),
    ...(kmsKeyId !== undefined && { kmsKeyId }),
    tags: input.Tags.map(({ Key, Value }): Tag => ({ key: Key, value: Value })),
    ...(OwningService !== undefined && { owningService: OwningService }),
    ...(Type !== undefined && { type: Type }),
    primaryRegion: place.primaryRegion,
    ...(Rotation !== undefined && { rotation: receivedRotation(Rotation) }),
    versions: [],
    createdAt: input.CreatedAt,
    changedAt: input.ChangedAt,
  }
  const kept = (id: string) => mine && findVersion(mine.secret, id)?.value
  const fresh = new Map<string, SealedValue>()
  const wanted = Value && input.Versions.find(({ VersionId, HasValue }) => HasValue && VersionId === Value.VersionId)
  if (Value !== undefined && wanted !== undefined && kept(Value.VersionId) === undefined) {
    const plain = { kind: Value.Kind, bytes: Value.Bytes }
    fresh.set(Value.VersionId, await sealVersion(call, bare, Value.VersionId, plain))
  }
  const policy = ResourcePolicy === undefined ? undefined : await acceptPolicy(call, ResourcePolicy)
  const missing = input.Versions.filter(
    ({ VersionId, HasValue }) => HasValue && kept(VersionId) === undefined && !fresh.has(VersionId),
  ).map(({ VersionId }) => VersionId)
  if (missing.length > 0 && fresh.size === 0)
    return { Status: 'ValuesMissing', MissingVersionIds: missing, KmsKeyId: kmsKeyId }
  if (mine === undefined && found !== undefined) await removeNow(call, found)

  if (missing.length > 0) {
    // Kept without a label, so that what is read stays what it was until all of it is here.
    const waiting = { id: wanted!.VersionId, stages: [], createdAt: wanted!.CreatedAt }
    const partial = mine === undefined ? bare : withoutPolicy(mine.secret)
    const versions = [...partial.versions.filter(({ id }) => id !== waiting.id), waiting]
    const standing = mine === undefined ? policy : await readPolicy(call, mine.secret)
    await storeReplica(call, account, region, mine, { ...partial, versions }, standing, fresh)
    return { Status: 'ValuesMissing', MissingVersionIds: missing, KmsKeyId: kmsKeyId }
  }
  const versions = input.Versions.map(({ VersionId, VersionStages, CreatedAt }) => {
    const value = kept(VersionId)
    return { id: VersionId, stages: VersionStages, createdAt: CreatedAt, ...(value !== undefined && { value }) }
  })
  await storeReplica(call, account, region, mine, { ...bare, revision: input.Revision, versions }, policy, fresh)
  return { Status: 'InSync', KmsKeyId: kmsKeyId }
}

const withoutPolicy = ({ policyDigest: _, ...secret }: Secret): Secret => secret

/** A policy that cannot stand here keeps the whole copy back: without it others could have access. @throws CopyError */
async function acceptPolicy(call: Call, document: string) {
  try {
    return await acceptDocument(call, document)
  } catch (error) {
    if (!(error instanceof ServiceError) || error.status >= 500) throw error
    throw new CopyError(`The resource policy cannot stand in this Region: ${error.message}`)
  }
}

/** Removes a replica. Where there is none, or what is there is a secret of its own or newer than the removal, nothing is done. */
export async function removeReceived(
  call: Call<{ readonly PrimaryArn: string; readonly Revision: number }>,
): Promise<{ readonly Removed: boolean }> {
  const { account, region, input } = call
  const place = received(call, input.PrimaryArn)
  if (place === undefined) throw errors.notAPrimary(input.PrimaryArn)
  const found = await findSecret(call, account, region, place.name)
  if (found === undefined || !isReplicaOf(found.secret, place.primaryRegion, place.suffix)) return { Removed: false }
  if ((found.secret.revision ?? 0) > input.Revision) return { Removed: false }
  await removeNow(call, found)
  return { Removed: true }
}
