// What has to be done so that the target has a secret as the source has it: decided from what both say, before anything is written. Pure, but
// for the values of sources that have no ids of versions, which are compared.
//
// The state of the target tells how far an import came, so there is no journal: a secret is made without a value, gets its policy, then its
// versions, oldest first, with the ids that they have at the source, then its labels. Whatever moment it ends at, the next run goes on from there.

import type { CreateSecretRequest, UpdateSecretRequest } from '@aws-sdk/client-secrets-manager'
import type { SecretItem, Tag, Value, Version } from './item.ts'
import { mapFunction, mapKey, placeOf, RefusedError } from './mapping.ts'
import { type Action, type CarryOptions, counted } from './outcome.ts'
import { type MappedPolicy, mapPolicy } from './policy-mapping.ts'

const DEFAULT_KEY = 'alias/aws/secretsmanager'

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
  /** Read only where the plan needs it. */
  readonly policy: () => Promise<string | undefined>
  readonly currentValue: () => Promise<Value | undefined>
}

export type SecretPlan = {
  readonly action: Action
  readonly details: readonly string[]
  readonly create?: CreateSecretRequest
  readonly update?: Omit<UpdateSecretRequest, 'SecretId'>
  readonly addTags?: readonly Tag[]
  /** As it stands at the secret of this ARN. */
  readonly policy?: (targetArn: string) => MappedPolicy
  readonly put: readonly { readonly version: Version; readonly stages: readonly string[] }[]
  /** Where each staging label is to stand, by the id of its version. */
  readonly labels: ReadonlyMap<string, string>
  /** The versions that lose the labels of PASSING which are not in `labels`. */
  readonly own: ReadonlySet<string>
  readonly rotation?: (targetArn: string) => { readonly functionArn?: string }
}

/** A version without labels cannot be put: this one goes from one to the next, and away in the end. */
const PASSING_LABEL = 'strongroom-import'
/** What comes and goes by itself; other labels that the target has stay. */
export const PASSING = [PASSING_LABEL, 'AWSPREVIOUS']

const nothing = { put: [], labels: new Map<string, string>(), own: new Set<string>() }

/** @throws RefusedError where something is not mapped; UsageError */
export async function planSecret(
  item: SecretItem,
  target: TargetSecret | undefined,
  options: CarryOptions,
): Promise<SecretPlan> {
  const leave = (action: Action, ...details: readonly string[]): SecretPlan => ({ action, details, ...nothing })
  if (target?.barred !== undefined) return leave('refuse', target.barred)

  const kmsKeyId = mapKey(options.mapping, item.kmsKeyId, DEFAULT_KEY)
  const policy = options.policies ? policyOf(item, options) : undefined
  const rotation = rotationOf(item, options)
  // What cannot be mapped is found before anything is written.
  const mapped = policy?.(target?.arn ?? placeholderArn(item))
  rotation?.(target?.arn ?? placeholderArn(item))
  const told = [...item.notes, ...(mapped?.notes ?? []), ...untold(item, options)]
  const metadata = {
    Description: item.description ?? '',
    Type: item.type ?? '',
    KmsKeyId: kmsKeyId ?? DEFAULT_KEY,
  }

  const all = putsOf(item.versions)
  const labels = labelsOf(item.versions)
  const what = [
    counted(item.versions.length, 'version'),
    ...(policy ? ['policy'] : []),
    ...(rotation ? ['rotation'] : []),
    ...told,
  ]
  if (target === undefined) {
    const create = {
      Name: item.name,
      Tags: [...item.tags],
      ...(metadata.Description !== '' && { Description: metadata.Description }),
      ...(metadata.Type !== '' && { Type: metadata.Type }),
      ...(kmsKeyId !== undefined && { KmsKeyId: kmsKeyId }),
    }
    return {
      action: 'create',
      details: what,
      create,
      ...(policy && { policy }),
      ...(rotation && { rotation }),
      put: all,
      labels,
      own: item.knownIds,
    }
  }

  const update = differences(metadata, target)
  const addTags = item.tags.filter(({ Key, Value }) => !target.tags.some((t) => t.Key === Key && t.Value === Value))
  const isDescribedOtherwise = update !== undefined || addTags.length > 0
  const turnOn = rotation && !target.rotates && { rotation }
  const policyDiffers = async (): Promise<boolean> =>
    mapped !== undefined && !isSameJson(mapped.text, await target.policy())

  // What is in use there is the source's.
  const isCopy = target.versions.every(({ id, stages }) => stages.length === 0 || item.knownIds.has(id))
  if (target.versions.length === 0) {
    if (isDescribedOtherwise && !options.overwrite) {
      return leave('leave', 'it is there without a value, and described otherwise: --overwrite gives it both', ...told)
    }
    const changes = {
      ...(update && { update }),
      ...(addTags.length > 0 && { addTags }),
      ...((await policyDiffers()) && { policy: policy! }),
      ...turnOn,
    }
    if (all.length === 0 && Object.keys(changes).length === 0) return leave('leave', 'it is the same', ...told)
    return { action: 'update', details: what, ...changes, put: all, labels, own: item.knownIds }
  }

  const current = item.versions.find(({ stages }) => stages.includes('AWSCURRENT'))
  const holder = target.versions.find(({ stages }) => stages.includes('AWSCURRENT'))
  const changes = options.overwrite
    ? {
        ...(update && { update }),
        ...(addTags.length > 0 && { addTags }),
        ...((await policyDiffers()) && { policy: policy! }),
        ...turnOn,
      }
    : { ...turnOn }
  const changed = Object.keys(changes).map((change) => CHANGES[change as keyof typeof CHANGES])

  if (isCopy) {
    const put = all.filter(({ version }) => !target.versions.some(({ id }) => id === version.id))
    const moves = [...labels].filter(([stage, id]) => !hasLabel(target, id, stage)).length
    const surplus = PASSING.filter(
      (label) => !labels.has(label) && target.versions.some((v) => v.stages.includes(label)),
    )
    const isDue = put.length > 0 || moves > 0 || surplus.length > 0
    if (!isDue && changed.length === 0) return leave('leave', 'it is the same', ...told)
    const details = [...(isDue ? [counted(put.length, 'version')] : []), ...changed, ...told]
    return { action: 'update', details, ...changes, ...(isDue ? { put, labels, own: item.knownIds } : nothing) }
  }

  const isSame =
    current === undefined ||
    (current.id === undefined
      ? isSameValue(await current.value(), await target.currentValue())
      : current.id === holder?.id)
  if (isSame && changed.length === 0) return leave('leave', 'it has the same current version', ...told)
  if (!options.overwrite && changed.length === 0) {
    const why = current?.id === undefined ? 'it has another value' : 'it has versions of its own'
    return leave('leave', `${why}: --overwrite adds the current one of the source`, ...told)
  }
  if (!options.overwrite || isSame) return { action: 'update', details: [...changed, ...told], ...changes, ...nothing }
  return {
    action: 'update',
    details: ['1 version, as AWSCURRENT', ...changed, ...told],
    ...changes,
    put: target.versions.some(({ id }) => id === current.id) ? [] : [{ version: current, stages: ['AWSCURRENT'] }],
    labels: current.id === undefined ? new Map() : new Map([['AWSCURRENT', current.id]]),
    own: new Set(),
  }
}

