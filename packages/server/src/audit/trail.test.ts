// The trail: what was accepted is there, in a chain that verifies, whatever else failed around it.
// On SQLite and on PostgreSQL: openTestDatabase.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Database } from '../storage/database.ts'
import { DatabaseError } from '../storage/database.ts'
import { ACCOUNT, event, openTrailFixture, REGION, START, silent, type TrailFixture } from './testing.ts'
import { createTrail } from './trail.ts'
import { verifyTrail } from './verify.ts'

async function countEvents(fixture: TrailFixture): Promise<number> {
  const { events, problems } = await verifyTrail(fixture.databases, fixture.keyring)
  assert.deepEqual(problems, [])
  return events
}

test('500 appends at once are all there, in fewer blocks than events, and the trail verifies', async (t) => {
  const fixture = await openTrailFixture(t)
  const trail = await fixture.open()
  await Promise.all(Array.from({ length: 500 }, (_, i) => trail.append([event({ requestId: `r${i}` })])))
  const { events, blocks, problems } = await verifyTrail(fixture.databases, fixture.keyring)
  assert.deepEqual(problems, [])
  assert.equal(events, 500)
  assert.ok(blocks < 250, `${blocks} blocks`)
  const { events: found } = await trail.lookup({
    account: ACCOUNT,
    region: REGION,
    startTime: 0,
    endTime: START,
    limit: 1_000,
  })
  assert.equal(new Set(found.map(({ json }) => (JSON.parse(json) as { requestID: string }).requestID)).size, 500)
})

test('events of calls that were read a turn of the event loop later share a block with those before', async (t) => {
  const fixture = await openTrailFixture(t)
  const trail = await fixture.open()
  const written = trail.append([event()])
  await nextTurn()
  await Promise.all([written, trail.append([event()])])
  const { events, blocks } = await verifyTrail(fixture.databases, fixture.keyring)
  assert.deepEqual({ events, blocks }, { events: 2, blocks: 1 })
})

test('events of different seconds never share a block', async (t) => {
  const fixture = await openTrailFixture(t)
  const trail = await fixture.open()
  await trail.append([event({ time: START + 900 }), event({ time: START + 999 }), event({ time: START + 1_000 })])
  const blocks = await fixture.auditDatabase.transaction('read', (tx) =>
    tx.all<{ first_time: number; last_time: number; events: number }>(
      'SELECT first_time, last_time, events FROM audit_block WHERE events > 0 ORDER BY seq',
    ),
  )
  assert.deepEqual(
    blocks.map((block) => [block.first_time, block.last_time, block.events].map(Number)),
    [
      [START + 900, START + 999, 2],
      [START + 1_000, START + 1_000, 1],
    ],
  )
})

test('the event of a change is there if and only if the change is', async (t) => {
  const fixture = await openTrailFixture(t)
  const trail = await fixture.open()
  const change = (fails: boolean) =>
    fixture.database.transaction('write', async (tx) => {
      await tx.run("INSERT INTO quota_usage VALUES ('a', 'r', $1, 1)", String(Math.random()))
      await trail.record(tx, [event({ eventName: 'CreateSecret', readOnly: false }), event()])
      if (fails) throw new Error('changed its mind')
    })
  await change(false)
  await assert.rejects(change(true), /changed its mind/)
  await assert.rejects(change(true), /changed its mind/)
  await change(false)
  await Promise.allSettled([change(false), change(true), change(false), change(true), change(false)])
  assert.equal(await countEvents(fixture), 10)
  const { n } = (await fixture.database.transaction('read', (tx) =>
    tx.get<{ n: number }>('SELECT COUNT(*) AS n FROM quota_usage'),
  ))!
  assert.equal(Number(n), 5)
})

test('writers of two processes and changes beside reads do not disturb one another', async (t) => {
  const fixture = await openTrailFixture(t)
  const trails = [await fixture.open(), await fixture.open()]
  await Promise.all(
    trails.flatMap((trail) =>
      Array.from({ length: 40 }, (_, i) =>
        i % 2 === 0
          ? trail.append([event()])
          : fixture.database.transaction('write', (tx) => trail.record(tx, [event({ readOnly: false })])),
      ),
    ),
  )
  assert.equal(await countEvents(fixture), 80)
})

test('an append rejects while the database fails, and the next one works when it does again', async (t) => {
  const fixture = await openTrailFixture(t)
  let failure: 'before' | 'after' | undefined
  const flaky: Database = {
    ...fixture.auditDatabase,
    async transaction(access, work) {
      if (failure === 'before') throw new DatabaseError('full', 'the disk is full')
      const result = await fixture.auditDatabase.transaction(access, work)
      // Committed, and yet nobody knows.
      if (failure === 'after' && access === 'write') throw new DatabaseError('unavailable', 'the connection broke')
      return result
    },
  }
  const trail = await createTrail({
    database: fixture.database,
    auditDatabase: flaky,
    keyring: fixture.keyring,
    log: silent,
    wallNow: () => START,
    randomBytes: (size) => crypto.getRandomValues(new Uint8Array(size)),
    headEveryMs: 10,
  })
  await trail.append([event()])
  failure = 'before'
  const refused = await Promise.allSettled(Array.from({ length: 20 }, () => trail.append([event()])))
  assert.ok(refused.every(({ status }) => status === 'rejected'))
  await assert.rejects(trail.append([event()]), { reason: 'full' })
  await assert.rejects(trail.check(), { reason: 'full' })
  failure = undefined
  await trail.check()
  await trail.append([event()])
  failure = 'after'
  await assert.rejects(trail.append([event()]), { reason: 'unavailable' })
  failure = undefined
  await trail.append([event()])
  await trail.close()
  assert.equal(await countEvents(fixture), 4)
})

test('a server whose trail cannot be written does not start', async (t) => {
  const fixture = await openTrailFixture(t)
  await fixture.sql(fixture.auditDatabase, 'DROP TABLE audit_head')
  await assert.rejects(fixture.open(), DatabaseError)
})

test('a closed trail refuses, and an event of a change is refused in a transaction that only reads', async (t) => {
  const fixture = await openTrailFixture(t)
  const trail = await fixture.open()
  await assert.rejects(
    fixture.database.transaction('read', (tx) => trail.record(tx, [event()])),
    /only reads/,
  )
  await trail.close()
  await assert.rejects(trail.append([event()]), { reason: 'unavailable' })
  await assert.rejects(
    fixture.database.transaction('write', (tx) => trail.record(tx, [event()])),
    { reason: 'unavailable' },
  )
})

test('an event that cannot be encoded is refused and does not take others with it', async (t) => {
  const fixture = await openTrailFixture(t)
  const trail = await fixture.open()
  const [good, bad] = await Promise.allSettled([
    trail.append([event()]),
    trail.append([event({ requestParameters: { n: 1n } })]),
  ])
  assert.deepEqual([good.status, bad.status], ['fulfilled', 'rejected'])
  assert.equal(await countEvents(fixture), 1)
})
