// RestoreSecret through the server: a scheduled secret is as before, and its purge never comes.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  CreateSecretCommand,
  DeleteSecretCommand,
  DescribeSecretCommand,
  GetSecretValueCommand,
  RestoreSecretCommand,
} from '@aws-sdk/client-secrets-manager'
import { startTestServer } from '../../../testing.ts'
import { events } from '../testing.ts'

const DAY_MS = 86_400_000

test('a restored secret has no deletion date, can be read again, and outlives its window', async (t) => {
  const server = await startTestServer(t)
  const client = server.secretsManager
  const SecretId = 'db'
  const { ARN } = await client.send(new CreateSecretCommand({ Name: 'db', SecretString: 'x' }))
  const before = await client.send(new DescribeSecretCommand({ SecretId }))
  await client.send(new DeleteSecretCommand({ SecretId, RecoveryWindowInDays: 7 }))
  await server.clock.advance(1_000)
  const restored = await client.send(new RestoreSecretCommand({ SecretId }))
  assert.equal(restored.ARN, ARN)
  assert.equal(restored.Name, 'db')
  const after = await client.send(new DescribeSecretCommand({ SecretId }))
  assert.ok(after.LastChangedDate! > before.LastChangedDate!)
  assert.equal(after.DeletedDate, undefined)

  await server.clock.advance(8 * DAY_MS)
  await server.jobs.runDue()
  assert.equal((await client.send(new GetSecretValueCommand({ SecretId }))).SecretString, 'x')

  assert.equal((await events(server, 'CancelSecretVersionDelete')).length, 1)
})

test('a secret can be scheduled again after it was restored, with the new window', async (t) => {
  const server = await startTestServer(t)
  const client = server.secretsManager
  const SecretId = 'db'
  await client.send(new CreateSecretCommand({ Name: 'db', SecretString: 'x' }))
  await client.send(new DeleteSecretCommand({ SecretId, RecoveryWindowInDays: 7 }))
  await client.send(new RestoreSecretCommand({ SecretId }))
  await client.send(new DeleteSecretCommand({ SecretId, RecoveryWindowInDays: 10 }))
  await server.clock.advance(8 * DAY_MS)
  await server.jobs.runDue()
  await client.send(new DescribeSecretCommand({ SecretId }))
  await server.clock.advance(2 * DAY_MS)
  await server.jobs.runDue()
  await assert.rejects(client.send(new DescribeSecretCommand({ SecretId })), { name: 'ResourceNotFoundException' })
})

test('restoring a secret that is not scheduled succeeds and changes nothing', async (t) => {
  const server = await startTestServer(t)
  const client = server.secretsManager
  await client.send(new CreateSecretCommand({ Name: 'db', SecretString: 'x' }))
  const before = await client.send(new DescribeSecretCommand({ SecretId: 'db' }))
  await server.clock.advance(1_000)
  await client.send(new RestoreSecretCommand({ SecretId: 'db' }))
  const after = await client.send(new DescribeSecretCommand({ SecretId: 'db' }))
  assert.equal(after.LastChangedDate?.getTime(), before.LastChangedDate?.getTime())
})

test('a secret that does not exist, or is gone for good, cannot be restored', async (t) => {
  const server = await startTestServer(t)
  const client = server.secretsManager
  const NOT_FOUND = { name: 'ResourceNotFoundException' }
  await assert.rejects(client.send(new RestoreSecretCommand({ SecretId: 'db' })), NOT_FOUND)
  await client.send(new CreateSecretCommand({ Name: 'db', SecretString: 'x' }))
  await client.send(new DeleteSecretCommand({ SecretId: 'db', ForceDeleteWithoutRecovery: true }))
  await assert.rejects(client.send(new RestoreSecretCommand({ SecretId: 'db' })), NOT_FOUND)
})
