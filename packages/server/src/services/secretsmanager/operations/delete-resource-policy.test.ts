// DeleteResourcePolicy through the server: with a policy, without one, and what it ends.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startTestServer } from '../../../testing.ts'
import { policyDocument } from '../../iam/testing.ts'
import { assertRefused, call, createCaller, events } from '../testing.ts'

test('what only the policy allowed is over at once', async (t) => {
  const server = await startTestServer(t)
  const { arn, credentials } = await createCaller(server, 'reader', [])
  const { ARN } = await call(server, 'CreateSecret', { Name: 'db' })
  const ResourcePolicy = policyDocument({
    Effect: 'Allow',
    Principal: { AWS: arn },
    Action: 'secretsmanager:DescribeSecret',
    Resource: '*',
  })
  await call(server, 'PutResourcePolicy', { SecretId: 'db', ResourcePolicy })
  const describe = async () =>
    (await server.call('secretsmanager', 'DescribeSecret', { SecretId: 'db' }, { credentials })).status
  assert.equal(await describe(), 200)

  const before = (await call(server, 'DescribeSecret', { SecretId: 'db' })).LastChangedDate
  server.clock.advance(1_000)
  assert.deepEqual(await call(server, 'DeleteResourcePolicy', { SecretId: ARN }), { ARN, Name: 'db' })
  assert.equal(await describe(), 400)
  assert.deepEqual(await call(server, 'GetResourcePolicy', { SecretId: 'db' }), { ARN, Name: 'db' })
  assert.ok((await call(server, 'DescribeSecret', { SecretId: 'db' })).LastChangedDate >= before + 1)
  const [event] = await events(server, 'DeleteResourcePolicy')
  assert.deepEqual([event?.requestParameters, event?.responseElements], [{ secretId: ARN }, { arn: ARN, name: 'db' }])
})

test('a secret that has no policy is left as it is', async (t) => {
  const server = await startTestServer(t)
  const { ARN } = await call(server, 'CreateSecret', { Name: 'db' })
  const before = await call(server, 'DescribeSecret', { SecretId: 'db' })
  server.clock.advance(1_000)
  assert.deepEqual(await call(server, 'DeleteResourcePolicy', { SecretId: 'db' }), { ARN, Name: 'db' })
  assert.deepEqual(await call(server, 'DescribeSecret', { SecretId: 'db' }), before)
})

test('a secret that is scheduled for deletion keeps its policy', async (t) => {
  const server = await startTestServer(t)
  await call(server, 'CreateSecret', { Name: 'db' })
  await call(server, 'DeleteSecret', { SecretId: 'db' })
  await assertRefused(
    server,
    'DeleteResourcePolicy',
    { SecretId: 'db' },
    'InvalidRequestException',
    "You can't perform this operation on the secret because it was marked for deletion.",
  )
})
