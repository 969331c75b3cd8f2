// TagResource through the server.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CreateSecretCommand, DescribeSecretCommand, TagResourceCommand } from '@aws-sdk/client-secrets-manager'
import { startTestServer } from '../../../testing.ts'

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
