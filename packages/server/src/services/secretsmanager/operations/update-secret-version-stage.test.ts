// UpdateSecretVersionStage through the real server. Every case of the rules is in model.test.ts.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startTestServer } from '../../../testing.ts'
import { assertRefused, call, labels, token } from '../testing.ts'

test('UpdateSecretVersionStage', async (t) => {
  const server = await startTestServer(t)
  const [one, two] = [token('one'), token('two')]
  const { ARN } = await call(server, 'CreateSecret', { Name: 'app', ClientRequestToken: one, SecretString: '1' })
  await call(server, 'PutSecretValue', { SecretId: 'app', ClientRequestToken: two, SecretString: '2' })
  const move = (input: object) => call(server, 'UpdateSecretVersionStage', { SecretId: 'app', ...input })

  await t.test('moves AWSCURRENT back, and the labels swap', async () => {
    const answer = await move({ VersionStage: 'AWSCURRENT', RemoveFromVersionId: two, MoveToVersionId: one })
    assert.deepEqual(answer, { ARN, Name: 'app' })
    assert.deepEqual(await labels(server, 'app'), { [one]: ['AWSCURRENT'], [two]: ['AWSPREVIOUS'] })
    assert.equal((await call(server, 'GetSecretValue', { SecretId: 'app' })).SecretString, '1')
  })

  await t.test('attaches and detaches a label; a version without labels is deprecated', async () => {
    await move({ VersionStage: 'green', MoveToVersionId: two })
    assert.deepEqual(await labels(server, 'app'), { [one]: ['AWSCURRENT'], [two]: ['AWSPREVIOUS', 'green'] })
    await move({ VersionStage: 'green', RemoveFromVersionId: two })
    await move({ VersionStage: 'AWSPREVIOUS', RemoveFromVersionId: two })
    assert.deepEqual(await labels(server, 'app'), { [one]: ['AWSCURRENT'] })
    assert.equal((await call(server, 'GetSecretValue', { SecretId: 'app', VersionId: two })).SecretString, '2')
  })

  await t.test('changes LastChangedDate only where it changes something', async () => {
    const changed = async () => (await call(server, 'DescribeSecret', { SecretId: 'app' })).LastChangedDate
    const before = await changed()
    server.clock.advance(1_000)
    await move({ VersionStage: 'AWSCURRENT', MoveToVersionId: one })
    assert.equal(await changed(), before)
    await move({ VersionStage: 'blue', MoveToVersionId: one })
    assert.ok((await changed()) - before >= 1)
  })

  await t.test('refuses as the rules say', async () => {
    const parameter = 'InvalidParameterException'
    for (const [input, code, message] of [
      [
        { VersionStage: 'AWSCURRENT', MoveToVersionId: two },
        parameter,
        `The parameter RemoveFromVersionId can't be empty. Staging label AWSCURRENT is currently attached to version ${one}, so you must explicitly reference that version in RemoveFromVersionId.`,
      ],
      [
        { VersionStage: 'AWSCURRENT', RemoveFromVersionId: one },
        parameter,
        "You can only move staging label AWSCURRENT to a different secret version. It can't be completely removed.",
      ],
      [
        { VersionStage: 'green', MoveToVersionId: token('none') },
        'ResourceNotFoundException',
        "Secrets Manager can't find the specified secret version.",
      ],
      [
        { VersionStage: '' },
        'ValidationException',
        "1 validation error detected: Value '' at 'versionStage' failed to satisfy constraint: Member must have length greater than or equal to 1",
      ],
      [
        { SecretId: 'none', VersionStage: 'x', MoveToVersionId: one },
        'ResourceNotFoundException',
        "Secrets Manager can't find the specified secret.",
      ],
    ] as const) {
      await assertRefused(server, 'UpdateSecretVersionStage', { SecretId: 'app', ...input }, code, message)
    }
  })
})
