// Which parameter the operations of resource policies are about: one of the caller's own account, by its ARN.
// https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-shared-parameters.html

import type { Call } from '../../call.ts'
import { ServiceError } from '../../errors.ts'
import type { Target } from '../../operation.ts'
import * as errors from './errors.ts'
import type { Sharing } from './model.ts'
import { parseReference, type Reference } from './names.ts'
import type { StoredParameter } from './store.ts'
import { type ParameterTarget, resolve } from './target.ts'

type SharedTarget = ParameterTarget & Target

/** @throws ServiceError ResourcePolicyInvalidParameterException for what is no ARN of a parameter */
export function sharedTarget(call: Call<{ readonly ResourceArn: string }>): Promise<SharedTarget> {
  return resolve(call, parseArn(call))
}

function parseArn(call: Call<{ readonly ResourceArn: string }>): Reference {
  const { ResourceArn } = call.input
  if (!ResourceArn.startsWith('arn:')) throw errors.notAParameterArn()
  try {
    const reference = parseReference(call, ResourceArn)
    if (reference.selector === undefined) return reference
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error
  }
  throw errors.notAParameterArn()
}

/** @throws ServiceError ResourceNotFoundException where there is none, or it is another account's */
export function sharedParameter({ account }: Call, { stored }: SharedTarget): StoredParameter {
  if (stored === undefined || stored.account !== account) throw errors.sharedNotFound()
  return stored
}

/** @throws ServiceError ResourcePolicyNotFoundException, ResourcePolicyConflictException, ResourcePolicyInvalidParameterException */
export function mustBeCurrentPolicy(
  { policyId, hash }: Sharing,
  { PolicyId, PolicyHash }: { readonly PolicyId?: string | undefined; readonly PolicyHash?: string | undefined },
): void {
  if (PolicyId === undefined || PolicyHash === undefined) throw errors.policyIdAndHash()
  if (PolicyId !== policyId) throw errors.policyNotFound()
  if (PolicyHash !== hash) throw errors.policyConflict()
}
