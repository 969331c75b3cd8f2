// PutParameter makes a parameter, or with Overwrite its next version. What a next version does not say, it has from the one before; only its key is
// the default one again.
// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html

import type { Call } from '../../../call.ts'
import { operation } from '../../../operation.ts'
import { boolean, optional, type ValuesOf } from '../../../shape/shape.ts'
import { requestTagContext } from '../../iam/port.ts'
import { newDataKey } from '../data-key.ts'
import * as errors from '../errors.ts'
import { tellChange } from '../events.ts'
import {
  type Details,
  latestOf,
  MANAGED_KEY,
  makeRoom,
  type Parameter,
  parseDataType,
  plainOf,
  type Tier as StoredTier,
  tierOf,
  VALUE_BYTES_MAX,
  type VersionEntry,
  withTags,
} from '../model.ts'
import { isReserved } from '../names.ts'
import { matches } from '../pattern.ts'
import { afterChange, type ParameterPolicy, parsePolicies } from '../policies.ts'
import { schedulePolicies } from '../policy-schedule.ts'
import {
  AllowedPattern,
  DataType,
  Description,
  KeyId,
  ParameterName,
  ParameterType,
  ParameterValue,
  ParameterVersion,
  Policies,
  Tags,
  Tier,
} from '../shapes.ts'
import {
  countParameter,
  hasRoom,
  insertParameter,
  insertVersion,
  removeVersions,
  type StoredParameter,
  updateParameter,
} from '../store.ts'
import { namedTarget, type ParameterTarget, permissionOn, tagContext } from '../target.ts'
import { sealVersion } from '../value.ts'

const input = {
  Name: ParameterName,
  Description: optional(Description),
  Value: ParameterValue,
  Type: optional(ParameterType),
  KeyId: optional(KeyId),
  Overwrite: optional(boolean()),
  AllowedPattern: optional(AllowedPattern),
  Tags: optional(Tags),
  Tier: optional(Tier),
  Policies: optional(Policies),
  DataType: optional(DataType),
} as const

type PutCall = Call<ValuesOf<typeof input>> & { readonly target: ParameterTarget }

export const putParameter = operation({
  name: 'PutParameter',
  readOnly: false,
  conditional: 'Version',

  input,

  output: { Version: optional(ParameterVersion), Tier: optional(Tier) },

  // The tags that a new parameter would have count as its own, so that nobody makes one that they could not reach.
  async target(call) {
    const target = await namedTarget(call)
    const { stored } = target
    const given = call.input.Tags ?? []
    const own = stored ? target.context : tagContext(given.map(({ Key, Value }) => ({ key: Key, value: Value })))
    const hasPolicies =
      call.input.Policies === undefined ? (stored?.parameter.policies.length ?? 0) > 0 : !clearsPolicies(call.input)
    return { ...target, context: { ...own, 'ssm:Policies': String(hasPolicies) } }
  },

  conditions: ({ Overwrite = false, Tags: given }) => ({
    'ssm:Overwrite': String(Overwrite),
    ...(given && requestTagContext(given)),
  }),

  permissions: ({ Tags: given }, target) => [
    permissionOn(target, 'ssm:PutParameter'),
    ...(given?.length ? [permissionOn(target, 'ssm:AddTagsToResource')] : []),
  ],

  responseElements: ({ Version, Tier: tier }) => ({ version: Version, tier }),

  async run(call) {
    const { stored, reference } = call.target
    if (isReserved(reference.path)) throw errors.reservedName(call.input.Name)
    if (stored !== undefined && call.input.Overwrite !== true) throw errors.alreadyExists()
    if (call.input.Overwrite === true && call.input.Tags !== undefined) throw errors.tagsWithOverwrite()
    if (call.ifVersion !== undefined && call.ifVersion !== latestVersion(stored)) throw errors.versionNotLatest()
    const after = stored === undefined ? await create(call) : await overwrite(call, stored)
    await schedulePolicies(call, after)
    await tellChange(call, after, stored === undefined ? 'Create' : 'Update')
    return { Version: latestOf(after.parameter).version, Tier: after.parameter.details.tier }
  },
})

/** As the header of a conditional write names it. */
const latestVersion = (stored: StoredParameter | undefined): string | undefined =>
  stored && String(latestOf(stored.parameter).version)

