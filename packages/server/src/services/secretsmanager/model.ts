// What a secret is, and the rules of its versions, staging labels, tags and values. Pure: plain data in, plain data out.
// https://docs.aws.amazon.com/secretsmanager/latest/userguide/whats-in-a-secret.html

import type { Identity } from '../../call.ts'
import type { ValueKind } from '../../crypto/value.ts'
import * as errors from './errors.ts'
import { type SecretRotation, shownRotation } from './rotation/model.ts'

export const CURRENT = 'AWSCURRENT'
export const PENDING = 'AWSPENDING'
export const PREVIOUS = 'AWSPREVIOUS'

/** CloudFormation's name of a secret. */
export const RESOURCE_TYPE = 'AWS::SecretsManager::Secret'

/** The key of a secret that names none: AWS's own for Secrets Manager in the account. */
export const MANAGED_KEY = 'alias/aws/secretsmanager'

/** What ListSecretVersionIds calls it. */
export const DEFAULT_KEY = 'DefaultEncryptionKey'

// AWS's quotas. The server's own are App.limits.
export const STAGES_MAX = 20
export const TAGS_MAX = 50
export const VALUE_BYTES_MAX = 65_536

const DAY_MS = 86_400_000
/** A version without staging labels is not removed before. */
const PRUNABLE_AFTER_MS = DAY_MS
const SUFFIX_CHARACTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'
const SUFFIX_LENGTH = 6

/** The sealed body of a row of `secret`. Times are milliseconds since the epoch. Shared between calls: never changed in place. */
export type Secret = {
  readonly arn: string
  readonly name: string
  /** The six random characters at the end of the ARN. */
  readonly suffix: string
  readonly description?: string
  /** As the caller gave it; absent for `aws/secretsmanager`. */
  readonly kmsKeyId?: string
  /** In the order in which they were attached; keys are unique. */
  readonly tags: readonly Tag[]
  /** The service that owns it (ownership.ts), which `tags` tell too. */
  readonly owningService?: string
  /** The partner of a managed external secret (types.ts). */
  readonly type?: string
  /** SHA-256 of the row that holds the resource policy, in base64; absent where the secret has none. */
  readonly policyDigest?: string
  /** Of a primary: the Regions that it is replicated to, in the order in which they were asked for; absent where there are none. */
  readonly replicas?: readonly Replica[]
  /** Of a primary that has or had replicas: greater with each change. Of a replica: that of its primary which it shows. */
  readonly revision?: number
  /** Of a replica: where its primary is. A secret that has it is read-only. */
  readonly primaryRegion?: string
  /** How it is rotated, and what goes on; absent where rotation was never turned on. */
  readonly rotation?: SecretRotation
  /** What anybody may read, in JSON, because who rotates it has said so (published.ts); absent where nothing is. */
  readonly published?: string
  /** In the order of their creation. */
  readonly versions: readonly SecretVersion[]
  /** The ClientRequestToken of a CreateSecret without a value, so that its retry is known. */
  readonly createToken?: string
  readonly createdAt: number
  readonly changedAt: number
  /** When DeleteSecret was called; present exactly while the secret is scheduled for deletion. */
  readonly deletedAt?: number
  /** When it may be removed for good. */
  readonly deletionDate?: number
}

/** A secret that rotation was turned on for, though it may be off again. */
export type RotatingSecret = Secret & { readonly rotation: SecretRotation }

export type ReplicationState = 'InProgress' | 'InSync' | 'Failed'

/** A Region that a primary is replicated to. */
export type Replica = {
  readonly region: string
  /** As the caller gave it; absent for `aws/secretsmanager` of that Region. */
  readonly kmsKeyId?: string
  readonly status: ReplicationState
  readonly statusMessage?: string
  /** ForceOverwriteReplicaSecret: a secret of the same name gives way to the first copy. */
  readonly overwrite?: true | undefined
  /** A copy has arrived there. */
  readonly arrived?: true
  /** With whose rights it is copied. */
  readonly rights: Rights
}

/**
 * What KMS may do for copies, which are made after the call that asked for them: what policies said then, of each key. Nothing else is
 * allowed.
 */
export type Rights = {
  readonly caller: {
    readonly account: string
    readonly kind: Identity['kind']
    readonly userId: string
    readonly arn: string
  }
  /** `kms:Decrypt arn:aws:kms:...`, once each. */
  readonly allowed: readonly string[]
  /** The same, where a policy denied it in so many words. */
  readonly denied: readonly string[]
}

export type Tag = { readonly key: string; readonly value: string }

