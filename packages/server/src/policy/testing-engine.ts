// The engine, asked as testing-oracle.ts is asked. Test code only.

import assert from 'node:assert/strict'
import { compilePolicy } from './compile.ts'
import type { AuthorizationRequest, Context, Decision, NamedPolicy } from './engine.ts'
import { evaluate } from './evaluate.ts'
import { eachPolicy } from './testing-changes.ts'
import type { PolicyRequest } from './testing-oracle.ts'

/** What naiveDecision tells. */
export function decide(request: PolicyRequest): Pick<Decision, 'reason' | 'layer'> {
  const { reason, layer, allow } = evaluated(request)
  assert.equal(allow, reason === 'allow')
  return { reason, layer }
}

/** All that the engine tells. `compile` and `getContext` may be watched, or fail. */
export const evaluated = (...asked: Parameters<typeof requestOf>): Decision => evaluate(requestOf(...asked))

/** What the engine is asked. */
export function requestOf(
  request: PolicyRequest,
  compile = compilePolicy,
  getContext = (own: Context) => own,
): AuthorizationRequest {
  const { principal, action, resource, resourceAccount, grant } = request
  const principalIds = request.resourcePolicy?.principalIds
  const { resourcePolicy, ...layers } = eachPolicy(request, (document, { name, grammar }): NamedPolicy => {
    const options = grammar === 'identity' || grammar === 'session' || !principalIds ? {} : { principalIds }
    return { name, policy: compile(document, grammar, options) }
  })
  const [context, more] = inTwo(request.context)
  return {
    principal,
    permission: {
      action,
      resource,
      resourceAccount,
      context: more,
      ...(grant && { grant }),
      ...(resourcePolicy && { resourcePolicy: { kind: request.resourcePolicy!.kind, policy: resourcePolicy } }),
    },
    context: () => getContext(context),
    layers,
  }
}

/** What the caller is, and what the call adds. A key stays in one of them, however it is spelled. */
function inTwo(context: Context): readonly [Context, Context] {
  const half = (rest: number) => Object.fromEntries(Object.entries(context).filter(([key]) => key.length % 2 === rest))
  return [half(0), half(1)]
}