/** As parsePolicies reads it, which is after authorization. */
const clearsPolicies = ({ Policies: given = '' }: { readonly Policies?: string | undefined }): boolean =>
  /^\s*\[\s*(?:\{\s*\}\s*)?\]\s*$/.test(given)

async function create(call: PutCall): Promise<StoredParameter> {
  const { app, input, target } = call
  const { Type } = input
  if (Type === undefined) throw errors.typeMissing()
  const next = await nextVersion(call, Type, undefined)
  const owner = { id: app.uuid() }
  const bare: Omit<Parameter, 'versions'> = {
    ...owner,
    name: input.Name.trim(),
    type: Type,
    key: newDataKey(app, owner),
    tags: withTags([], input.Tags ?? []),
    details: next.details,
    policies: next.policies,
  }
  await countParameter(call, call, next.details.tier, 1)
  const entry = await writeVersion(call, bare, 1, next)
  return insertParameter(call, target.reference, { ...bare, versions: [entry] })
}

async function overwrite(call: PutCall, stored: StoredParameter): Promise<StoredParameter> {
  const { Type } = call.input
  const { parameter } = stored
  if (Type !== undefined && Type !== parameter.type) throw errors.typeChanged()
  const next = await nextVersion(call, parameter.type, parameter)
  const { tier } = parameter.details
  if (tier !== next.details.tier) {
    await countParameter(call, call, tier, -1)
    await countParameter(call, call, next.details.tier, 1)
  }
  const { kept, gone } = makeRoom(parameter)
  await removeVersions(call, parameter.id, gone)
  const entry = await writeVersion(call, parameter, latestOf(parameter).version + 1, next)
  const { details, policies } = next
  return updateParameter(call, stored, { ...parameter, details, policies, versions: [...kept, entry] })
}

type Next = {
  readonly details: Details
  readonly policies: readonly ParameterPolicy[]
  readonly plaintext: Buffer
}

/** What the next version is, once it keeps every rule. */
async function nextVersion(call: PutCall, type: Parameter['type'], before: Parameter | undefined): Promise<Next> {
  const { input, now, identity } = call
  const { details: former, policies: formerPolicies } = before ?? {}
  if (type !== 'SecureString' && input.KeyId !== undefined) throw errors.keyOfPlainValue()
  const dataType = parseDataType(input.DataType ?? former?.dataType ?? 'text')
  const plaintext = plainOf(input.Value, type, dataType)
  const allowedPattern = input.AllowedPattern ?? former?.allowedPattern
  const policies = input.Policies === undefined ? afterChange(formerPolicies ?? []) : parsePolicies(input.Policies, now)
  const tier = await nextTier(call, former?.tier, plaintext.length, policies.length > 0)
  if (allowedPattern && !matches(allowedPattern, input.Value)) throw errors.patternMismatch(allowedPattern)
  const description = input.Description ?? former?.description
  return {
    plaintext,
    policies,
    details: {
      tier,
      dataType,
      ...(description && { description }),
      ...(allowedPattern && { allowedPattern }),
      ...(type === 'SecureString' && { keyId: input.KeyId ?? MANAGED_KEY }),
      ...(policies.length > 0 && { policies: policies.map(({ text }) => text) }),
      modifiedAt: now,
      modifiedBy: identity.arn,
    },
  }
}

async function nextTier(
  call: PutCall,
  current: StoredTier | undefined,
  bytes: number,
  hasPolicies: boolean,
): Promise<StoredTier> {
  const needsAdvanced = bytes > VALUE_BYTES_MAX.Standard || hasPolicies
  const tier = tierOf(call.input.Tier, current, needsAdvanced, await hasRoom(call, call, 'Standard'))
  if (bytes > VALUE_BYTES_MAX[tier]) throw errors.valueTooLong(tier, VALUE_BYTES_MAX[tier])
  if (hasPolicies && tier === 'Standard') throw errors.policiesOfStandard()
  return tier
}

/** Encrypts the value of a version and stores it. */
async function writeVersion(
  call: PutCall,
  parameter: Omit<Parameter, 'versions'>,
  version: number,
  { details, plaintext }: Next,
): Promise<VersionEntry> {
  const { tier, keyId } = details
  const sealed = await sealVersion(call, { arn: call.target.resource, parameter, version, tier, keyId }, plaintext)
  const digest = await insertVersion(call, parameter.id, { ...details, version, ...sealed })
  return { version, digest, labels: [] }
}