export type SecretVersion = {
  readonly id: string
  /** In the order in which they were attached. A label stands on at most one version of a secret. */
  readonly stages: readonly string[]
  readonly createdAt: number
  /** Absent in a placeholder: a version that a rotation registered and has not filled yet. */
  readonly value?: VersionValue
}

export type VersionValue = {
  readonly kind: ValueKind
  /** The ARN of the KMS key that encrypts it, or DEFAULT_KEY. */
  readonly kmsKey: string
  /** SHA-256 of the row that holds the value, in base64: the row of another version, or an older one, is refused. */
  readonly digest: string
}

/** A value as a caller gave it, in bytes. */
export type Plain = { readonly kind: ValueKind; readonly bytes: Uint8Array }

// Names and ARNs.

export const secretArn = (partition: string, region: string, account: string, name: string, suffix: string): string =>
  `arn:${partition}:secretsmanager:${region}:${account}:secret:${name}-${suffix}`

/** The account that a secret belongs to. */
export const ownerOf = (secretArn: string): string => secretArn.split(':')[4]!

/** Six characters, each equally likely. */
export function newSuffix(randomBytes: (size: number) => Uint8Array): string {
  const usable = 256 - (256 % SUFFIX_CHARACTERS.length)
  let suffix = ''
  while (suffix.length < SUFFIX_LENGTH) {
    for (const byte of randomBytes(SUFFIX_LENGTH)) {
      if (byte < usable && suffix.length < SUFFIX_LENGTH) suffix += SUFFIX_CHARACTERS[byte % SUFFIX_CHARACTERS.length]
    }
  }
  return suffix
}

/** What stands after `secret:` in an ARN: a name with a suffix where it ends like one, else a name alone (a partial ARN). */
export function splitTail(tail: string): { readonly name: string; readonly suffix?: string } {
  const match = /^(.+)-([A-Za-z0-9]{6})$/.exec(tail)
  return match ? { name: match[1]!, suffix: match[2]! } : { name: tail }
}

/** The KmsKeyId to keep: none for the managed key, however it was named. */
export const keptKeyId = (given: string | undefined): string | undefined =>
  given === '' || given === MANAGED_KEY ? undefined : given

// Replication.

/** Where a secret that is or has a replica has its primary; undefined for one that is not replicated. `region` is its own. */
export const primaryRegionOf = (region: string, { primaryRegion, replicas }: Secret): string | undefined =>
  primaryRegion ?? (replicas === undefined ? undefined : region)

export const findReplica = ({ replicas }: Secret, region: string): Replica | undefined =>
  replicas?.find((replica) => replica.region === region)

/** A primary whose replica in a Region is another; without it where `replica` is undefined. */
export function withReplica(secret: Secret, region: string, replica: Replica | undefined): Secret {
  const { replicas = [], ...rest } = secret
  const others = replicas.flatMap((other) => (other.region === region ? (replica ?? []) : other))
  const known = replica === undefined || replicas.some((other) => other.region === region)
  const all = known ? others : [...others, replica]
  return all.length === 0 ? rest : { ...rest, replicas: all }
}

/** The same ARN but for the Region. */
export function replicaArn(arn: string, region: string): string {
  const parts = arn.split(':')
  parts[3] = region
  return parts.join(':')
}

/** What a replica has of its primary. The rest is each one's own: key, ARN, values as they are encrypted, what it is replicated to. */
export function followedBy(primary: Secret) {
  const {
    arn,
    kmsKeyId,
    policyDigest,
    replicas,
    primaryRegion,
    versions,
    createToken,
    deletedAt,
    deletionDate,
    rotation,
    published,
    ...followed
  } = primary
  return { ...followed, ...(rotation !== undefined && { rotation: shownRotation(rotation) }) }
}

// Values.

/**
 * The value that a call carries; undefined where it carries none.
 * @throws InvalidParameterException for two values, too many bytes, or text without a UTF-8 form.
 */
export function plainOf(
  input: { readonly SecretString?: string | undefined; readonly SecretBinary?: Uint8Array | undefined },
  bytesMax = VALUE_BYTES_MAX,
): Plain | undefined {
  const { SecretString, SecretBinary } = input
  if (SecretString !== undefined && SecretBinary !== undefined) throw errors.bothValues()
  if (SecretBinary === undefined && SecretString === undefined) return undefined
  if (SecretString?.isWellFormed() === false) throw errors.valueNotText()
  const bytes = SecretBinary ?? Buffer.from(SecretString!)
  if (bytes.length > bytesMax) throw errors.valueTooLong(bytesMax)
  return { kind: SecretBinary === undefined ? 'string' : 'binary', bytes }
}

