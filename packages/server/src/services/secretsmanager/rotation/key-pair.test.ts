// Key pairs rotated through the real server, signed with and verified by jose with the JWKS that anybody may read; and who may read it.

import assert from 'node:assert/strict'
import { createPrivateKey } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import { createLocalJWKSet, createRemoteJWKSet, type JSONWebKeySet, jwtVerify, SignJWT } from 'jose'
import { startTestServer, type TestServer, withJobsOnDemand } from '../../../testing.ts'
import { ask } from '../../strongroom/testing-rotations.ts'
import { call, token } from '../testing.ts'

async function start(t: TestContext) {
  const server = await withJobsOnDemand(t, await startTestServer(t))
  const create = (Name: string, content: object) =>
    call(server, 'CreateSecret', { Name, ClientRequestToken: token(), SecretString: JSON.stringify(content) })
  const rotate = (SecretId: string, options: object, more: object = {}) =>
    call(server, 'RotateSecret', {
      SecretId,
      ClientRequestToken: token(),
      RotationLambdaARN: `arn:aws:lambda:${server.region}:${server.accountId}:function:strongroom-key-pair`,
      ExternalSecretRotationMetadata: Object.entries(options).map(([Key, Value]) => ({ Key, Value })),
      ...more,
    })
  const latest = async (SecretId: string) => (await ask(server, 'list', { SecretId })).body.Rotations[0]
  const read = async (SecretId: string, VersionStage = 'AWSCURRENT') =>
    JSON.parse((await call(server, 'GetSecretValue', { SecretId, VersionStage })).SecretString)
  return { server, create, rotate, latest, read }
}

const urlOf = ({ url, accountId, region }: TestServer, name: string, of = region): string =>
  `${url}/_strongroom/jwks/${accountId}/${of}/${name}/jwks.json`

const PUBLISH = { publish: 'true' }

async function sign(value: { readonly privateKey: string; readonly kid: string; readonly alg: string }) {
  const { privateKey, kid, alg } = value
  const jwt = new SignJWT({ sub: 'who' }).setProtectedHeader({ alg, kid }).setExpirationTime('1h')
  return jwt.sign(createPrivateKey(privateKey))
}

test('tokens that are signed before, while and after keys rotate are verified by whoever read the set at any of these times', async (t) => {
  const { server, create, rotate, latest, read } = await start(t)
  await create('auth/signing', {})
  await rotate('auth/signing', { ...PUBLISH, previousKeys: '2' })
  await server.jobs.runDue()
  // It would not read again within half a minute, in which these rotations are all over.
  const remote = createRemoteJWKSet(new URL(urlOf(server, 'auth/signing')), { cooldownDuration: 0 })
  const readSet = async (): Promise<JSONWebKeySet> =>
    (await fetch(urlOf(server, 'auth/signing'))).json() as Promise<JSONWebKeySet>
  let signed = 0
  for (let turn = 0; turn < 3; turn++) {
    const [seenBefore, tokenBefore] = [await readSet(), await sign(await read('auth/signing'))]
    let over = false
    const signers = (async () => {
      while (!over) {
        const one = await sign(await read('auth/signing'))
        // The set of before the rotation has the key that signs now, and so does what is read now.
        await jwtVerify(one, createLocalJWKSet(seenBefore))
        await jwtVerify(one, createLocalJWKSet(await readSet()))
        await jwtVerify(one, remote)
        signed++
      }
    })()
    await rotate('auth/signing', { ...PUBLISH, previousKeys: '2' })
    await server.jobs.runDue()
    over = true
    await signers
    const { Outcome, Attempt, Calls } = await latest('auth/signing')
    assert.deepEqual([Outcome, Attempt, Calls.at(-1).PreviousStillValid], ['succeeded', 1, true], JSON.stringify(Calls))
    await jwtVerify(tokenBefore, createLocalJWKSet(await readSet()))
    await jwtVerify(await sign(await read('auth/signing')), createLocalJWKSet(seenBefore))
    assert.deepEqual(await readSet(), (await read('auth/signing')).jwks)
  }
  assert.ok(signed >= 3, `${signed}`)
  assert.deepEqual((await readSet()).keys.length, 4)
})

