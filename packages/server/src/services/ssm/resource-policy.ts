// The policy by which a parameter is shared: what it may say, and how it is asked.
// https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-shared-parameters.html

import { hash } from 'node:crypto'
import type { Call } from '../../call.ts'
import type { ResourcePolicy } from '../../policy/engine.ts'
import { MalformedPolicyError } from '../../policy/errors.ts'
import { parsePolicyJson } from '../../policy/json.ts'
import { publicGrants } from '../../policy/public.ts'
import { type Awaitable, andThen } from '../../storage/cache.ts'
import { compileNaming, type NamingPolicy, resolvePrincipals, UnknownPrincipalError } from '../iam/port.ts'
import * as errors from './errors.ts'
import type { Parameter } from './model.ts'
import { readSharing, type Store } from './store.ts'

const GRAMMAR = 'resource'
const POLICY_BYTES_MAX = 1_024

/** The policy that stands on a parameter, for the engine. Costs nothing where there is none. */
export const readResourcePolicy = (
  store: Store,
  arn: string,
  parameter: Parameter,
): Awaitable<ResourcePolicy | undefined> =>
  andThen(readSharing(store, parameter), (policy) => policy && toResourcePolicy(arn, policy))

/** `name` is how a decision reports it. */
export const toResourcePolicy = (name: string, policy: NamingPolicy): ResourcePolicy => ({
  kind: 'normal',
  policy: { name, policy: compileNaming(policy, GRAMMAR) },
})

/** What a policy of a revision is changed under. */
export const hashOf = (policyId: string, rev: number, { document }: NamingPolicy): string =>
  hash('sha256', JSON.stringify([policyId, rev, document]), 'hex')

/**
 * A document as it would be stored, with the unique ids of the principals that it names. It shares with somebody, not with everybody.
 * @throws ServiceError MalformedResourcePolicyDocumentException, ResourcePolicyLimitExceededException
 */
export async function acceptDocument({ app, tx }: Call, document: string): Promise<NamingPolicy> {
  if (Buffer.byteLength(document) > POLICY_BYTES_MAX) throw errors.policyLimit(POLICY_BYTES_MAX)
  let policy: NamingPolicy
  try {
    policy = await resolvePrincipals(app, tx, document, GRAMMAR)
  } catch (error) {
    if (error instanceof UnknownPrincipalError) throw errors.malformedPolicy('It contains an invalid principal.')
    if (error instanceof MalformedPolicyError) throw errors.malformedPolicy(error.message)
    throw error
  }
  refuseOtherActions(document)
  if (publicGrants(compileNaming(policy, GRAMMAR)).length > 0) {
    throw errors.malformedPolicy('A parameter can be shared with accounts and principals, not with everyone.')
  }
  return policy
}

type Statement = { readonly Action?: string | readonly string[]; readonly NotAction?: string | readonly string[] }

/** A parameter knows the actions of Systems Manager only. The document has compiled. */
function refuseOtherActions(document: string): void {
  const { Statement } = parsePolicyJson(document) as { readonly Statement: Statement | readonly Statement[] }
  for (const { Action, NotAction } of [Statement].flat() as readonly Statement[]) {
    for (const action of [Action ?? NotAction ?? []].flat()) {
      if (!/^ssm:/i.test(action)) throw errors.malformedPolicy(`It contains an unsupported action: ${action}`)
    }
  }
}
