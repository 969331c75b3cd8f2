import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compileConditions, conditionHolds } from './condition.ts'
import type { Lookup } from './engine.ts'
import { MalformedPolicyError } from './errors.ts'

type Values = { readonly [key: string]: readonly string[] }

const lookupIn =
  (values: Values): Lookup =>
  (key) =>
    values[key] ?? []

const holds = (
  operator: string,
  listed: unknown,
  values: Values,
  { effect = 'Allow' as 'Allow' | 'Deny', key = 'a:k', variables = true } = {},
): boolean => {
  const conditions = compileConditions({ [operator]: { [key]: listed } }, 'C', variables)
  assert.equal(conditions.length, 1)
  return conditionHolds(conditions[0]!, effect, lookupIn(values))
}

const refused = (element: unknown, path: string, reason: string, variables = true) =>
  assert.throws(
    () => compileConditions(element, 'C', variables),
    (error) => {
      assert.ok(error instanceof MalformedPolicyError, String(error))
      assert.deepEqual({ path: error.path, reason: error.reason }, { path, reason })
      return true
    },
    JSON.stringify(element),
  )

const variable = (inside: string): string => `$\{${inside}}`

/** A value of the policy, one that matches it, and one that does not. */
const POSITIVE: { readonly [operator: string]: readonly [string, string, string] } = {
  StringEquals: ['x', 'x', 'X'],
  StringEqualsIgnoreCase: ['xY', 'Xy', 'xz'],
  StringLike: ['x*', 'xyz', 'yx'],
  NumericEquals: ['5', '5.0', '6'],
  NumericLessThan: ['5', '4', '5'],
  NumericLessThanEquals: ['5', '5', '6'],
  NumericGreaterThan: ['5', '6', '5'],
  NumericGreaterThanEquals: ['5', '5', '4'],
  DateEquals: ['2026-01-01', '2026-01-01T00:00:00Z', '2026-01-02'],
  DateLessThan: ['2026-01-01', '2025-12-31', '2026-01-01'],
  DateLessThanEquals: ['2026-01-01', '2026-01-01', '2026-01-02'],
  DateGreaterThan: ['2026-01-01', '2026-01-02', '2026-01-01'],
  DateGreaterThanEquals: ['2026-01-01', '2026-01-01', '2025-12-31'],
  Bool: ['true', 'TRUE', 'false'],
  BinaryEquals: ['QUI=', 'QUI=', 'QUM='],
  IpAddress: ['10.0.0.0/8', '10.1.2.3', '11.0.0.0'],
  ArnEquals: ['arn:aws:iam::1*:user/*', 'arn:aws:iam::12:user/a', 'arn:aws:iam::2:user/a'],
  ArnLike: ['arn:aws:iam::1*:user/*', 'arn:aws:iam::12:user/a', 'arn:aws:iam::2:user/a'],
}

const NEGATED: { readonly [operator: string]: string } = {
  StringNotEquals: 'StringEquals',
  StringNotEqualsIgnoreCase: 'StringEqualsIgnoreCase',
  StringNotLike: 'StringLike',
  NumericNotEquals: 'NumericEquals',
  DateNotEquals: 'DateEquals',
  NotIpAddress: 'IpAddress',
  ArnNotEquals: 'ArnEquals',
  ArnNotLike: 'ArnLike',
}

const CASES = ['absent', 'hit', 'miss', 'hit miss', 'miss hit', 'hit hit', 'miss miss'] as const

/** Whether the condition holds in each of CASES. */
const TRUTH: { readonly [form: string]: string } = {
  'positive ': 'no yes no yes yes yes no',
  'negated ': 'yes no yes no no no yes',
  'positive ForAnyValue:': 'no yes no yes yes yes no',
  'negated ForAnyValue:': 'no no yes yes yes no yes',
  'positive ForAllValues:': 'yes yes no no no yes no',
  'negated ForAllValues:': 'yes no yes no no no yes',
}

