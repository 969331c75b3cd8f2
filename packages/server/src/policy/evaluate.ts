// Decides one request. An explicit Deny in any policy wins; without an Allow the answer is no; what cannot be evaluated throws, which is no.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html

import { type ArnName, coversResource, splitArn } from './arn.ts'
import { conditionHolds } from './condition.ts'
import { createLookup } from './context.ts'
import type {
  AuthorizationRequest,
  CompiledPolicy,
  CompiledStatement,
  DecidingStatement,
  Decision,
  Layer,
  Lookup,
  NamedPolicy,
  PolicyGrammar,
  PolicyPrincipal,
} from './engine.ts'
import { lowerCase } from './lower-case.ts'
import { matchesAction } from './match.ts'
import { matchPrincipal, type PrincipalMatch } from './principal.ts'

/**
 * docs/policies.md says what is decided here, step by step.
 * @throws Error where a layer holds a policy of another grammar, and whatever the context function throws.
 */
export function evaluate(request: AuthorizationRequest): Decision {
  const layers = gatherLayers(request)
  return explicitDeny(layers) ?? controlRefusal(request.principal, layers) ?? decide(request, layers)
}

/** Every level of the control policies must allow. A service needs none to. */
function controlRefusal({ kind }: PolicyPrincipal, { scp, rcp }: Layers): Decision | undefined {
  if (kind === 'service') return undefined
  if (!scp.every(allows)) return implicitDeny('scp')
  if (!rcp.every(allows)) return implicitDeny('rcp')
  return undefined
}

/** Once nothing denies. */
function decide({ principal, permission }: AuthorizationRequest, layers: Layers): Decision {
  const { resourcePolicy, grant, resourceAccount } = permission
  if (grant?.to === 'direct') return allowed('grant', [])

  const { identity, resource } = layers
  const match = resource?.match
  if (principal.kind === 'service' || principal.kind === 'federated') {
    return match === 'direct' ? allowed('resource', resource!.allowed) : implicitDeny('resource')
  }

  const grantedToRole = grant?.to === 'role'
  const granted = grant !== undefined
  const identityAllows = principal.kind === 'root' || grantedToRole || allows(identity)
  if (principal.account !== resourceAccount) {
    const refusal = callerRefusal(identityAllows, layers)
    if (refusal !== undefined) return refusal
    return match !== undefined || granted ? allowed('resource', resource?.allowed ?? []) : implicitDeny('resource')
  }

  const isGate = resourcePolicy !== undefined && resourcePolicy.kind !== 'normal'
  if (isGate && match === undefined && !granted) return implicitDeny('resource')
  if (match === 'direct') return allowed('resource', resource!.allowed)
  const refusal = callerRefusal(identityAllows || match === 'role', layers)
  if (refusal !== undefined) return refusal
  return identityAllows ? allowed('identity', identity.allowed) : allowed('resource', resource!.allowed)
}

/** @param identityAllows whether an identity policy allows, or what counts as one */
function callerRefusal(identityAllows: boolean, { boundary, session }: Layers): Decision | undefined {
  if (!identityAllows) return implicitDeny('identity')
  if (boundary !== undefined && !allows(boundary)) return implicitDeny('boundary')
  if (session !== undefined && !allows(session)) return implicitDeny('session')
  return undefined
}

const allowed = (layer: Layer, statements: readonly DecidingStatement[]): Decision => ({
  allow: true,
  reason: 'allow',
  layer,
  statements,
})

const implicitDeny = (layer: Layer): Decision => ({ allow: false, reason: 'implicit-deny', layer, statements: [] })

/** A permission as statements are asked about it. */
export type Question = {
  readonly principal: PolicyPrincipal
  /** In lower case. */
  readonly action: string
  readonly name: ArnName | undefined
  readonly lookup: Lookup
}

export function ask(request: AuthorizationRequest): Question {
  const { principal, permission } = request
  return {
    principal,
    action: lowerCase(permission.action),
    name: splitArn(permission.resource),
    lookup: createLookup(request),
  }
}

/** The statements of a layer that apply. */
type Gathered = {
  readonly allowed: DecidingStatement[]
  readonly denied: DecidingStatement[]
  /** The strongest of the ways in which an Allow names the principal. Undefined in layers whose policies name nobody. */
  match: PrincipalMatch | undefined
}

