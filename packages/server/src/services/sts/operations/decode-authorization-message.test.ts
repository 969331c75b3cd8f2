// DecodeAuthorizationMessage: what a refusal carries, for whom, for how long, and what it never tells.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DecodeAuthorizationMessageCommand } from '@aws-sdk/client-sts'
import { startTestServer, type TestCredentials } from '../../../testing.ts'
import { policyDocument } from '../../iam/testing.ts'
import { newKey } from '../../kms/testing.ts'
import { call, createCaller } from '../../secretsmanager/testing.ts'
import { MESSAGE_CHARACTERS_MAX } from '../authorization-message.ts'
import { EVERYTHING, stsClient } from '../testing.ts'

const HEADER = 'x-strongroom-authorization-message'
const invalid = {
  name: 'InvalidAuthorizationMessageException',
  message: 'The encoded message is not valid, or has expired.',
}

test('a refusal carries what policies said, which who may know it decodes in the form of AWS', async (t) => {
  const server = await startTestServer(t)
  const decode = async (EncodedMessage: string | null, credentials: TestCredentials = server.credentials) =>
    JSON.parse(
      (
        await stsClient(t, server, credentials).send(
          new DecodeAuthorizationMessageCommand({ EncodedMessage: EncodedMessage! }),
        )
      ).DecodedMessage!,
    )
  const made = {
    Name: 'db',
    SecretString: 'x',
    ClientRequestToken: 'x'.repeat(32),
    Tags: [{ Key: 'team', Value: 'a' }],
  }
  const { ARN } = await call(server, 'CreateSecret', made)
  const denies = {
    Sid: 'notNow',
    Effect: 'Deny',
    Action: 'secretsmanager:GetSecretValue',
    Resource: '*',
    Condition: { StringEquals: { 'aws:ResourceTag/team': ['a', 'b'] } },
  }
  const alice = await createCaller(server, 'alice', [denies, { ...EVERYTHING, Action: 'secretsmanager:Describe*' }])
  const ask = (operation: string, input: object, who = alice, headers = {}) =>
    server.call('secretsmanager', operation, input, { ...who, headers })

  const allowed = await ask('DescribeSecret', { SecretId: 'db' })
  assert.equal(allowed.headers.get(HEADER), null)
  const denied = await ask('GetSecretValue', { SecretId: 'db', VersionStage: 'AWSCURRENT' })
  const { matchedStatements, context, ...rest } = await decode(denied.headers.get(HEADER))
  assert.deepEqual(rest, { allowed: false, explicitDeny: true, failures: { items: [] } })
  assert.deepEqual(matchedStatements.items, [
    {
      statementId: 'notNow',
      effect: 'DENY',
      principals: { items: [] },
      principalGroups: { items: [] },
      actions: { items: [{ value: 'secretsmanager:GetSecretValue' }] },
      resources: { items: [{ value: '*' }] },
      conditions: {
        items: [{ key: 'aws:ResourceTag/team', values: { items: [{ value: 'a' }, { value: 'b' }] } }],
      },
    },
  ])
  const { principal, action, resource, conditions } = context
  assert.deepEqual([principal.name, principal.arn], ['alice', alice.arn])
  assert.match(principal.id, /^AIDA/)
  assert.deepEqual([action, resource], ['secretsmanager:GetSecretValue', ARN])
  // biome-ignore lint/suspicious/noExplicitAny: parsed JSON
  const valuesOf = (wanted: string) => conditions.items.find(({ key }: any) => key === wanted)?.values.items
  assert.deepEqual(valuesOf('aws:ResourceTag/team'), [{ value: 'a' }])
  assert.deepEqual(valuesOf('secretsmanager:VersionStage'), [{ value: 'AWSCURRENT' }])
  assert.deepEqual(valuesOf('aws:SourceIp'), [{ value: '127.0.0.1' }])

  const silent = (await ask('DeleteSecret', { SecretId: 'db' })).headers.get(HEADER)!
  assert.deepEqual((await decode(silent)).matchedStatements, { items: [] })
  assert.equal((await decode(silent)).explicitDeny, false)

  // Through a key: Secrets Manager's answer says little, the message says which permission was missing.
  const { id } = await newKey(server)
  await call(server, 'UpdateSecret', { SecretId: 'db', KmsKeyId: id })
  const reader = await createCaller(server, 'reader', [{ ...EVERYTHING, Action: 'secretsmanager:*' }])
  const throughKey = await decode((await ask('GetSecretValue', { SecretId: 'db' }, reader)).headers.get(HEADER))
  assert.equal(throughKey.context.action, 'kms:Decrypt')

  // Whoever may not decode, another account, another text, a later day.
  await assert.rejects(decode(silent, alice.credentials), {
    name: 'AccessDenied',
    message: /sts:DecodeAuthorizationMessage/,
  })
  const other = await createCaller(server, 'other', [EVERYTHING], 'new')
  await assert.rejects(decode(silent, other.credentials), invalid)
  for (const text of ['x', `${silent}=`, `${silent.slice(0, -1)}\n`, `B${silent.slice(1)}`, silent.slice(4)])
    await assert.rejects(decode(text), invalid, text.slice(0, 4))

  // However much there is to tell, the header is bounded and says what it left out; another account's facts are not in it.
  const agent = 'a'.repeat(5_000)
  const long = (await ask('DeleteSecret', { SecretId: 'db' }, alice, { 'user-agent': agent })).headers.get(HEADER)!
  assert.ok(long.length <= MESSAGE_CHARACTERS_MAX)
  assert.ok(
    JSON.stringify(await decode(long)).includes('{"key":"strongroom:Omitted","values":{"items":[{"value":"1"}]}}'),
  )
  const ResourcePolicy = policyDocument({ ...denies, Principal: '*', Condition: {} })
  await call(server, 'PutResourcePolicy', { SecretId: ARN, ResourcePolicy, BlockPublicPolicy: false })
  const foreign = (await ask('GetSecretValue', { SecretId: ARN }, other)).headers.get(HEADER)
  const told = await decode(foreign, other.credentials)
  assert.deepEqual([told.explicitDeny, told.matchedStatements.items], [false, []])
  assert.ok(!JSON.stringify(told).includes('ResourceTag'))
  await assert.rejects(decode(foreign), invalid)
})

test('a message expires after a day, and a stranger gets none', async (t) => {
  const server = await startTestServer(t)
  const alice = await createCaller(server, 'alice', [])
  const { headers } = await server.call('secretsmanager', 'GetSecretValue', { SecretId: 'db' }, alice)
  const EncodedMessage = headers.get(HEADER)!
  const client = stsClient(t, server, server.credentials)
  await client.send(new DecodeAuthorizationMessageCommand({ EncodedMessage }))
  const wallNow = server.app.wallNow
  Object.assign(server.app, { wallNow: () => Date.now() + 86_400_001 })
  client.config.systemClockOffset = 86_400_001
  await assert.rejects(client.send(new DecodeAuthorizationMessageCommand({ EncodedMessage })), invalid)
  Object.assign(server.app, { wallNow })
  const credentials = { accessKeyId: alice.credentials.accessKeyId, secretAccessKey: 'wrong'.repeat(8) }
  const stranger = await server.call('secretsmanager', 'GetSecretValue', { SecretId: 'db' }, { credentials })
  assert.equal(stranger.headers.get(HEADER), null)
})
