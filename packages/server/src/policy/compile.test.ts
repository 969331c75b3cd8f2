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

test('whatever the text, compiling gives a policy or a MalformedPolicyError', () => {
  const compiles = (text: string) => {
    try {
      compilePolicy(text, 'identity')
    } catch (error) {
      assert.ok(error instanceof MalformedPolicyError, `${text}: ${error}`)
    }
  }
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.json(),
        fc.json().map((json) => `{"Statement":${json}}`),
      ),
      compiles,
    ),
  )
  const text = JSON.stringify(withStatement({ Resource: ['arn:aws:s3:::a\\"b', '*'] }))
  const positions = fc.integer({ min: 0, max: text.length - 1 })
  fc.assert(
    fc.property(positions, fc.constantFrom('"', '\\', '{', '}', '[', ':', ',', ''), (at, character) =>
      compiles(text.slice(0, at) + character + text.slice(at + 1)),
    ),
  )
})
