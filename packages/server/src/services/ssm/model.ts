// What a parameter is, and the rules of its versions, labels, tiers and tags. Pure: plain data in, plain data out.
// https://docs.aws.amazon.com/systems-manager/latest/userguide/systems-manager-parameter-store.html

import * as errors from './errors.ts'
import type { ParameterPolicy } from './policies.ts'

/** CloudFormation's name of a parameter. */
export const RESOURCE_TYPE = 'AWS::SSM::Parameter'

/** The key of a SecureString that names none: AWS's own for Parameter Store in the account. */
export const MANAGED_KEY = 'alias/aws/ssm'

export const VERSIONS_MAX = 100
const LABELS_MAX = 10
const TAGS_MAX = 50

export const VALUE_BYTES_MAX = { Standard: 4_096, Advanced: 8_192 } as const

export type ParameterType = 'String' | 'StringList' | 'SecureString'
export type Tier = 'Standard' | 'Advanced'
export type DataType = 'text' | 'aws:ec2:image'

export type Tag = { readonly key: string; readonly value: string }

/** The sealed body of a row of `parameter`. Times are milliseconds since the epoch. Shared between calls: never changed in place. */
export type Parameter = {
  /** Tells it from a later one of the same name. */
  readonly id: string
  /** As PutParameter made it: with or without the slash that a name of one level may have. */
  readonly name: string
  readonly type: ParameterType
  /** The data key of values that are no SecureString, sealed under a domain key, in base64 (value.ts). */
  readonly key: string
  /** In the order in which they were attached; keys are unique. */
  readonly tags: readonly Tag[]
  /** What the latest version says. */
  readonly details: Details
  /** Oldest first; the last is the latest. There is always one. */
  readonly versions: readonly VersionEntry[]
  /** What it does by itself (policies.ts). */
  readonly policies: readonly ParameterPolicy[]
  /** The policy by which it is shared; absent where it is not. */
  readonly sharing?: Sharing
}

export type VersionEntry = {
  readonly version: number
  /** SHA-256 of the row that holds it, in base64: the row of another version, or an older one, is refused. */
  readonly digest: string
  /** In the order in which they were attached. A label stands on at most one version of a parameter. */
  readonly labels: readonly string[]
}

/** `hash` is what callers change it under; `digest` is of the row that holds it. */
export type Sharing = { readonly policyId: string; readonly hash: string; readonly digest: string }

/** What a version says of itself, besides its value. */
export type Details = {
  readonly tier: Tier
  readonly dataType: DataType
  readonly description?: string
  readonly allowedPattern?: string
  /** Of a SecureString: as the caller gave it, or MANAGED_KEY. */
  readonly keyId?: string
  /** The texts of the policies that it had. */
  readonly policies?: readonly string[]
  readonly modifiedAt: number
  /** The ARN of who made it. */
  readonly modifiedBy: string
}

/** The sealed body of a row of `parameter_version`. */
export type Version = Details & {
  readonly version: number
  /** How the value is encrypted: under the parameter's data key, by KMS itself, or under a data key of KMS. */
  readonly form: 'plain' | 'kms' | 'envelope'
  /** The encrypted value, in base64. */
  readonly value: string
}

// Versions and labels.

export const latestOf = ({ versions }: Parameter): VersionEntry => versions.at(-1)!

export const findVersion = ({ versions }: Parameter, version: number): VersionEntry | undefined =>
  versions.find((entry) => entry.version === version)

export const findLabelled = ({ versions }: Parameter, label: string): VersionEntry | undefined =>
  versions.find(({ labels }) => labels.includes(label))

/**
 * The version that a selector means: digits a version, anything else a label, none the latest.
 * @throws ServiceError ParameterVersionNotFound
 */
export function selectVersion(parameter: Parameter, selector: string | undefined): VersionEntry {
  if (selector === undefined) return latestOf(parameter)
  const wanted = selector.slice(1)
  if (/^\d+$/.test(wanted)) {
    const entry = findVersion(parameter, Number(wanted))
    if (entry === undefined) throw errors.versionNotFound(wanted, parameter.name)
    return entry
  }
  const entry = findLabelled(parameter, wanted)
  if (entry === undefined) throw errors.labelNotFound(wanted, parameter.name)
  return entry
}

