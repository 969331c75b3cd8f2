// Counts of calls: what is counted and of whom, what becomes of it over a restart, its bounds, and that counts go with their days.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { call, createCaller, token } from '../services/secretsmanager/testing.ts'
import { newRole, newUser, sessionOf } from '../services/sts/testing.ts'
import type { Database } from '../storage/database.ts'
import { openTestDatabase } from '../storage/testing.ts'
import { startTestServer, type TestServer } from '../testing.ts'
import { createCallCounts, listReadings, OTHERS, type Reading, sumCalls, usesOf } from './counts.ts'
import { ACCOUNT, ALICE, event, REGION, START, silent } from './testing.ts'

const DAY_MS = 86_400_000
const DAY = Math.floor(START / DAY_MS) * DAY_MS
const arnOf = (name: string, account = ACCOUNT) => `arn:aws:secretsmanager:${REGION}:${account}:secret:${name}-AbCdEf`

const readingsOf = (database: Database, day: number, account = ACCOUNT, region = REGION): Promise<readonly Reading[]> =>
  database.transaction('read', (tx) => listReadings(tx, { account, region, day }, 1, 100))
const callsOf = (database: Database, from: number, to: number, account = ACCOUNT, region = REGION) =>
  database.transaction('read', (tx) => sumCalls(tx, { account, region, from, to }))

const readOf = (name: string, fields: Parameters<typeof event>[0] = {}) =>
  event({
    service: 'secretsmanager',
    eventName: 'GetSecretValue',
    account: ACCOUNT,
    region: REGION,
    identity: ALICE,
    resources: [{ arn: arnOf(name), accountId: ACCOUNT, type: 'AWS::SecretsManager::Secret' }],
    ...fields,
  })

test('calls of users and sessions are counted by role and secret, batches once, and nothing is lost over a restart', async (t) => {
  const server = await startTestServer(t)
  const today = (at: TestServer) => Math.floor(at.app.wallNow() / DAY_MS) * DAY_MS
  const { ARN } = await call(server, 'CreateSecret', { Name: 'a', SecretString: 'x', ClientRequestToken: token() })
  const read = (credentials = server.credentials, SecretId = ARN) =>
    server.call('secretsmanager', 'GetSecretValue', { SecretId }, { credentials })
  const role = await newRole(server, 'reader', {
    statements: [{ Effect: 'Allow', Action: 'secretsmanager:GetSecretValue', Resource: '*' }],
  })
  const user = await newUser(server, 'assumer', {
    statements: [{ Effect: 'Allow', Action: 'sts:AssumeRole', Resource: '*' }],
  })
  for (const RoleSessionName of ['one', 'two']) {
    const session = await sessionOf(t, server, user, role.arn, { RoleSessionName })
    for (let at = 0; at < 3; at++) assert.equal((await read(session)).status, 200)
  }
  const elsewhere = await createCaller(
    server,
    'elsewhere',
    [{ Effect: 'Allow', Action: 'secretsmanager:*', Resource: '*' }],
    'new',
  )
  assert.equal((await read(elsewhere.credentials)).status, 400)
  assert.equal((await read(server.credentials, 'none')).status, 400)
  await call(server, 'BatchGetSecretValue', { SecretIdList: ['a'] })

  const restarted = await server.restart()
  const { app, accountId, region } = restarted
  const admin = (await createCaller(restarted, 'nobody', [])).arn.replace('user/nobody', 'user/')
  const readings = await readingsOf(app.database, today(restarted), accountId, region)
  assert.deepEqual(
    readings.map(({ arn, caller, calls }) => [arn, caller.startsWith(admin) ? 'admin' : caller, calls]),
    [
      [ARN, role.arn, 6],
      [ARN, 'admin', 1],
    ],
  )
  // Made, six reads, one that failed, one batch; the call of the other account is that account's.
  assert.equal((await callsOf(app.database, today(restarted), today(restarted), accountId, region))?.calls, 9)
  const theirs = await callsOf(app.database, today(restarted), today(restarted), elsewhere.account, region)
  assert.equal(theirs?.calls, 1)
})

