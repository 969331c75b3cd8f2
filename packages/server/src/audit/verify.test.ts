// verifyTrail against somebody who can write to the databases but has no keys: each change by plain SQL is found.

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { Database } from '../storage/database.ts'
import { createRetention } from './retention.ts'
import { event, openTrailFixture, START, silent, type TrailFixture } from './testing.ts'
import { verifyTrail } from './verify.ts'

const HOUR = 3_600_000

type Tampering = (
  fixture: TrailFixture,
  chains: { readonly lanes: string[]; readonly reads: string[] },
) => Promise<void>

/** Two processes that each wrote four blocks of changes and four of reads, and stopped. */
async function openFilledTrail(t: TestContext): Promise<TrailFixture> {
  const fixture = await openTrailFixture(t, { sqlite: true })
  for (const _process of [1, 2]) {
    const trail = await fixture.open()
    for (let i = 0; i < 4; i++) {
      const time = START + i * 1_000
      await trail.append([event({ time }), event({ time })])
      await fixture.database.transaction('write', (tx) => trail.record(tx, [event({ time, readOnly: false })]))
    }
    await trail.close()
  }
  return fixture
}

const chainsOf = async (database: Database, suffix: string): Promise<string[]> =>
  (
    await database.transaction('read', (tx) =>
      tx.all<{ chain: string }>(
        'SELECT DISTINCT chain FROM audit_block WHERE chain LIKE $1 ORDER BY chain',
        `%${suffix}`,
      ),
    )
  ).map(({ chain }) => chain)

/** Each with the words that its finding must hold. */
const blockTamperings: { readonly [name: string]: readonly [RegExp, Tampering] } = {
  'an edited body': [
    /MAC/,
    (f, { reads }) =>
      once(
        f.sql(
          f.auditDatabase,
          "UPDATE audit_block SET body = CAST(REPLACE(CAST(body AS TEXT), 'alice', 'mallo') AS BLOB) WHERE chain = $1 AND seq = 2",
          reads[0]!,
        ),
      ),
  ],
  'an edited first time': [
    /MAC/,
    (f, { reads }) =>
      once(
        f.sql(
          f.auditDatabase,
          'UPDATE audit_block SET first_time = first_time - 1 WHERE chain = $1 AND seq = 2',
          reads[0]!,
        ),
      ),
  ],
  'an edited last time': [
    /MAC/,
    (f, { lanes }) =>
      once(
        f.sql(f.database, 'UPDATE audit_block SET last_time = last_time + 1 WHERE chain = $1 AND seq = 3', lanes[0]!),
      ),
  ],
  'an edited count': [
    /MAC/,
    (f, { reads }) =>
      once(f.sql(f.auditDatabase, 'UPDATE audit_block SET events = 1 WHERE chain = $1 AND seq = 1', reads[0]!)),
  ],
  'an edited MAC': [
    /MAC/,
    (f, { reads }) =>
      once(f.sql(f.auditDatabase, "UPDATE audit_block SET mac = x'00' WHERE chain = $1 AND seq = 4", reads[0]!)),
  ],
  'a removed block': [
    /block 2 is missing/,
    (f, { reads }) => once(f.sql(f.auditDatabase, 'DELETE FROM audit_block WHERE chain = $1 AND seq = 2', reads[0]!)),
  ],
  'a removed first block': [
    /block 1 is missing/,
    (f, { lanes }) => once(f.sql(f.database, 'DELETE FROM audit_block WHERE chain = $1 AND seq = 1', lanes[0]!)),
  ],
  'a removed block whose successors moved up': [
    /MAC/,
    async (f, { reads }) => {
      await once(f.sql(f.auditDatabase, 'DELETE FROM audit_block WHERE chain = $1 AND seq = 2', reads[0]!))
      await once(f.sql(f.auditDatabase, 'UPDATE audit_block SET seq = 2 WHERE chain = $1 AND seq = 3', reads[0]!))
      await once(f.sql(f.auditDatabase, 'UPDATE audit_block SET seq = 3 WHERE chain = $1 AND seq = 4', reads[0]!))
    },
  ],
  'two blocks in the other order': [
    /MAC/,
    async (f, { reads }) => {
      await once(f.sql(f.auditDatabase, 'UPDATE audit_block SET seq = 99 WHERE chain = $1 AND seq = 2', reads[0]!))
      await once(f.sql(f.auditDatabase, 'UPDATE audit_block SET seq = 2 WHERE chain = $1 AND seq = 3', reads[0]!))
      await once(f.sql(f.auditDatabase, 'UPDATE audit_block SET seq = 3 WHERE chain = $1 AND seq = 99', reads[0]!))
    },
  ],
  'a block of one chain in the place of another': [
    /MAC/,
    async (f, { reads }) => {
      await once(f.sql(f.auditDatabase, 'DELETE FROM audit_block WHERE chain = $1 AND seq = 2', reads[0]!))
      await once(
        f.sql(f.auditDatabase, 'UPDATE audit_block SET chain = $1 WHERE chain = $2 AND seq = 2', reads[0]!, reads[1]!),
      )
    },
  ],
  'two chains under each other’s name': [
    /MAC/,
    async (f, { reads }) => {
      await f.sql(f.auditDatabase, "UPDATE audit_block SET chain = 'x' WHERE chain = $1", reads[0]!)
      await f.sql(f.auditDatabase, 'UPDATE audit_block SET chain = $1 WHERE chain = $2', reads[0]!, reads[1]!)
      await f.sql(f.auditDatabase, "UPDATE audit_block SET chain = $1 WHERE chain = 'x'", reads[1]!)
    },
  ],
  'a copy of a block at the end': [
    /MAC/,
    (f, { reads }) =>
      once(
        f.sql(
          f.auditDatabase,
          'INSERT INTO audit_block SELECT chain, 5, first_time, last_time, events, body, mac FROM audit_block WHERE chain = $1 AND seq = 4',
          reads[0]!,
        ),
      ),
  ],
  'a chain of copies under a new name': [
    /not in the directory/,
    async (f, { reads }) => {
      await f.sql(
        f.auditDatabase,
        "INSERT INTO audit_block SELECT 'ffff.reads', seq, first_time, last_time, events, body, mac FROM audit_block WHERE chain = $1",
        reads[0]!,
      )
    },
  ],
  'a chain copied into the other database': [
    /two databases/,
    async (f, { reads }) => {
      const rows = await f.auditDatabase.transaction('read', (tx) =>
        tx.all<Record<string, never>>('SELECT * FROM audit_block WHERE chain = $1', reads[0]!),
      )
      for (const row of rows) {
        await f.sql(
          f.database,
          'INSERT INTO audit_block (chain, seq, first_time, last_time, events, body, mac) VALUES ($1, $2, $3, $4, $5, $6, $7)',
          row.chain!,
          row.seq!,
          row.first_time!,
          row.last_time!,
          row.events!,
          row.body!,
          row.mac!,
        )
      }
    },
  ],
  'the end of a chain of reads cut off': [
    /cut off/,
    (f, { reads }) => once(f.sql(f.auditDatabase, 'DELETE FROM audit_block WHERE chain = $1 AND seq = 4', reads[0]!)),
  ],
  'the end of a chain of changes cut off': [
    /cut off/,
    (f, { lanes }) => once(f.sql(f.database, 'DELETE FROM audit_block WHERE chain = $1 AND seq = 4', lanes[1]!)),
  ],
}

