// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of policies

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc, { type Arbitrary } from 'fast-check'
import { SOAK } from '../testing-sample.ts'
import { compilePolicy } from './compile.ts'
import type { CompiledPolicy, Decision, PolicyPrincipal } from './engine.ts'
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
  reversed,
  voided,
  withDocuments,
  withStatements,
} from './testing-changes.ts'
import { decide, evaluated } from './testing-engine.ts'
import { naiveDecision, type PolicyRequest, type Statement } from './testing-oracle.ts'
import { policyRequest, statement, statementRequest } from './testing-policies.ts'
import { ask, USERS } from './testing-requests.ts'

const COMPARED = SOAK ? 100_000 : 2_000
const CHANGED = SOAK ? 10_000 : 200

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
    unchanged(reversed)
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

describe('the work of the engine', () => {
  test('a policy that was compiled for other requests decides as if it were compiled for this one', () => {
    always(fc.tuple(policyRequest, fc.array(ask, { minLength: 2, maxLength: 4 })), ([request, asks]) => {
      const compile = compilingOnce()
      for (const other of asks) {
        const asked = { ...request, ...other }
        assert.deepEqual(evaluated(asked, compile), evaluated(asked))
      }
    })
  })

  test('the context is asked for at most once, and only for a condition or a variable', () => {
    always(policyRequest, (request) => {
      let times = 0
      evaluated(request, compilePolicy, (context) => {
        times += 1
        return context
      })
      const needsNone = !/Condition|\$\{/.test(JSON.stringify(eachPolicy(request, (document) => document)))
      assert.ok(times <= (needsNone ? 0 : 1))
    })
  })

  test('nothing is allowed that needs a context that cannot be had', () => {
    always(policyRequest, (request) => {
      let isAsked = false
      let decision: Decision | undefined
      try {
        decision = evaluated(request, compilePolicy, () => {
          isAsked = true
          throw new Error('no context')
        })
      } catch {
        decision = undefined
      }
      assert.ok(!isAsked || decision?.reason !== 'allow')
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

const covers = (request: PolicyRequest, elements: Partial<Statement>) => evaluated(ofAlice(request, elements)).allow

/** A user asks, whom one statement allows what its elements cover. */
function ofAlice(request: Partial<PolicyRequest>, elements: Partial<Statement>): PolicyRequest {
  const Statement = {
    Effect: 'Allow',
    ...('NotAction' in elements ? {} : { Action: '*' }),
    ...('NotResource' in elements ? {} : { Resource: '*' }),
    ...elements,
  }
  const [principal] = USERS as [PolicyPrincipal, PolicyPrincipal]
  return {
    principal,
    action: request.action ?? 'secretsmanager:ListSecrets',
    resource: request.resource ?? '*',
    resourceAccount: principal.account,
    context: request.context ?? {},
    identity: [JSON.stringify({ Version: '2012-10-17', Statement })],
  }
}

function isAmong(statements: Decision['statements'], { name, index }: Place & { readonly index: number }): boolean {
  return statements.some((one) => one.policy === name && one.index === index)
}

function compilingOnce(): typeof compilePolicy {
  const known = new Map<string, CompiledPolicy>()
  return (document, grammar, options) => {
    const key = JSON.stringify([document, grammar, options])
    const policy = known.get(key) ?? compilePolicy(document, grammar, options)
    known.set(key, policy)
    return policy
  }
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
