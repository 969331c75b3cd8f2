// Calls that come again, through the real server: they are answered as the first was, each has its event, and no change is missed.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setAccessKeyStatus } from './services/iam/access-keys.ts'
import { policyDocument } from './services/iam/testing.ts'
import { putUserPolicy } from './services/iam/users.ts'
import { type Caller, call, createCaller, events, token } from './services/secretsmanager/testing.ts'
import type { Transaction } from './storage/database.ts'
import { startTestServer, type TestServer } from './testing.ts'

const READ = { Effect: 'Allow', Action: ['secretsmanager:GetSecretValue', 'cloudtrail:LookupEvents'], Resource: '*' }

const readAs = (server: TestServer, { credentials }: Pick<Caller, 'credentials'>, SecretId = 'db') =>
  server.call('secretsmanager', 'GetSecretValue', { SecretId }, { credentials })

/** How many requests were answered as earlier ones were. */
async function repeated({ app }: TestServer): Promise<number> {
  return Number(/^strongroom_repeated_requests_total (\d+)$/m.exec(await app.metrics.text([]))![1])
}

/** Reads until an answer was a repetition, as all are that follow while nothing is committed. */
async function repeat(server: TestServer, caller: Pick<Caller, 'credentials'>): Promise<void> {
  const before = await repeated(server)
  for (let tries = 0; (await repeated(server)) === before; tries++) {
    assert.ok(tries < 200, 'no call was a repetition')
    assert.equal((await readAs(server, caller)).status, 200)
  }
}

test('calls that come again', async (t) => {
  const server = await startTestServer(t)
  const { app } = server
  // Only SQLite says whether anything was committed.
  if (server.databaseUrl !== '') return t.skip('PostgreSQL: each call takes the whole path')
  await call(server, 'CreateSecret', { Name: 'db', ClientRequestToken: token('one'), SecretString: 'one "1" é' })
  const caller = await createCaller(server, 'reader', [READ])

  await t.test('have one answer, and each an event and ids of its own', async () => {
    await repeat(server, caller)
    const count = (await events(server, 'GetSecretValue')).length
    const [answers, before] = [[], await repeated(server)] as [Awaited<ReturnType<typeof readAs>>[], number]
    for (let n = 0; n < 8; n++) answers.push(await readAs(server, caller))
    assert.ok((await repeated(server)) > before)
    const [first] = answers
    for (const { status, body } of answers) assert.deepEqual({ status, body }, { status: 200, body: first!.body })
    assert.equal(first!.body.SecretString, 'one "1" é')

    const told = (await events(server, 'GetSecretValue')).slice(0, -count)
    assert.equal(told.length, 8)
    const ids = answers.map(({ headers }) => headers.get('x-amzn-requestid')!)
    const record = (event: object) => event as unknown as { readonly requestID: string; readonly eventTime: string }
    assert.deepEqual(new Set(told.map((event) => record(event).requestID)), new Set(ids))
    assert.equal(new Set(told.map(({ eventID }) => eventID)).size, 8)
    const bare = told.map((event) => ({ ...event, requestID: '', eventID: '', eventTime: '' }))
    for (const event of bare) assert.deepEqual(event, bare[0])
  })

  await t.test('pay once, also where they take the whole path in the end', async (t) => {
    await repeat(server, caller)
    let asked = 0
    const take = t.mock.method(app.rates, 'take', () => {
      asked += 1
      return 0
    })
    const line = t.mock.method(app.trail, 'appendLine', () => Promise.reject(new Error('full')))
    assert.equal((await readAs(server, caller)).status, 200)
    assert.deepEqual([line.mock.callCount(), asked], [1, 1])
    for (const mocked of [take, line]) mocked.mock.restore()
  })

  await t.test('see a change at once: of the value, of the policy, of the access key', async () => {
    await repeat(server, caller)
    await call(server, 'PutSecretValue', { SecretId: 'db', ClientRequestToken: token('two'), SecretString: 'two' })
    assert.equal((await readAs(server, caller)).body.SecretString, 'two')

    await repeat(server, caller)
    const change = (work: (tx: Transaction) => Promise<void>) => app.database.transaction('write', work)
    const allow = (...statements: readonly object[]) =>
      change((tx) => putUserPolicy(app, tx, server.accountId, 'reader', 'test', policyDocument(...statements)))
    await allow(READ, { ...READ, Effect: 'Deny' })
    assert.equal((await readAs(server, caller)).body.__type, 'AccessDeniedException')
    await allow(READ)

    await repeat(server, caller)
    const setKey = (status: 'Active' | 'Inactive') =>
      change((tx) =>
        setAccessKeyStatus(app, tx, server.accountId, { userName: 'reader' }, caller.credentials.accessKeyId, status),
      )
    await setKey('Inactive')
    assert.equal((await readAs(server, caller)).body.__type, 'UnrecognizedClientException')
    await setKey('Active')
  })

  await t.test('are refused as ever where the signature is wrong', async () => {
    await repeat(server, caller)
    const { accessKeyId } = caller.credentials
    const thief = { credentials: { accessKeyId, secretAccessKey: 'x'.repeat(40) } }
    assert.equal((await readAs(server, thief)).body.__type, 'InvalidSignatureException')
  })

  await t.test('take the whole path where a policy asks for the time', async () => {
    const timed = { ...READ, Condition: { DateLessThan: { 'aws:CurrentTime': '2999-01-01T00:00:00Z' } } }
    const other = await createCaller(server, 'timed', [timed])
    await repeat(server, caller)
    const before = await repeated(server)
    for (let n = 0; n < 5; n++) assert.equal((await readAs(server, other)).status, 200)
    assert.equal(await repeated(server), before)
  })

  await t.test('count against the request rate', async () => {
    await repeat(server, caller)
    let asked = 0
    const take = t.mock.method(app.rates, 'take', () => {
      asked += 1
      return 0
    })
    const before = await repeated(server)
    for (let n = 0; n < 3; n++) await readAs(server, caller)
    take.mock.restore()
    assert.ok((await repeated(server)) > before)
    assert.equal(asked, 3)
  })
})