const allows = ({ allowed }: Gathered): boolean => allowed.length > 0

type Layers = {
  readonly identity: Gathered
  readonly boundary: Gathered | undefined
  readonly session: Gathered | undefined
  readonly resource: Gathered | undefined
  readonly scp: readonly Gathered[]
  readonly rcp: readonly Gathered[]
}

function gatherLayers(request: AuthorizationRequest): Layers {
  const { identity, boundary, session, scp = [], rcp = [] } = request.layers
  const { resourcePolicy } = request.permission
  const question = ask(request)
  return {
    identity: gather(identity, IDENTITY, question),
    boundary: boundary && gather([boundary], IDENTITY, question),
    session: session && gather(session, SESSION, question),
    resource: resourcePolicy && gather([resourcePolicy.policy], RESOURCE[resourcePolicy.kind], question),
    scp: scp.map((level) => gather(level, IDENTITY, question)),
    rcp: rcp.map((level) => gather(level, IDENTITY, question)),
  }
}

const IDENTITY: readonly PolicyGrammar[] = ['identity']
/** Managed policies may be passed for a session too. */
const SESSION: readonly PolicyGrammar[] = ['session', 'identity']
const RESOURCE = { normal: ['resource'], trust: ['trust'], key: ['key'] } as const

/** In the order in which a Deny is reported. */
function explicitDeny({ identity, boundary, session, resource, scp, rcp }: Layers): Decision | undefined {
  return (
    denied('identity', identity.denied) ??
    denied('boundary', boundary?.denied) ??
    denied('session', session?.denied) ??
    denied('resource', resource?.denied) ??
    denied(
      'scp',
      scp.flatMap((level) => level.denied),
    ) ??
    denied(
      'rcp',
      rcp.flatMap((level) => level.denied),
    )
  )
}

function denied(layer: Layer, statements: readonly DecidingStatement[] = []): Decision | undefined {
  return statements.length === 0 ? undefined : { allow: false, reason: 'explicit-deny', layer, statements }
}

function gather(policies: readonly NamedPolicy[], grammars: readonly PolicyGrammar[], question: Question): Gathered {
  const gathered: Gathered = { allowed: [], denied: [], match: undefined }
  for (const { name, policy } of policies) {
    if (!grammars.includes(policy.grammar))
      throw new Error(`${name} is a policy of the kind ${policy.grammar}, not ${grammars[0]}`)
    for (const statement of statementsFor(policy, question.action)) {
      const { principals, effect, index, sid } = statement
      const match = principals && matchPrincipal(principals, question.principal)
      if (principals !== undefined && match === undefined) continue
      if (!applies(statement, question)) continue
      const deciding = { policy: name, index, sid }
      if (effect === 'Deny') gathered.denied.push(deciding)
      else {
        gathered.allowed.push(deciding)
        gathered.match = stronger(gathered.match, match)
      }
    }
  }
  return gathered
}

/** Of a statement whose principal and action elements cover the question. Conditions last: they may need the context. */
export function applies({ resources, conditions, effect }: CompiledStatement, { name, lookup }: Question): boolean {
  if (resources !== undefined && !coversResource(resources, effect, name, lookup)) return false
  for (const condition of conditions) if (!conditionHolds(condition, effect, lookup)) return false
  return true
}

const STRENGTHS: readonly (PrincipalMatch | undefined)[] = [undefined, 'account', 'role', 'direct']

const stronger = (a: PrincipalMatch | undefined, b: PrincipalMatch | undefined): PrincipalMatch | undefined =>
  STRENGTHS.indexOf(a) > STRENGTHS.indexOf(b) ? a : b

/** More actions than all services here have; only simulated requests could ask for more. */
const REMEMBERED_ACTIONS_MAX = 512

/** The statements that cover an action. Found once for each policy and action, since a policy never changes. */
export function statementsFor({ byAction, statements }: CompiledPolicy, action: string): readonly CompiledStatement[] {
  const known = byAction.get(action)
  if (known !== undefined) return known
  const covering = statements.filter((statement) => matchesAction(statement.actions, action))
  if (byAction.size >= REMEMBERED_ACTIONS_MAX) byAction.clear()
  byAction.set(action, covering)
  return covering
}