const wholeTamperings: { readonly [name: string]: readonly [RegExp, Tampering] } = {
  'a whole chain removed': [
    /is missing: its head tells of 4 blocks/,
    async (f, { lanes }) => {
      await f.sql(f.database, 'DELETE FROM audit_block WHERE chain = $1', lanes[0]!)
    },
  ],
  'a head removed': [
    /head of this writer is missing/,
    (f) => once(f.sql(f.auditDatabase, 'DELETE FROM audit_head WHERE writer = (SELECT MIN(writer) FROM audit_head)')),
  ],
  'a head altered': [
    /head of this writer was altered/,
    (f) =>
      once(
        f.sql(
          f.auditDatabase,
          "UPDATE audit_head SET body = CAST(REPLACE(CAST(body AS TEXT), '[4,', '[3,') AS BLOB) WHERE writer = (SELECT MIN(writer) FROM audit_head)",
        ),
      ),
  ],
  'a head with an older number': [
    /head of this writer was altered/,
    (f) =>
      once(
        f.sql(
          f.auditDatabase,
          'UPDATE audit_head SET rev = rev - 1 WHERE writer = (SELECT MIN(writer) FROM audit_head)',
        ),
      ),
  ],
  'the head of one writer in the place of another': [
    /head of this writer was altered/,
    (f) =>
      once(
        f.sql(
          f.auditDatabase,
          'UPDATE audit_head SET rev = (SELECT rev FROM audit_head ORDER BY writer LIMIT 1), body = (SELECT body FROM audit_head ORDER BY writer LIMIT 1), mac = (SELECT mac FROM audit_head ORDER BY writer LIMIT 1) WHERE writer = (SELECT MAX(writer) FROM audit_head)',
        ),
      ),
  ],
  'everything of one writer but its entry in the directory removed': [
    /head of this writer is missing/,
    async (f, { lanes, reads }) => {
      const writer = lanes[0]!.split('.')[0]!
      await f.sql(f.database, 'DELETE FROM audit_block WHERE chain = $1', lanes[0]!)
      await f.sql(f.auditDatabase, 'DELETE FROM audit_block WHERE chain = $1', reads[0]!)
      await f.sql(f.auditDatabase, 'DELETE FROM audit_head WHERE writer = $1', writer)
    },
  ],
  'the first entry of the directory removed': [
    /block 1 is missing/,
    (f) => once(f.sql(f.database, "DELETE FROM audit_block WHERE chain = 'directory' AND seq = 1")),
  ],
  'the last entry of the directory removed': [
    /not in the directory/,
    (f) => once(f.sql(f.database, "DELETE FROM audit_block WHERE chain = 'directory' AND seq = 2")),
  ],
  'an entry of the directory edited': [
    /MAC/,
    (f) =>
      once(
        f.sql(
          f.database,
          'UPDATE audit_block SET body = CAST(\'{"writer":"ffff","openedAt":1}\' AS BLOB) WHERE chain = \'directory\' AND seq = 1',
        ),
      ),
  ],
}

