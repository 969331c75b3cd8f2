// TagResource through the server.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CreateSecretCommand, DescribeSecretCommand, TagResourceCommand } from '@aws-sdk/client-secrets-manager'
import { startTestServer } from '../../../testing.ts'
import { policyDocument } from '../../iam/testing.ts'
import { call, createCaller } from '../testing.ts'

test('tags are added, and a known key takes the new value', async (t) => {
  const server = await startTestServer(t)
  const client = server.secretsManager
  const SecretId = 'db'
  await client.send(new CreateSecretCommand({ Name: 'db', Tags: [{ Key: 'a', Value: '1' }] }))
  await client.send(
    new TagResourceCommand({
      SecretId,
      Tags: [
        { Key: 'b', Value: '' },
        { Key: 'a', Value: '2' },
        { Key: 'A', Value: '3' },
      ],
    }),
  )
  const { Tags } = await client.send(new DescribeSecretCommand({ SecretId }))
  assert.deepEqual(Tags, [
    { Key: 'a', Value: '2' },
    { Key: 'b', Value: '' },
    { Key: 'A', Value: '3' },
  ])
})

test('the answer has no body', async (t) => {
  const server = await startTestServer(t)
  await server.secretsManager.send(new CreateSecretCommand({ Name: 'db' }))
  const answer = await server.call('secretsmanager', 'TagResource', {
    SecretId: 'db',
    Tags: [{ Key: 'a', Value: 'b' }],
  })
  assert.equal(answer.status, 200)
  assert.deepEqual(answer.body ?? {}, {})
})

test('a change of tags is a change of the secret, and attaching what is there already is none', async (t) => {
  const server = await startTestServer(t)
  const client = server.secretsManager
  const SecretId = 'db'
  const Tags = [{ Key: 'a', Value: '1' }]
  const changed = async () => (await client.send(new DescribeSecretCommand({ SecretId }))).LastChangedDate!.getTime()
  await client.send(new CreateSecretCommand({ Name: 'db' }))
  const created = await changed()
  await server.clock.advance(5_000)
  await client.send(new TagResourceCommand({ SecretId, Tags }))
  const tagged = await changed()
  assert.ok(tagged >= created + 5_000)
  await server.clock.advance(5_000)
  await client.send(new TagResourceCommand({ SecretId, Tags }))
  assert.equal(await changed(), tagged)
})

test('reserved, malformed, repeated and too many tags are refused and change nothing', async (t) => {
  const server = await startTestServer(t)
  const client = server.secretsManager
  const SecretId = 'db'
  await client.send(new CreateSecretCommand({ Name: 'db', Tags: [{ Key: 'kept', Value: 'x' }] }))
  for (const Tags of [
    [{ Key: 'aws:a', Value: 'b' }],
    [{ Key: 'a!', Value: 'b' }],
    [{ Key: 'a', Value: '#' }],
    [
      { Key: 'a', Value: '1' },
      { Key: 'a', Value: '2' },
    ],
    [{ Value: 'x' }],
    Array.from({ length: 50 }, (_, n) => ({ Key: `k${n}`, Value: '' })),
  ]) {
    await assert.rejects(client.send(new TagResourceCommand({ SecretId, Tags })), { name: 'InvalidParameterException' })
  }
  for (const Tags of [
    [{ Key: 'k'.repeat(129), Value: 'b' }],
    [{ Key: '', Value: 'b' }],
    [{ Key: 'a', Value: 'v'.repeat(257) }],
    undefined,
  ]) {
    await assert.rejects(client.send(new TagResourceCommand({ SecretId, Tags })), { name: 'ValidationException' })
  }
  const { Tags } = await client.send(new DescribeSecretCommand({ SecretId }))
  assert.deepEqual(Tags, [{ Key: 'kept', Value: 'x' }])
})

test('a secret that does not exist cannot be tagged', async (t) => {
  const server = await startTestServer(t)
  await assert.rejects(
    server.secretsManager.send(new TagResourceCommand({ SecretId: 'no', Tags: [{ Key: 'a', Value: 'b' }] })),
    {
      name: 'ResourceNotFoundException',
    },
  )
})

test('a tag that would cost the caller its own access is refused, and no other is', async (t) => {
  const server = await startTestServer(t)
  const { arn, credentials } = await createCaller(server, 'blue', [
    {
      Effect: 'Allow',
      Action: 'secretsmanager:*',
      Resource: '*',
      Condition: { StringEquals: { 'secretsmanager:ResourceTag/team': 'blue' } },
    },
    {
      Effect: 'Deny',
      Action: 'secretsmanager:*',
      Resource: '*',
      Condition: { Null: { 'aws:ResourceTag/closed': 'false' } },
    },
  ])
  const { ARN } = await call(server, 'CreateSecret', { Name: 'db', Tags: [{ Key: 'team', Value: 'blue' }] })
  const tag = async (Key: string, Value: string) => {
    const input = { SecretId: 'db', Tags: [{ Key, Value }] }
    const { status, body } = await server.call('secretsmanager', 'TagResource', input, { credentials })
    return status === 200 ? 'tagged' : body
  }
  const action = 'secretsmanager:TagResource'
  const refused = (reason: string) => ({
    __type: 'AccessDeniedException',
    Message: `User: ${arn} is not authorized to perform: ${action} on resource: ${ARN} ${reason}`,
  })
  assert.equal(await tag('owner', 'me'), 'tagged')
  assert.equal(await tag('team', 'blue'), 'tagged')
  assert.deepEqual(await tag('team', 'red'), refused(`because no identity-based policy allows the ${action} action`))
  assert.deepEqual(await tag('closed', ''), refused('with an explicit deny in an identity-based policy'))
  const { Tags } = await call(server, 'DescribeSecret', { SecretId: 'db' })
  assert.deepEqual(Tags, [
    { Key: 'team', Value: 'blue' },
    { Key: 'owner', Value: 'me' },
  ])
})

test('the policy of the secret is asked about the new tags too, also of a caller from another account', async (t) => {
  const server = await startTestServer(t)
  const guest = await createCaller(server, 'guest', [{ Effect: 'Allow', Action: '*', Resource: '*' }], 'new')
  const { ARN } = await call(server, 'CreateSecret', { Name: 'db', Tags: [{ Key: 'open', Value: 'yes' }] })
  const ResourcePolicy = policyDocument({
    Effect: 'Allow',
    Principal: { AWS: guest.account },
    Action: 'secretsmanager:TagResource',
    Resource: '*',
    Condition: { StringEquals: { 'aws:ResourceTag/open': 'yes' } },
  })
  await call(server, 'PutResourcePolicy', { SecretId: ARN, ResourcePolicy })
  const tag = async (Key: string, Value: string) => {
    const input = { SecretId: ARN, Tags: [{ Key, Value }] }
    return (await server.call('secretsmanager', 'TagResource', input, guest)).body?.__type
  }
  assert.equal(await tag('by', 'guest'), undefined)
  assert.equal(await tag('open', 'no'), 'AccessDeniedException')
})
