// Which function, version or alias a call is about, and what policies and refusals may see of it.
// https://docs.aws.amazon.com/lambda/latest/dg/lambda-api-permissions-ref.html

import type { Call } from '../../call.ts'
import type { AskedPermission, Target } from '../../operation.ts'
import type { Context } from '../../policy/engine.ts'
import { isOpenAccount } from '../iam/port.ts'
import * as errors from './errors.ts'
import { RESOURCE_TYPE } from './model.ts'
import { type FunctionReference, functionArn, parseFunctionName, parseUnqualified } from './names.ts'
import { readResourcePolicy } from './policy.ts'
import { findFunction, type Store, type StoredFunction } from './store.ts'
import { tagContext } from './tags.ts'

export type FunctionTarget = Target & {
  readonly reference: FunctionReference
  /** Undefined where there is none: known to `run`, but not told before authorization. */
  readonly stored: StoredFunction | undefined
}

export type Caller = Store & Pick<Call, 'partition' | 'region' | 'account'> & { readonly app: Call['app'] }

/** The target of an operation that takes a Qualifier beside the name. */
export const functionTarget = (
  call: Call<{ readonly FunctionName: string; readonly Qualifier?: string | undefined }>,
): Promise<FunctionTarget> =>
  resolveFunction(call, parseFunctionName(call, call.input.FunctionName, call.input.Qualifier))

/** The target of an operation on the function itself. */
export const wholeFunctionTarget = (call: Call<{ readonly FunctionName: string }>): Promise<FunctionTarget> =>
  resolveFunction(call, parseUnqualified(call, call.input.FunctionName))

/**
 * What a reference is to a caller. Of a function of another account nothing shows, neither its tags nor its policy nor whether it exists, and
 * it is reached while that account is open.
 */
export async function resolveFunction(caller: Caller, reference: FunctionReference): Promise<FunctionTarget> {
  const { app, tx, account, region } = caller
  const arn = functionArn(caller, reference)
  const isForeign = reference.account !== account
  const reachable = !isForeign || (await isOpenAccount(app, tx, reference.account))
  const stored = reachable ? await findFunction(caller, reference.account, region, reference.name) : undefined
  const target = {
    resource: arn,
    shown: arn,
    account: reference.account,
    resourceType: RESOURCE_TYPE,
    reference,
    stored,
  }
  if (stored === undefined) return target
  const context: Context = tagContext(stored.fn.tags)
  const resourcePolicy = await readResourcePolicy(caller, stored.fn, reference.qualifier, arn)
  const known = { context, ...(resourcePolicy && { resourcePolicy }) }
  return isForeign ? { ...target, concealed: known } : { ...target, ...known }
}

/** @throws ServiceError ResourceNotFoundException where there is none */
export function existingFunction({ stored, resource }: FunctionTarget): StoredFunction {
  if (stored === undefined) throw errors.functionNotFound(resource)
  return stored
}

/** The operation's own permission, and that to pass a role where it gives one to the function. */
export function withPassRole(
  action: string,
  { resource, shown, account }: Target,
  roleArn: string | undefined,
): readonly AskedPermission[] {
  const own = { action, resource, ...(shown !== undefined && { shown }), resourceAccount: account }
  if (roleArn === undefined) return [own]
  const passed = {
    action: 'iam:PassRole',
    resource: roleArn,
    shown: roleArn,
    resourceAccount: roleArn.split(':')[4]!,
    context: { 'iam:PassedToService': 'lambda.amazonaws.com', 'iam:AssociatedResourceArn': resource },
  }
  return [own, passed]
}
