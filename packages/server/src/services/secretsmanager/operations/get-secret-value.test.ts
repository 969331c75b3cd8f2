// GetSecretValue through the real server: selection, exactness, dates and every refusal. Each call is made three times: one that comes again
// (repeats.ts) must come to the same.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CreateSecretCommand, GetSecretValueCommand, PutSecretValueCommand } from '@aws-sdk/client-secrets-manager'
import { startTestServer } from '../../../testing.ts'
import { call as callOnce, assertRefused as refusedOnce, token, versions } from '../testing.ts'

const AGAIN = 2

const call: typeof callOnce = async (server, operation, input) => {
  const answer = await callOnce(server, operation, input)
  for (let n = 0; operation === 'GetSecretValue' && n < AGAIN; n++) {
    assert.deepEqual(await callOnce(server, operation, input), answer)
  }
  return answer
}

const assertRefused: typeof refusedOnce = async (...refusal) => {
  for (let n = 0; n <= AGAIN; n++) await refusedOnce(...refusal)
}

test('GetSecretValue', async (t) => {
  const server = await startTestServer(t)
  const { secretsManager } = server
  const [first, second, third] = [token('first'), token('second'), token('third')]
  const { ARN } = await call(server, 'CreateSecret', { Name: 'app', ClientRequestToken: first, SecretString: 'one' })
  server.clock.advance(1_000)
  await call(server, 'PutSecretValue', { SecretId: 'app', ClientRequestToken: second, SecretBinary: 'dHdv' })
  server.clock.advance(1_000)
  await call(server, 'PutSecretValue', { SecretId: 'app', ClientRequestToken: third, SecretString: 'three' })
  await call(server, 'CreateSecret', { Name: 'empty' })

  await t.test('finds the version by label, by id, by both, or the current one', async () => {
    for (const [asked, id, value, stages] of [
      [{}, third, { SecretString: 'three' }, ['AWSCURRENT']],
      [{ VersionStage: 'AWSPREVIOUS' }, second, { SecretBinary: 'dHdv' }, ['AWSPREVIOUS']],
      [{ VersionId: first }, first, { SecretString: 'one' }, []],
      [{ VersionId: third, VersionStage: 'AWSCURRENT' }, third, { SecretString: 'three' }, ['AWSCURRENT']],
    ] as const) {
      const { CreatedDate, ...read } = await call(server, 'GetSecretValue', { SecretId: ARN, ...asked })
      assert.equal(typeof CreatedDate, 'number')
      assert.deepEqual(read, { ARN, Name: 'app', VersionId: id, ...value, VersionStages: stages })
    }
  })

  await t.test("gives the date of the version, not the secret's", async () => {
    const created = (await call(server, 'DescribeSecret', { SecretId: 'app' })).CreatedDate
    const dates = await Promise.all(
      [first, second, third].map(
        async (id) => (await call(server, 'GetSecretValue', { SecretId: 'app', VersionId: id })).CreatedDate,
      ),
    )
    assert.equal(dates[0], created)
    assert.ok(dates[1] - created >= 1 && dates[2] - dates[1] >= 1)
  })

  await t.test('refuses what it cannot find', async () => {
    const unknown = token('unknown')
    const notFound = 'ResourceNotFoundException'
    const value = "Secrets Manager can't find the specified secret value for"
    for (const [input, code, message] of [
      [{ SecretId: 'none' }, notFound, "Secrets Manager can't find the specified secret."],
      [{ SecretId: 'empty' }, notFound, `${value} staging label: AWSCURRENT`],
      [{ SecretId: 'app', VersionStage: 'AWSPENDING' }, notFound, `${value} staging label: AWSPENDING`],
      [{ SecretId: 'app', VersionId: unknown }, notFound, `${value} VersionId: ${unknown}`],
      [
        { SecretId: 'app', VersionId: first, VersionStage: 'AWSCURRENT' },
        'InvalidRequestException',
        'You provided a VersionStage that is not associated to the provided VersionId.',
      ],
    ] as const) {
      await assertRefused(server, 'GetSecretValue', input, code, message)
    }
  })

  await t.test('refuses a secret that is scheduled for deletion', async () => {
    await call(server, 'CreateSecret', { Name: 'doomed', ClientRequestToken: token(), SecretString: 'x' })
    await call(server, 'DeleteSecret', { SecretId: 'doomed' })
    await assertRefused(
      server,
      'GetSecretValue',
      { SecretId: 'doomed' },
      'InvalidRequestException',
      "You can't perform this operation on the secret because it was marked for deletion.",
    )
  })

  await t.test('gives back every text exactly', async () => {
    for (const text of ['\u0000', '\ufeffbom', ' \r\n\t', '{"a": "é€😀"}', '"\\/\u2028']) {
      const SecretId = `text-${token()}`
      await secretsManager.send(new CreateSecretCommand({ Name: SecretId, SecretString: text }))
      assert.equal((await secretsManager.send(new GetSecretValueCommand({ SecretId }))).SecretString, text)
    }
  })

  await t.test('shows the day of the last reading, of the secret and of the version', async () => {
    const SecretId = 'read'
    await secretsManager.send(new CreateSecretCommand({ Name: SecretId, SecretString: 'x' }))
    await secretsManager.send(new PutSecretValueCommand({ SecretId, SecretString: 'y' }))
    assert.equal((await call(server, 'DescribeSecret', { SecretId })).LastAccessedDate, undefined)

    const midnight = () => Math.floor(server.app.now() / 86_400_000) * 86_400
    await call(server, 'GetSecretValue', { SecretId })
    for (const written of [false, true]) {
      if (written) await server.app.accesses.flush()
      assert.equal((await call(server, 'DescribeSecret', { SecretId })).LastAccessedDate, midnight())
      const listed = await versions(server, SecretId)
      const days = listed.map((version) => [version.VersionStages?.[0], version.LastAccessedDate] as const)
      assert.deepEqual(
        new Map(days),
        new Map([
          ['AWSCURRENT', midnight()],
          ['AWSPREVIOUS', undefined],
        ]),
      )
    }

    // The secret was read today already, this version of it was not.
    await call(server, 'GetSecretValue', { SecretId, VersionStage: 'AWSPREVIOUS' })
    await server.app.accesses.flush()
    for (const version of await versions(server, SecretId)) assert.equal(version.LastAccessedDate, midnight())

    server.clock.advance(86_400_000)
    await call(server, 'GetSecretValue', { SecretId })
    await server.app.accesses.flush()
    assert.equal((await call(server, 'DescribeSecret', { SecretId })).LastAccessedDate, midnight())
  })
})
