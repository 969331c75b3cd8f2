// The cache of secrets against the real server, through the AWS SDK's own client.

import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { inspect } from 'node:util'
import {
  CreateSecretCommand,
  DeleteSecretCommand,
  PutSecretValueCommand,
  RestoreSecretCommand,
  SecretsManagerClient,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager'
import { iamClient, policyDocument } from '../../server/src/services/iam/testing.ts'
import { createCaller } from '../../server/src/services/secretsmanager/testing.ts'
import { startTestServer, TEST_REGION, type TestCredentials, type TestServer } from '../../server/src/testing.ts'
import { CacheClosedError, databaseCredential, SecretCache, type SecretCacheOptions } from './index.ts'

let server: TestServer
const scope = new AsyncDisposableStack()
before(async () => {
  server = await startTestServer({
    after: (end: () => unknown) => scope.defer(async () => void (await end())),
  } as never)
})
after(() => scope.disposeAsync())

let made = 0
async function create(value: { SecretString: string } | { SecretBinary: Uint8Array }): Promise<string> {
  const Name = `secret-${made++}`
  await server.secretsManager.send(new CreateSecretCommand({ Name, ...value }))
  return Name
}

const put = (SecretId: string, SecretString: string) =>
  server.secretsManager.send(new PutSecretValueCommand({ SecretId, SecretString }))

function clientOf(t: TestContext, { url = server.url, credentials = server.credentials as TestCredentials } = {}) {
  const client = new SecretsManagerClient({
    endpoint: url,
    region: TEST_REGION,
    credentials: { ...credentials },
    maxAttempts: 1,
  })
  t.after(() => client.destroy())
  return client
}

function cacheOf(t: TestContext, options: SecretCacheOptions = {}, client = clientOf(t)): SecretCache {
  const cache = new SecretCache(client, options)
  t.after(() => cache.close())
  return cache
}

/** Fails with what was there last where it does not come true. */
async function until<T>(look: () => Promise<T> | T, isIt: (seen: T) => boolean, ms = 10_000): Promise<number> {
  const began = performance.now()
  for (;;) {
    const seen = await look()
    if (isIt(seen)) return performance.now() - began
    if (performance.now() - began > ms) assert.fail(`still ${inspect(seen)}`)
    await sleep(5)
  }
}

/** A cache that follows the events by now, so that what comes next is told to it. */
async function following(
  t: TestContext,
  id: string,
  options: SecretCacheOptions = {},
  client = clientOf(t),
): Promise<SecretCache> {
  const cache = cacheOf(t, options, client)
  await cache.getSecretValue(id)
  await until(
    () => cache.metrics().events,
    (state) => state === 'connected',
  )
  // What was fetched before the stream began is looked at once more.
  await cache.getSecretValue(id)
  await cache.refreshNow(id)
  return cache
}

test('text, bytes and JSON come as they are, once from the service', async (t) => {
  const cache = cacheOf(t, { events: false })
  const text = await create({ SecretString: '{"username":"app","password":"pässword","port":"5432"}' })
  const binary = await create({ SecretBinary: Uint8Array.of(0, 255, 1, 128) })
  for (let round = 0; round < 3; round++) {
    assert.equal(await cache.getSecretString(text), '{"username":"app","password":"pässword","port":"5432"}')
    const credential = await cache.getSecretJson(text, databaseCredential)
    assert.deepEqual(credential, { username: 'app', password: 'pässword', port: 5432 })
    const bytes = await cache.getSecretBinary(binary)
    assert.deepEqual(bytes, Uint8Array.of(0, 255, 1, 128))
    bytes.fill(7)
  }
  const value = await cache.getSecretValue(text)
  const answer = { ...value, CreatedDate: value.CreatedDate instanceof Date, VersionId: value.VersionId.length }
  assert.deepEqual(answer, {
    ARN: value.ARN,
    Name: text,
    VersionId: 36,
    VersionStages: ['AWSCURRENT'],
    CreatedDate: true,
    SecretString: '{"username":"app","password":"pässword","port":"5432"}',
  })
  assert.equal(cache.metrics().fetches, 2)
  await assert.rejects(cache.getSecretBinary(text), {
    name: 'SecretFormatError',
    message: `The secret ${text} is not binary.`,
  })
  await assert.rejects(cache.getSecretString(binary), {
    name: 'SecretFormatError',
    message: `The secret ${binary} is binary.`,
  })
  await assert.rejects(cache.getSecretString(''), TypeError)
})

test('stages and versions of a secret are one entry', async (t) => {
  const cache = cacheOf(t, { events: false })
  const id = await create({ SecretString: 'one' })
  await put(id, 'two')
  const pending = new PutSecretValueCommand({ SecretId: id, SecretString: 'three', VersionStages: ['AWSPENDING'] })
  await server.secretsManager.send(pending)
  for (let round = 0; round < 2; round++) {
    assert.equal(await cache.getSecretString(id), 'two')
    assert.equal(await cache.getSecretString(id, { versionStage: 'AWSPREVIOUS' }), 'one')
    assert.equal(await cache.getSecretString(id, { versionStage: 'AWSPENDING' }), 'three')
    const { VersionId: versionId } = await cache.getSecretValue(id)
    assert.equal(await cache.getSecretString(id, { versionId }), 'two')
    await assert.rejects(cache.getSecretString(id, { versionId, versionStage: 'AWSPREVIOUS' }), { name: /Exception$/ })
  }
  assert.deepEqual([cache.metrics().entries, cache.metrics().fetches], [1, 5])
})

test('a stage of any name is a stage', async (t) => {
  const cache = cacheOf(t, { events: false })
  const id = await create({ SecretString: 'one' })
  const { VersionId } = await cache.getSecretValue(id)
  const versionStage = '[blue]'
  await server.secretsManager.send(
    new PutSecretValueCommand({ SecretId: id, SecretString: 'two', VersionStages: [versionStage] }),
  )
  assert.equal(await cache.getSecretString(id, { versionStage }), 'two')
  const likeVersion = JSON.stringify([VersionId, null])
  await assert.rejects(cache.getSecretString(id, { versionStage: likeVersion }), { name: 'ResourceNotFoundException' })
})

test('a rotation is seen within a second, and so are the stages that it moves; the listener is told once', async (t) => {
  const id = await create({ SecretString: 'one' })
  const cache = await following(t, id)
  const stages = { versionStage: 'AWSPREVIOUS' }
  await assert.rejects(cache.getSecretString(id, stages), { name: 'ResourceNotFoundException' })
  const told: unknown[] = []
  const { VersionId: PreviousVersionId, ARN } = await cache.getSecretValue(id)
  t.after(cache.onRotate(id, (rotation) => told.push(rotation)))
  const { VersionId } = await put(id, 'two')
  const tookMs = await until(
    () => cache.getSecretString(id),
    (value) => value === 'two',
  )
  assert.ok(tookMs < 1_000, `${tookMs} ms`)
  await until(
    () => cache.getSecretString(id, stages).catch(String),
    (value) => value === 'one',
  )
  await until(
    () => told.length,
    (count) => count > 0,
  )
  assert.deepEqual(told, [{ secretId: id, ARN, Name: id, VersionId, PreviousVersionId }])
  t.diagnostic(`${tookMs.toFixed(0)} ms`)
})

test('the listener hears of a rotation though nobody asks for the value, and one that throws ends nothing', async (t) => {
  const id = await create({ SecretString: 'one' })
  const errors: unknown[] = []
  const onError = async (error: unknown, what: object) => {
    errors.push([String(error), what])
    throw new Error('of onError')
  }
  const cache = await following(t, id, { onError })
  const told: string[] = []
  cache.onRotate(id, () => {
    throw new Error('thrown')
  })
  cache.onRotate(id, async () => Promise.reject(new Error('rejected')))
  const stop = cache.onRotate(id, ({ VersionId }) => told.push(VersionId))
  const { VersionId } = await put(id, 'two')
  await until(
    () => told,
    (seen) => seen.length > 0,
  )
  assert.deepEqual(told, [VersionId])
  const during = { id, during: 'listener' }
  assert.deepEqual(errors, [
    ['Error: thrown', during],
    ['Error: rejected', during],
  ])
  stop()
  await put(id, 'three')
  await until(
    () => errors.length,
    (count) => count === 4,
  )
  assert.equal(told.length, 1)
})

test('the listener hears of a rotation that happened before the stream had begun', async (t) => {
  const id = await create({ SecretString: 'one' })
  const cache = cacheOf(t)
  const told: string[] = []
  const began = cache.getSecretString(id)
  cache.onRotate(id, ({ VersionId }) => told.push(VersionId))
  assert.equal(await began, 'one')
  const { VersionId } = await put(id, 'two')
  await until(
    () => told,
    (seen) => seen[0] === VersionId,
  )
})

test('the listener hears of a rotation though its value could not be had when the event told of it', async (t) => {
  const id = await create({ SecretString: 'one' })
  const client = clientOf(t)
  let failed = 0
  let isDown = false
  client.middlewareStack.add(
    (next, { commandName }) =>
      async (args) => {
        if (!isDown || commandName !== 'GetSecretValueCommand') return next(args)
        failed++
        throw Object.assign(new Error('reset'), { code: 'ECONNRESET' })
      },
    { step: 'initialize', name: 'outage' },
  )
  const cache = await following(t, id, {}, client)
  const told: string[] = []
  cache.onRotate(id, ({ VersionId }) => told.push(VersionId))
  isDown = true
  const { VersionId } = await put(id, 'two')
  await until(
    () => failed,
    (count) => count > 0,
  )
  isDown = false
  await until(
    () => told,
    (seen) => seen[0] === VersionId,
  )
})

test('without events a listener hears of a rotation when the TTL ends', async (t) => {
  const id = await create({ SecretString: 'one' })
  const cache = cacheOf(t, { events: false, secretRefreshIntervalMs: 100, exceptionRetryDelayBaseMs: 100 })
  const told: string[] = []
  cache.onRotate(id, ({ VersionId }) => told.push(VersionId))
  assert.equal(await cache.getSecretString(id), 'one')
  const { VersionId } = await put(id, 'two')
  await until(
    () => told,
    (seen) => seen[0] === VersionId,
  )
})

test('a secret that was not there is seen when it is made, and one that is deleted is given no more', async (t) => {
  const cache = await following(t, await create({ SecretString: 'x' }), { notFoundMs: 300_000 })
  const id = `secret-${made}`
  await assert.rejects(cache.getSecretString(id), { name: 'ResourceNotFoundException' })
  await create({ SecretString: 'made' })
  await until(
    () => cache.getSecretString(id).catch(String),
    (value) => value === 'made',
  )
  await server.secretsManager.send(new DeleteSecretCommand({ SecretId: id }))
  await until(
    () => cache.getSecretString(id).catch(({ name }) => name),
    (value) => value === 'InvalidRequestException',
  )
  await server.secretsManager.send(new RestoreSecretCommand({ SecretId: id }))
  await until(
    () => cache.getSecretString(id).catch(String),
    (value) => value === 'made',
  )
})

test('a label that is taken off is no longer answered', async (t) => {
  const id = await create({ SecretString: 'x' })
  const cache = await following(t, id)
  const { VersionId: versionId } = await cache.getSecretValue(id)
  const move = (labels: object) =>
    server.secretsManager.send(new UpdateSecretVersionStageCommand({ SecretId: id, VersionStage: 'blue', ...labels }))
  await move({ MoveToVersionId: versionId })
  await until(
    () => cache.getSecretString(id, { versionStage: 'blue' }).catch(String),
    (value) => value === 'x',
  )
  await until(
    async () => (await cache.getSecretValue(id)).VersionStages,
    (stages) => stages.includes('blue'),
  )
  await move({ RemoveFromVersionId: versionId })
  const named = () => cache.getSecretString(id, { versionStage: 'blue' }).catch(({ name }) => name)
  await until(named, (value) => value === 'ResourceNotFoundException')
})

test('who loses the permission loses the value', async (t) => {
  const id = await create({ SecretString: 'x' })
  const statement = (Effect: string) => ({ Effect, Action: 'secretsmanager:GetSecretValue', Resource: '*' })
  const UserName = `user-${made++}`
  const { credentials } = await createCaller(server, UserName, [])
  const iam = iamClient(t, server)
  const allow = (Effect: string) =>
    iam.putUserPolicy({ UserName, PolicyName: 'own', PolicyDocument: policyDocument(statement(Effect)) })
  await allow('Allow')
  const short = { events: false, secretRefreshIntervalMs: 50, staleWhileRevalidateMs: 0, exceptionRetryDelayBaseMs: 50 }
  const cache = cacheOf(t, short, clientOf(t, { credentials }))
  const outcome = () => cache.getSecretString(id).catch(({ name }) => name)
  assert.equal(await outcome(), 'x')
  await allow('Deny')
  await until(outcome, (value) => value === 'AccessDeniedException')
  assert.equal(cache.metrics().stale, 0)
  await allow('Allow')
  await until(outcome, (value) => value === 'x')
  await iam.deleteAccessKey({ UserName, AccessKeyId: credentials.accessKeyId })
  await until(outcome, (value) => value === 'UnrecognizedClientException')
  assert.equal(cache.metrics().stale, 0)
})

test('while the server is down the value is given, and the disk gives it to a process that starts then, of that account and with that key', async (t) => {
  const own = await startTestServer(t)
  const directory = mkdtempSync(join(tmpdir(), 'strongroom-cache-'))
  t.after(() => rmSync(directory, { recursive: true }))
  const { accountId, url } = own
  const disk = { directory, key: randomBytes(32), accountId }
  const short = { secretRefreshIntervalMs: 50, staleWhileRevalidateMs: 0, exceptionRetryDelayMaxMs: 50, disk }
  await own.secretsManager.send(new CreateSecretCommand({ Name: 'db', SecretString: 'kept' }))
  const errors: unknown[] = []
  const cache = cacheOf(
    t,
    { ...short, onError: (_, { during }) => errors.push(during) },
    clientOf(t, { url, credentials: own.credentials }),
  )
  assert.equal(await cache.getSecretString('db'), 'kept')
  await until(
    () => readdirSync(directory).length,
    (count) => count === 1,
  )
  await own.close()
  const look = async () => {
    assert.equal(await cache.getSecretString('db'), 'kept')
    return cache.metrics()
  }
  await until(look, ({ failures, stale }) => failures.outage > 1 && stale > 1)

  const later = cacheOf(t, short, clientOf(t, { url, credentials: own.credentials }))
  assert.equal(await later.getSecretString('db'), 'kept')
  assert.equal(later.metrics().fromDisk, 1)
  // Whoever gives out sessions may be down too.
  const without = new SecretsManagerClient({
    endpoint: url,
    region: TEST_REGION,
    credentials: () => Promise.reject(new Error('no session')),
    maxAttempts: 1,
  })
  t.after(() => without.destroy())
  assert.equal(await cacheOf(t, short, without).getSecretString('db'), 'kept')
  for (const other of [
    { ...disk, accountId: '000000000000' },
    { ...disk, key: randomBytes(32) },
  ]) {
    const stranger = cacheOf(t, { ...short, disk: other }, clientOf(t, { url, credentials: own.credentials }))
    await assert.rejects(stranger.getSecretString('db'))
  }
})

test('a server that throttles is asked less, and what was fetched is given', async (t) => {
  const own = await startTestServer(t, { rates: 'on', rate: ['secretsmanager.read=2'] })
  await own.secretsManager.send(new CreateSecretCommand({ Name: 'db', SecretString: 'x' }))
  const short = { events: false, secretRefreshIntervalMs: 1, staleWhileRevalidateMs: 0 }
  const cache = cacheOf(t, short, clientOf(t, { url: own.url, credentials: own.credentials }))
  const look = async () => {
    assert.equal(await cache.getSecretString('db'), 'x')
    return cache.metrics()
  }
  await until(look, ({ failures }) => failures.throttled === 1)
  const { fetches } = cache.metrics()
  for (let count = 0; count < 100; count++) await look()
  assert.equal(cache.metrics().fetches, fetches)
})

test('a stream goes on after the server was restarted, and what changed meanwhile is seen', async (t) => {
  const own = await startTestServer(t, { port: '0' })
  const port = new URL(own.url).port
  await own.secretsManager.send(new CreateSecretCommand({ Name: 'db', SecretString: 'one' }))
  const errors: string[] = []
  const cache = cacheOf(
    t,
    { onError: (_, { during }) => errors.push(during) },
    clientOf(t, { url: own.url, credentials: own.credentials }),
  )
  await cache.getSecretString('db')
  await until(
    () => cache.metrics().events,
    (state) => state === 'connected',
  )
  await cache.getSecretString('db')
  await own.close()
  await until(
    () => cache.metrics().events,
    (state) => state === 'waiting',
  )
  assert.equal(await cache.getSecretString('db'), 'one')
  const again = await startTestServer(t, { dataDir: own.dataDir, database: own.databaseUrl, port })
  await again.secretsManager.send(new PutSecretValueCommand({ SecretId: 'db', SecretString: 'two' }))
  await until(
    () => cache.getSecretString('db'),
    (value) => value === 'two',
    30_000,
  )
})

test('AWS is not asked for a stream, and a server that has none is asked seldom', async (t) => {
  const asked: string[] = []
  const other = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`)
    response.writeHead(404, { 'content-type': 'application/x-amz-json-1.1' })
    response.end('{"__type":"ResourceNotFoundException","message":"nothing here"}')
  })
  await new Promise<void>((listening) => other.listen(0, '127.0.0.1', listening))
  t.after(() => other.close())
  const url = `http://127.0.0.1:${(other.address() as AddressInfo).port}`
  const errors: unknown[] = []
  const cache = cacheOf(t, { onError: (_, what) => errors.push(what) }, clientOf(t, { url }))
  await assert.rejects(cache.getSecretString('x'))
  await until(
    () => errors.length,
    (count) => count === 1,
  )
  assert.deepEqual(errors, [{ during: 'events' }])
  assert.deepEqual(asked.toSorted(), ['GET /_strongroom/events', 'POST /'])

  const hosts: string[] = []
  const aws = new SecretsManagerClient({
    region: 'eu-central-1',
    credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
    maxAttempts: 1,
    requestHandler: {
      handle: async ({ method, hostname }: { method: string; hostname: string }) => {
        hosts.push(`${method} ${hostname}`)
        throw new Error('no network')
      },
    } as never,
  })
  const ofAws = cacheOf(t, {}, aws)
  await assert.rejects(ofAws.getSecretString('x'), /no network/)
  await until(
    () => ofAws.metrics().events,
    (state) => state === 'off',
  )
  assert.deepEqual(hosts, ['POST secretsmanager.eu-central-1.amazonaws.com'])
})

test('authenticate connects once more where the credential is wrong and another version is to be had, and never otherwise', async (t) => {
  const id = await create({ SecretString: '{"username":"app","password":"one"}' })
  const cache = cacheOf(t, { events: false, exceptionRetryDelayBaseMs: 60_000 })
  const tried: string[] = []
  let valid = 'one'
  const refused = (): Error => Object.assign(new Error('password authentication failed'), { code: '28P01' })
  const connect = async ({ password }: { password: string }): Promise<string> => {
    tried.push(password)
    if (password !== valid) throw refused()
    return `connection of ${password}`
  }
  const authenticate = () => cache.authenticate(id, databaseCredential, connect)
  assert.equal(await authenticate(), 'connection of one')
  await put(id, '{"username":"app","password":"two"}')
  valid = 'two'
  assert.deepEqual(new Set(await Promise.all(Array.from({ length: 20 }, authenticate))), new Set(['connection of two']))
  assert.equal(tried.filter((password) => password === 'two').length, 20)
  assert.ok(cache.metrics().fetches <= 3, `${cache.metrics().fetches} fetches`)

  // Wrong for good: each is tried once, and the version is fetched anew once.
  valid = 'neither'
  tried.length = 0
  const { fetches } = cache.metrics()
  const outcomes = await Promise.allSettled(Array.from({ length: 20 }, authenticate))
  assert.ok(outcomes.every(({ status }) => status === 'rejected'))
  for (let count = 0; count < 5; count++) await assert.rejects(authenticate(), { code: '28P01' })
  assert.deepEqual(tried, Array(25).fill('two'))
  assert.ok(cache.metrics().fetches <= fetches + 2)

  tried.length = 0
  const down = (): never => {
    tried.push('down')
    throw new Error('connect ECONNREFUSED')
  }
  await assert.rejects(cache.authenticate(id, databaseCredential, down), /ECONNREFUSED/)
  assert.deepEqual(tried, ['down'])
  const known = { isAuthenticationFailure: () => true }
  await assert.rejects(cache.authenticate(id, databaseCredential, down, known), /ECONNREFUSED/)
})

test('prefetch fetches ahead and tells what it could not', async (t) => {
  const cache = cacheOf(t, { events: false })
  const ids = await Promise.all(Array.from({ length: 12 }, (_, at) => create({ SecretString: `${at}` })))
  const failed = await cache.prefetch([...ids, 'missing'])
  assert.deepEqual(
    failed.map(({ id, error }) => [id, (error as Error).name]),
    [['missing', 'ResourceNotFoundException']],
  )
  for (const [at, id] of ids.entries()) assert.equal(await cache.getSecretString(id), `${at}`)
  assert.equal(cache.metrics().fetches, 13)
  await cache.close()
  await assert.rejects(cache.getSecretString(ids[0]!), CacheClosedError)
  assert.throws(() => cache.onRotate('x', () => undefined), CacheClosedError)
})

test('no error and no printing of the cache holds a value', async (t) => {
  const id = await create({ SecretString: 'hunter2-is-no-json' })
  const cache = cacheOf(t, { events: false })
  const errors = [
    await cache.getSecretJson(id).catch((error: unknown) => error),
    await cache
      .getSecretJson(await create({ SecretString: '{"username":"hunter2"}' }), databaseCredential)
      .catch((error: unknown) => error),
    await cache
      .getSecretJson(await create({ SecretString: '"hunter2"' }), {
        '~standard': { validate: (value) => ({ issues: [{ message: `got ${value}`, path: ['a', { key: 'b' }] }] }) },
      })
      .catch((error: unknown) => error),
  ]
  assert.match(String(errors[0]), /^SecretFormatError: The value of the secret secret-\d+ is not JSON\.$/)
  assert.match(String(errors[2]), /does not fit its schema at a\.b\.$/)
  const printed = inspect([errors, cache], { depth: 20, showHidden: true }) + JSON.stringify(cache)
  assert.doesNotMatch(printed, /hunter2/)
})

test('a process that uses a cache, follows events and listens ends by itself', async () => {
  const id = await create({ SecretString: 'x' })
  const program = `
    import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
    import { SecretCache } from '${new URL('./index.ts', import.meta.url).href}'
    const cache = new SecretCache(new SecretsManagerClient())
    cache.onRotate('${id}', () => {})
    await cache.getSecretString('${id}')
    while (cache.metrics().events !== 'connected') await new Promise((resolve) => setTimeout(resolve, 5))
    console.log('done')
  `
  const { accessKeyId, secretAccessKey } = server.credentials
  const environment = {
    ...{ PATH: process.env.PATH, AWS_ENDPOINT_URL: server.url, AWS_REGION: TEST_REGION },
    ...{ AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey },
  }
  const options = { env: environment, cwd: import.meta.dirname, timeout: 60_000 }
  const child: ChildProcess = spawn(process.execPath, ['--input-type=module', '--eval', program], options)
  let output = ''
  for (const stream of [child.stdout!, child.stderr!]) stream.on('data', (chunk) => (output += chunk))
  const code = await new Promise((ended) => child.on('close', ended))
  assert.deepEqual([code, output], [0, 'done\n'])
})
