import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc, { type Arbitrary } from 'fast-check'
import { compilePolicy } from './compile.ts'
import type { Context, Decision, NamedPolicy, PolicyPrincipal } from './engine.ts'
import { evaluate } from './evaluate.ts'
import {
  byAction,
  byConditionValue,
  byPrincipal,
  byResource,
  eachPolicy,
  inOtherCase,
  list,
  type Place,
  renamed,
  reordered,
  voided,
  withDocuments,
  withStatements,
} from './testing-changes.ts'
import { naiveDecision, type PolicyRequest, type Statement } from './testing-oracle.ts'
import { policyRequest, statement, statementRequest } from './testing-policies.ts'
import { USERS } from './testing-requests.ts'

const SOAK = process.env.STRONGROOM_TEST_SOAK !== undefined
const COMPARED = SOAK ? 100_000 : 2_000
const CHANGED = SOAK ? 20_000 : 500

/** What fails names the seed, with which it fails again. */
function always<Value>(values: Arbitrary<Value>, check: (value: Value) => void, numRuns = CHANGED): void {
  fc.assert(fc.property(values, check), { numRuns })
}

/** Before and after a change, the decision is the same. */
function unchanged(change: (request: PolicyRequest) => PolicyRequest): void {
  always(policyRequest, (request) => assert.deepEqual(decide(change(request)), decide(request)))
}

describe('the engine decides as the naive evaluator does', () => {
  for (const [what, requests] of [
    ['whatever all layers say together', policyRequest],
    ['whatever one statement says', statementRequest],
  ] as const) {
    test(what, () => {
      always(requests, (request) => assert.deepEqual(decide(request), naiveDecision(request)), COMPARED)
    })
  }
})

describe('whatever is asked', () => {
  test('one more Deny never allows', () => {
    always(withOneMore(100), ([before, after]) => {
      if (decide(before).reason !== 'allow') assert.notEqual(decide(after).reason, 'allow')
    })
  })

  test('one more Allow never takes away', () => {
    always(withOneMore(0), ([before, after]) => {
      if (decide(before).reason === 'allow') assert.equal(decide(after).reason, 'allow')
    })
  })

  for (const layer of ['boundary', 'session', 'scp', 'rcp'] as const) {
    test(`what is allowed with a layer ${layer} is allowed without it`, () => {
      always(policyRequest, (request) => {
        const { [layer]: _, ...without } = request
        if (decide(request).reason === 'allow') assert.equal(decide(without).reason, 'allow')
      })
    })
  }

  const splits = { action: byAction, resource: byResource, principal: byPrincipal, 'condition value': byConditionValue }
  for (const [element, split] of Object.entries(splits)) {
    test(`a statement is the same as several, one for each ${element}`, () => {
      unchanged((request) => withStatements(request, split))
    })
  }

  test('the order of statements, policies and levels does not matter', () => {
    for (const by of [0, 1, 2]) {
      unchanged((request) => reordered(request, (items) => [...items.slice(by), ...items.slice(0, by)].reverse()))
    }
  })

  test('the case of actions and of the names of condition keys does not matter', () => {
    unchanged(inOtherCase)
  })

  test('the names, ids and accounts of principals do not matter', () => {
    unchanged(renamed)
  })

  test('the statements of an explicit deny are all that deny in its layer', () => {
    always(policyRequest, (request) => {
      const { reason, layer, statements } = evaluated(request)
      if (reason !== 'explicit-deny') return
      assert.notEqual(statements.length, 0)
      const without = withStatements(request, (one, place) => [isAmong(statements, place) ? voided(one) : one])
      assert.notDeepEqual(decide(without), { reason, layer })
    })
  })

  test('the statements of an allow are enough in its layer, and an implicit deny has none', () => {
    always(policyRequest, (request) => {
      const { reason, layer, statements } = evaluated(request)
      if (reason === 'implicit-deny') assert.deepEqual(statements, [])
      if (reason !== 'allow') return
      const only = withStatements(request, (one, place) => [
        place.layer === layer && !isAmong(statements, place) ? voided(one) : one,
      ])
      assert.deepEqual(decide(only), { reason, layer })
    })
  })
})