const CHANGES = { update: 'description or key', addTags: 'tags', policy: 'policy', rotation: 'rotation' }

/** Each with its labels, oldest first. */
const putsOf = (versions: readonly Version[]): SecretPlan['put'] =>
  versions.map((version) => ({ version, stages: version.stages.length > 0 ? version.stages : [PASSING_LABEL] }))

const labelsOf = (versions: readonly Version[]): ReadonlyMap<string, string> =>
  new Map(versions.flatMap(({ id, stages }) => (id === undefined ? [] : stages.map((stage) => [stage, id] as const))))

const hasLabel = ({ versions }: TargetSecret, id: string, stage: string): boolean =>
  versions.some((version) => version.id === id && version.stages.includes(stage))

function differences(
  metadata: { readonly Description: string; readonly Type: string; readonly KmsKeyId: string },
  { description = '', type = '', kmsKeyId = DEFAULT_KEY }: TargetSecret,
): SecretPlan['update'] {
  const { Description, Type, KmsKeyId } = metadata
  const update = {
    ...(Description !== description && { Description }),
    ...(Type !== type && { Type }),
    ...(KmsKeyId !== kmsKeyId && { KmsKeyId }),
  }
  return Object.keys(update).length === 0 ? undefined : update
}

function policyOf(item: SecretItem, { mapping }: CarryOptions): SecretPlan['policy'] {
  const { arn, policy } = item
  if (policy === undefined || arn === undefined) return undefined
  return (targetArn) =>
    mapPolicy(policy, mapping, {
      sourceArn: arn,
      source: placeOf(arn),
      targetArn,
      target: placeOf(targetArn),
    })
}

function rotationOf({ arn, rotation }: SecretItem, options: CarryOptions): SecretPlan['rotation'] {
  if (rotation === undefined || arn === undefined || !options.rotation) return undefined
  const { functionArn } = rotation
  if (functionArn === undefined)
    throw new RefusedError('its partner rotates it at the source: turn rotation on by hand')
  return (targetArn) => ({
    functionArn: mapFunction(options.mapping, functionArn, placeOf(arn), placeOf(targetArn)),
  })
}

/** What the options leave at the source. */
function untold({ policy, rotation }: SecretItem, options: CarryOptions): readonly string[] {
  return [
    ...(policy !== undefined && !options.policies ? ['not copied: its resource policy'] : []),
    ...(rotation !== undefined && !options.rotation
      ? ['not copied: its rotation, which goes on at the source; --rotation turns it on at the target']
      : []),
  ]
}

/** Where the secret will be, as far as mapping needs to know. */
const placeholderArn = ({ name }: SecretItem): string => `arn:aws:secretsmanager:region:000000000000:secret:${name}`

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
