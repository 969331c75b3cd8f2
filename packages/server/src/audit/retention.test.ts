// Retention: what is due goes, what stays verifies and is found, and nobody else can make it look as if something was due.
// On SQLite and on PostgreSQL: openTestDatabase.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRetention, type Retention } from './retention.ts'
import { ACCOUNT, event, openTrailFixture, REGION, START, silent, type TrailFixture } from './testing.ts'
import type { Trail } from './trail.ts'
import { verifyTrail } from './verify.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR

const retentionOf = (fixture: TrailFixture, bytesMax = 1e9, days = 90): Retention =>
  createRetention({
    databases: fixture.databases,
    keyring: fixture.keyring,
    log: silent,
    wallNow: () => fixture.clock.now,
    days,
    bytesMax,
  })

async function write(fixture: TrailFixture, trail: Trail, time: number): Promise<void> {
  fixture.clock.now = time
  await trail.append([event({ time })])
  await fixture.database.transaction('write', (tx) => trail.record(tx, [event({ time, readOnly: false })]))
}

async function timesFound(trail: Trail): Promise<number[]> {
  const page = await trail.lookup({ account: ACCOUNT, region: REGION, startTime: 0, endTime: 2 * START, limit: 10_000 })
  assert.equal(page.next, undefined)
  return page.events.map(({ record }) => Date.parse(record.eventTime))
}

async function assertWhole(fixture: TrailFixture, events: number): Promise<void> {
  const verified = await verifyTrail(fixture.databases, fixture.keyring)
  assert.deepEqual(verified.problems, [])
  assert.equal(verified.events, events)
}

const count = async (fixture: TrailFixture, table: string): Promise<number> => {
  let n = 0
  for (const database of fixture.databases) {
    n += Number(
      (await database.transaction('read', (tx) => tx.get<{ n: number }>(`SELECT COUNT(*) AS n FROM ${table}`)))!.n,
    )
  }
  return n
}

test('blocks older than an hour are compressed, still verify, are still found in order, and the chain goes on', async (t) => {
  const fixture = await openTrailFixture(t)
  const trail = await fixture.open()
  for (let i = 0; i < 150; i++) await write(fixture, trail, START + i * 60_000)
  const before = await timesFound(trail)
  const size = (await retentionOf(fixture).usage()).bytes
  await retentionOf(fixture).run()
  assert.ok((await count(fixture, 'audit_segment')) >= 4)
  assert.ok((await count(fixture, 'audit_block')) <= 2 * 61 + 20)
  assert.ok((await retentionOf(fixture).usage()).bytes < size * 0.7)
  await assertWhole(fixture, 300)
  assert.deepEqual(await timesFound(trail), before)
  assert.deepEqual(
    before,
    before.toSorted((a, b) => b - a),
  )
  await write(fixture, trail, START + 150 * 60_000)
  await retentionOf(fixture).run()
  await assertWhole(fixture, 302)
})

test('events beyond the days are removed behind a checkpoint, and the rest verifies', async (t) => {
  const fixture = await openTrailFixture(t)
  const trail = await fixture.open()
  for (let day = 0; day <= 100; day++) await write(fixture, trail, START + day * DAY)
  await retentionOf(fixture).run()
  const times = await timesFound(trail)
  assert.equal(Math.min(...times), START + 10 * DAY)
  assert.equal(times.length, 2 * 91)
  await assertWhole(fixture, 2 * 91)
  await write(fixture, trail, START + 101 * DAY)
  await assertWhole(fixture, 2 * 92)
})