test('of another account its id is counted by the owner, its call by itself', () => {
  const owner = '999988887777'
  const shared = readOf('a', { resources: [{ arn: arnOf('a', owner), accountId: owner, type: 'x' }] })
  assert.deepEqual(usesOf(shared, true), [`${ACCOUNT}\0${REGION}\0\0`])
  assert.deepEqual(usesOf({ ...shared, account: owner }, false), [
    [owner, REGION, arnOf('a', owner), ACCOUNT].join('\0'),
  ])
  assert.deepEqual(usesOf({ ...shared, service: 'kms' }, true), [])
  assert.deepEqual(usesOf({ ...readOf('a'), errorCode: 'AccessDenied' }, false), [])
  assert.deepEqual(usesOf({ ...readOf('a'), ofService: true }, true), [])
})

test('counts add up over servers, what was not committed is taken back, and old days go', async (t) => {
  const database = await openTestDatabase(t)
  let now = START
  const open = () => createCallCounts({ database, log: silent, wallNow: () => now, retentionDays: 3 })
  const [one, two] = [open(), open()]
  const uses = usesOf(readOf('a'), true)
  for (const counts of [one, two, one]) counts.note(uses, START)
  two.note(uses, START)
  two.note(uses, START, -1)
  await Promise.all([one.flush(), two.flush()])
  assert.deepEqual(await readingsOf(database, DAY), [{ arn: arnOf('a'), caller: ALICE.arn, calls: 3 }])
  assert.deepEqual(await callsOf(database, DAY - DAY_MS, DAY + DAY_MS), { calls: 3, since: DAY })

  now += 3 * DAY_MS
  one.note(uses, now)
  await one.close()
  assert.equal((await readingsOf(database, DAY)).length, 1)
  now += DAY_MS
  two.note(uses, now)
  await two.close()
  assert.deepEqual(await readingsOf(database, DAY), [])
  assert.deepEqual(await callsOf(database, 0, now), { calls: 2, since: DAY + 3 * DAY_MS })
  two.note(uses, now)
  await two.flush()
  assert.equal((await callsOf(database, 0, now))?.calls, 2)
})

test('what could not be written is kept for the next time', async (t) => {
  const database = await openTestDatabase(t)
  const counts = createCallCounts({ database, log: silent, wallNow: () => START, retentionDays: 3 })
  await database.transaction('write', (tx) => tx.run('ALTER TABLE call_count RENAME TO put_away'))
  counts.note(usesOf(readOf('a'), true), START)
  await counts.flush()
  await database.transaction('write', (tx) => tx.run('ALTER TABLE put_away RENAME TO call_count'))
  counts.note(usesOf(readOf('a'), true), START)
  await counts.close()
  assert.equal((await callsOf(database, DAY, DAY))?.calls, 2)
})

test('a day has a bounded number of rows: beyond it callers are counted together, all calls still are, and one account leaves room for others', async (t) => {
  const database = await openTestDatabase(t)
  const counts = createCallCounts({ database, log: silent, wallNow: () => START, retentionDays: 3, pairsMax: 120 })
  const OTHER = '222222222222'
  const note = (account: string, callers: number) => {
    for (let caller = 0; caller < callers; caller++) {
      const identity = { ...ALICE, account, arn: `arn:aws:iam::${account}:user/u-${caller}` }
      const resources = [{ arn: arnOf('a', account), accountId: account, type: 'AWS::SecretsManager::Secret' }]
      counts.note(usesOf(readOf('a', { account, identity, resources }), true), START)
    }
  }
  note(ACCOUNT, 150)
  note(OTHER, 20)
  await counts.close()
  // Half of 120, and the one row of all further callers.
  assert.equal((await readingsOf(database, DAY)).length, 60)
  const [most] = await readingsOf(database, DAY)
  assert.deepEqual(most, { arn: arnOf('a'), caller: OTHERS, calls: 91 })
  assert.equal((await callsOf(database, DAY, DAY))?.calls, 150)
  const readings = await readingsOf(database, DAY, OTHER)
  assert.deepEqual([readings.length, readings[0]?.calls], [20, 1])
  assert.equal((await callsOf(database, DAY, DAY, OTHER))?.calls, 20)
})
