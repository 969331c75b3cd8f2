import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { compilePolicy } from './compile.ts'
import type { AuthorizationRequest, NamedPolicy, PolicyPrincipal } from './engine.ts'
import { evaluate } from './evaluate.ts'

const account = '111122223333'
const alice: PolicyPrincipal = { kind: 'user', arn: `arn:aws:iam::${account}:user/alice`, account, userId: 'AIDA1' }
const root: PolicyPrincipal = { kind: 'root', arn: `arn:aws:iam::${account}:root`, account, userId: account }
const secret = (name: string) => `arn:aws:secretsmanager:eu-west-1:${account}:secret:${name}-AbCdEf`

type Statement = {
  readonly Effect: 'Allow' | 'Deny'
  readonly Action?: readonly string[]
  readonly NotAction?: readonly string[]
  readonly Resource?: readonly string[]
  readonly NotResource?: readonly string[]
  readonly Condition?: object
  readonly Sid?: string
}

const policy = (name: string, ...Statement: readonly Statement[]): NamedPolicy => ({
  name,
  policy: compilePolicy(JSON.stringify({ Version: '2012-10-17', Statement }), 'identity'),
})

const request = (
  identity: readonly NamedPolicy[],
  action: string,
  resource: string,
  changes: Partial<AuthorizationRequest> = {},
): AuthorizationRequest => ({
  principal: alice,
  permission: { action, resource, resourceAccount: account },
  context: () => ({}),
  layers: { identity },
  ...changes,
})

const allows = (statement: Statement, action: string, resource: string) =>
  evaluate(request([policy('p', statement)], action, resource)).allow

test('without an Allow the answer is no, and says that no identity policy allowed', () => {
  assert.deepEqual(evaluate(request([], 'secretsmanager:GetSecretValue', secret('a'))), {
    allow: false,
    reason: 'implicit-deny',
    layer: 'identity',
    statements: [],
  })
})

test('an Allow is explained by the statements that allowed', () => {
  const policies = [
    policy('one', { Effect: 'Allow', Action: ['iam:*'], Resource: ['*'] }),
    policy(
      'two',
      { Effect: 'Deny', Action: ['*'], Resource: [secret('b')] },
      { Sid: 'Read', Effect: 'Allow', Action: ['secretsmanager:Get*'], Resource: [secret('a')] },
    ),
  ]
  assert.deepEqual(evaluate(request(policies, 'secretsmanager:GetSecretValue', secret('a'))), {
    allow: true,
    reason: 'allow',
    layer: 'identity',
    statements: [{ policy: 'two', index: 1, sid: 'Read' }],
  })
})

test('an explicit Deny wins over every Allow and is explained', () => {
  const policies = [
    policy('admin', { Effect: 'Allow', Action: ['*'], Resource: ['*'] }),
    policy('limit', { Effect: 'Deny', Action: ['secretsmanager:DeleteSecret'], Resource: ['*'] }),
  ]
  assert.deepEqual(evaluate(request(policies, 'secretsmanager:DeleteSecret', secret('a'))), {
    allow: false,
    reason: 'explicit-deny',
    layer: 'identity',
    statements: [{ policy: 'limit', index: 0, sid: undefined }],
  })
  assert.equal(evaluate(request(policies, 'secretsmanager:GetSecretValue', secret('a'))).allow, true)
})

test('actions match without regard to case, with wildcards anywhere in their name', () => {
  const cases: readonly (readonly [string, string, boolean])[] = [
    ['*', 'kms:Decrypt', true],
    ['*:*', 'kms:Decrypt', true],
    ['kms:*', 'kms:Decrypt', true],
    ['KMS:decrypt', 'kms:Decrypt', true],
    ['kms:D*T', 'kms:Decrypt', true],
    ['kms:?ecrypt', 'kms:Decrypt', true],
    ['kms:Decrypt', 'kms:DecryptX', false],
    ['kms:Decrypt?', 'kms:Decrypt', false],
    ['kms:*', 'kmsx:Decrypt', false],
    ['ms:*', 'kms:Decrypt', false],
  ]
  for (const [pattern, action, expected] of cases) {
    assert.equal(allows({ Effect: 'Allow', Action: [pattern], Resource: ['*'] }, action, '*'), expected, pattern)
    assert.equal(allows({ Effect: 'Allow', NotAction: [pattern], Resource: ['*'] }, action, '*'), !expected, pattern)
  }
})