test('a checkpoint cannot be forged, moved or taken away', async (t) => {
  const fixture = await openTrailFixture(t)
  const trail = await fixture.open()
  for (let day = 0; day <= 100; day++) await write(fixture, trail, START + day * DAY)
  await retentionOf(fixture).run()
  await trail.close()
  const found = async (): Promise<string> =>
    (await verifyTrail(fixture.databases, fixture.keyring)).problems.map(({ what }) => what).join('; ')
  assert.equal(await found(), '')
  type Row = { chain: string; rev: number; body: Uint8Array; mac: Uint8Array }
  const old = (await fixture.auditDatabase.transaction('read', (tx) =>
    tx.get<Row>("SELECT chain, rev, body, mac FROM audit_checkpoint WHERE chain LIKE '%.reads'"),
  ))!
  await fixture.sql(fixture.auditDatabase, 'DELETE FROM audit_checkpoint WHERE chain = $1', old.chain)
  assert.match(await found(), /blocks 1 to 10 are missing/)
  await fixture.sql(
    fixture.auditDatabase,
    'INSERT INTO audit_checkpoint (chain, rev, body, mac) VALUES ($1, $2, $3, $4)',
    old.chain,
    Number(old.rev) + 5,
    old.body,
    old.mac,
  )
  assert.match(await found(), /checkpoint of this chain was altered/)
  await fixture.sql(fixture.auditDatabase, 'UPDATE audit_checkpoint SET rev = rev - 5 WHERE chain = $1', old.chain)
  assert.equal(await found(), '')
  await fixture.sql(fixture.auditDatabase, 'DELETE FROM audit_segment WHERE first_seq < 20')
  assert.match(await found(), /missing/)
})

test('beyond the bytes the oldest events go first, the newest block of a chain never, and usage warns at 80 %', async (t) => {
  const fixture = await openTrailFixture(t)
  const trail = await fixture.open()
  for (let i = 0; i < 60; i++) await write(fixture, trail, START + i * HOUR)
  await retentionOf(fixture).run()
  const { bytes, warns } = await retentionOf(fixture).usage()
  assert.equal(warns, false)
  assert.equal((await retentionOf(fixture, bytes / 0.85).usage()).warns, true)
  const limit = Math.floor(bytes / 2)
  await retentionOf(fixture, limit).run()
  assert.ok((await retentionOf(fixture, limit).usage()).bytes <= limit)
  const times = await timesFound(trail)
  const kept = (from: number, to: number) =>
    times.filter((time) => time >= START + from * HOUR && time < START + to * HOUR)
  assert.equal(kept(40, 60).length, 40, 'the newest are all there')
  // A writer of changes that was idle since keeps its newest block; PostgreSQL has several.
  assert.ok(kept(0, 20).length < 10, 'the oldest are gone')
  await assertWhole(fixture, times.length)
  await retentionOf(fixture, 1).run()
  const { chains } = await verifyTrail(fixture.databases, fixture.keyring)
  await assertWhole(fixture, chains - 1)
  await write(fixture, trail, START + 60 * HOUR)
  assert.equal((await verifyTrail(fixture.databases, fixture.keyring)).problems.length, 0)
  assert.equal((await timesFound(trail)).filter((time) => time === START + 60 * HOUR).length, 2)
})

test('a chain whose every block was removed goes on where it was, even when its end must be read again', async (t) => {
  const fixture = await openTrailFixture(t)
  const trail = await fixture.open()
  await write(fixture, trail, START)
  fixture.clock.now = START + 91 * DAY
  await retentionOf(fixture).run()
  await assertWhole(fixture, 0)
  await assert.rejects(
    fixture.database.transaction('write', async (tx) => {
      await trail.record(tx, [event()])
      throw new Error('changed its mind')
    }),
  )
  await write(fixture, trail, START + 91 * DAY)
  await assertWhole(fixture, 2)
  const last = await fixture.database.transaction('read', (tx) =>
    tx.get<{ seq: number }>("SELECT seq FROM audit_block WHERE chain <> 'directory'"),
  )
  assert.equal(Number(last!.seq), 2)
})

test('writers of whom nothing is left are forgotten, those that live are not', async (t) => {
  const fixture = await openTrailFixture(t)
  for (let i = 0; i < 3; i++) {
    const trail = await fixture.open()
    await write(fixture, trail, START + i * DAY)
    await trail.close()
  }
  fixture.clock.now = START + 200 * DAY
  const trail = await fixture.open()
  await retentionOf(fixture).run()
  assert.equal(await count(fixture, 'audit_head'), 1)
  await assertWhole(fixture, 0)
  assert.equal(await count(fixture, 'audit_checkpoint'), 1, 'that of the directory')
  await write(fixture, trail, START + 200 * DAY)
  await assertWhole(fixture, 2)
  await (await fixture.open()).close()
  await assertWhole(fixture, 2)
})
