// Decides one request. An explicit Deny in any policy wins; without an Allow the answer is no; what cannot be evaluated throws, which is no.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html

import type {
  AuthorizationRequest,
  CompiledPolicy,
  CompiledStatement,
  DecidingStatement,
  Decision,
  NamedPolicy,
} from './engine.ts'
import { matchesAction, matchesResource, type ResourceName, splitArn } from './match.ts'

type Gathered = { readonly allowed: DecidingStatement[]; readonly denied: DecidingStatement[] }

/** A permission as statements are asked about it. */
type Question = {
  readonly action: string
  readonly name: ResourceName | undefined
}

/**
 * Evaluates identity policies of users and root users. Across accounts the resource's account must allow too, and no layer here can say so.
 * @throws Error where the request carries a principal or a layer that is not evaluated yet.
 */
export function evaluate(request: AuthorizationRequest): Decision {
  refuseUnevaluated(request)
  const { principal, permission, layers } = request
  const question = ask(permission.action, permission.resource)

  const identity = gather(layers.identity, question)
  if (identity.denied.length > 0) {
    return { allow: false, reason: 'explicit-deny', layer: 'identity', statements: identity.denied }
  }
  if (identity.allowed.length === 0 && principal.kind !== 'root') {
    return { allow: false, reason: 'implicit-deny', layer: 'identity', statements: [] }
  }
  if (principal.account !== permission.resourceAccount) {
    return { allow: false, reason: 'implicit-deny', layer: 'resource', statements: [] }
  }
  return { allow: true, reason: 'allow', layer: 'identity', statements: identity.allowed }
}

function refuseUnevaluated({ principal, permission, layers }: AuthorizationRequest): void {
  if (principal.kind !== 'user' && principal.kind !== 'root') {
    throw new Error(`policies of a principal of kind ${principal.kind} are not evaluated yet`)
  }
  if (permission.resourcePolicy || permission.grant) throw new Error('the policy layer resource is not evaluated yet')
  for (const layer in layers) {
    if (layer !== 'identity' && layers[layer as keyof typeof layers] !== undefined) {
      throw new Error(`the policy layer ${layer} is not evaluated yet`)
    }
  }
  for (const { name, policy } of layers.identity) {
    if (policy.grammar !== 'identity') throw new Error(`${name} is not an identity policy`)
  }
}

function ask(action: string, resource: string): Question {
  return { action: action.toLowerCase(), name: splitArn(resource) }
}

/** The statements of a layer that cover the question. */
function gather(policies: readonly NamedPolicy[], { action, name }: Question): Gathered {
  const allowed: DecidingStatement[] = []
  const denied: DecidingStatement[] = []
  for (const { name: policyName, policy } of policies) {
    for (const statement of statementsFor(policy, action)) {
      if (!matchesResource(statement.resources, name)) continue
      const deciding = { policy: policyName, index: statement.index, sid: statement.sid }
      if (statement.effect === 'Deny') denied.push(deciding)
      else allowed.push(deciding)
    }
  }
  return { allowed, denied }
}

/** More actions than all services here have; only simulated requests could ask for more. */
const REMEMBERED_ACTIONS_MAX = 512

/** The statements that cover an action. Found once for each policy and action, since a policy never changes. */
function statementsFor({ byAction, statements }: CompiledPolicy, action: string): readonly CompiledStatement[] {
  const known = byAction.get(action)
  if (known !== undefined) return known
  const covering = statements.filter((statement) => matchesAction(statement.actions, action))
  if (byAction.size >= REMEMBERED_ACTIONS_MAX) byAction.clear()
  byAction.set(action, covering)
  return covering
}
