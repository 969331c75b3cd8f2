// POST /_strongroom/clock: who may move the service clock, by how much, and what moves with it.

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { signedCall, startTestServer, TEST_REGION, type TestServer } from '../../../testing.ts'
import { createAccessKey } from '../../iam/access-keys.ts'
import { createUser } from '../../iam/users.ts'
import { createCaller } from '../../secretsmanager/testing.ts'

const advance = (server: TestServer, input: object, credentials = server.credentials, path = '/_strongroom/clock') =>
  signedCall(server.url + path, 'secretsmanager', undefined, input, { credentials, region: TEST_REGION })

const start = (t: TestContext, given = {}) => startTestServer(t, given)

test('an administrator advances the service clock, and advances add up', async (t) => {
  const server = await start(t)
  const before = server.app.now()
  const first = await advance(server, { advance: 'P7D' })
  assert.equal(first.status, 200)
  assert.equal(first.body.aheadMs, 7 * 86_400_000)
  assert.ok(server.app.now() - before >= 7 * 86_400_000)
  assert.ok(Math.abs(server.app.wallNow() - Date.now()) < 60_000, 'the wall clock stays')
  const second = await advance(server, { advance: 'PT5S' })
  assert.equal(second.body.aheadMs, 7 * 86_400_000 + 5_000)
  assert.ok(Math.abs(second.body.now * 1_000 - server.app.now()) < 60_000)
})

test('what is not a duration is refused and moves nothing', async (t) => {
  const server = await start(t)
  for (const duration of ['-P7D', 'P-7D', '7', 'P', 'P9999Y']) {
    const { status, body } = await advance(server, { advance: duration })
    assert.equal(status, 400, duration)
    assert.equal(
      body.Message,
      'advance must be an ISO 8601 duration that is not negative and does not lead beyond the year 9999, such as P7D or PT5S.',
    )
  }
  assert.equal((await advance(server, {})).status, 400)
  assert.equal(server.app.testClock?.offsetMs(), 0)
})

test('a server without --test-clock refuses', async (t) => {
  const server = await start(t, { testClock: false })
  const { status, body } = await advance(server, { advance: 'P7D' })
  assert.equal(status, 400)
  assert.equal(body.Message, 'The clock can only be advanced on a server started with --test-clock.')
})

test('it takes a signature and the permission strongroom:AdvanceClock', async (t) => {
  const server = await start(t)
  const unsigned = await fetch(`${server.url}/_strongroom/clock`, { method: 'POST', body: '{"advance":"P7D"}' })
  assert.equal(unsigned.status, 400)
  assert.match(await unsigned.text(), /MissingAuthenticationToken/)

  const { app, accountId } = server
  const nobody = await app.database.transaction('write', async (tx) => {
    await createUser(app, tx, accountId, { userName: 'nobody', now: app.now() })
    return createAccessKey(app, tx, accountId, { userName: 'nobody' }, app.now())
  })
  const { status, body } = await advance(server, { advance: 'P7D' }, nobody)
  assert.equal(status, 400)
  assert.match(
    body.Message,
    /^User: arn:aws:iam::\d{12}:user\/nobody is not authorized to perform: strongroom:AdvanceClock on resource: \*/,
  )
  assert.equal(app.testClock?.offsetMs(), 0)

  const nothing = await advance(server, {}, server.credentials, '/_strongroom/nothing')
  assert.equal(nothing.headers.get('x-amzn-errortype'), 'UnknownOperationException')
})

test('the event of an advance is in the audit trail', async (t) => {
  const server = await start(t)
  await advance(server, { advance: 'P1D' })
  const { events } = await server.app.trail.lookup({
    account: server.accountId,
    region: TEST_REGION,
    filter: { key: 'EventName', value: 'AdvanceClock' },
    startTime: 0,
    endTime: Date.now() + 60_000,
    limit: 10,
  })
  assert.equal(events.length, 1)
  assert.deepEqual(JSON.parse(events[0]!.json).requestParameters, { advance: 'P1D' })
})

test('an administrator of another account than the first moves nothing', async (t) => {
  const server = await start(t)
  const { credentials } = await createCaller(server, 'other', [{ Effect: 'Allow', Action: '*', Resource: '*' }], 'new')
  const { status, body } = await advance(server, { advance: 'P7D' }, credentials)
  assert.deepEqual([status, body.__type], [400, 'AccessDeniedException'])
  assert.equal(server.app.testClock?.offsetMs(), 0)
})
