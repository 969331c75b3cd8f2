import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compilePolicy } from './compile.ts'
import { accessDenied } from './denied.ts'
import type { Decision, Layer } from './engine.ts'

const arn = 'arn:aws:iam::111122223333:user/alice'
const permission = { action: 'secretsmanager:GetSecretValue', resource: '*', resourceAccount: '111122223333' }
const refusal = (reason: Decision['reason'], layer: Layer): Decision => ({
  allow: false,
  reason,
  layer,
  statements: [],
})

const asks = `User: ${arn} is not authorized to perform: secretsmanager:GetSecretValue`

test('a refusal names the caller, the action, the resource and the reason as AWS does', () => {
  const shown = 'arn:aws:secretsmanager:us-east-1:111122223333:secret:a-AbCdEf'
  const error = accessDenied('json', arn, { ...permission, shown }, refusal('implicit-deny', 'identity'))
  assert.deepEqual(
    { code: error.code, status: error.status, messageKey: error.messageKey, message: error.message },
    {
      code: 'AccessDeniedException',
      status: 400,
      messageKey: 'Message',
      message: `${asks} on resource: ${shown} because no identity-based policy allows the secretsmanager:GetSecretValue action`,
    },
  )
})

test('a refusal names no resource where AWS names none', () => {
  const error = accessDenied('json', arn, permission, refusal('explicit-deny', 'identity'))
  assert.equal(error.message, `${asks} with an explicit deny in an identity-based policy`)
})

test('a Query service answers AccessDenied with 403', () => {
  const error = accessDenied('query', arn, permission, refusal('implicit-deny', 'identity'))
  assert.deepEqual({ code: error.code, status: error.status }, { code: 'AccessDenied', status: 403 })
})

test('every layer has its words, and control policies always deny explicitly', () => {
  const cases: readonly (readonly [Decision['reason'], Layer, string])[] = [
    ['implicit-deny', 'resource', 'because no resource-based policy allows the secretsmanager:GetSecretValue action'],
    ['implicit-deny', 'session', 'because no session policy allows the secretsmanager:GetSecretValue action'],
    ['implicit-deny', 'boundary', 'because no permissions boundary allows the secretsmanager:GetSecretValue action'],
    ['implicit-deny', 'scp', 'with an explicit deny in a service control policy'],
    ['explicit-deny', 'rcp', 'with an explicit deny in a resource control policy'],
    ['explicit-deny', 'resource', 'with an explicit deny in a resource-based policy'],
    ['explicit-deny', 'session', 'with an explicit deny in a session policy'],
    ['explicit-deny', 'boundary', 'with an explicit deny in a permissions boundary'],
  ]
  for (const [reason, layer, words] of cases) {
    assert.equal(accessDenied('json', arn, permission, refusal(reason, layer)).message, `${asks} ${words}`)
  }
})

test('a refusal by the trust policy of a role is worded as one', () => {
  const statement = { Effect: 'Allow', Principal: '*', Action: 'sts:AssumeRole' }
  const policy = { name: 'trust', policy: compilePolicy(JSON.stringify({ Statement: statement }), 'trust') }
  const asked = {
    action: 'sts:AssumeRole',
    resource: '*',
    resourceAccount: '111122223333',
    resourcePolicy: { kind: 'trust', policy } as const,
  }
  const words = (reason: Decision['reason'], layer: Layer) =>
    accessDenied('query', arn, asked, refusal(reason, layer)).message
  const begins = `User: ${arn} is not authorized to perform: sts:AssumeRole`
  assert.equal(
    words('implicit-deny', 'resource'),
    `${begins} because no role trust policy allows the sts:AssumeRole action`,
  )
  assert.equal(words('explicit-deny', 'resource'), `${begins} with an explicit deny in the role trust policy`)
  assert.equal(
    words('implicit-deny', 'identity'),
    `${begins} because no identity-based policy allows the sts:AssumeRole action`,
  )
  const ofKey = { ...asked, resourcePolicy: { ...asked.resourcePolicy, kind: 'key' as const } }
  assert.match(
    accessDenied('json', arn, ofKey, refusal('implicit-deny', 'resource')).message,
    /no resource-based policy/,
  )
})
