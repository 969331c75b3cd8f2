// DescribeSecret through the real server: what it shows and leaves out, and every way to name a secret.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startTestServer } from '../../../testing.ts'
import { assertRefused, call, token } from '../testing.ts'

test('DescribeSecret', async (t) => {
  const server = await startTestServer(t)

  await t.test('leaves out what is not set', async () => {
    const { ARN } = await call(server, 'CreateSecret', { Name: 'bare' })
    const { CreatedDate, LastChangedDate, ...rest } = await call(server, 'DescribeSecret', { SecretId: 'bare' })
    assert.deepEqual(rest, { ARN, Name: 'bare' })
    assert.equal(typeof CreatedDate, 'number')
    assert.equal(LastChangedDate, CreatedDate)
  })

  await t.test('works on a secret that is scheduled for deletion, and tells since when', async () => {
    const id = token()
    await call(server, 'CreateSecret', { Name: 'doomed', ClientRequestToken: id, SecretString: 'x' })
    server.clock.advance(1_000)
    await call(server, 'DeleteSecret', { SecretId: 'doomed' })
    const described = await call(server, 'DescribeSecret', { SecretId: 'doomed' })
    assert.equal(described.DeletedDate, described.LastChangedDate)
    assert.ok(described.DeletedDate - described.CreatedDate >= 1)
    assert.deepEqual(described.VersionIdsToStages, { [id]: ['AWSCURRENT'] })
  })

  await t.test('finds a secret by name, by ARN, and by ARN without the suffix', async () => {
    const { ARN } = await call(server, 'CreateSecret', { Name: 'found/by', Description: 'me' })
    for (const SecretId of ['found/by', ARN, ARN.slice(0, -7)]) {
      assert.equal((await call(server, 'DescribeSecret', { SecretId })).ARN, ARN)
    }
  })

  await t.test('refuses a SecretId that nothing has, in AWS words', async () => {
    const { ARN } = await call(server, 'CreateSecret', { Name: 'db-secret' })
    const missing = "Secrets Manager can't find the specified secret."
    for (const SecretId of [
      'none',
      'DB-secret',
      ARN.slice(0, -7), // `db-secret` ends in a hyphen and six letters: taken for a whole ARN.
      ARN.replace(/.{6}$/, 'AAAAAA'),
      ARN.replace(server.region, 'us-gov-east-9'),
      ARN.replace('arn:aws:', 'arn:aws-cn:'),
      ARN.replace('secretsmanager', 'ssm'),
      'arn:aws:secretsmanager',
    ]) {
      await assertRefused(server, 'DescribeSecret', { SecretId }, 'ResourceNotFoundException', missing)
    }
    await assertRefused(
      server,
      'DescribeSecret',
      { SecretId: 'no such' },
      'ValidationException',
      'Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!',
    )
    await assertRefused(
      server,
      'DescribeSecret',
      {},
      'ValidationException',
      "1 validation error detected: Value null at 'secretId' failed to satisfy constraint: Member must not be null",
    )
  })
})