test('every operator, with and without a set prefix and IfExists, holds for what is absent, present and several', () => {
  const operators = [
    ...Object.keys(POSITIVE).map((name) => ({ name, form: 'positive', sample: POSITIVE[name]! })),
    ...Object.keys(NEGATED).map((name) => ({ name, form: 'negated', sample: POSITIVE[NEGATED[name]!]! })),
  ]
  assert.equal(operators.length, 26)
  for (const { name, form, sample } of operators) {
    const [listed, hit, miss] = sample
    for (const prefix of ['', 'ForAnyValue:', 'ForAllValues:']) {
      const truth = TRUTH[`${form} ${prefix}`]!.split(' ')
      for (const suffix of ['', 'IfExists']) {
        for (const [i, words] of CASES.entries()) {
          const values = words === 'absent' ? [] : words.split(' ').map((word) => (word === 'hit' ? hit : miss))
          const expected = truth[i] === 'yes' || (words === 'absent' && suffix === 'IfExists')
          const message = `${prefix}${name}${suffix} ${words}`
          for (const effect of ['Allow', 'Deny'] as const) {
            assert.equal(holds(prefix + name + suffix, listed, { 'a:k': values }, { effect }), expected, message)
          }
        }
      }
    }
  }
})

test('of several values of the policy one is enough, and a negated operator wants none', () => {
  const values = { 'a:k': ['b'] }
  assert.equal(holds('StringEquals', ['a', 'b'], values), true)
  assert.equal(holds('StringEquals', ['a', 'c'], values), false)
  assert.equal(holds('StringNotEquals', ['a', 'b'], values), false)
  assert.equal(holds('StringNotEquals', ['a', 'c'], values), true)
  assert.equal(holds('ForAllValues:StringEquals', ['a', 'b'], { 'a:k': ['b', 'a', 'b'] }), true)
  assert.equal(holds('ForAllValues:StringEquals', ['a', 'b'], { 'a:k': ['b', 'c'] }), false)
  assert.equal(holds('ForAllValues:StringNotEquals', ['a', 'b'], { 'a:k': ['c', 'd'] }), true)
  assert.equal(holds('ForAnyValue:StringNotEquals', ['a', 'b'], { 'a:k': ['a', 'c'] }), true)
  assert.equal(holds('ForAnyValue:StringNotEquals', ['a', 'b'], { 'a:k': ['a', 'b'] }), false)
})

test('Null asks whether the key is there, and nothing of its values', () => {
  const cases: readonly (readonly [unknown, readonly string[], boolean])[] = [
    ['true', [], true],
    ['true', ['x'], false],
    ['true', [''], false],
    ['true', ['true'], false],
    ['false', [], false],
    ['false', ['x', 'y'], true],
    ['false', ['true'], true],
    ['TRUE', [], true],
    [true, [], true],
    [false, ['x'], true],
    [['true', 'false'], [], true],
    [['true', 'false'], ['x'], true],
  ]
  for (const [listed, values, expected] of cases) {
    assert.equal(holds('Null', listed, { 'a:k': values }), expected, JSON.stringify([listed, values]))
  }
  for (const name of ['NullIfExists', 'ForAnyValue:Null', 'ForAllValues:Null']) {
    refused({ [name]: { 'a:k': 'true' } }, `C.${name}`, `Invalid Condition type : ${name}.`)
  }
  refused({ Null: { 'a:k': 'yes' } }, 'C.Null.a:k', 'Invalid value for condition type Null: yes')
})