test('a set is read by anybody while its secret says so, and nothing tells whether there are other secrets', async (t) => {
  const { server, create, rotate, latest, read } = await start(t)
  const get = async (url: string) => {
    const answer = await fetch(url)
    const { status, headers } = answer
    return { status, type: headers.get('content-type'), cache: headers.get('cache-control'), body: await answer.text() }
  }
  await create('a@b/key', {})
  const none = await get(urlOf(server, 'nothing'))
  assert.equal(none.status, 404)
  const isHidden = async (url = urlOf(server, 'a@b/key')) => assert.deepEqual(await get(url), none, url)
  await isHidden()
  await rotate('a@b/key', {})
  await server.jobs.runDue()
  await isHidden()

  // What is current is published by the call that says so, before it is rotated.
  await rotate('a@b/key', PUBLISH, { RotateImmediately: false })
  const shown = await get(urlOf(server, 'a@b/key'))
  assert.deepEqual([shown.status, shown.type, shown.cache], [200, 'application/jwk-set+json', 'public, max-age=300'])
  assert.deepEqual(JSON.parse(shown.body), (await read('a@b/key')).jwks)
  assert.deepEqual(await get(urlOf(server, encodeURIComponent('a@b/key'))), shown)
  assert.equal(shown.body.includes('"d"'), false)
  await server.jobs.runDue()
  assert.equal((await latest('a@b/key')).Outcome, 'succeeded')

  for (const url of [
    urlOf(server, 'a@b/key', 'us-east-1'),
    urlOf(server, 'a@b/key').replace(server.accountId, '000000000000'),
    urlOf(server, 'a@b/ke'),
    urlOf(server, '%ff'),
    urlOf(server, 'a@b/key%00'),
    `${urlOf(server, 'a@b/key')}?x`,
    urlOf(server, 'a'.repeat(600)),
  ]) {
    await isHidden(url)
  }
  assert.notEqual((await fetch(urlOf(server, 'a@b/key'), { method: 'POST' })).status, 200)

  // Whoever may write to the database has no key of their own verified.
  const shift = (by: number) =>
    server.app.database.transaction('write', (tx) => tx.run('UPDATE secret SET rev = rev + $1', by))
  await shift(1)
  assert.equal((await get(urlOf(server, 'a@b/key'))).status, 503)
  await shift(-1)
  assert.equal((await get(urlOf(server, 'a@b/key'))).status, 200)

  await call(server, 'DeleteSecret', { SecretId: 'a@b/key' })
  await isHidden()
  await call(server, 'RestoreSecret', { SecretId: 'a@b/key' })
  assert.equal((await get(urlOf(server, 'a@b/key'))).status, 200)

  await rotate('a@b/key', {}, { RotateImmediately: false })
  await isHidden()
  await server.jobs.runDue()
  await rotate('a@b/key', PUBLISH, { RotateImmediately: false })
  await server.jobs.runDue()
  assert.equal((await get(urlOf(server, 'a@b/key'))).status, 200)
  await call(server, 'DeleteSecret', { SecretId: 'a@b/key', ForceDeleteWithoutRecovery: true })
  await server.jobs.runDue()
  await create('a@b/key', {})
  await isHidden()
  const rows = await server.app.database.transaction('read', (tx) => tx.all('SELECT name FROM published_secret'))
  assert.deepEqual(rows, [])
})

test('RSA keys are made too, and what no key can be is told by RotateSecret', async (t) => {
  const { server, create, rotate, latest, read } = await start(t)
  await create('rsa', { note: 'kept' })
  await rotate('rsa', { alg: 'PS256', modulusLength: '2048' })
  await server.jobs.runDue()
  assert.equal((await latest('rsa')).Outcome, 'succeeded')
  const { alg, note, privateKey, jwks } = await read('rsa')
  assert.deepEqual([alg, note], ['PS256', 'kept'])
  assert.equal(createPrivateKey(privateKey).asymmetricKeyDetails?.modulusLength, 2048)
  assert.deepEqual(
    jwks.keys.map((key: { alg: string }) => key.alg),
    ['PS256', 'PS256'],
  )
  await create('odd', { privateKey: 'hunter2' })
  await assert.rejects(rotate('odd', {}), (error: Error) => {
    assert.match(error.message, /privateKey is not the PEM of a private key/)
    return !error.message.includes('hunter2')
  })
  await assert.rejects(rotate('rsa', { alg: 'HS256' }), /The option alg is none of RS256/)
})

test('whoever reads sets too often is told so, and health is not', async (t) => {
  const server = await startTestServer(t, { unsignedRate: '1' })
  const statuses = new Set<number>()
  for (let read = 0; read < 60; read++) statuses.add((await fetch(urlOf(server, 'none'))).status)
  assert.deepEqual([...statuses], [404, 429])
  assert.equal((await fetch(`${server.url}/_strongroom/health`)).status, 200)
})
