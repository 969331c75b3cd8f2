// GetResourcePolicy through the server, for secrets that have no policy.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CreateSecretCommand, GetResourcePolicyCommand } from '@aws-sdk/client-secrets-manager'
import { startTestServer } from '../../../testing.ts'

test('a secret without a policy answers with its ARN and name alone', async (t) => {
  const server = await startTestServer(t)
  const { ARN } = await server.secretsManager.send(new CreateSecretCommand({ Name: 'db' }))
  const { body, status } = await server.call('secretsmanager', 'GetResourcePolicy', { SecretId: 'db' })
  assert.equal(status, 200)
  assert.deepEqual(body, { ARN, Name: 'db' })
})

test('a secret that does not exist has no policy to tell', async (t) => {
  const server = await startTestServer(t)
  await assert.rejects(server.secretsManager.send(new GetResourcePolicyCommand({ SecretId: 'no' })), {
    name: 'ResourceNotFoundException',
  })
})