/** The id of the version that a call with a value makes. @throws InvalidRequestException where it is missing. */
export function mustHaveToken(token: string | undefined): string {
  if (token === undefined) throw errors.tokenMissing()
  if (token.includes('\0') || !token.isWellFormed()) throw errors.tokenNotText()
  return token
}

// Versions.

export const findVersion = (secret: Secret, id: string): SecretVersion | undefined =>
  secret.versions.find((version) => version.id === id)

export const findHolder = (versions: readonly SecretVersion[], stage: string): SecretVersion | undefined =>
  versions.find((version) => version.stages.includes(stage))

/** Whether version `id` has AWSCURRENT; of no id it is asked nothing. */
export const isCurrent = ({ versions }: Secret, id: string | undefined): boolean =>
  id === undefined || findHolder(versions, CURRENT)?.id === id

/** A version that has a value. */
export type ValuedVersion = SecretVersion & { readonly value: VersionValue }

export const hasValue = (version: SecretVersion | undefined): version is ValuedVersion => version?.value !== undefined

/**
 * The version asked for: by id whatever its labels, by staging label, by both where they agree, or by neither (the current one).
 * @throws ResourceNotFoundException where there is none or it has no value; InvalidRequestException where id and label disagree.
 */
export function selectVersion(secret: Secret, id: string | undefined, stage: string | undefined): ValuedVersion {
  if (id === undefined) {
    const label = stage ?? CURRENT
    const version = findHolder(secret.versions, label)
    if (!hasValue(version)) throw errors.stageNotFound(label)
    return version
  }
  const version = findVersion(secret, id)
  if (!hasValue(version)) throw errors.versionValueNotFound(id)
  if (stage !== undefined && !version.stages.includes(stage)) throw errors.stageNotOnVersion()
  return version
}

/** Version ids to labels, of the versions that have any; undefined where none has. */
export function labelledVersions(secret: Secret): { readonly [id: string]: readonly string[] } | undefined {
  const labelled = secret.versions.filter((version) => version.stages.length > 0)
  return labelled.length === 0 ? undefined : Object.fromEntries(labelled.map((version) => [version.id, version.stages]))
}

/** With `version` in the place of the one with its id, or at the end. */
export function withVersion(versions: readonly SecretVersion[], version: SecretVersion): readonly SecretVersion[] {
  return versions.some(({ id }) => id === version.id)
    ? versions.map((other) => (other.id === version.id ? version : other))
    : [...versions, version]
}

/** Without AWSPENDING on version `id`, and without that version where it has neither a value nor another label. */
export const withoutPending = (versions: readonly SecretVersion[], id: string): readonly SecretVersion[] =>
  dropStage(versions, PENDING, id).filter(
    (version) => version.id !== id || hasValue(version) || version.stages.length > 0,
  )

/** The version that keeps another rotation from beginning: it has AWSPENDING and not AWSCURRENT. */
export function unfinishedVersion({ versions }: Secret): SecretVersion | undefined {
  const holder = findHolder(versions, PENDING)
  return holder?.stages.includes(CURRENT) ? undefined : holder
}

// Staging labels.

/**
 * Attaches `stages` to version `id`, taking each from its holder. Where AWSCURRENT comes from another version, that one becomes
 * AWSPREVIOUS, unless AWSPREVIOUS was itself asked for.
 * @throws LimitExceededException above `max` labels in the secret.
 */
export function attachStages(
  versions: readonly SecretVersion[],
  id: string,
  stages: readonly string[],
  max = STAGES_MAX,
): readonly SecretVersion[] {
  const formerCurrent = findHolder(versions, CURRENT)
  let result = versions
  if (stages.includes(CURRENT)) {
    if (formerCurrent !== undefined && formerCurrent.id !== id) result = putStage(result, formerCurrent.id, PREVIOUS)
    else if (formerCurrent === undefined) result = dropStage(result, PREVIOUS, id)
  }
  for (const stage of stages) result = putStage(result, id, stage)
  const count = result.reduce((sum, version) => sum + version.stages.length, 0)
  if (count > max) throw errors.tooManyStages(max)
  return result
}

/** The labels of a new or newly filled version. The first version of a secret becomes current whatever was asked for. */
export const stagesToAttach = (
  before: readonly SecretVersion[],
  asked: readonly string[] | undefined,
): readonly string[] => {
  const stages = asked ?? [CURRENT]
  return before.length === 0 ? [...new Set([...stages, CURRENT])] : stages
}

