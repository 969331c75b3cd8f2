// Which parameter a call is about, and what a policy and a refusal may see of it. A parameter's ARN is known from its name, so that what is not
// there is asked for and refused like what is.
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssystemsmanager.html

import type { AuditResource } from '../../audit/event.ts'
import type { Call } from '../../call.ts'
import type { AskedPermission, Target } from '../../operation.ts'
import type { Context, Permission, ResourcePolicy } from '../../policy/engine.ts'
import { type Awaitable, andThen } from '../../storage/cache.ts'
import { isOpenAccount } from '../iam/port.ts'
import * as errors from './errors.ts'
import { RESOURCE_TYPE, type Tag } from './model.ts'
import { isSecretReference, parameterArn, parseName, parseReference, type Reference } from './names.ts'
import { readResourcePolicy } from './resource-policy.ts'
import { findParameter, type Store, type StoredParameter } from './store.ts'

export type ParameterTarget = Target & {
  readonly reference: Reference
  /** Undefined where nothing matches: known to `run`, but not told before authorization. */
  readonly stored: StoredParameter | undefined
}

type Caller = Store & Pick<Call, 'account' | 'region' | 'partition'>

/** The target of operations that change a parameter: by its name alone. */
export const namedTarget = (call: Call<{ readonly Name: string }>): Promise<ParameterTarget> =>
  resolve(call, { account: call.account, region: call.region, path: parseName(call, call.input.Name) })

/** The target of operations that read one: by its name or ARN, where they say so with a selector. */
export const readableTarget = (call: Call<{ readonly Name: string }>): Promise<ParameterTarget> =>
  parameterTarget(call, call.input.Name)

/**
 * What a reference means to a caller. Of a parameter of another account nothing shows: neither its tags, nor its policy, nor whether it exists;
 * and it is reached while that account is open.
 */
export async function resolve(caller: Caller, reference: Reference): Promise<ParameterTarget> {
  const { account, region, path } = reference
  const target = { ...bareTarget(caller, reference), stored: undefined }
  const reachable =
    region === caller.region &&
    !isSecretReference(path) &&
    (account === caller.account || (await isOpenAccount(caller.app, caller.tx, account)))
  const stored = reachable ? await findParameter(caller, reference) : undefined
  return stored === undefined ? target : found(caller, target, stored)
}

const bareTarget = ({ partition }: Caller, reference: Reference) => {
  const { account, region, path } = reference
  const arn = parameterArn({ partition, region, account }, path)
  return { resource: arn, shown: arn, account, resourceType: RESOURCE_TYPE, reference }
}

const found = (caller: Caller, bare: ParameterTarget, stored: StoredParameter): Awaitable<ParameterTarget> =>
  andThen(readResourcePolicy(caller, bare.resource, stored.parameter), (policy) =>
    withPolicy(caller, { ...bare, stored }, policy),
  )

/** What a parameter is to a caller, under the policy that stands on it, or is about to. */
export function withPolicy(
  { account }: Pick<Caller, 'account'>,
  { context: _, resourcePolicy: __, concealed: ___, ...bare }: ParameterTarget,
  resourcePolicy: ResourcePolicy | undefined,
): ParameterTarget {
  const context = bare.stored && contextOf(bare.stored)
  const policy = resourcePolicy && { resourcePolicy }
  if (bare.account !== account) return { ...bare, concealed: { context: context ?? {}, ...policy } }
  return { ...bare, ...(context && { context }), ...policy }
}

/** What is so of a parameter, whoever asks. */
function contextOf(stored: StoredParameter): Context {
  const known = contexts.get(stored)
  if (known !== undefined) return known
  const context = tagContext(stored.parameter.tags)
  contexts.set(stored, context)
  return context
}

/** By the parameter as it was read, which stays the same object while its row does. */
const contexts = new WeakMap<StoredParameter, Context>()

/** Condition keys that tags give. */
export const tagContext = (tags: readonly Tag[]): Context =>
  Object.fromEntries(
    tags.flatMap(({ key, value }) => [
      [`aws:ResourceTag/${key}`, value],
      [`ssm:resourceTag/${key}`, value],
    ]),
  )

/** @throws ServiceError ParameterNotFound */
export function existingParameter({ stored }: ParameterTarget): StoredParameter {
  if (stored === undefined) throw errors.parameterNotFound()
  return stored
}

/** A permission on a target, with the condition keys of the request. */
export const permissionOn = (target: ParameterTarget, action: string, conditions: Context = {}): Permission => ({
  action,
  resource: target.resource,
  ...(target.shown !== undefined && { shown: target.shown }),
  resourceAccount: target.account,
  context: { ...target.context, ...conditions },
  ...(target.resourcePolicy && { resourcePolicy: target.resourcePolicy }),
})

/** The target of an operation that names several parameters: permissions are asked of each, and the first refusal is the answer. */
export type ParametersTarget = Target & { readonly targets: readonly ParameterTarget[] }

export const targetOfAll = ({ account }: Caller, targets: readonly ParameterTarget[]): ParametersTarget => ({
  resource: '*',
  account,
  resources: targets.map(auditResource),
  targets,
})

/** As an audit event names it. */
export const auditResource = ({ resource, account }: ParameterTarget): AuditResource => ({
  arn: resource,
  accountId: account,
  type: RESOURCE_TYPE,
})

export const permissionsOnAll = (action: string, targets: readonly ParameterTarget[]): readonly AskedPermission[] =>
  targets.map((target) => ({
    ...permissionOn(target, action),
    ...(target.concealed && { concealed: target.concealed }),
  }))

/** Everything of the account, for an operation that has no resource: AWS's refusal names it so. */
export const accountTarget = async ({ partition, region, account }: Caller): Promise<Target> => {
  const resource = `arn:${partition}:ssm:${region}:${account}:*`
  return { resource, shown: resource, account }
}

/** What a name or an ARN means to a caller. @throws ServiceError ValidationException for what is neither */
export const parameterTarget = (caller: Caller, id: string): Promise<ParameterTarget> =>
  resolve(caller, parseReference(caller, id))

/**
 * Whether a caller may know what happens to the parameter of an ARN, in the Region of its request: by GetParameter or by DescribeParameters.
 * Of a parameter that is gone only the identity's policies say it, and of another account's nothing does.
 */
export async function mayKnowParameter(call: Call, arn: string): Promise<boolean> {
  const target = await parameterTarget(call, arn)
  if (target.reference.region !== call.region) return false
  if (call.decide(permissionOn(target, 'ssm:GetParameter'), target.concealed).allow) return true
  if (target.account !== call.account) return false
  const { resource, account } = await accountTarget(call)
  return call.decide({ action: 'ssm:DescribeParameters', resource, resourceAccount: account }).allow
}
