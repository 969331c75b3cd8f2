// Key policies: what one may say, how it is asked, and that nobody locks themselves out.
// https://docs.aws.amazon.com/kms/latest/developerguide/key-policies.html

import type { Call } from '../../call.ts'
import { compilePolicy } from '../../policy/compile.ts'
import type { CompiledPolicy, Context, ResourcePolicy } from '../../policy/engine.ts'
import { MalformedPolicyError } from '../../policy/errors.ts'
import { type NamingPolicy, resolvePrincipals, UnknownPrincipalError } from '../iam/port.ts'
import * as errors from './errors.ts'
import { keyContext } from './key-context.ts'
import { arnOf, type KmsKey } from './model.ts'

export const POLICY_NAME = 'default'

/** By the key, which stays the same object while its row does: compiled once for each version of the row. */
const compiled = new WeakMap<KmsKey, CompiledPolicy>()

/** The key's policy for the engine: a gate, which nobody passes whom it does not name. */
export function keyPolicyOf(key: KmsKey): ResourcePolicy {
  let policy = compiled.get(key)
  if (policy === undefined) {
    policy = compilePolicy(key.policy, 'key', { principalIds: key.principalIds ?? {} })
    compiled.set(key, policy)
  }
  return { kind: 'key', policy: { name: arnOf(key), policy } }
}

/**
 * A document as it is stored, with the unique ids of whom it names.
 * @throws ServiceError MalformedPolicyDocumentException
 */
export async function acceptKeyPolicy({ app, tx }: Call, document: string): Promise<NamingPolicy> {
  try {
    return await resolvePrincipals(app, tx, document, 'key')
  } catch (error) {
    if (error instanceof UnknownPrincipalError)
      throw errors.malformedPolicy('Policy contains a statement with one or more invalid principals.')
    if (error instanceof MalformedPolicyError) throw errors.malformedPolicy(error.message)
    throw error
  }
}

/**
 * The caller must be able to put another policy in the place of the one that the key is about to get.
 * @throws ServiceError MalformedPolicyDocumentException
 */
export function mustKeepControl(call: Call, key: KmsKey, conditions: Context): void {
  const decision = call.decide({
    action: 'kms:PutKeyPolicy',
    resource: arnOf(key),
    resourceAccount: key.accountId,
    context: { ...keyContext(key), ...conditions },
    resourcePolicy: keyPolicyOf(key),
  })
  if (!decision.allow) throw errors.policyLocksOut()
}
