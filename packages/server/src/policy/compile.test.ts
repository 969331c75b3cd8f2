import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { compilePolicy } from './compile.ts'
import type { PolicyGrammar } from './engine.ts'
import { MalformedPolicyError } from './errors.ts'

const allow = { Effect: 'Allow', Action: 'secretsmanager:GetSecretValue', Resource: '*' }
const withStatement = (changes: object) => ({ Version: '2012-10-17', Statement: [{ ...allow, ...changes }] })

const refused = (document: unknown, path: string, reason: string, grammar: PolicyGrammar = 'identity') => {
  const text = typeof document === 'string' ? document : JSON.stringify(document)
  assert.throws(
    () => compilePolicy(text, grammar),
    (error) => {
      assert.ok(error instanceof MalformedPolicyError, String(error))
      assert.deepEqual({ path: error.path, reason: error.reason }, { path, reason })
      return true
    },
    text,
  )
}

test('every element of the identity grammar compiles, a statement alone or in a list', () => {
  const policy = compilePolicy(
    JSON.stringify({
      Version: '2012-10-17',
      Id: 'any text',
      Statement: [
        { Sid: 'First1', ...allow },
        { Effect: 'Deny', NotAction: ['iam:*', '*:*'], NotResource: ['arn:aws:s3:::bucket/*', '*'] },
      ],
    }),
    'identity',
  )
  assert.deepEqual(
    policy.statements.map(({ index, sid, effect }) => ({ index, sid, effect })),
    [
      { index: 0, sid: 'First1', effect: 'Allow' },
      { index: 1, sid: undefined, effect: 'Deny' },
    ],
  )
  assert.equal(compilePolicy(JSON.stringify({ Statement: allow }), 'identity').statements.length, 1)
  assert.equal(
    compilePolicy(JSON.stringify({ Version: '2008-10-17', Statement: allow }), 'identity').statements.length,
    1,
  )
})

test('what is not a policy is refused with the place of the fault', () => {
  const syntax = 'Syntax errors in policy.'
  refused('', '', syntax)
  refused('{"Statement":[}', '', syntax)
  refused('[]', '', syntax)
  refused('null', '', syntax)
  refused('"text"', '', syntax)
  refused({}, 'Statement', syntax)
  refused({ Statement: [] }, 'Statement', syntax)
  refused({ Statement: 'text' }, 'Statement', syntax)
  refused({ Statement: [allow, 1] }, 'Statement[1]', syntax)
  refused({ ...withStatement({}), Extra: 1 }, 'Extra', syntax)
  refused({ ...withStatement({}), version: '2012-10-17' }, 'version', syntax)
  refused({ ...withStatement({}), Id: 1 }, 'Id', syntax)
  refused({ ...withStatement({}), Version: '2012-10-18' }, 'Version', 'The policy must contain a valid version string.')
  refused('{"Statement":[],"__proto__":{}}', '__proto__', syntax)
})

test('what is not a statement is refused with the place of the fault', () => {
  const syntax = 'Syntax errors in policy.'
  for (const Effect of [undefined, 'allow', 'ALLOW', '', 1, ['Allow']]) {
    refused(withStatement({ Effect }), 'Statement[0].Effect', syntax)
  }
  refused({ Statement: { ...allow, Effect: 'Permit' } }, 'Statement.Effect', syntax)
  refused(withStatement({ action: '*' }), 'Statement[0].action', syntax)
  refused(withStatement({ NotAction: 'iam:*' }), 'Statement[0].NotAction', syntax)
  refused(withStatement({ NotResource: '*' }), 'Statement[0].NotResource', syntax)
  refused(withStatement({ Action: undefined }), 'Statement[0].Action', 'Policy statement must contain actions.')
  refused(withStatement({ Action: [] }), 'Statement[0].Action', 'Policy statement must contain actions.')
  refused(withStatement({ Resource: undefined }), 'Statement[0].Resource', 'Policy statement must contain resources.')
  refused(withStatement({ Resource: [] }), 'Statement[0].Resource', 'Policy statement must contain resources.')
  refused(withStatement({ Action: ['iam:*', 1] }), 'Statement[0].Action[1]', syntax)
  refused(withStatement({ Resource: null }), 'Statement[0].Resource', syntax)
  refused(withStatement({ Sid: 'a b' }), 'Statement[0].Sid', 'Statement IDs (SID) may have letters and digits only.')
  refused(
    {
      Statement: [
        { ...allow, Sid: 'A' },
        { ...allow, Sid: 'A' },
      ],
    },
    'Statement[1].Sid',
    'Statement IDs (SID) in a single policy must be unique.',
  )
})