test('values compare as the type of their operator says', () => {
  const cases: readonly (readonly [string, string, string, boolean])[] = [
    ['StringEquals', '*', 'x', false],
    ['StringEquals', '*', '*', true],
    ['StringEquals', '', '', true],
    ['StringEquals', '', 'x', false],
    ['StringEqualsIgnoreCase', 'É', 'é', true],
    ['StringEqualsIgnoreCase', '*', 'x', false],
    ['StringLike', 'a?c', 'abc', true],
    ['StringLike', 'a?c', 'ac', false],
    ['StringLike', 'a?c', 'Abc', false],
    ['StringLike', '*b*', 'abc', true],
    ['StringLike', '*', '', true],
    ['StringLike', '?', '', false],
    ['StringLike', 'arn:*', 'arn:aws:x', true],
    ['NumericEquals', '10', '1e1', false],
    ['NumericEquals', '10', '+10', true],
    ['NumericEquals', '-0', '0', true],
    ['NumericLessThan', '10', '9', true],
    ['NumericLessThan', '-1', '-2.5', true],
    ['NumericGreaterThan', '9', '10', true],
    ['NumericGreaterThan', '9', 'many', false],
    ['NumericNotEquals', '9', 'many', true],
    ['DateEquals', '1767225600', '2026-01-01T01:00:00+01:00', true],
    ['DateNotEquals', '2026', 'yesterday', true],
    ['DateLessThan', '2026-01-01T12:00Z', '2026-01-01T12:00:00.001Z', false],
    ['Bool', 'false', 'FALSE', true],
    ['Bool', 'true', 'yes', false],
    ['BinaryEquals', 'AA==', 'AB==', true],
    ['BinaryEquals', 'AA==', 'AA', false],
    ['IpAddress', '192.0.2.1', '192.0.2.1', true],
    ['IpAddress', '192.0.2.1', '192.0.2.2', false],
    ['IpAddress', '0.0.0.0/0', '2001:db8::1', false],
    ['IpAddress', '192.0.2.0/24', '::ffff:192.0.2.7', true],
    ['IpAddress', '::/0', '192.0.2.7', false],
    ['IpAddress', '10.0.0.0/8', '10.0.0.0/8', false],
    ['NotIpAddress', '10.0.0.0/8', 'nowhere', true],
    ['ArnLike', '*', 'arn:aws:iam::1:user/a', true],
    ['ArnLike', '*', 'a', false],
    ['ArnNotLike', '*', 'a', true],
    ['ArnLike', 'arn:aws:iam::1:user/*', 'arn:aws:iam::1:user/a:b/c', true],
    ['ArnLike', 'arn:aws:*:*:*:*', 'arn:aws:sns:r:1:topic', true],
    ['ArnLike', 'arn:aws:s*:us-?:1:topic', 'arn:aws:sns:us-1:1:topic', true],
    ['ArnLike', 'arn:aws:iam::1:user/a', 'arn:aws:iam::1:user/A', false],
    ['ArnLike', 'arn:aws:iam:*:1:user/a', 'arn:aws:iam::1:user/a', true],
    ['ArnLike', 'arn:aws:iam:?:1:user/a', 'arn:aws:iam::1:user/a', false],
    ['ArnLike', 'arn:aws:iam::*', 'arn:aws:iam::1:user/a', true],
    ['ArnLike', 'arn:*', 'arn:aws:iam::1:user/a', true],
    ['ArnLike', 'arn:aws:iam:us-*', 'arn:aws:iam::1:user/a', false],
    ['ArnEquals', 'arn:aws:iam::1:*', 'arn:aws:iam::1:role/a', true],
    ['ArnNotEquals', 'arn:aws:iam::1:*', 'arn:aws:iam::1:role/a', false],
  ]
  for (const [operator, listed, value, expected] of cases) {
    assert.equal(holds(operator, listed, { 'a:k': [value] }), expected, `${operator} ${listed} ${value}`)
  }
})

test('numbers and booleans of the JSON count as their text', () => {
  assert.equal(holds('NumericLessThan', 10, { 'a:k': ['9'] }), true)
  assert.equal(holds('Bool', true, { 'a:k': ['true'] }), true)
  assert.equal(holds('StringEquals', [1.5, true], { 'a:k': ['1.5'] }), true)
  assert.equal(holds('StringEquals', [1.5, true], { 'a:k': ['true'] }), true)
})

test('a malformed value of the policy is refused with its place', () => {
  const cases: readonly (readonly [string, unknown])[] = [
    ['NumericEquals', 'ten'],
    ['NumericLessThan', '1'.repeat(33)],
    ['DateEquals', '2026-13-01'],
    ['DateGreaterThan', variable('aws:CurrentTime')],
    ['Bool', 'yes'],
    ['BinaryEquals', 'A'],
    ['IpAddress', '10.0.0.0/33'],
    ['IpAddress', '10.0.0'],
    ['NotIpAddress', '::/129'],
    ['ArnLike', 'a'],
    ['ArnLike', ''],
    ['ArnEquals', 'arn:aws:iam::1'],
    ['ArnNotEquals', '**'],
    ['ArnNotLike', `${variable('aws:PrincipalArn')}*`],
    ['ArnLike', `arn:aws:iam:${variable('*')}`],
  ]
  for (const [operator, listed] of cases) {
    const reason = `Invalid value for condition type ${operator}: ${listed}`
    refused({ [operator]: { 'a:k': listed } }, `C.${operator}.a:k`, reason)
    refused(
      { [`ForAnyValue:${operator}IfExists`]: { 'a:k': ['*', listed].slice(1) } },
      `C.ForAnyValue:${operator}IfExists.a:k[0]`,
      reason,
    )
  }
  refused({ StringEquals: { 'a:k': ['x', `$\{a`] } }, 'C.StringEquals.a:k[1]', `The policy variable $\{a is not valid.`)
})

