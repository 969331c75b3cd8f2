// Resource policies of secrets: what one may say, and how it is asked.
// https://docs.aws.amazon.com/secretsmanager/latest/userguide/auth-and-access_resource-policies.html

import type { Call } from '../../call.ts'
import type { ResourcePolicy } from '../../policy/engine.ts'
import { MalformedPolicyError } from '../../policy/errors.ts'
import { parsePolicyJson } from '../../policy/json.ts'
import { publicGrants } from '../../policy/public.ts'
import type { Awaitable } from '../../storage/cache.ts'
import { compileNaming, type NamingPolicy, resolvePrincipals, UnknownPrincipalError } from '../iam/port.ts'
import * as errors from './errors.ts'
import type { Secret } from './model.ts'
import { readPolicy, type Store } from './store.ts'

const GRAMMAR = 'resource'

/** The policy that stands on a secret, for the engine. Costs nothing where there is none. */
export function readResourcePolicy(store: Store, secret: Secret): Awaitable<ResourcePolicy | undefined> {
  if (secret.policyDigest === undefined) return undefined
  return readPolicy(store, secret).then((policy) => policy && toResourcePolicy(secret.arn, policy))
}

/** `name` is how a decision reports it. */
export const toResourcePolicy = (name: string, policy: NamingPolicy): ResourcePolicy => ({
  kind: 'normal',
  policy: { name, policy: compileNaming(policy, GRAMMAR) },
})

/** Whether it grants something to everyone, as BlockPublicPolicy means it. */
export const isPublic = ({ policy }: ResourcePolicy): boolean => publicGrants(policy.policy).length > 0

/**
 * A document as it would be stored, with the unique ids of the principals that it names.
 * @throws ServiceError MalformedPolicyDocumentException, InvalidParameterException above the quota of characters
 */
export async function acceptDocument({ app, tx }: Call, document: string): Promise<NamingPolicy> {
  const { resourcePolicyCharacters: max } = app.limits
  if (document.length > max) throw errors.policyTooLong(max)
  try {
    const policy = await resolvePrincipals(app, tx, document, GRAMMAR)
    refuseOtherActions(document)
    return policy
  } catch (error) {
    throw translated(error)
  }
}

function translated(error: unknown): unknown {
  if (error instanceof UnknownPrincipalError) return errors.policyPrincipal()
  if (!(error instanceof MalformedPolicyError)) return error
  if (/\.(Not)?Principal\.Service\b/.test(error.path)) return errors.policyServicePrincipal()
  if (/\.(Not)?Principal\./.test(error.path)) return errors.policyPrincipal()
  return errors.policySyntax(error.message)
}

type Statement = { readonly Action?: string | readonly string[]; readonly NotAction?: string | readonly string[] }

/** A secret knows the actions of Secrets Manager only. The document has compiled. @throws ServiceError MalformedPolicyDocumentException */
function refuseOtherActions(document: string): void {
  const { Statement } = parsePolicyJson(document) as { readonly Statement: Statement | readonly Statement[] }
  for (const { Action, NotAction } of [Statement].flat() as readonly Statement[]) {
    for (const action of [Action ?? NotAction ?? []].flat()) {
      if (action !== '*' && !/^secretsmanager:/i.test(action)) throw errors.policyAction(action)
    }
  }
}