test('a policy of an identity or a session names no principal', () => {
  const reason = 'Policy document should not specify a principal.'
  for (const grammar of ['identity', 'session'] as const) {
    refused(withStatement({ Principal: '*' }), 'Statement[0].Principal', reason, grammar)
    refused(withStatement({ NotPrincipal: { AWS: '*' } }), 'Statement[0].NotPrincipal', reason, grammar)
    refused(withStatement({ Principal: null }), 'Statement[0].Principal', reason, grammar)
  }
})

/** The least that each grammar takes. */
const LEAST: { readonly [grammar in PolicyGrammar]: { readonly [element: string]: unknown } } = {
  identity: allow,
  session: allow,
  resource: { ...allow, Principal: '*' },
  key: { ...allow, Principal: '*' },
  trust: { Effect: 'Allow', Principal: '*', Action: 'sts:AssumeRole' },
}
const GRAMMARS = Object.keys(LEAST) as readonly PolicyGrammar[]

test('each grammar has the elements that its policies need, and refuses the others', () => {
  const { Principal: _, ...nobody } = LEAST.resource
  const { Resource: __, ...nothing } = LEAST.resource
  for (const grammar of GRAMMARS) {
    const policy = compilePolicy(JSON.stringify({ Statement: LEAST[grammar] }), grammar)
    assert.equal(policy.grammar, grammar)
    assert.equal(policy.statements[0]!.principals === undefined, grammar === 'identity' || grammar === 'session')
    assert.equal(policy.statements[0]!.resources === undefined, grammar === 'trust')
    refused({ Statement: { ...LEAST[grammar], Extra: 1 } }, 'Statement.Extra', 'Syntax errors in policy.', grammar)
    refused(
      { Statement: { ...LEAST[grammar], Condition: [] } },
      'Statement.Condition',
      'Syntax errors in policy.',
      grammar,
    )
  }
  for (const grammar of ['resource', 'key'] as const) {
    refused({ Statement: nobody }, 'Statement.Principal', 'Missing required field Principal', grammar)
    refused({ Statement: nothing }, 'Statement.Resource', 'Policy statement must contain resources.', grammar)
    refused(
      { Statement: { ...nothing, Resource: 'x' } },
      'Statement.Resource',
      'Resource x must be in ARN format or "*".',
      grammar,
    )
  }
  refused(
    { Statement: { Effect: 'Allow', Action: 'sts:AssumeRole' } },
    'Statement.Principal',
    'Missing required field Principal',
    'trust',
  )
  refused(
    { Statement: { ...LEAST.trust, Resource: '*' } },
    'Statement.Resource',
    'Has prohibited field Resource',
    'trust',
  )
  refused(
    { Statement: { ...LEAST.trust, NotResource: '*' } },
    'Statement.NotResource',
    'Has prohibited field NotResource',
    'trust',
  )
})

test('NotPrincipal stands with Deny only, and never beside Principal', () => {
  for (const grammar of ['resource', 'key', 'trust'] as const) {
    const { Principal, ...rest } = LEAST[grammar]
    const inverted = { ...rest, NotPrincipal: { AWS: '111122223333' } }
    const path = 'Statement.NotPrincipal'
    refused({ Statement: inverted }, path, 'Allow with NotPrincipal is not allowed.', grammar)
    const denied = compilePolicy(JSON.stringify({ Statement: { ...inverted, Effect: 'Deny' } }), grammar)
    assert.equal(denied.statements[0]!.principals!.inverted, true)
    refused({ Statement: { ...inverted, Effect: 'Deny', Principal } }, path, 'Syntax errors in policy.', grammar)
    refused(
      { Statement: { ...inverted, Effect: 'Deny', NotPrincipal: 'x' } },
      path,
      'Syntax errors in policy.',
      grammar,
    )
    refused(
      { Statement: { ...rest, Principal: { AWS: ['x'] } } },
      'Statement.Principal.AWS[0]',
      'Invalid principal in policy: "AWS":"x"',
      grammar,
    )
  }
})