test('resources match segment by segment and with regard to case', () => {
  const arn = secret('prod/db')
  const cases: readonly (readonly [string, string, boolean])[] = [
    ['*', arn, true],
    ['*', '*', true],
    ['*', 'any words', true],
    [arn, arn, true],
    [secret('PROD/db'), arn, false],
    [`arn:aws:secretsmanager:*:*:secret:prod/*`, arn, true],
    [`arn:aws:secretsmanager:*:${account}:secret:prod*`, arn, true],
    [`arn:aws:secretsmanager:eu-west-1:${account}:secret:prod/db-??????`, arn, true],
    [`arn:aws:secretsmanager:eu-west-1:${account}:secret:prod/db-?????`, arn, false],
    [`arn:aws:secretsmanager:eu-west-?:11112222????:*`, arn, true],
    [`arn:*:secretsmanager:*:*:*`, arn, true],
    [`arn:aws-cn:secretsmanager:*:*:*`, arn, false],
    [`arn:aws:kms:*:*:*`, arn, false],
    [`arn:aws:secretsmanager:us-east-1:${account}:*`, arn, false],
    [`arn:aws:secretsmanager:*:444455556666:*`, arn, false],
    [`arn:aws:secretsmanager::${account}:*`, arn, false],
    ['arn:aws:secretsmanager:*', arn, true],
    ['arn:aws:secretsmanager:us-*', arn, false],
    [`arn:aws:secretsmanager:eu-west-1:*`, arn, true],
    ['arn:aws:secretsmanager:*:*:*', '*', false],
    ['arn:aws:secretsmanager:*:*:*', 'prod/db', false],
    ['arn:aws:lambda:*:*:function:f', `arn:aws:lambda:eu-west-1:${account}:function:f:1`, false],
    ['arn:aws:lambda:*:*:function:f:*', `arn:aws:lambda:eu-west-1:${account}:function:f:1`, true],
    ['arn:aws:iam::aws:policy/*', 'arn:aws:iam::aws:policy/AdministratorAccess', true],
  ]
  for (const [pattern, resource, expected] of cases) {
    const message = `${pattern} ${resource}`
    assert.equal(allows({ Effect: 'Allow', Action: ['*'], Resource: [pattern] }, 'a:B', resource), expected, message)
    assert.equal(
      allows({ Effect: 'Allow', Action: ['*'], NotResource: [pattern] }, 'a:B', resource),
      !expected,
      message,
    )
  }
})

test('a root user needs no policy in its own account', () => {
  const decision = evaluate(request([], 'secretsmanager:GetSecretValue', secret('a'), { principal: root }))
  assert.deepEqual(decision, { allow: true, reason: 'allow', layer: 'identity', statements: [] })
})

test('across accounts an Allow of the caller is not enough, for a user and for root', () => {
  const admin = [policy('admin', { Effect: 'Allow', Action: ['*'], Resource: ['*'] })]
  const permission = {
    action: 'secretsmanager:GetSecretValue',
    resource: 'arn:aws:secretsmanager:eu-west-1:444455556666:secret:a-AbCdEf',
    resourceAccount: '444455556666',
  }
  const denied = { allow: false, reason: 'implicit-deny', layer: 'resource', statements: [] }
  assert.deepEqual(evaluate({ ...request(admin, '', ''), permission }), denied)
  assert.deepEqual(evaluate({ ...request([], '', ''), permission, principal: root }), denied)
  assert.equal(evaluate({ ...request([], '', ''), permission }).layer, 'identity')
})

test('a policy in a layer of another kind throws', () => {
  const admin = policy('admin', { Effect: 'Allow', Action: ['*'], Resource: ['*'] })
  const session = { name: 's', policy: { ...admin.policy, grammar: 'session' as const } }
  assert.throws(() => evaluate(request([session], 'a:B', '*')), /s is a policy of the kind session, not identity/)
})

