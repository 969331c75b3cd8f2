// Keys of an HTTP API rotated through the real server: two rotations, a master's token, and an answer that is lost after the key was issued.

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { ADMIN, keyTemplate, startKeyService } from '../../../../../rotators/src/testing/key-api.ts'
import { startTestServer, withJobsOnDemand } from '../../../testing.ts'
import { ask } from '../../strongroom/testing-rotations.ts'
import { call, token } from '../testing.ts'

async function start(t: TestContext) {
  const { service, url, authorityFile, stop } = await startKeyService()
  t.after(stop)
  const server = await withJobsOnDemand(t, await startTestServer(t, { rotationCa: authorityFile }))
  const create = async (Name: string, content: object): Promise<string> =>
    (await call(server, 'CreateSecret', { Name, ClientRequestToken: token(), SecretString: JSON.stringify(content) }))
      .ARN
  const RotationLambdaARN = `arn:aws:lambda:${server.region}:${server.accountId}:function:strongroom-http-credential`
  const rotate = (SecretId: string) =>
    call(server, 'RotateSecret', { SecretId, ClientRequestToken: token(), RotationLambdaARN })
  const read = async (SecretId: string, VersionStage = 'AWSCURRENT') =>
    JSON.parse((await call(server, 'GetSecretValue', { SecretId, VersionStage })).SecretString)
  const latest = async (SecretId: string) => (await ask(server, 'list', { SecretId })).body.Rotations[0]
  const tokens = () => [...service.keys.values()].map((key) => key.token).sort()
  const { id, token: value } = service.issue('by hand')
  const first = { url, keyId: id, token: value }
  return { server, service, create, rotate, read, latest, tokens, first }
}

test('the current and the previous key work, and no others', async (t) => {
  const { server, create, rotate, read, latest, tokens, first } = await start(t)
  await create('api', { ...first, httpCredential: keyTemplate() })
  for (const _ of [1, 2]) {
    await rotate('api')
    await server.jobs.runDue()
    const { Outcome, Attempt, Calls } = await latest('api')
    assert.deepEqual([Outcome, Attempt, Calls.at(-1).PreviousStillValid], ['succeeded', 1, true], JSON.stringify(Calls))
    const kept = [await read('api'), await read('api', 'AWSPREVIOUS')].map((value) => value.token)
    assert.deepEqual(tokens(), kept.sort())
  }
  assert.ok(!tokens().includes(first.token))
})

test('a key whose issue nobody heard of is revoked before the next one', async (t) => {
  const { server, service, create, rotate, read, latest, tokens, first } = await start(t)
  await create('api', { ...first, httpCredential: keyTemplate() })
  service.silent = true
  await rotate('api')
  for (let round = 0; round < 5 && (await latest('api')).Outcome !== 'succeeded'; round++) {
    await server.jobs.runDue()
    server.clock.advance(10 * 60_000)
  }
  const { Outcome, Calls } = await latest('api')
  assert.equal(Outcome, 'succeeded', JSON.stringify(Calls))
  assert.equal(Calls[0].ErrorType, 'unreachable', JSON.stringify(Calls))
  assert.equal(service.requests.filter((request) => request === 'POST /v1/keys').length, 2)
  assert.deepEqual(tokens(), [first.token, (await read('api')).token].sort())
})

test('a master issues by its own requests, and at no other place than it was allowed for', async (t) => {
  const { server, service, create, rotate, read, latest, tokens, first } = await start(t)
  const basic = { username: 'key', password: '{{master.token}}' }
  const masterarn = await create('master', { url: first.url, token: ADMIN, httpCredential: keyTemplate({ basic }) })
  await create('api', { ...first, masterarn })
  await rotate('api')
  await server.jobs.runDue()
  assert.equal((await latest('api')).Outcome, 'succeeded')
  const now = await read('api')
  assert.deepEqual(tokens(), [first.token, now.token].sort())

  const moved = JSON.stringify({ ...now, url: 'https://localhost:1' })
  await call(server, 'PutSecretValue', { SecretId: 'api', ClientRequestToken: token(), SecretString: moved })
  service.requests.length = 0
  await call(server, 'RotateSecret', { SecretId: 'api', ClientRequestToken: token() })
  await server.jobs.runDue()
  const { Outcome, Calls } = await latest('api')
  assert.notEqual(Outcome, 'succeeded')
  assert.equal(Calls.at(-1).ErrorType, 'permission', JSON.stringify(Calls))
  assert.deepEqual(service.requests, [])
})
