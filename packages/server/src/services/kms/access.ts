// Whether a service may use a key on a principal's behalf: what the key's policy, its grants and the principal's own policies say together.
// https://docs.aws.amazon.com/kms/latest/developerguide/policy-evaluation.html

import type { Call } from '../../call.ts'
import type { Context, Permission } from '../../policy/engine.ts'
import { explicitlyDenied, notAuthorized } from './errors.ts'
import type { GrantOperation } from './grant.ts'
import { findGrant } from './grants.ts'
import { encryptionContextKeys, keyContext } from './key-context.ts'
import { keyPolicyOf } from './key-policy.ts'
import { arnOf, type KmsKey } from './model.ts'
import type { EncryptionContext } from './port.ts'

/** What a service asks for. */
export type ThroughService = {
  readonly service: string
  readonly operation: GrantOperation
  readonly context: EncryptionContext
  /** The alias by which the key was named. */
  readonly alias?: string | undefined
}

/** @throws ServiceError AccessDeniedException, which tells of a key of another account no more than of one that does not exist */
export async function authorizeThroughService(call: Call, key: KmsKey, asked: ThroughService): Promise<void> {
  const { identity } = call
  const action = `kms:${asked.operation}`
  const decision = call.decide(await permissionThroughService(call, key, asked))
  if (decision.allow) return
  const told = key.accountId === call.account ? decision : undefined
  if (decision.reason === 'explicit-deny' && decision.layer !== 'resource')
    throw explicitlyDenied(identity.arn, action, arnOf(key), 'an identity-based policy', told)
  throw notAuthorized(identity.arn, action, told)
}

export async function permissionThroughService(
  call: Call,
  key: KmsKey,
  { service, operation, context, alias }: ThroughService,
): Promise<Permission> {
  const { account } = call
  const bare = { action: `kms:${operation}`, resource: arnOf(key), resourceAccount: key.accountId }
  // Its policy admits every principal of the account through its service, and both only the server sets: what is left to ask is who denies.
  if (key.managedFor === service && account === key.accountId) {
    return {
      ...bare,
      context: () => ({ ...throughService(call, service), ...encryptionContextKeys(context) }),
      grant: ADMITTED,
    }
  }
  const grant = await findGrant(call, call.principal, key, { operation, context })
  return {
    ...bare,
    context: () => ({
      ...keyContext(key),
      ...throughService(call, service),
      ...encryptionContextKeys(context),
      ...(alias !== undefined && { 'kms:RequestAlias': alias }),
    }),
    resourcePolicy: keyPolicyOf(key),
    ...(grant && { grant }),
  }
}

/** The managed key's policy in one word. */
const ADMITTED = { name: 'the policy of an AWS managed key', to: 'direct' } as const

function throughService({ account, region }: Call, service: string): Context {
  const host = `${service}.amazonaws.com`
  return {
    'kms:CallerAccount': account,
    'kms:ViaService': `${service}.${region}.amazonaws.com`,
    'aws:ViaAWSService': 'true',
    'aws:CalledVia': [host],
    'aws:CalledViaFirst': host,
    'aws:CalledViaLast': host,
  }
}