test('an action asked for after many others is decided the same', () => {
  const policies = [policy('p', { Effect: 'Allow', Action: ['a:Get*'], Resource: ['*'] })]
  for (let i = 0; i < 2_000; i += 1) {
    assert.equal(evaluate(request(policies, `a:Put${i}`, '*')).allow, false)
    assert.ok(policies[0]!.policy.byAction.size <= 512)
  }
  assert.equal(evaluate(request(policies, 'a:GetX', '*')).allow, true)
})

test('the context is asked for only where a condition or a variable of a statement that else applies needs it, and once', () => {
  const mine = `arn:aws:s:r:${account}:home/$\{aws:username}`
  const condition = { StringEquals: { 'aws:username': 'alice' } }
  const asks = (statements: readonly Statement[], resource: string) => {
    let asked = 0
    const context = () => {
      asked += 1
      return { 'aws:username': 'alice' }
    }
    const { allow } = evaluate(request([policy('p', ...statements)], 'a:B', resource, { context }))
    return `${allow} ${asked}`
  }
  const home = `arn:aws:s:r:${account}:home/alice`
  const any = { Effect: 'Allow', Action: ['a:B'], Resource: ['*'] } as const
  const cases: readonly (readonly [readonly Statement[], string, string])[] = [
    [[any], home, 'true 0'],
    [[{ ...any, Action: ['a:C'], Condition: condition }], home, 'false 0'],
    [[{ ...any, Resource: ['arn:aws:t:*'], Condition: condition }], home, 'false 0'],
    [[{ ...any, Resource: [mine] }], 'arn:aws:s:r:1:home/alice', 'false 0'],
    [[{ ...any, Resource: [mine] }], 'name', 'false 0'],
    [[{ ...any, Resource: [mine, '*'] }], 'name', 'true 0'],
    [[{ ...any, Resource: ['*', mine] }], home, 'true 0'],
    [[{ ...any, Condition: {} }], home, 'true 0'],
    [[{ ...any, Condition: condition }], home, 'true 1'],
    [[{ ...any, Resource: [mine] }], home, 'true 1'],
    [
      [
        { ...any, Resource: [mine], Condition: condition },
        { ...any, Condition: condition },
      ],
      home,
      'true 1',
    ],
    [[any, { ...any, Effect: 'Deny', Condition: { Null: { 'aws:username': 'true' } } }], home, 'true 1'],
  ]
  for (const [statements, resource, expected] of cases) {
    assert.equal(asks(statements, resource), expected, JSON.stringify(statements))
  }
})

test('a context function that throws leaves no decision', () => {
  const context = () => {
    throw new Error('no context')
  }
  const conditional = { Effect: 'Allow', Action: ['*'], Resource: ['*'], Condition: { Bool: { 'a:k': true } } } as const
  assert.throws(() => evaluate(request([policy('p', conditional)], 'a:B', '*', { context })), /no context/)
})

test('every condition of a statement must hold', () => {
  const holds = (Condition: object, context: AuthorizationRequest['context']) =>
    evaluate(
      request([policy('p', { Effect: 'Allow', Action: ['*'], Resource: ['*'], Condition })], 'a:B', '*', { context }),
    ).allow
  const both = { StringEquals: { 'a:x': '1', 'a:y': '2' } }
  const operators = { StringEquals: { 'a:x': '1' }, StringLike: { 'a:x': '?', 'A:Y': '2' } }
  for (const condition of [both, operators]) {
    assert.equal(
      holds(condition, () => ({ 'a:x': '1', 'a:y': '2' })),
      true,
    )
    assert.equal(
      holds(condition, () => ({ 'a:x': '1' })),
      false,
    )
    assert.equal(
      holds(condition, () => ({ 'a:y': '2' })),
      false,
    )
    assert.equal(
      holds(condition, () => ({ 'a:x': '2', 'a:y': '2' })),
      false,
    )
  }
})

test('a negated operator with a variable that has no value neither allows nor keeps from denying', () => {
  const Condition = { StringNotEquals: { 'aws:ResourceTag/owner': `$\{aws:username}` } }
  const any = { Action: ['*'], Resource: ['*'], Condition } as const
  const decide = (...statements: readonly Statement[]) => {
    const context = () => ({ 'aws:ResourceTag/owner': 'bob' })
    return evaluate(request([policy('p', ...statements)], 'a:B', '*', { context })).reason
  }
  assert.equal(decide({ ...any, Effect: 'Allow' }), 'implicit-deny')
  assert.equal(decide({ Effect: 'Allow', Action: ['*'], Resource: ['*'] }, { ...any, Effect: 'Deny' }), 'explicit-deny')
})

