// ValidateResourcePolicy through the server: its three checks, with a secret and without, and what it asks for.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startTestServer } from '../../../testing.ts'
import { policyDocument } from '../../iam/testing.ts'
import { call, createCaller } from '../testing.ts'

const SYNTAX = (ErrorMessage: string) => ({ CheckName: 'SYNTAX', ErrorMessage })
const PUBLIC_ACCESS = {
  CheckName: 'PUBLIC_ACCESS',
  ErrorMessage: "You can't attach a resource-based policy that allows broad access to the secret.",
}
const LOCKOUT = {
  CheckName: 'LOCKOUT',
  ErrorMessage: 'Your requested changes will not allow you to manage this secret in the future.',
}

test('each check is told by name, with a secret and without, and nothing is stored', async (t) => {
  const server = await startTestServer(t)
  const { ARN } = await call(server, 'CreateSecret', { Name: 'db' })
  const statement = (Effect: string, Principal: unknown, Resource = '*') => ({
    Effect,
    Principal,
    Action: 'secretsmanager:*',
    Resource,
  })
  const mine = { AWS: server.accountId }
  for (const [policy, found, foundForSecret = found] of [
    [policyDocument(statement('Allow', mine)), []],
    [policyDocument(statement('Allow', '*')), [PUBLIC_ACCESS]],
    [policyDocument(statement('Deny', '*')), [LOCKOUT]],
    [policyDocument(statement('Allow', '*'), statement('Deny', mine)), [PUBLIC_ACCESS, LOCKOUT]],
    [policyDocument(statement('Deny', mine, ARN)), [], [LOCKOUT]],
    ['{', [SYNTAX('This resource policy contains a syntax error. Syntax errors in policy.')]],
    [
      policyDocument(statement('Allow', { AWS: `arn:aws:iam::${server.accountId}:role/none` })),
      [SYNTAX('This resource policy contains an unsupported principal.')],
    ],
  ] as const) {
    for (const [secret, errors] of [
      [{}, found],
      [{ SecretId: 'db' }, foundForSecret],
    ] as const) {
      assert.deepEqual(
        await call(server, 'ValidateResourcePolicy', { ResourcePolicy: policy, ...secret }),
        { PolicyValidationPassed: errors.length === 0, ValidationErrors: errors },
        `${policy} ${JSON.stringify(secret)}`,
      )
    }
  }
  assert.deepEqual(await call(server, 'GetResourcePolicy', { SecretId: 'db' }), { ARN, Name: 'db' })
})

test('it asks for ValidateResourcePolicy and for PutResourcePolicy, on the secret where one is named', async (t) => {
  const server = await startTestServer(t)
  const { ARN } = await call(server, 'CreateSecret', { Name: 'db' })
  const ResourcePolicy = policyDocument({
    Effect: 'Allow',
    Principal: { AWS: server.accountId },
    Action: 'secretsmanager:GetSecretValue',
    Resource: '*',
  })
  const allow = (Action: string | readonly string[], Resource: string) => ({ Effect: 'Allow', Action, Resource })
  const both = ['secretsmanager:ValidateResourcePolicy', 'secretsmanager:PutResourcePolicy']
  for (const [name, statement, withSecret, without] of [
    ['validator', allow(both[0]!, '*'), both[1], both[1]],
    ['putter', allow(both[1]!, '*'), both[0], both[0]],
    ['one', allow(both, ARN), undefined, both[0]],
    ['all', allow(both, '*'), undefined, undefined],
  ] as const) {
    const { credentials } = await createCaller(server, name, [statement])
    for (const [input, refusedFor] of [
      [{ SecretId: 'db' }, withSecret],
      [{}, without],
    ] as const) {
      const { status, body } = await server.call(
        'secretsmanager',
        'ValidateResourcePolicy',
        { ResourcePolicy, ...input },
        { credentials },
      )
      if (refusedFor === undefined) assert.equal(status, 200, JSON.stringify(body))
      else
        assert.match(body.Message, new RegExp(`not authorized to perform: ${refusedFor} .*because no identity-based`))
    }
  }
})

test('a secret that is not there is told only to who may ask', async (t) => {
  const server = await startTestServer(t)
  const nobody = await createCaller(server, 'nobody', [])
  const input = { SecretId: 'none', ResourcePolicy: '{}' }
  const types: string[] = []
  for (const { credentials } of [server, nobody]) {
    types.push((await server.call('secretsmanager', 'ValidateResourcePolicy', input, { credentials })).body.__type)
  }
  assert.deepEqual(types, ['ResourceNotFoundException', 'AccessDeniedException'])
})