test('what is not a condition is refused with its place', () => {
  const syntax = 'Syntax errors in policy.'
  const vendor = 'Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.'
  for (const element of [null, [], 'x', 1]) refused(element, 'C', syntax)
  for (const name of [
    'stringEquals',
    'StringEqual',
    'String',
    '',
    '__proto__',
    'toString',
    'IfExists',
    'ForAnyValue:',
  ]) {
    refused(
      JSON.parse(`{"${name}":{"a:k":"x"}}`),
      name === '' ? 'C.' : `C.${name}`,
      `Invalid Condition type : ${name}.`,
    )
  }
  refused(
    { 'ForSomeValues:StringEquals': {} },
    'C.ForSomeValues:StringEquals',
    'Invalid Condition type : ForSomeValues:StringEquals.',
  )
  refused(
    { 'forAnyValue:StringEquals': {} },
    'C.forAnyValue:StringEquals',
    'Invalid Condition type : forAnyValue:StringEquals.',
  )
  for (const keys of [null, [], 'x']) refused({ StringEquals: keys }, 'C.StringEquals', syntax)
  for (const key of ['username', '', ':', ':k', 'a:']) {
    refused({ StringEquals: { [key]: 'x' } }, `C.StringEquals.${key}`, vendor)
  }
  for (const listed of [null, {}, []]) refused({ StringEquals: { 'a:k': listed } }, 'C.StringEquals.a:k', syntax)
  refused({ StringEquals: { 'a:k': ['x', null] } }, 'C.StringEquals.a:k[1]', syntax)
  refused({ StringEquals: { 'a:k': [['x']] } }, 'C.StringEquals.a:k[0]', syntax)
  refused({ StringEquals: { [`a:${'k'.repeat(99)}`]: null } }, `C.StringEquals.a:${'k'.repeat(62)}`, syntax)
  assert.deepEqual(compileConditions({}, 'C', true), [])
  assert.deepEqual(compileConditions({ StringEquals: {} }, 'C', true), [])
})

test('keys of a condition are looked up in lower case', () => {
  const conditions = compileConditions(
    { StringEquals: { 'aws:RequestTag/Team A': 'x', 'AWS:userName': 'y' } },
    'C',
    true,
  )
  assert.deepEqual(
    conditions.map(({ key }) => key),
    ['aws:requesttag/team a', 'aws:username'],
  )
})

test('a variable in a value of a text or an ARN is resolved for each request, and is literal', () => {
  const name = variable('a:Name')
  const cases: readonly (readonly [string, string, readonly string[], string, boolean])[] = [
    ['StringEquals', name, ['bob'], 'bob', true],
    ['StringEquals', name, ['bob'], 'Bob', false],
    ['StringEquals', `x-${name}-y`, ['bob'], 'x-bob-y', true],
    ['StringEquals', name, [''], '', true],
    ['StringEqualsIgnoreCase', name, ['BOB'], 'bob', true],
    ['StringLike', `${name}/*`, ['bob'], 'bob/x', true],
    ['StringLike', `${name}/*`, ['b*'], 'bob/x', false],
    ['StringLike', `${name}/*`, ['b*'], 'b*/x', true],
    ['StringLike', `${name}/?`, ['b?'], 'bo/x', false],
    ['StringEquals', variable('*'), [], '*', true],
    ['StringEquals', `${variable('$')}{`, [], `$\{`, true],
    ['StringLike', `a${variable('*')}`, [], 'ab', false],
    ['StringLike', `a${variable('*')}`, [], 'a*', true],
    ['StringLike', `a${variable('?')}*`, [], 'ab', false],
    ['StringLike', `a${variable('?')}*`, [], 'a?b', true],
    ['ArnLike', `arn:aws:iam::${name}:user/*`, ['1'], 'arn:aws:iam::1:user/a', true],
    ['ArnLike', `arn:aws:iam::${name}:user/*`, ['*'], 'arn:aws:iam::1:user/a', false],
    ['ArnLike', `arn:aws:iam::${name}:user/*`, ['1:user/a'], 'arn:aws:iam::1:user/a:user/b', false],
    ['ArnLike', `arn:aws:iam::1:user/${name}`, ['a:b'], 'arn:aws:iam::1:user/a:b', true],
    ['ArnLike', `arn:aws:iam::1:user/${name}`, ['a'], 'arn:aws:iam::1:user/ab', false],
    ['ArnLike', `arn:aws:iam::1:${name}/a`, ['user'], 'arn:aws:iam::1:role/a', false],
    ['ArnLike', `arn:aws:iam::${name}*`, ['1'], 'arn:aws:iam::12:role/a', true],
    ['ArnLike', name, ['arn:aws:iam::1:role/a'], 'arn:aws:iam::1:role/a', true],
    ['ArnLike', name, ['arn:aws:iam::1:role/*'], 'arn:aws:iam::1:role/a', false],
    ['ArnLike', name, ['a'], 'a', false],
    ['ArnLike', `arn:aws:iam::1:user/${variable('*')}`, [], 'arn:aws:iam::1:user/a', false],
    ['ArnLike', `arn:aws:iam::1:user/${variable('*')}`, [], 'arn:aws:iam::1:user/*', true],
  ]
  for (const [operator, listed, named, value, expected] of cases) {
    const values = { 'a:k': [value], 'a:name': named }
    assert.equal(holds(operator, listed, values), expected, `${operator} ${listed} ${named} ${value}`)
  }
})