/**
 * Room for one more version: the oldest goes.
 * @throws ServiceError ParameterMaxVersionLimitExceeded where it has a label
 */
export function makeRoom(parameter: Parameter): {
  readonly kept: readonly VersionEntry[]
  readonly gone: readonly VersionEntry[]
} {
  const excess = parameter.versions.length + 1 - VERSIONS_MAX
  if (excess <= 0) return { kept: parameter.versions, gone: [] }
  const gone = parameter.versions.slice(0, excess)
  const labelled = gone.find(({ labels }) => labels.length > 0)
  if (labelled !== undefined) throw errors.oldestIsLabelled(parameter.name, labelled.version)
  return { kept: parameter.versions.slice(excess), gone }
}

/** AWS tells of labels that are not so, and does not refuse the call. */
export const isLabel = (text: string): boolean =>
  /^[a-zA-Z0-9._-]{1,100}$/.test(text) && !/^(?:[0-9]|aws|ssm)/i.test(text)

/**
 * The versions with `labels` on one of them, taken from wherever they are.
 * @throws ServiceError ParameterVersionLabelLimitExceeded
 */
export function attachLabels(
  versions: readonly VersionEntry[],
  version: number,
  labels: readonly string[],
): readonly VersionEntry[] {
  const result = versions.map((entry) => {
    if (entry.version === version) return { ...entry, labels: [...new Set([...entry.labels, ...labels])] }
    return entry.labels.some((label) => labels.includes(label)) ? withoutLabels(entry, labels) : entry
  })
  if (result.some((entry) => entry.labels.length > LABELS_MAX)) throw errors.tooManyLabels()
  return result
}

export const withoutLabels = (entry: VersionEntry, labels: readonly string[]): VersionEntry => ({
  ...entry,
  labels: entry.labels.filter((label) => !labels.includes(label)),
})

// Values and tiers.

export type AskedTier = Tier | 'Intelligent-Tiering'

/**
 * The tier of the next version. Intelligent-Tiering takes Standard for as long as that is enough.
 * @param needsAdvanced whether the value or the policies do not fit into Standard
 * @param room whether the account may have another standard parameter
 * @throws ServiceError ValidationException where it would go back
 */
export function tierOf(
  asked: AskedTier | undefined,
  current: Tier | undefined,
  needsAdvanced: boolean,
  room: boolean,
): Tier {
  if (current === 'Advanced') {
    if (asked === 'Standard') throw errors.tierDowngrade()
    return 'Advanced'
  }
  if (asked !== 'Intelligent-Tiering') return asked ?? 'Standard'
  return needsAdvanced || (current === undefined && !room) ? 'Advanced' : 'Standard'
}

const IMAGE_ID = /^ami-[0-9a-zA-Z]{8,17}$/

/**
 * The bytes of a value that a call carries, which must fit its data type.
 * @throws ServiceError ValidationException
 */
export function plainOf(value: string, type: ParameterType, dataType: DataType): Buffer {
  const opens = value.indexOf('{{')
  if (opens >= 0 && value.indexOf('}}', opens) >= 0) throw errors.valueNests()
  if (dataType === 'aws:ec2:image') {
    if (type !== 'String') throw errors.dataTypeOfString(dataType)
    if (!IMAGE_ID.test(value)) throw errors.notAnImageId()
  }
  return Buffer.from(value)
}

/** @throws ServiceError ValidationException */
export function parseDataType(given: string): DataType {
  if (given !== 'text' && given !== 'aws:ec2:image') throw errors.unknownDataType(given)
  return given
}

// Tags.

type GivenTag = { readonly Key: string; readonly Value: string }

/** `tags` with `given` attached: a known key gets the new value in its place. @throws ServiceError ValidationException, TooManyTagsError */
export function withTags(tags: readonly Tag[], given: readonly GivenTag[]): readonly Tag[] {
  const merged = new Map(tags.map((tag) => [tag.key, tag]))
  const keys = new Set<string>()
  for (const { Key: key, Value: value } of given) {
    if (keys.has(key)) throw errors.duplicateTagKey(key)
    keys.add(key)
    if (key.toLowerCase().startsWith('aws:')) throw errors.reservedTagKey()
    merged.set(key, { key, value })
  }
  if (merged.size > TAGS_MAX) throw errors.tooManyTags()
  return [...merged.values()]
}
