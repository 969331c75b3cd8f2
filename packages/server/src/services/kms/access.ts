// Whether a service may use a key on a principal's behalf: what the managed key's policy and the principal's own policies say together.
// https://docs.aws.amazon.com/kms/latest/developerguide/policy-evaluation.html

import type { Call } from '../../call.ts'
import type { Permission } from '../../policy/engine.ts'
import { explicitlyDenied, notAuthorized } from './errors.ts'
import { arnOf, type KmsKey } from './model.ts'

export type KeyAction = 'kms:GenerateDataKey' | 'kms:Decrypt'

/**
 * The policy of an AWS managed key admits every principal of kms:CallerAccount through kms:ViaService, both of which only the server
 * sets; the principal's own policies need not allow it, but may deny. Customer keys have no API yet: none is admitted.
 * @throws ServiceError AccessDeniedException
 */
export function authorizeThroughService(call: Call, key: KmsKey, service: string, action: KeyAction): void {
  const { identity } = call
  const callerAccountEquals = call.account === key.accountId
  const viaServiceEquals = key.keyManager === 'AWS' && key.managedFor === service
  if (!callerAccountEquals || !viaServiceEquals) throw notAuthorized(identity.arn, action)

  const host = `${service}.amazonaws.com`
  const context = {
    'kms:CallerAccount': call.account,
    'kms:ViaService': `${service}.${call.region}.amazonaws.com`,
    'aws:ViaAWSService': 'true',
    'aws:CalledVia': [host],
    'aws:CalledViaFirst': host,
    'aws:CalledViaLast': host,
  }
  const permission: Permission = { action, resource: arnOf(key), resourceAccount: key.accountId, context }
  const decision = call.decide(permission)
  if (decision.reason === 'explicit-deny') throw explicitlyDenied(identity.arn, action, permission.resource)
}