test('in version 2008-10-17 a variable is text', () => {
  const values = { 'a:k': [variable('a:name')], 'a:name': ['bob'] }
  assert.equal(holds('StringEquals', variable('a:name'), values, { variables: false }), true)
  assert.equal(holds('StringLike', variable('*'), { 'a:k': [variable('xyz')] }, { variables: false }), true)
  assert.equal(holds('StringEquals', `$\{`, { 'a:k': [`$\{`] }, { variables: false }), true)
})

test('a variable that cannot be resolved matches nothing, and widens no Allow under a negated operator', () => {
  const unresolved: readonly (readonly string[])[] = [[], ['bob', 'bob']]
  const arn = 'arn:aws:iam::1:user/bob'
  for (const named of unresolved) {
    for (const [positive, negated, listed, present] of [
      ['StringEquals', 'StringNotEquals', variable('a:name'), 'x'],
      ['StringEqualsIgnoreCase', 'StringNotEqualsIgnoreCase', variable('a:name'), 'x'],
      ['StringLike', 'StringNotLike', `*${variable('a:name')}`, 'x'],
      ['ArnLike', 'ArnNotLike', `arn:aws:iam::1:user/${variable('a:name')}`, arn],
      ['ArnEquals', 'ArnNotEquals', variable('a:name'), arn],
    ] as const) {
      for (const k of [[], [present]]) {
        const values = { 'a:k': k, 'a:name': named }
        for (const effect of ['Allow', 'Deny'] as const) {
          const message = `${positive} ${effect} ${JSON.stringify(values)}`
          assert.equal(holds(positive, listed, values, { effect }), false, message)
          assert.equal(holds(negated, listed, values, { effect }), effect === 'Deny', message)
          assert.equal(holds(`${negated}IfExists`, listed, values, { effect }), effect === 'Deny', message)
          assert.equal(holds(`${positive}IfExists`, listed, values, { effect }), k.length === 0, message)
        }
        // What is beside it counts as ever.
        assert.equal(holds(positive, [listed, present], values), k.length > 0)
        assert.equal(holds(negated, [listed, present], values, { effect: 'Deny' }), k.length === 0)
      }
    }
  }
})

test('the default of a variable stands for a key without a single value', () => {
  const listed = variable("a:name, 'nobody'")
  for (const [named, value] of [
    [[], 'nobody'],
    [['a', 'b'], 'nobody'],
    [['a'], 'a'],
    [[''], ''],
  ] as const) {
    assert.equal(holds('StringEquals', listed, { 'a:k': [value], 'a:name': named }), true, value)
    assert.equal(holds('StringNotEquals', listed, { 'a:k': ['other'], 'a:name': named }), true, value)
  }
  assert.equal(holds('StringLike', variable("a:name, '*'"), { 'a:k': ['x'] }), false)
  assert.equal(holds('StringLike', variable("a:name, '*'"), { 'a:k': ['*'] }), true)
})
