// TLS certificates through the real server, of a real Pebble: what GetSecretValue returns opens an HTTPS server that a client verifies.

import assert from 'node:assert/strict'
import { createServer, get } from 'node:https'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { type TestContext, test } from 'node:test'
import { PEBBLE_SKIP, startPebble } from '../../../../../rotators/src/testing/pebble.ts'
import { sparePort } from '../../../../../rotators/src/testing/server.ts'
import { startTestServer, withJobsOnDemand } from '../../../testing.ts'
import { ask } from '../../strongroom/testing-rotations.ts'
import { call, token } from '../testing.ts'

async function start(t: TestContext, elsewhere?: string, acmeHttpAccount: string[] = []) {
  const pebble = await startPebble(t)
  const acmeHttp = elsewhere ?? `127.0.0.1:${pebble.httpPort}`
  const server = await withJobsOnDemand(
    t,
    await startTestServer(t, { rotationCa: pebble.authorityFile, acmeHttp, acmeHttpAccount }),
  )
  const value = { directoryUrl: pebble.directoryUrl, domains: ['www.example.com'], termsOfServiceAgreed: true }
  await call(server, 'CreateSecret', { Name: 'tls', ClientRequestToken: token(), SecretString: JSON.stringify(value) })
  const RotationLambdaARN = `arn:aws:lambda:${server.region}:${server.accountId}:function:strongroom-acme-certificate`
  const rotate = async (more = {}) => {
    await call(server, 'RotateSecret', { SecretId: 'tls', ClientRequestToken: token(), RotationLambdaARN, ...more })
    await server.jobs.runDue()
    return (await ask(server, 'list', { SecretId: 'tls' })).body.Rotations[0]
  }
  const read = async (VersionStage = 'AWSCURRENT') =>
    JSON.parse((await call(server, 'GetSecretValue', { SecretId: 'tls', VersionStage })).SecretString)
  return { server, pebble, rotate, read }
}

/** What a client hears that trusts nobody but the root. */
async function heard({ privateKey, fullChain }: { privateKey: string; fullChain: string }, root: string) {
  const https = createServer({ key: privateKey, cert: fullChain }, (_, response) => void response.end('hello'))
  await new Promise<void>((resolve) => https.listen(0, '127.0.0.1', resolve))
  const { port } = https.address() as AddressInfo
  const options = { host: '127.0.0.1', port, servername: 'www.example.com', ca: root, agent: false }
  try {
    return await new Promise<string>((resolve, reject) => {
      get(options, (answer) => text(answer).then(resolve, reject)).on('error', reject)
    })
  } finally {
    https.close()
  }
}

test('a certificate is issued and renewed, and both open an HTTPS server', { skip: PEBBLE_SKIP }, async (t) => {
  const { pebble, rotate, read } = await start(t)
  const first = await rotate({ RotationRules: { AutomaticallyAfterDays: 1000 } })
  assert.deepEqual([first.Outcome, first.Attempt], ['succeeded', 1], JSON.stringify(first.Calls))
  const one = await read()
  const second = await rotate()
  assert.deepEqual(
    [second.Outcome, second.Calls.at(-1).PreviousStillValid],
    ['succeeded', true],
    JSON.stringify(second.Calls),
  )
  const [two, root] = [await read(), await pebble.root()]
  assert.ok(
    one.certificate !== two.certificate && one.privateKey !== two.privateKey && one.accountKey === two.accountKey,
  )
  assert.deepEqual(await read('AWSPREVIOUS'), one)
  assert.deepEqual([await heard(one, root), await heard(two, root)], ['hello', 'hello'])
  assert.equal(pebble.issued(), 2)

  const { Outcome, Calls } = await rotate({ RotateImmediately: false })
  assert.equal(Outcome, 'succeeded')
  const told = Calls[0].Findings.map(({ Message }: { Message: string }) => Message)
  assert.match(told.at(-1), /^It rotates every 1000 days, and certificates live 1826/)
  assert.equal(pebble.issued(), 2)
})

test('a challenge that is refused is told in the history, and not tried again', { skip: PEBBLE_SKIP }, async (t) => {
  const { server, pebble, rotate, read } = await start(t, `127.0.0.1:${await sparePort()}`)
  const { Outcome, Attempt, Calls } = await rotate()
  assert.deepEqual([Outcome, Attempt, Calls.at(-1).ErrorType], ['failed', 1, 'permission'], JSON.stringify(Calls))
  assert.match(Calls.at(-1).Message, /does not take the challenge for www\.example\.com: connection: /)
  assert.equal((await read()).certificate, undefined)
  server.clock.advance(3_600_000)
  await server.jobs.runDue()
  assert.equal((await ask(server, 'list', { SecretId: 'tls' })).body.Rotations.length, 1)
  assert.equal(pebble.issued(), 0)
})

test('an account that the operator does not name has nothing answered', { skip: PEBBLE_SKIP }, async (t) => {
  const { pebble, rotate } = await start(t, undefined, ['000000000001'])
  const { Outcome, Calls } = await rotate()
  assert.deepEqual([Outcome, Calls.at(-1).ErrorType], ['failed', 'permission'], JSON.stringify(Calls))
  assert.match(Calls.at(-1).Message, /this account among --acme-http-account/)
  assert.equal(pebble.issued(), 0)
})

test('a port that somebody else holds is waited for', { skip: PEBBLE_SKIP }, async (t) => {
  const { server, pebble, rotate, read } = await start(t)
  const taken = createServer()
  await new Promise<void>((resolve) => taken.listen(pebble.httpPort, '127.0.0.1', resolve))
  const { Outcome, Calls } = await rotate()
  assert.deepEqual([Outcome, Calls.at(-1).ErrorType], [undefined, 'unreachable'], JSON.stringify(Calls))
  assert.match(Calls.at(-1).Message, /^The address of --acme-http cannot be listened on: EADDRINUSE/)
  await new Promise((resolve) => taken.close(resolve))
  server.clock.advance(60_000)
  await server.jobs.runDue()
  assert.equal(typeof (await read()).certificate, 'string')
  assert.equal(pebble.issued(), 1)
})