/**
 * UpdateSecretVersionStage: detaches a label from one version, attaches it to another, or both. The same list where nothing changes.
 * @throws InvalidParameterException where `removeFrom` is not the holder; ResourceNotFoundException where `moveTo` is unknown;
 * InvalidRequestException where AWSCURRENT would go to a version without a value; LimitExceededException above `max` labels.
 */
export function moveStage(
  versions: readonly SecretVersion[],
  stage: string,
  removeFrom: string | undefined,
  moveTo: string | undefined,
  max = STAGES_MAX,
): readonly SecretVersion[] {
  if (removeFrom === undefined && moveTo === undefined) throw errors.nothingToMove()
  const destination = moveTo === undefined ? undefined : versions.find((version) => version.id === moveTo)
  if (moveTo !== undefined && destination === undefined) throw errors.versionNotFound()

  const holder = findHolder(versions, stage)
  if (removeFrom !== undefined && removeFrom !== holder?.id) {
    throw holder === undefined
      ? errors.removeFromUnattached(stage, removeFrom)
      : errors.removeFromMismatch(stage, removeFrom, holder.id)
  }
  if (destination === undefined) {
    if (stage === CURRENT) throw errors.currentNotRemovable()
    return dropStage(versions, stage, holder!.id)
  }
  if (holder?.id === destination.id) return versions
  if (holder !== undefined && removeFrom === undefined) throw errors.removeFromMissing(stage, holder.id)
  if (stage === CURRENT && !hasValue(destination)) throw errors.currentNeedsValue(destination.id)
  return attachStages(versions, destination.id, [stage], max)
}

/** Moves one label, from wherever it is. */
function putStage(versions: readonly SecretVersion[], id: string, stage: string): readonly SecretVersion[] {
  return versions.map((version) => {
    const has = version.stages.includes(stage)
    if (version.id === id) return has ? version : { ...version, stages: [...version.stages, stage] }
    return has ? withoutStage(version, stage) : version
  })
}

/** Detaches a label from one version. */
export const dropStage = (versions: readonly SecretVersion[], stage: string, id: string): readonly SecretVersion[] =>
  versions.map((version) => (version.id === id ? withoutStage(version, stage) : version))

const withoutStage = (version: SecretVersion, stage: string): SecretVersion => ({
  ...version,
  stages: version.stages.filter((other) => other !== stage),
})

/**
 * Brings a secret that is about to keep `versions` down to `max`: the oldest go first, never one with a label, never one younger
 * than a day. @throws LimitExceededException where that is not enough.
 */
export function pruneVersions(
  versions: readonly SecretVersion[],
  max: number,
  now: number,
): { readonly kept: readonly SecretVersion[]; readonly pruned: readonly SecretVersion[] } {
  const excess = versions.length - max
  if (excess <= 0) return { kept: versions, pruned: [] }
  const pruned = versions
    .filter((version) => version.stages.length === 0 && now - version.createdAt > PRUNABLE_AFTER_MS)
    .sort((a, b) => a.createdAt - b.createdAt)
    .slice(0, excess)
  if (pruned.length < excess) throw errors.tooManyVersions(max)
  return { kept: versions.filter((version) => !pruned.includes(version)), pruned }
}

// Tags.

type GivenTag = { readonly Key?: string | undefined; readonly Value?: string | undefined }

const TAG_TEXT = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u

/** `tags` with `given` attached: a known key gets the new value in its place. @throws InvalidParameterException */
export function withTags(tags: readonly Tag[], given: readonly GivenTag[], max = TAGS_MAX): readonly Tag[] {
  const merged = new Map(tags.map((tag) => [tag.key, tag]))
  const keys = new Set<string>()
  for (const { Key: key, Value: value = '' } of given) {
    if (key === undefined) throw errors.tagWithoutKey()
    if (keys.has(key)) throw errors.duplicateTagKey(key)
    keys.add(key)
    if (key.toLowerCase().startsWith('aws:')) throw errors.reservedTagKey()
    if (!TAG_TEXT.test(key)) throw errors.invalidTagKey(key)
    if (!TAG_TEXT.test(value)) throw errors.invalidTagValue(key)
    merged.set(key, { key, value })
  }
  // Those of AWS do not count.
  const count = [...merged.keys()].filter((key) => !key.startsWith('aws:')).length
  if (count > max) throw errors.tooManyTags(max)
  return [...merged.values()]
}

// Dates.

/** Midnight UTC of the day of `time`. */
export const dayOf = (time: number): number => time - (time % DAY_MS)

/** What DescribeSecret and ListSecrets show as DeletedDate: when DeleteSecret was called. */
export const deletedDate = (secret: Secret): number | undefined => secret.deletedAt