test('the keys of the permission stand for those of the request', () => {
  const Condition = { StringEquals: { 'kms:CallerAccount': account, 'aws:username': 'alice' } }
  const policies = [policy('p', { Effect: 'Allow', Action: ['*'], Resource: ['*'], Condition })]
  const decide = (of: object) =>
    evaluate({
      ...request(policies, '', ''),
      permission: { action: 'a:B', resource: '*', resourceAccount: account, context: { ...of } },
      context: () => ({ 'aws:username': 'alice', 'kms:CallerAccount': 'said by the request' }),
    }).allow
  assert.equal(decide({}), false)
  assert.equal(decide({ 'kms:CallerAccount': account }), true)
  assert.equal(decide({ 'kms:CallerAccount': account, 'aws:username': 'bob' }), false)
})

// Backtracking over every star would take longer than the age of the universe; the timeout is not a measure of speed.
test('policies and requests made to be slow are decided at once', { timeout: 20_000 }, () => {
  const stars = '*a'.repeat(900)
  const long = 'a'.repeat(2_000)
  const arn = (name: string) => `arn:aws:s:r:${account}:${name}`
  const statement = {
    Effect: 'Allow',
    Action: ['*:*'],
    Resource: Array.from({ length: 10 }, (_, i) => arn(`${stars}${i}b`)),
    Condition: { StringLike: { 'a:k': Array.from({ length: 10 }, (_, i) => `${stars}${i}$\{a:k}*`) } },
  } as const
  const asked = { context: () => ({ 'a:k': long }) }
  assert.equal(evaluate(request([policy('p', statement)], 'a:B', arn(long), asked)).allow, false)
  assert.equal(evaluate(request([policy('p', { ...statement, Resource: ['*'] })], 'a:B', '*', asked)).allow, false)
})

// Small alphabets, so that statements overlap.
const actionPatterns = ['*', 'a:*', 'a:Get*', 'a:GetX', 'a:PutX', 'b:*', 'b:GetX', 'b:?etX']
const resourcePatterns = [
  '*',
  'arn:aws:a:*:*:*',
  'arn:aws:a:r:1:x',
  'arn:aws:a:r:1:x/*',
  'arn:aws:a:r:1:?/y',
  'arn:aws:b:*',
]
const some = (values: readonly string[]) => fc.array(fc.constantFrom(...values), { minLength: 1, maxLength: 3 })
const statement: fc.Arbitrary<Statement> = fc
  .record({
    Effect: fc.constantFrom('Allow' as const, 'Allow' as const, 'Deny' as const),
    actions: some(actionPatterns),
    notAction: fc.boolean(),
    resources: some(resourcePatterns),
    notResource: fc.boolean(),
  })
  .map(({ Effect, actions, notAction, resources, notResource }) => ({
    Effect,
    ...(notAction ? { NotAction: actions } : { Action: actions }),
    ...(notResource ? { NotResource: resources } : { Resource: resources }),
  }))
const statements = fc.array(statement, { minLength: 1, maxLength: 5 })
const action = fc.constantFrom('a:GetX', 'a:GetY', 'a:PutX', 'b:GetX', 'b:SetX', 'c:Z')
const resource = fc.constantFrom(
  '*',
  'words',
  'arn:aws:a:r:1:x',
  'arn:aws:a:r:1:x/y',
  'arn:aws:a:r:2:x',
  'arn:aws:b:r:1:z',
)

const decide = (list: readonly Statement[], action: string, resource: string) =>
  list.length === 0
    ? evaluate(request([], action, resource))
    : evaluate(request([policy('p', ...list)], action, resource))

const runs = { numRuns: 2_000 }

test('adding a Deny never allows, adding an Allow never refuses what was allowed without a Deny', () => {
  fc.assert(
    fc.property(statements, statement, action, resource, (list, added, action, resource) => {
      const before = decide(list, action, resource)
      const after = decide([...list, added], action, resource)
      if (added.Effect === 'Deny') assert.ok(!after.allow || before.allow)
      else assert.ok(!before.allow || after.allow)
    }),
    runs,
  )
})

