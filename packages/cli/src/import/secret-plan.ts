// What has to be done so that the target has a secret as the source has it: decided from what both say, before anything is written.
//
// The state of the target tells how far an import came, so there is no journal: a secret is made without a value, gets its policy, then its
// versions, oldest first, with the ids that they have at the source, then its labels. Whatever moment it ends at, the next run goes on from there.

import type { CreateSecretRequest, UpdateSecretRequest } from '@aws-sdk/client-secrets-manager'
import type { SecretItem, Tag, Value, Version } from './item.ts'
import { type CarryOptions, counted, type Outcome } from './outcome.ts'
import { DEFAULT_KEY, type Wanted, wantedOf } from './secret-wanted.ts'

/** What the target has under the name. */
export type TargetSecret = {
  readonly arn: string
  readonly description?: string
  readonly type?: string
  readonly kmsKeyId?: string
  readonly tags: readonly Tag[]
  readonly rotates: boolean
  /** Why nothing may be written to it. */
  readonly barred?: string
  readonly versions: readonly { readonly id: string; readonly stages: readonly string[] }[]
  /** Both are read only where the plan needs them. */
  readonly policy: () => Promise<string | undefined>
  readonly currentValue: () => Promise<Value | undefined>
}

/** What is written, in this order. Absent: nothing of the kind. */
export type SecretPlan = Outcome &
  Changes & {
    readonly create?: CreateSecretRequest
    readonly put: readonly { readonly version: Version; readonly stages: readonly string[] }[]
    /** Where each staging label is to stand, by the id of its version. */
    readonly labels: ReadonlyMap<string, string>
    /** The versions that lose the labels of PASSING which are not in `labels`. */
    readonly own: ReadonlySet<string>
  }

type Changes = {
  readonly update?: Omit<UpdateSecretRequest, 'SecretId'>
  readonly addTags?: readonly Tag[]
  readonly policy?: Wanted['policy']
  readonly rotation?: Wanted['rotation']
}

/** What details call them. */
const CHANGES: { readonly [change in keyof Changes]-?: string } = {
  update: 'description or key',
  addTags: 'tags',
  policy: 'policy',
  rotation: 'rotation',
}

/** A version without labels cannot be put: this one goes from one to the next, and away in the end. */
const PASSING_LABEL = 'strongroom-import'
/** What comes and goes by itself; other labels that the target has stay. */
export const PASSING = [PASSING_LABEL, 'AWSPREVIOUS']

const nothing = { put: [], labels: new Map<string, string>(), own: new Set<string>() }

/** @throws RefusedError where something is not mapped; UsageError where a call failed */
export async function planSecret(
  item: SecretItem,
  target: TargetSecret | undefined,
  options: CarryOptions,
): Promise<SecretPlan> {
  if (target?.barred !== undefined) return { action: 'refuse', details: [target.barred], ...nothing }
  const wanted = wantedOf(item, options, target?.arn)
  if (target === undefined) return planNew(item, wanted)
  if (target.versions.length === 0) return planEmpty(item, wanted, target, options)
  // What is in use there is the source's.
  const isCopy = target.versions.every(({ id, stages }) => stages.length === 0 || item.knownIds.has(id))
  return isCopy ? planCopy(item, wanted, target, options) : planOther(item, wanted, target, options)
}

const leave = (why: string, { told }: Wanted): SecretPlan => ({ action: 'leave', details: [why, ...told], ...nothing })

const leaveSame = (why: string, wanted: Wanted): SecretPlan => ({ ...leave(why, wanted), isSame: true })

function planNew(item: SecretItem, wanted: Wanted): SecretPlan {
  const { Description, Type, KmsKeyId, policy, rotation } = wanted
  return {
    action: 'create',
    details: detailsOfAll(item, wanted),
    create: {
      Name: item.name,
      ...(wanted.tags.length > 0 && { Tags: [...wanted.tags] }),
      ...(Description !== '' && { Description }),
      ...(Type !== '' && { Type }),
      ...(KmsKeyId !== DEFAULT_KEY && { KmsKeyId }),
    },
    policy,
    rotation,
    ...allOf(item),
  }
}

/** Nobody has used it yet: an import that ended early, or somebody's who will put a value. */
async function planEmpty(
  item: SecretItem,
  wanted: Wanted,
  target: TargetSecret,
  options: CarryOptions,
): Promise<SecretPlan> {
  const changes = await changesOf(wanted, target)
  const hasPolicy = (await target.policy()) !== undefined
  const isOtherwise = changes.update || changes.addTags || (hasPolicy && (changes.policy || !wanted.policy))
  if (isOtherwise && !options.overwrite) {
    return leave('it is there without a value, and described otherwise: --overwrite gives it both', wanted)
  }
  if (item.versions.length === 0 && namesOf(changes).length === 0) return leaveSame('it is the same', wanted)
  return { action: 'update', details: detailsOfAll(item, wanted), ...changes, ...allOf(item) }
}

