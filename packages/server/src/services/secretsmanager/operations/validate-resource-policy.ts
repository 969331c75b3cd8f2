// ValidateResourcePolicy tells what PutResourcePolicy, with BlockPublicPolicy, would have against a policy. It stores nothing.
// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_ValidateResourcePolicy.html

import type { Call } from '../../../call.ts'
import { ServiceError } from '../../../errors.ts'
import { operation } from '../../../operation.ts'
import type { ResourcePolicy } from '../../../policy/engine.ts'
import { boolean, list, optional } from '../../../shape/shape.ts'
import * as errors from '../errors.ts'
import { mayPutPolicy } from '../lock-out.ts'
import { acceptDocument, isPublic, toResourcePolicy } from '../resource-policy.ts'
import { ResourcePolicy as PolicyDocument, SecretId, ValidationErrorsEntry } from '../shapes.ts'
import { liveSecret, permissionOn, resolveSecret, type SecretTarget, targetOf } from '../target.ts'

export const validateResourcePolicy = operation({
  name: 'ValidateResourcePolicy',
  readOnly: true,

  input: { SecretId: optional(SecretId), ResourcePolicy: PolicyDocument },

  output: {
    PolicyValidationPassed: optional(boolean()),
    ValidationErrors: optional(list(ValidationErrorsEntry)),
  },

  // Without a SecretId, whatever secret of the caller's account.
  target: async (call): Promise<SecretTarget> =>
    call.input.SecretId === undefined
      ? { resource: '*', account: call.account, context: {}, stored: undefined }
      : resolveSecret(call, call.input.SecretId),

  permissions: (_, target) =>
    ['secretsmanager:ValidateResourcePolicy', 'secretsmanager:PutResourcePolicy'].map((action) =>
      permissionOn(target, action),
    ),

  async run(call) {
    const { SecretId, ResourcePolicy: document } = call.input
    const stored = SecretId === undefined ? undefined : liveSecret(call.target)
    const ValidationErrors = await problemsOf(call, document, (policy) =>
      stored === undefined ? { ...call.target, resourcePolicy: policy } : targetOf(call, stored, SecretId!, policy),
    )
    return { PolicyValidationPassed: ValidationErrors.length === 0, ValidationErrors }
  },
})

type Problem = { readonly CheckName: string; readonly ErrorMessage: string }

/** `under` gives the target that the policy would make. */
async function problemsOf(
  call: Call,
  document: string,
  under: (policy: ResourcePolicy) => SecretTarget,
): Promise<readonly Problem[]> {
  const problem = (CheckName: string, { message }: ServiceError): Problem => ({ CheckName, ErrorMessage: message })
  let policy: ResourcePolicy
  try {
    policy = toResourcePolicy('', await acceptDocument(call, document))
  } catch (error) {
    if (!(error instanceof ServiceError) || error.status >= 500) throw error
    return [problem('SYNTAX', error)]
  }
  return [
    ...(isPublic(policy) ? [problem('PUBLIC_ACCESS', errors.publicPolicy())] : []),
    ...(mayPutPolicy(call, under(policy), {}) ? [] : [problem('LOCKOUT', errors.policyLocksOut())]),
  ]
}
