// Explanations agree with decisions, whatever is asked, and give a reason for every statement on the action that does not apply.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { SOAK } from '../testing-sample.ts'
import { compilePolicy } from './compile.ts'
import { evaluate } from './evaluate.ts'
import { explain, statementText } from './explain.ts'
import { matchesAction } from './match.ts'
import { requestOf } from './testing-engine.ts'
import { policyRequest } from './testing-policies.ts'

const RUNS = SOAK ? 50_000 : 1_000

/** In which an explicit Deny is reported. */
const ORDER = ['identity', 'boundary', 'session', 'resource', 'scp', 'rcp']

test('an explanation is of the decision, by the same statements', () => {
  fc.assert(
    fc.property(policyRequest, (random) => {
      const request = requestOf(random)
      const { decision, layers } = explain(request)
      assert.deepEqual(decision, evaluate(request))
      const denying = ORDER.find((layer) => layers.some((one) => one.layer === layer && one.outcome === 'denies'))
      assert.equal(denying, decision.reason === 'explicit-deny' ? decision.layer : undefined)
      const applied = layers
        .filter(({ layer }) => layer === decision.layer)
        .flatMap(({ statements }) => statements)
        .filter(({ statement }) => statement.effect === (decision.allow ? 'Allow' : 'Deny'))
        .map(({ policy, statement }) => ({ policy: policy.name, index: statement.index, sid: statement.sid }))
      if (decision.statements.length > 0) assert.deepEqual(applied, decision.statements)
      // Where a layer refused by its silence, it allows nothing in the explanation either.
      const refusing = layers.filter(({ layer }) => layer === decision.layer)
      const isSilence = decision.reason === 'implicit-deny' && decision.layer !== 'resource'
      if (isSilence) assert.ok(refusing.some(({ outcome }) => outcome === 'silent'))
    }),
    { numRuns: RUNS },
  )
})

test('a statement on the action applies, or lacks its principal, its resource or a condition', () => {
  fc.assert(
    fc.property(policyRequest, (random) => {
      const request = requestOf(random)
      const action = request.permission.action.toLowerCase()
      for (const { missed, statements } of explain(request).layers) {
        for (const { principal, resource, conditions } of missed)
          assert.ok(!principal || !resource || conditions.length > 0)
        for (const { statement } of [...missed, ...statements]) assert.ok(matchesAction(statement.actions, action))
      }
    }),
    { numRuns: RUNS },
  )
})

test('a condition that fails is told by operator, key, what is wanted and what the request has', () => {
  const policy = compilePolicy(
    JSON.stringify({
      Version: '2012-10-17',
      Statement: [
        { Effect: 'Allow', Action: 'kms:*', Resource: 'arn:aws:kms:*:*:key/other' },
        {
          Effect: 'Allow',
          Action: 'kms:Decrypt',
          Resource: '*',
          Condition: {
            'ForAnyValue:StringLikeIfExists': { 'kms:EncryptionContextKeys': ['a', 'b'] },
            Bool: { 'aws:SecureTransport': true },
          },
        },
        { Effect: 'Allow', Action: 's3:*', Resource: '*' },
      ],
    }),
    'identity',
  )
  const { layers } = explain({
    principal: { kind: 'user', arn: 'arn:aws:iam::111122223333:user/a', account: '111122223333', userId: 'AIDAA' },
    permission: {
      action: 'kms:Decrypt',
      resource: 'arn:aws:kms:eu-central-1:111122223333:key/1',
      resourceAccount: '111122223333',
      context: { 'kms:EncryptionContextKeys': ['c'] },
    },
    context: () => ({}),
    layers: { identity: [{ name: 'own', policy }] },
  })
  const [identity] = layers
  assert.equal(identity?.outcome, 'silent')
  assert.deepEqual(
    identity.missed.map(({ statement, principal, resource, conditions }) => [
      statement.index,
      principal,
      resource,
      conditions,
    ]),
    [
      [0, true, false, []],
      [
        1,
        true,
        true,
        [
          {
            operator: 'ForAnyValue:StringLikeIfExists',
            key: 'kms:encryptioncontextkeys',
            wanted: ['a', 'b'],
            actual: ['c'],
          },
          { operator: 'Bool', key: 'aws:securetransport', wanted: ['true'], actual: [] },
        ],
      ],
    ],
  )
  assert.equal(statementText(policy, 2), '{"Effect":"Allow","Action":"s3:*","Resource":"*"}')
})