describe('of an element and its complement', () => {
  const asked = fc.tuple(policyRequest, statement('identity', 0))

  test('exactly one covers an action', () => {
    always(asked, ([request, fit]) => {
      const { Action, NotAction } = fit(request)
      const actions = Action ?? NotAction!
      assert.notEqual(covers(request, { Action: actions }), covers(request, { NotAction: actions }))
    })
  })

  test('exactly one covers a resource, but neither where a variable is not resolved', () => {
    always(asked, ([request, fit]) => {
      const { Resource, NotResource } = fit(request)
      const resources = Resource ?? NotResource!
      const both = [covers(request, { Resource: resources }), covers(request, { NotResource: resources })]
      const hasVariables = JSON.stringify(resources).includes('${')
      assert.ok(both.includes(false))
      assert.ok(both.includes(true) || hasVariables)
    })
  })
})

/** Whether an Allow with these elements allows a user what is asked. */
function covers(request: PolicyRequest, elements: Partial<Statement>): boolean {
  const Statement = {
    Effect: 'Allow',
    ...('NotAction' in elements ? {} : { Action: '*' }),
    ...('NotResource' in elements ? {} : { Resource: '*' }),
    ...elements,
  }
  const [principal] = USERS as [PolicyPrincipal, PolicyPrincipal]
  const { action, resource, context } = request
  const identity = [JSON.stringify({ Version: '2012-10-17', Statement })]
  return evaluated({ principal, action, resource, resourceAccount: principal.account, context, identity }).allow
}

function isAmong(statements: Decision['statements'], { name, index }: Place & { readonly index: number }): boolean {
  return statements.some((one) => one.policy === name && one.index === index)
}

// Asking the engine.

function decide(request: PolicyRequest): Pick<Decision, 'reason' | 'layer'> {
  const { reason, layer, allow } = evaluated(request)
  assert.equal(allow, reason === 'allow')
  return { reason, layer }
}

function evaluated(request: PolicyRequest): Decision {
  const { principal, action, resource, resourceAccount, grant } = request
  const principalIds = request.resourcePolicy?.principalIds
  const { resourcePolicy, ...layers } = eachPolicy(request, (document, { name, grammar }): NamedPolicy => {
    const options = grammar === 'identity' || grammar === 'session' || !principalIds ? {} : { principalIds }
    return { name, policy: compilePolicy(document, grammar, options) }
  })
  const [context, more] = inTwo(request.context)
  return evaluate({
    principal,
    permission: {
      action,
      resource,
      resourceAccount,
      context: more,
      ...(grant && { grant }),
      ...(resourcePolicy && { resourcePolicy: { kind: request.resourcePolicy!.kind, policy: resourcePolicy } }),
    },
    context: () => context,
    layers,
  })
}

/** What the caller is, and what the call adds. A key stays in one of them, however it is spelled. */
function inTwo(context: Context): readonly [Context, Context] {
  const half = (rest: number) => Object.fromEntries(Object.entries(context).filter(([key]) => key.length % 2 === rest))
  return [half(0), half(1)]
}

/** A request before and after one of its policies, of any layer, gets one more statement. */
function withOneMore(denies: 0 | 100): Arbitrary<readonly [PolicyRequest, PolicyRequest]> {
  const more = fc.record({
    identity: statement('identity', denies),
    session: statement('session', denies),
    resource: statement('resource', denies),
    key: statement('key', denies),
    trust: statement('trust', denies),
  })
  return fc.tuple(policyRequest, more, fc.nat()).map(([request, more, which]) => {
    const names: string[] = []
    eachPolicy(request, (_, { name }) => names.push(name))
    const chosen = names[which % names.length]
    const after = withDocuments(request, (document, { name, grammar }) =>
      name === chosen ? { ...document, Statement: [...list(document.Statement), more[grammar](request)] } : document,
    )
    return [request, after]
  })
}
