// What to do about a refusal, in one sentence for people.

import type { AuthorizationRequest, Layer, PolicyPrincipal } from '../../policy/engine.ts'
import type {
  ExplainedLayer,
  Explanation,
  FailedCondition,
  FoundStatement,
  MissedStatement,
} from '../../policy/explain.ts'

/** Undefined where nothing is to be mended. `foreign` is the account of a resource that is not the caller's own. */
export function mendOf(
  { principal, permission }: AuthorizationRequest,
  { decision, layers }: Explanation,
  foreign: string | undefined,
): string | undefined {
  if (decision.allow) return undefined
  const { action, resource, resourcePolicy } = permission
  const layer = layers.find((one) => one.layer === decision.layer)
  if (decision.reason === 'explicit-deny') {
    const denying = layers.flatMap(({ statements }) =>
      statements.filter(({ statement }) => statement.effect === 'Deny'),
    )
    return `${namesOf(denying)} denies it: no Allow outweighs that. Change the statement${denying[0]!.statement.conditions.length > 0 ? ', or make the request so that its conditions do not hold' : ''}.`
  }
  const who = nameOf(principal)
  if (decision.layer === 'resource') {
    if (foreign !== undefined) {
      return `The policy of the resource is account ${foreign}'s: it does not allow ${action} to ${principal.arn}, or the resource does not exist. Ask that account.`
    }
    const what = RESOURCE_POLICIES[resourcePolicy?.kind ?? 'normal']
    return (
      almost(layer, what) ?? `${what} of ${resource} does not allow ${action} to ${who}: add a statement that names it.`
    )
  }
  return (
    almost(layer, LAYERS[decision.layer]) ??
    (decision.layer === 'identity'
      ? `No identity-based policy of ${who} allows ${action}: attach one that does.`
      : decision.layer === 'session'
        ? `The session policies of ${who} do not allow ${action}: make the session with a policy that does.`
        : `The ${LAYERS[decision.layer]} of ${who} does not allow ${action}: add it there.`)
  )
}

const LAYERS: { readonly [layer in Layer]: string } = {
  identity: 'identity-based policy',
  boundary: 'permissions boundary',
  session: 'session policy',
  resource: 'resource-based policy',
  grant: 'grant',
  scp: 'service control policy',
  rcp: 'resource control policy',
}

const RESOURCE_POLICIES = { normal: 'The policy', key: 'The key policy', trust: 'The trust policy' } as const

/** Of the Allow statement that lacks least: whom or what it does not cover, or the condition that does not hold. */
function almost(layer: ExplainedLayer | undefined, kind: string): string | undefined {
  const lacking = (layer?.missed ?? []).filter(({ statement }) => statement.effect === 'Allow')
  const [nearest] = lacking.toSorted((a, b) => lacks(a) - lacks(b))
  if (nearest === undefined) return undefined
  const { principal, resource, conditions } = nearest
  const reasons = [
    ...(principal ? [] : ['its principal element does not name the caller as it is now']),
    ...(resource ? [] : ['its resource element does not cover the resource']),
    ...conditions.map(conditionText),
  ]
  return `${namesOf([nearest])} (${kind.replace(/^The /, '')}) would allow it, but ${reasons.join(', and ')}.`
}

const lacks = ({ principal, resource, conditions }: MissedStatement): number =>
  Number(!principal) * 2 + Number(!resource) * 2 + conditions.length

const conditionText = ({ operator, key, wanted, actual }: FailedCondition): string =>
  `${operator} on ${key} wants ${listed(wanted)} and the request has ${actual.length === 0 ? 'no such key' : listed(actual)}`

const SHOWN_VALUES = 5

const listed = (values: readonly string[]): string =>
  values
    .slice(0, SHOWN_VALUES)
    .map((value) => JSON.stringify(value))
    .join(' or ') + (values.length > SHOWN_VALUES ? ` or ${values.length - SHOWN_VALUES} more` : '')

const namesOf = (statements: readonly FoundStatement[]): string => {
  const [first] = statements
  const { policy, statement } = first!
  const which = statement.sid ? `Statement ${JSON.stringify(statement.sid)}` : `Statement ${statement.index}`
  const holder = policy.holder ? ` of ${policy.holder.kind} ${policy.holder.name}` : ''
  return `${which} of ${policy.name}${holder}`
}

function nameOf({ kind, arn, role }: PolicyPrincipal): string {
  if (kind === 'role-session') return `role ${role?.arn.split('/').at(-1)}`
  return kind === 'user' ? `user ${arn.split('/').at(-1)}` : arn
}