test('a trust policy speaks of actions of sts only', () => {
  const only = 'AssumeRole policy may only specify STS AssumeRole actions.'
  for (const Action of ['*', '*:*', 'iam:PassRole', 'stsx:AssumeRole', ['sts:TagSession', 'kms:Decrypt']]) {
    const path = Array.isArray(Action) ? 'Statement.Action[1]' : 'Statement.Action'
    refused({ Statement: { ...LEAST.trust, Action } }, path, only, 'trust')
  }
  for (const Action of ['sts:*', 'STS:AssumeRole', ['sts:TagSession', 'sts:AssumeRole*']]) {
    assert.ok(compilePolicy(JSON.stringify({ Statement: { ...LEAST.trust, Action } }), 'trust'))
  }
})

test('a Sid has letters and digits and stands once, but in policies of resources and keys is any text', () => {
  const two = (grammar: PolicyGrammar, Sid: unknown) => ({
    Statement: [
      { ...LEAST[grammar], Sid },
      { ...LEAST[grammar], Sid },
    ],
  })
  for (const grammar of ['identity', 'session', 'trust'] as const) {
    const letters = 'Statement IDs (SID) may have letters and digits only.'
    for (const Sid of ['a b', 'a-b', 'é', 'a\n']) refused(two(grammar, Sid), 'Statement[0].Sid', letters, grammar)
    refused(two(grammar, 'A'), 'Statement[1].Sid', 'Statement IDs (SID) in a single policy must be unique.', grammar)
    assert.ok(compilePolicy(JSON.stringify(two(grammar, '')), grammar))
  }
  for (const grammar of ['resource', 'key'] as const) {
    const policy = compilePolicy(JSON.stringify(two(grammar, 'Allow use of the key')), grammar)
    assert.deepEqual(
      policy.statements.map(({ sid }) => sid),
      ['Allow use of the key', 'Allow use of the key'],
    )
  }
  for (const grammar of GRAMMARS) {
    for (const Sid of [null, 1, ['A']])
      refused(two(grammar, Sid), 'Statement[0].Sid', 'Syntax errors in policy.', grammar)
  }
})