async function planCopy(
  item: SecretItem,
  wanted: Wanted,
  target: TargetSecret,
  options: CarryOptions,
): Promise<SecretPlan> {
  const changes = await changesAllowed(wanted, target, options)
  const { put: all, labels, own } = allOf(item)
  const has = (stage: string, of: string | undefined): boolean =>
    target.versions.some(({ id, stages }) => (of === undefined || id === of) && stages.includes(stage))
  const put = all.filter(({ version }) => !target.versions.some(({ id }) => id === version.id))
  const isMisplaced = [...labels].some(([stage, id]) => !has(stage, id))
  const isSurplus = PASSING.some((stage) => !labels.has(stage) && has(stage, undefined))
  const isDue = put.length > 0 || isMisplaced || isSurplus
  const changed = namesOf(changes)
  if (!isDue && changed.length === 0) return leaveSame('it is the same', wanted)
  const details = [...(isDue ? [put.length > 0 ? counted(put.length, 'version') : 'labels'] : []), ...changed]
  return {
    action: 'update',
    details: [...details, ...wanted.told],
    ...changes,
    ...(isDue ? { put, labels, own } : nothing),
  }
}

/** It has versions of its own. */
async function planOther(
  item: SecretItem,
  wanted: Wanted,
  target: TargetSecret,
  options: CarryOptions,
): Promise<SecretPlan> {
  const current = item.versions.find(({ stages }) => stages.includes('AWSCURRENT'))
  const isSame = current === undefined || (await isCurrent(current, target))
  // What opens something else is not rotated as the source's is.
  const changes = isSame || options.overwrite ? await changesAllowed(wanted, target, options) : {}
  const changed = namesOf(changes)
  if (changed.length === 0 && isSame) return leaveSame('it has the same current version', wanted)
  if (changed.length === 0 && !options.overwrite) {
    const why = current?.id === undefined ? 'it has another value' : 'it has versions of its own'
    return leave(`${why}: --overwrite adds the current one of the source`, wanted)
  }
  const added = isSame || !options.overwrite ? undefined : current
  const isThere = target.versions.some(({ id }) => id === added?.id)
  return {
    action: 'update',
    details: [...(added ? ['1 version, as AWSCURRENT'] : []), ...changed, ...wanted.told],
    ...changes,
    ...nothing,
    ...(added && !isThere && { put: [{ version: added, stages: ['AWSCURRENT'] }] }),
    ...(added?.id !== undefined && { labels: new Map([['AWSCURRENT', added.id]]) }),
  }
}

/** Each version with its labels, oldest first. */
function allOf({ versions, knownIds }: SecretItem): Pick<SecretPlan, 'put' | 'labels' | 'own'> {
  const labelled = versions.flatMap(({ id, stages }) => (id === undefined ? [] : stages.map((s) => [s, id] as const)))
  return {
    put: versions.map((version) => ({
      version,
      stages: version.stages.length > 0 ? version.stages : [PASSING_LABEL],
    })),
    labels: new Map(labelled),
    own: knownIds,
  }
}

const detailsOfAll = ({ versions }: SecretItem, { policy, rotation, told }: Wanted): readonly string[] => [
  counted(versions.length, 'version'),
  ...(policy ? ['policy'] : []),
  ...(rotation ? ['rotation'] : []),
  ...told,
]

/** Where the target is otherwise than wanted, apart from its versions. */
async function changesOf(wanted: Wanted, target: TargetSecret): Promise<Changes> {
  const { Description, Type, KmsKeyId, tags, policy, rotation } = wanted
  const update = {
    ...(Description !== (target.description ?? '') && { Description }),
    ...(Type !== '' && Type !== target.type && { Type }),
    ...(KmsKeyId !== (target.kmsKeyId ?? DEFAULT_KEY) && { KmsKeyId }),
  }
  const addTags = tags.filter(({ Key, Value }) => !target.tags.some((tag) => tag.Key === Key && tag.Value === Value))
  const isSamePolicy = policy === undefined || isSameJson(policy(target.arn).text, await target.policy())
  return {
    ...(Object.keys(update).length > 0 && { update }),
    ...(addTags.length > 0 && { addTags }),
    ...(!isSamePolicy && { policy }),
    ...(rotation && !target.rotates && { rotation }),
  }
}

/** What is in use keeps its description, key, tags and policy unless they are to be overwritten. */
async function changesAllowed(wanted: Wanted, target: TargetSecret, { overwrite }: CarryOptions): Promise<Changes> {
  if (overwrite) return changesOf(wanted, target)
  return wanted.rotation && !target.rotates ? { rotation: wanted.rotation } : {}
}

const namesOf = (changes: Changes): readonly string[] =>
  Object.keys(changes).map((change) => CHANGES[change as keyof Changes])

/** Whether the target's current version is this one: by its id, and by its value where the source has no ids. */
async function isCurrent({ id, value }: Version, target: TargetSecret): Promise<boolean> {
  if (id === undefined) return isSameValue(await value(), await target.currentValue())
  return target.versions.some((version) => version.id === id && version.stages.includes('AWSCURRENT'))
}

function isSameValue(a: Value | undefined, b: Value | undefined): boolean {
  if (a === undefined || b === undefined) return a === b
  if ('SecretString' in a) return 'SecretString' in b && a.SecretString === b.SecretString
  return 'SecretBinary' in b && Buffer.from(a.SecretBinary).equals(b.SecretBinary)
}

function isSameJson(a: string, b: string | undefined): boolean {
  if (b === undefined) return false
  try {
    return JSON.stringify(JSON.parse(a)) === JSON.stringify(JSON.parse(b))
  } catch {
    return false
  }
}