test('the order of statements, and which policy they stand in, do not matter', () => {
  fc.assert(
    fc.property(statements, fc.array(fc.nat()), action, resource, (list, keys, action, resource) => {
      const shuffled = list.map((s, i) => ({ s, key: keys[i] ?? 0 })).sort((a, b) => a.key - b.key)
      const { allow, reason } = decide(list, action, resource)
      const moved = decide(
        shuffled.map(({ s }) => s),
        action,
        resource,
      )
      assert.deepEqual({ allow: moved.allow, reason: moved.reason }, { allow, reason })
      const apart = evaluate(
        request(
          shuffled.map(({ s }, i) => policy(`p${i}`, s)),
          action,
          resource,
        ),
      )
      assert.deepEqual({ allow: apart.allow, reason: apart.reason }, { allow, reason })
    }),
    runs,
  )
})

test('a statement split by its actions or its resources decides the same', () => {
  const split = (s: Statement): readonly Statement[] => {
    const byAction = s.Action?.map((action) => ({ ...s, Action: [action] })) ?? [s]
    return byAction.flatMap((one) => one.Resource?.map((resource) => ({ ...one, Resource: [resource] })) ?? [one])
  }
  fc.assert(
    fc.property(statements, action, resource, (list, action, resource) => {
      const { allow, reason } = decide(list, action, resource)
      const apart = decide(list.flatMap(split), action, resource)
      assert.deepEqual({ allow: apart.allow, reason: apart.reason }, { allow, reason })
    }),
    runs,
  )
})

test('NotAction and NotResource are the complements of Action and Resource', () => {
  fc.assert(
    fc.property(
      some(actionPatterns),
      some(resourcePatterns),
      action,
      resource,
      (actions, resources, action, resource) => {
        const any = { Effect: 'Allow', Action: ['*'], Resource: ['*'] } as const
        const only = (changes: object) => decide([{ ...any, ...changes }], action, resource).allow
        assert.notEqual(only({ Action: actions }), only({ Action: undefined, NotAction: actions }))
        assert.notEqual(only({ Resource: resources }), only({ Resource: undefined, NotResource: resources }))
      },
    ),
    runs,
  )
})

const layer = (
  name: string,
  list: readonly Statement[],
  grammar: 'identity' | 'session' = 'identity',
): NamedPolicy => ({
  name,
  policy: compilePolicy(JSON.stringify({ Version: '2012-10-17', Statement: list }), grammar),
})

test('a boundary, a session policy and a control policy allow nothing that was refused without them', () => {
  fc.assert(
    fc.property(statements, statements, action, resource, (list, added, action, resource) => {
      const identity = [layer('identity', list)]
      const before = evaluate(request(identity, action, resource)).allow
      for (const more of [
        { boundary: layer('boundary', added) },
        { session: [layer('session', added, 'session')] },
        { session: [] },
        { scp: [[layer('scp', added)]] },
        { rcp: [[layer('rcp', added)]] },
      ]) {
        const after = evaluate(request(identity, action, resource, { layers: { identity, ...more } })).allow
        assert.ok(before || !after, Object.keys(more).join())
        const alone = evaluate(request([layer('alone', added)], action, resource)).allow
        if (!('session' in more && more.session.length === 0)) assert.equal(after, before && alone)
        else assert.equal(after, false)
      }
    }),
    { numRuns: 500 },
  )
})

test('who asks does not matter to identity policies', () => {
  const principals: readonly PolicyPrincipal[] = [
    alice,
    { kind: 'user', arn: `arn:aws:iam::${account}:user/bob`, account, userId: 'AIDA2' },
    { kind: 'role-session', arn: `arn:aws:sts::${account}:assumed-role/R/s`, account, userId: 'AROA1:s' },
    { kind: 'federated-user', arn: `arn:aws:sts::${account}:federated-user/f`, account, userId: `${account}:f` },
  ]
  fc.assert(
    fc.property(statements, action, resource, (list, action, resource) => {
      const decisions = principals.map((principal) =>
        JSON.stringify(evaluate(request([layer('p', list)], action, resource, { principal }))),
      )
      assert.equal(new Set(decisions).size, 1)
    }),
    { numRuns: 500 },
  )
})