const segmentTamperings: { readonly [name: string]: readonly [RegExp, Tampering] } = {
  'a removed segment': [
    /blocks 1 to 3 are missing/,
    (f, { reads }) => once(f.sql(f.auditDatabase, 'DELETE FROM audit_segment WHERE chain = $1', reads[0]!)),
  ],
  'a segment of other bytes': [
    /cannot be read/,
    (f, { reads }) =>
      once(f.sql(f.auditDatabase, "UPDATE audit_segment SET body = x'28b52ffd00' WHERE chain = $1", reads[0]!)),
  ],
  'a segment moved in time, out of sight of LookupEvents': [
    /segment that begins here was altered/,
    (f, { reads }) =>
      once(f.sql(f.auditDatabase, 'UPDATE audit_segment SET last_time = 1 WHERE chain = $1', reads[0]!)),
  ],
  'the segment of one chain in the place of another': [
    /MAC/,
    async (f, { reads }) => {
      await once(f.sql(f.auditDatabase, 'DELETE FROM audit_segment WHERE chain = $1', reads[0]!))
      await once(f.sql(f.auditDatabase, 'UPDATE audit_segment SET chain = $1 WHERE chain = $2', reads[0]!, reads[1]!))
    },
  ],
  'a second segment over the same blocks': [
    /repeats blocks/,
    (f, { reads }) =>
      once(
        f.sql(
          f.auditDatabase,
          'INSERT INTO audit_segment SELECT chain, 2, last_seq, first_time, last_time, stored_bytes, body FROM audit_segment WHERE chain = $1',
          reads[0]!,
        ),
      ),
  ],
  'a row beside the segment that holds it': [
    /repeats blocks|there twice/,
    (f, { reads }) =>
      once(
        f.sql(
          f.auditDatabase,
          'INSERT INTO audit_block SELECT chain, 2, first_time, last_time, events, body, mac FROM audit_block WHERE chain = $1 AND seq = 4',
          reads[0]!,
        ),
      ),
  ],
}

const once = async (changes: Promise<number>): Promise<void> =>
  assert.equal(await changes, 1, 'the tampering took place')

async function assertFound(fixture: TrailFixture, [words, tamper]: readonly [RegExp, Tampering]): Promise<void> {
  const whole = await verifyTrail(fixture.databases, fixture.keyring)
  assert.deepEqual(whole, { events: 24, blocks: 16, chains: 5, problems: [] })
  const lanes = await chainsOf(fixture.database, '.0')
  const reads = await chainsOf(fixture.auditDatabase, '.reads')
  assert.deepEqual([lanes.length, reads.length], [2, 2])
  await tamper(fixture, { lanes, reads })
  const { problems } = await verifyTrail(fixture.databases, fixture.keyring)
  assert.ok(
    problems.some(({ what }) => words.test(what)),
    `found ${JSON.stringify(problems)}`,
  )
}

for (const [name, tampering] of Object.entries({ ...blockTamperings, ...wholeTamperings })) {
  test(`${name} is found`, async (t) => assertFound(await openFilledTrail(t), tampering))
}

for (const [name, tampering] of Object.entries(segmentTamperings)) {
  test(`in a compressed trail, ${name} is found`, async (t) => {
    const fixture = await openFilledTrail(t)
    fixture.clock.now = START + 2 * HOUR
    const { databases, keyring } = fixture
    await createRetention({
      databases,
      keyring,
      log: silent,
      wallNow: () => fixture.clock.now,
      days: 90,
      bytesMax: 1e9,
    }).run()
    await assertFound(fixture, tampering)
  })
}

test('with another keyring nothing verifies', async (t) => {
  const fixture = await openFilledTrail(t)
  const other = await openTrailFixture(t, { sqlite: true })
  const { problems } = await verifyTrail(fixture.databases, other.keyring)
  assert.ok(problems.length >= 16)
})

test('a trail that is being written and compressed verifies at any moment', async (t) => {
  const fixture = await openTrailFixture(t, { sqlite: true })
  const { databases, keyring, clock } = fixture
  const trail = await fixture.open()
  const retention = createRetention({
    databases,
    keyring,
    log: silent,
    wallNow: () => clock.now,
    days: 1,
    bytesMax: 1e9,
  })
  let running = true
  const writing = (async () => {
    for (let i = 0; running; i++) {
      clock.now += 60_000
      await trail.append([event({ time: clock.now })])
      await fixture.database.transaction('write', (tx) => trail.record(tx, [event({ time: clock.now })]))
      if (i % 20 === 0) await retention.run()
    }
  })()
  for (let i = 0; i < 15; i++) assert.deepEqual((await verifyTrail(databases, keyring)).problems, [])
  running = false
  await writing
})
