// Access keys of IAM users rotated through the real server, of its own IAM: by the key itself and by a master, with an application that goes on
// calling, an answer that is lost, and keys that are not the secret's.

import assert from 'node:assert/strict'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { type TestContext, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { IAM } from '@aws-sdk/client-iam'
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts'
import { startTestServer, type TestServer, withJobsOnDemand } from '../../../testing.ts'
import { ask } from '../../strongroom/testing-rotations.ts'
import { call, createCaller, token } from '../testing.ts'

type Value = { readonly AccessKeyId: string; readonly SecretAccessKey: string; readonly [member: string]: unknown }

/** Between two calls of an application: without it they would leave no time for the rotations. */
const PACE_MS = 5
const MANAGES_OWN = ['CreateAccessKey', 'DeleteAccessKey', 'ListAccessKeys', 'UpdateAccessKey', 'GetAccessKeyLastUsed']

async function start(t: TestContext) {
  const server = await withJobsOnDemand(t, await startTestServer(t))
  const place = { endpoint: server.url, ssl: false, region: server.region }
  /** The value of a secret with a key of a new user who may do these things with the keys of `of`. */
  const user = async (name: string, actions: readonly string[], of = name): Promise<Value> => {
    const Resource = `arn:aws:iam::${server.accountId}:user/${of}`
    const statements =
      actions.length === 0 ? [] : [{ Effect: 'Allow', Action: actions.map((action) => `iam:${action}`), Resource }]
    const { credentials } = await createCaller(server, name, statements)
    return { ...place, AccessKeyId: credentials.accessKeyId, SecretAccessKey: credentials.secretAccessKey }
  }
  const create = async (Name: string, content: object): Promise<string> =>
    (await call(server, 'CreateSecret', { Name, ClientRequestToken: token(), SecretString: JSON.stringify(content) }))
      .ARN
  const put = (SecretId: string, content: object, more: object = {}) =>
    call(server, 'PutSecretValue', {
      SecretId,
      ...more,
      ClientRequestToken: token(),
      SecretString: JSON.stringify(content),
    })
  const rotate = (SecretId: string, options: object = {}, rotator = 'iam-access-key') => {
    const Metadata = Object.entries(options).map(([Key, Value]) => ({ Key, Value }))
    const RotationLambdaARN = `arn:aws:lambda:${server.region}:${server.accountId}:function:strongroom-${rotator}`
    const ExternalSecretRotationMetadata = Metadata.length === 0 ? undefined : Metadata
    const input = { SecretId, ClientRequestToken: token(), RotationLambdaARN, ExternalSecretRotationMetadata }
    return call(server, 'RotateSecret', input)
  }
  const latest = async (SecretId: string) => (await ask(server, 'list', { SecretId })).body.Rotations[0]
  /** Attempts of the latest rotation until it is over. */
  const ended = async (SecretId: string) => {
    for (let round = 0; round < 8 && (await latest(SecretId)).Outcome === undefined; round++) {
      await server.jobs.runDue()
      if ((await latest(SecretId)).Outcome === undefined) server.clock.advance(20 * 60_000)
    }
    return latest(SecretId)
  }
  const read = async (SecretId: string, VersionStage = 'AWSCURRENT'): Promise<Value> =>
    JSON.parse((await call(server, 'GetSecretValue', { SecretId, VersionStage })).SecretString)
  return { server, place, user, create, put, rotate, latest, ended, read }
}

const asAdministrator = async <T>(server: TestServer, work: (client: IAM) => Promise<T>): Promise<T> => {
  const credentials = { ...server.credentials }
  const client = new IAM({ endpoint: server.url, region: server.region, credentials, maxAttempts: 1 })
  return work(client).finally(() => client.destroy())
}

const keysOf = (server: TestServer, UserName: string): Promise<readonly string[]> =>
  asAdministrator(server, async (client) => {
    const { AccessKeyMetadata = [] } = await client.listAccessKeys({ UserName })
    return AccessKeyMetadata.map(({ AccessKeyId, Status }) => `${AccessKeyId} ${Status}`).sort()
  })

const addKey = (server: TestServer, UserName: string): Promise<string> =>
  asAdministrator(server, async (client) => (await client.createAccessKey({ UserName })).AccessKey!.AccessKeyId!)

const addKeyInPlaceOf = async (server: TestServer, UserName: string, AccessKeyId: string): Promise<string> => {
  await asAdministrator(server, (client) => client.deleteAccessKey({ UserName, AccessKeyId }))
  return addKey(server, UserName)
}

/** As an application calls with the key of a secret. @throws where it is refused */
async function callWith(server: TestServer, { AccessKeyId, SecretAccessKey }: Value): Promise<string> {
  const credentials = { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey }
  const client = new STSClient({ endpoint: server.url, region: server.region, credentials, maxAttempts: 1 })
  const { Arn } = await client.send(new GetCallerIdentityCommand()).finally(() => client.destroy())
  return Arn!
}

const active = (...values: readonly Value[]) => values.map(({ AccessKeyId }) => `${AccessKeyId} Active`).sort()

test('an application that reads its key from the secret never fails through five rotations', async (t) => {
  const { server, user, create, rotate, ended, read } = await start(t)
  const first = await user('app', MANAGES_OWN)
  await create('key', { ...first, note: 'kept' })
  let over = false
  const calls = { current: 0, previous: 0 }
  const application = (async () => {
    while (!over) {
      const value = await read('key')
      await callWith(server, value)
      calls.current++
      await pause(PACE_MS)
    }
  })()
  /** It holds a key through the whole of the rotation after it. */
  const holder = async (value: Value, until: () => boolean) => {
    while (!until()) {
      await callWith(server, value)
      calls.previous++
      await pause(PACE_MS)
    }
  }
  const seen = [first.AccessKeyId]
  for (let turn = 0; turn < 5; turn++) {
    const before = await read('key')
    let done = false
    const held = holder(before, () => done)
    await rotate('key')
    const run = await ended('key')
    done = true
    await held
    assert.deepEqual([run.Outcome, run.Attempt], ['succeeded', 1], JSON.stringify(run))
    assert.equal(run.Calls.at(-1).PreviousStillValid, true)
    const now = await read('key')
    assert.equal(now.note, 'kept')
    assert.ok(!seen.includes(now.AccessKeyId))
    seen.push(now.AccessKeyId)
    assert.deepEqual(await keysOf(server, 'app'), active(now, before))
  }
  over = true
  await application
  assert.ok(calls.current >= 5 && calls.previous >= 5, JSON.stringify(calls))
})

test('a master changes keys of whoever the current key is of, and of nobody else', async (t) => {
  const { server, user, create, put, rotate, ended, read } = await start(t)
  const masterarn = await create('master', await user('keeper', MANAGES_OWN, '*'))
  const app = await user('app', [])
  await create('key', { ...app, masterarn })
  await rotate('key')
  assert.equal((await ended('key')).Outcome, 'succeeded')
  const now = await read('key')
  assert.deepEqual(await keysOf(server, 'app'), active(app, now))
  assert.equal(await callWith(server, now), `arn:aws:iam::${server.accountId}:user/app`)

  // Whoever may write the secret knows the id of another user's key, and not its secret.
  const victim = await user('victim', [])
  await addKey(server, 'victim')
  const keys = await keysOf(server, 'victim')
  await put('key', { ...now, AccessKeyId: victim.AccessKeyId })
  await rotate('key', { deleteUnknownKey: 'true' })
  const { Outcome, Calls } = await ended('key')
  assert.equal(Outcome, 'failed')
  assert.deepEqual([Calls[0].Step, Calls[0].ErrorType], ['createSecret', 'authentication'], JSON.stringify(Calls))
  assert.deepEqual(await keysOf(server, 'victim'), keys)
})

test('a key that is in no version of the secret is deleted only where that is said, and one that any version has without a word', async (t) => {
  const { server, user, create, put, rotate, ended, read } = await start(t)
  const first = await user('app', MANAGES_OWN)
  await create('key', first)
  const unknown = await addKey(server, 'app')
  await rotate('key')
  const { Outcome, Calls } = await ended('key')
  assert.deepEqual([Outcome, Calls[0].ErrorType, Calls.length], ['failed', 'secret', 1], JSON.stringify(Calls))
  assert.ok(Calls[0].Message.includes(`The user app has the key ${unknown}, which no version`), Calls[0].Message)
  assert.deepEqual(await keysOf(server, 'app'), [`${first.AccessKeyId} Active`, `${unknown} Active`].sort())

  assert.equal((await ask(server, 'abandon', { SecretId: 'key' })).status, 200)
  await rotate('key', { deleteUnknownKey: 'true' })
  assert.equal((await ended('key')).Outcome, 'succeeded')
  const second = await read('key')
  assert.deepEqual(await keysOf(server, 'app'), active(first, second))

  // What a version has is the secret's own, whatever label it has.
  const spare = await addKeyInPlaceOf(server, 'app', first.AccessKeyId)
  await put('key', { ...second, AccessKeyId: spare }, { VersionStages: ['SPARE'] })
  await rotate('key', { deleteUnknownKey: 'false' })
  assert.equal((await ended('key')).Outcome, 'succeeded')
  assert.deepEqual(await keysOf(server, 'app'), active(second, await read('key')))
})

test('a key whose making nobody heard of is deleted before the next one', async (t) => {
  const { server, user, create, rotate, ended, read } = await start(t)
  const proxy = await startLosingProxy(t, server.url, 'Action=CreateAccessKey')
  const first = { ...(await user('app', MANAGES_OWN)), endpoint: proxy.url }
  await create('key', first)
  await rotate('key')
  const run = await ended('key')
  assert.equal(run.Outcome, 'succeeded', JSON.stringify(run))
  assert.deepEqual([run.Calls[0].Step, run.Calls[0].ErrorType], ['createSecret', 'unreachable'])
  assert.equal(proxy.lost(), 1)
  assert.deepEqual(await keysOf(server, 'app'), active(first, await read('key')))
})

test('a single key is made inactive once AWSCURRENT has moved, and deleted by the next rotation', async (t) => {
  const { server, user, create, rotate, ended, read } = await start(t)
  const first = await user('app', MANAGES_OWN)
  await create('key', first)
  await rotate('key', {}, 'iam-access-key-single')
  const run = await ended('key')
  assert.equal(run.Outcome, 'succeeded', JSON.stringify(run))
  assert.equal(run.Calls.at(-1).PreviousStillValid, undefined)
  const second = await read('key')
  const inactive = `${first.AccessKeyId} Inactive`
  assert.deepEqual(await keysOf(server, 'app'), [inactive, `${second.AccessKeyId} Active`].sort())
  await rotate('key', {}, 'iam-access-key-single')
  assert.equal((await ended('key')).Outcome, 'succeeded')
  const third = await read('key')
  assert.deepEqual(
    await keysOf(server, 'app'),
    [`${second.AccessKeyId} Inactive`, `${third.AccessKeyId} Active`].sort(),
  )
})

test('what is missing or contradicts itself is told by RotateSecret, and a trial changes nothing', async (t) => {
  const { server, user, create, put, rotate, latest } = await start(t)
  const first = await user('app', MANAGES_OWN)
  await create('key', first)
  const { AccessKeyId, SecretAccessKey, ...place } = first
  const cases: readonly (readonly [object, string])[] = [
    [place, 'AccessKeyId and SecretAccessKey are missing'],
    [{ ...first, accessKeyId: AccessKeyId }, 'AccessKeyId and accessKeyId are both there'],
    [{ ...first, AccessKeyId: 'x' }, 'AccessKeyId is not an access key ID'],
    [{ ...first, SecretAccessKey: 'a\nb' }, 'SecretAccessKey is no secret key'],
    [{ ...first, region: 'x.evil.example/' }, 'The member region is not the name of a Region'],
    [{ ...first, endpoint: 'http://127.0.0.1/path' }, 'The member endpoint is not https://HOST'],
    [{ ...first, ssl: true }, 'The member endpoint is of http if, and only if, ssl is false'],
    [{ AccessKeyId, SecretAccessKey, ssl: false }, 'AWS is spoken to over TLS'],
  ]
  const refused = async (message: string, options: object = {}) => {
    const { body } = await rotate('key', options).then(
      (body) => ({ body }),
      (error: Error) => ({ body: { Message: error.message } }),
    )
    assert.ok(body.Message?.includes(message), `${JSON.stringify(body)} has no ${message}`)
  }
  for (const [value, message] of cases) {
    await put('key', value)
    await refused(message)
  }
  await put('key', first)
  await refused('The option deleteUnknownKey is neither true nor false', { deleteUnknownKey: 'yes' })
  await refused('The option waitSeconds is not a number from 0 to 120', { waitSeconds: '121' })

  await rotate('key').then(() => undefined)
  await server.jobs.runDue()
  const RotationLambdaARN = `arn:aws:lambda:${server.region}:${server.accountId}:function:strongroom-iam-access-key`
  const keys = await keysOf(server, 'app')
  await call(server, 'RotateSecret', {
    SecretId: 'key',
    ClientRequestToken: token(),
    RotationLambdaARN,
    RotateImmediately: false,
  })
  await server.jobs.runDue()
  const { Kind, Outcome, Calls } = await latest('key')
  assert.deepEqual([Kind, Outcome], ['test', 'succeeded'], JSON.stringify(Calls))
  assert.equal(Calls[0].Findings[0].Message, 'The current key is of the user app.')
  assert.equal(
    Calls[0].Findings[1].Message,
    `The next rotation deletes the key ${AccessKeyId} before it makes another.`,
  )
  assert.deepEqual(await keysOf(server, 'app'), keys)
})

/** Breaks the connection in place of the answer to the first request whose body has `what`, which was done. */
async function startLosingProxy(t: TestContext, to: string, what: string) {
  let lost = 0
  const proxy = createServer(async (incoming, outgoing) => {
    const body = await buffer(incoming)
    const { method, url, headers } = incoming
    const forwarded = request(new URL(url!, to), { method: method!, headers, agent: false }, async (answer) => {
      const content = await buffer(answer)
      if (lost === 0 && body.includes(what)) {
        lost++
        incoming.socket.destroy()
        return
      }
      outgoing.writeHead(answer.statusCode!, answer.headers).end(content)
    })
    forwarded.end(body)
  })
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    proxy.close()
    proxy.closeAllConnections()
  })
  return { url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`, lost: () => lost }
}
