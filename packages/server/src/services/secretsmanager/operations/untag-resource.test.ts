// UntagResource through the server.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CreateSecretCommand, DescribeSecretCommand, UntagResourceCommand } from '@aws-sdk/client-secrets-manager'
import { startTestServer, type TestCredentials } from '../../../testing.ts'
import { call, createCaller } from '../testing.ts'

const Tags = [
  { Key: 'a', Value: '1' },
  { Key: 'A', Value: '2' },
  { Key: 'b', Value: '3' },
]

test('the named tags go, the others stay, and a key that is not there is no error', async (t) => {
  const server = await startTestServer(t)
  const client = server.secretsManager
  const SecretId = 'db'
  await client.send(new CreateSecretCommand({ Name: 'db', Tags }))
  await client.send(new UntagResourceCommand({ SecretId, TagKeys: ['a', 'zzz', 'b', 'b'] }))
  assert.deepEqual((await client.send(new DescribeSecretCommand({ SecretId }))).Tags, [{ Key: 'A', Value: '2' }])
  await client.send(new UntagResourceCommand({ SecretId, TagKeys: ['A'] }))
  assert.equal((await client.send(new DescribeSecretCommand({ SecretId }))).Tags, undefined)
})

test('taking nothing off changes nothing', async (t) => {
  const server = await startTestServer(t)
  const client = server.secretsManager
  await client.send(new CreateSecretCommand({ Name: 'db', Tags }))
  const before = await client.send(new DescribeSecretCommand({ SecretId: 'db' }))
  await server.clock.advance(5_000)
  await client.send(new UntagResourceCommand({ SecretId: 'db', TagKeys: ['zzz'] }))
  const after = await client.send(new DescribeSecretCommand({ SecretId: 'db' }))
  assert.equal(after.LastChangedDate?.getTime(), before.LastChangedDate?.getTime())
})

test('tags of AWS cannot be taken off, and limits of keys are checked', async (t) => {
  const server = await startTestServer(t)
  const client = server.secretsManager
  await client.send(new CreateSecretCommand({ Name: 'db', Tags }))
  for (const [TagKeys, name] of [
    [['aws:x'], 'InvalidParameterException'],
    [[''], 'ValidationException'],
    [['k'.repeat(129)], 'ValidationException'],
    [undefined, 'ValidationException'],
  ] as const) {
    await assert.rejects(
      client.send(new UntagResourceCommand({ SecretId: 'db', TagKeys: TagKeys as unknown as string[] })),
      {
        name,
      },
    )
  }
  await assert.rejects(client.send(new UntagResourceCommand({ SecretId: 'no', TagKeys: ['a'] })), {
    name: 'ResourceNotFoundException',
  })
})

test('the tag that gives the caller its access stays, unless another caller takes it off', async (t) => {
  const server = await startTestServer(t)
  const { credentials } = await createCaller(server, 'blue', [
    {
      Effect: 'Allow',
      Action: 'secretsmanager:*',
      Resource: '*',
      Condition: { StringEquals: { 'aws:ResourceTag/team': 'blue' } },
    },
  ])
  const names = ['team', 'owner']
  await call(server, 'CreateSecret', { Name: 'db', Tags: names.map((Key) => ({ Key, Value: 'blue' })) })
  const untag = async (who: { readonly credentials: TestCredentials }, ...TagKeys: readonly string[]) => {
    const { body } = await server.call('secretsmanager', 'UntagResource', { SecretId: 'db', TagKeys }, who)
    return body?.__type ?? 'untagged'
  }
  assert.equal(await untag({ credentials }, 'owner'), 'untagged')
  assert.equal(await untag({ credentials }, 'team'), 'AccessDeniedException')
  assert.equal((await call(server, 'DescribeSecret', { SecretId: 'db' })).Tags.length, 1)
  assert.equal(await untag(server, 'team'), 'untagged')
})