test('a variable is refused where no resource can have one, and where it is not whole', () => {
  const outside = 'has a policy variable outside the last part of the ARN.'
  const arn = (partition: string, region: string, account: string) =>
    `arn:${partition}:secretsmanager:${region}:${account}:secret:a`
  for (const Resource of [
    arn(`$\{aws:x}`, '*', '*'),
    arn('aws', `$\{aws:RequestedRegion}`, '*'),
    arn('aws', '*', `$\{aws:PrincipalAccount}`),
    arn('aws', `$\{*}`, '*'),
    `arn:aws:$\{aws:x}:*:*:secret:a`,
  ]) {
    const refusal = `Resource ${Resource} ${outside}`
    refused(withStatement({ Resource }), 'Statement[0].Resource', refusal)
    refused(
      { Version: '2012-10-17', Statement: { ...allow, Resource: undefined, NotResource: Resource } },
      'Statement.NotResource',
      refusal,
    )
  }
  const open = arn('aws', '*', '*').replace('secret:a', `secret:$\{aws:username`)
  refused(
    withStatement({ Resource: ['*', open] }),
    'Statement[0].Resource[1]',
    `The policy variable $\{aws:username is not valid.`,
  )
  const alone = `$\{aws:PrincipalArn}`
  refused(
    withStatement({ Resource: alone }),
    'Statement[0].Resource',
    `Resource ${alone} must be in ARN format or "*".`,
  )
  refused(
    { Statement: { ...allow, Resource: arn('aws', '*', `$\{x`) } },
    'Statement.Resource',
    `Resource ${arn('aws', '*', `$\{x`)} has no valid account.`,
  )
})

test('variables are of version 2012-10-17 only', () => {
  const Resource = `arn:aws:secretsmanager:*:*:secret:$\{aws:username}/*`
  const variable = (Version: string | undefined) => {
    const text = JSON.stringify({ Version, Statement: { ...allow, Resource } })
    const [pattern] = compilePolicy(text, 'identity').statements[0]!.resources!.patterns
    return pattern !== '*' && pattern!.variable
  }
  assert.deepEqual(['2012-10-17', '2008-10-17', undefined].map(variable), [true, false, false])
  const open = { ...allow, Resource: `arn:aws:secretsmanager:*:*:secret:$\{` }
  assert.ok(compilePolicy(JSON.stringify({ Version: '2008-10-17', Statement: open }), 'identity'))
})

test('conditions are refused with their place', () => {
  refused(
    withStatement({ Condition: { StringEqual: { 'aws:username': 'a' } } }),
    'Statement[0].Condition.StringEqual',
    'Invalid Condition type : StringEqual.',
  )
  refused(
    withStatement({ Condition: { IpAddress: { 'aws:SourceIp': ['10.0.0.0/8', '10.0.0.0/99'] } } }),
    'Statement[0].Condition.IpAddress.aws:SourceIp[1]',
    'Invalid value for condition type IpAddress: 10.0.0.0/99',
  )
  refused(withStatement({ Condition: null }), 'Statement[0].Condition', 'Syntax errors in policy.')
  assert.equal(
    compilePolicy(JSON.stringify(withStatement({ Condition: {} })), 'identity').statements[0]!.conditions.length,
    0,
  )
})

test('an action that could never match is refused', () => {
  const vendor = 'Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.'
  for (const Action of ['', 'GetSecretValue', '**', 'a*']) {
    refused(withStatement({ Action }), 'Statement[0].Action', vendor)
  }
  refused(withStatement({ Action: 'kms*:Decrypt' }), 'Statement[0].Action', 'Vendor kms* is not valid')
  refused(withStatement({ Action: ':Decrypt' }), 'Statement[0].Action', 'Vendor  is not valid')
  for (const Action of ['kms:', 'kms:De crypt', 'kms:Decrypt:x', `kms:$\{x}`]) {
    const reason = 'Action names have letters, digits and wildcards only.'
    refused(withStatement({ Action }), 'Statement[0].Action', reason)
  }
})

test('a resource that no ARN can match is refused, since a Deny on it would never apply', () => {
  const form = 'must be in ARN format or "*".'
  const cases: readonly (readonly [string, string])[] = [
    ['', form],
    ['name', form],
    ['**', form],
    ['arn', form],
    ['arn:*', form],
    ['arn:aws:*', form],
    ['arn:aws:secretsmanager:us-east-1:123456789012', form],
    ['arn:aws:secretsmanager:us-east-1:123456789012:', form],
    ['*:aws:secretsmanager:us-east-1:123456789012:secret:a', form],
    ['arn::secretsmanager:us-east-1:123456789012:secret:a', 'has no valid partition.'],
    ['arn:aws:secrets*:us-east-1:123456789012:secret:a', 'has no valid service; wildcards are not allowed there.'],
    ['arn:aws:*:us-east-1:123456789012:secret:a', 'has no valid service; wildcards are not allowed there.'],
    ['arn:aws:secretsmanager:US:123456789012:secret:a', 'has no valid region.'],
    ['arn:aws:secretsmanager:*:secret:a', 'has no valid account.'],
  ]
  for (const [Resource, reason] of cases) {
    refused(withStatement({ Resource }), 'Statement[0].Resource', `Resource ${Resource} ${reason}`)
  }
})

test('a member that stands twice in one object is refused, also where it is written differently', () => {
  const twice = (name: string) => `The policy has the member "${name}" twice in one object.`
  refused('{"Statement":{"Effect":"Deny","Effect":"Allow","Action":"*","Resource":"*"}}', 'Effect', twice('Effect'))
  refused(
    '{"Statement":{"Effect":"Deny","\\u0045ffect" :"Allow","Action":"*","Resource":"*"}}',
    'Effect',
    twice('Effect'),
  )
  refused('{"Version":"2012-10-17","Statement":[],"Version":"2012-10-17"}', 'Version', twice('Version'))
  const quoted = { Id: '"Effect": {"Id": "\\', Statement: [allow, { ...allow, Action: 'iam:*' }] }
  assert.equal(compilePolicy(JSON.stringify(quoted), 'identity').statements.length, 2)
})

test('a document too long or too deep is refused before it is parsed', () => {
  refused(' '.repeat(65_537), '', 'The policy has more than 65536 characters.')
  refused('['.repeat(60_000), '', 'The policy is nested too deeply.')
  refused(`{"Statement":${'['.repeat(16)}`, '', 'The policy is nested too deeply.')
})

const anyOf = (...values: readonly unknown[]) => fc.constantFrom(...values)
const oneOrMore = (value: fc.Arbitrary<unknown>) => fc.oneof(value, fc.array(value, { maxLength: 3 }))
const text = fc.oneof(
  fc.string(),
  anyOf(
    '*',
    '**',
    'sts:AssumeRole',
    'kms:*',
    `$\{aws:username}`,
    `$\{`,
    'arn:aws:s3:::a',
    'arn:aws:s3:::*',
    `arn:aws:s3:::$\{x:y}`,
  ),
  anyOf('111122223333', 'AIDAX', 'arn:aws:iam::111122223333:root', '10.0.0.0/8', 'true', '2026-01-01', '5', 'AA=='),
)
const value = fc.oneof({ weight: 8, arbitrary: text }, { weight: 1, arbitrary: fc.jsonValue() })
const operator = anyOf(
  'StringLike',
  'ForAnyValue:ArnLike',
  'NumericEqualsIfExists',
  'IpAddress',
  'DateEquals',
  'Null',
  'Bool',
  'BinaryEquals',
  'X',
)
const dictionary = (key: fc.Arbitrary<unknown>, of: fc.Arbitrary<unknown>) =>
  fc.dictionary(key as fc.Arbitrary<string>, of, { maxKeys: 3 })
const principal = fc.oneof(text, dictionary(anyOf('AWS', 'Service', 'Federated', 'X'), oneOrMore(value)))
const condition = dictionary(operator, fc.oneof(value, dictionary(anyOf('aws:k', 'k', ':'), oneOrMore(value))))
const element = (name: string, of: fc.Arbitrary<unknown>) => of.map((value) => ({ [name]: value }))
const change = fc.oneof(
  element('Sid', value),
  element('Effect', anyOf('Deny', 'x')),
  element('Principal', principal),
  element('NotPrincipal', principal),
  element('Action', oneOrMore(value)),
  element('NotAction', oneOrMore(value)),
  element('Resource', oneOrMore(value)),
  element('NotResource', oneOrMore(value)),
  element('Condition', fc.oneof(value, condition, condition)),
)
/** A policy of one of the grammars, with a few elements changed. */
const nearPolicy = fc
  .tuple(
    anyOf('2012-10-17', '2012-10-17', '2008-10-17', 1),
    fc.constantFrom(...GRAMMARS),
    fc.array(change, { maxLength: 3 }),
  )
  .map(([Version, grammar, changes]) =>
    JSON.stringify({ Version, Statement: Object.assign({}, LEAST[grammar], ...changes) }),
  )

test('whatever the text and the grammar, compiling gives a policy or a MalformedPolicyError', () => {
  let compiled = 0
  const compiles = (text: string) => {
    for (const grammar of GRAMMARS) {
      try {
        compilePolicy(text, grammar, { principalIds: {} })
        compiled += 1
      } catch (error) {
        assert.ok(error instanceof MalformedPolicyError, `${text}: ${error}`)
      }
    }
  }
  const anything = fc.oneof(
    fc.string(),
    fc.json(),
    fc.json().map((json) => `{"Statement":${json}}`),
  )
  fc.assert(fc.property(anything, compiles))
  fc.assert(fc.property(nearPolicy, compiles), { numRuns: 2_000 })
  assert.ok(compiled > 200, String(compiled))
  const whole = JSON.stringify({
    Version: '2012-10-17',
    Statement: {
      ...LEAST.resource,
      Resource: ['arn:aws:s3:::a\\"b', `arn:aws:s3:::$\{aws:username, 'x'}`],
      Condition: { 'ForAnyValue:StringLike': { 'aws:k': [`$\{aws:x}`, 1, true] } },
    },
  })
  const positions = fc.integer({ min: 0, max: whole.length - 1 })
  const characters = fc.constantFrom('"', '\\', '{', '}', '[', ':', ',', '', '$', '*', "'")
  fc.assert(
    fc.property(positions, characters, (at, character) =>
      compiles(whole.slice(0, at) + character + whole.slice(at + 1)),
    ),
    { numRuns: 1_000 },
  )
})
