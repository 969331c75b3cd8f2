// The search: the caller's events only, newest first over every chain, database and segment, in pages that neither repeat nor leave out.
// On SQLite and on PostgreSQL: openTestDatabase.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { IntegrityError } from '../errors.ts'
import { EXAMINED_EVENTS_MAX, type LookupKey, type TrailPosition, type TrailQuery } from './query.ts'
import { createRetention } from './retention.ts'
import { ACCOUNT, ALICE, event, openTrailFixture, REGION, SESSION, START, silent } from './testing.ts'
import type { Trail } from './trail.ts'

const QUERY: TrailQuery = { account: ACCOUNT, region: REGION, startTime: 0, endTime: 2 * START, limit: 50 }

async function readAll(trail: Trail, query: TrailQuery): Promise<{ ids: string[]; times: number[]; pages: number }> {
  const ids: string[] = []
  const times: number[] = []
  let pages = 0
  for (let after: TrailPosition | undefined; ; ) {
    const page = await trail.lookup({ ...query, ...(after && { after }) })
    pages += 1
    assert.ok(page.events.length <= query.limit)
    for (const { record } of page.events) {
      ids.push(record.eventID)
      times.push(Date.parse(record.eventTime))
    }
    if (page.next === undefined) return { ids, times, pages }
    after = page.next
  }
}

test('pages of every size give each event once, newest first, from both databases, with and without segments', async (t) => {
  const fixture = await openTrailFixture(t)
  const { databases, keyring, clock } = fixture
  const trails = [await fixture.open(), await fixture.open()]
  const written: string[] = []
  for (let i = 0; i < 60; i++) {
    // Steps of 700 ms share seconds; the jump puts hours between.
    const time = START + i * 700 + (i >= 30 ? 7_200_000 : 0)
    for (const [n, trail] of trails.entries()) {
      const ids = [`${i}-${n}-a`, `${i}-${n}-b`, `${i}-${n}-c`]
      written.push(...ids)
      await trail.append(ids.slice(0, 2).map((eventId) => event({ eventId, time })))
      await fixture.database.transaction('write', (tx) => trail.record(tx, [event({ eventId: ids[2]!, time })]))
    }
  }
  clock.now = START + 7_200_000 + 60 * 700
  const check = async (): Promise<void> => {
    for (const limit of [1, 7, 50, 1_000]) {
      const { ids, times, pages } = await readAll(trails[0]!, { ...QUERY, limit })
      assert.deepEqual(ids.toSorted(), written.toSorted())
      assert.deepEqual(
        times,
        times.toSorted((a, b) => b - a),
      )
      assert.ok(pages >= written.length / limit)
    }
  }
  await check()
  await createRetention({ databases, keyring, log: silent, wallNow: () => clock.now, days: 90, bytesMax: 1e9 }).run()
  const segments = await fixture.auditDatabase.transaction('read', (tx) => tx.all('SELECT chain FROM audit_segment'))
  assert.ok(segments.length >= 2)
  await check()
})

test('events of other accounts and regions are never found, even if a parameter is made to look like them', async (t) => {
  const fixture = await openTrailFixture(t)
  const trail = await fixture.open()
  await trail.append([
    event({ eventId: 'own' }),
    event({
      eventId: 'account',
      account: '444455556666',
      requestParameters: { recipientAccountId: ACCOUNT, awsRegion: REGION },
    }),
    event({
      eventId: 'region',
      region: 'us-east-1',
      requestParameters: { recipientAccountId: ACCOUNT, awsRegion: REGION },
    }),
  ])
  assert.deepEqual((await readAll(trail, QUERY)).ids, ['own'])
})

test('each attribute finds what has it and nothing else', async (t) => {
  const fixture = await openTrailFixture(t)
  const trail = await fixture.open()
  const { userName: _, ...root } = { ...ALICE, kind: 'root' as const, accessKeyId: 'AKIAROOT' }
  const arn = 'arn:aws:secretsmanager:eu-west-1:111122223333:secret:prod/db-AbCdEf'
  await trail.append([
    event({ eventId: 'plain' }),
    event({ eventId: 'write', eventName: 'CreateSecret', readOnly: false }),
    event({ eventId: 'root', identity: root }),
    event({ eventId: 'other-user', identity: { ...ALICE, userName: 'bob "the\\builder"', accessKeyId: 'AKIABOB' } }),
    event({ eventId: 'resource', resources: [{ arn, accountId: ACCOUNT, type: 'AWS::SecretsManager::Secret' }] }),
    event({ eventId: 'service', service: 'kms' }),
    event({ eventId: 'session', identity: SESSION }),
    event({ eventId: 'from-elsewhere', identity: { ...SESSION, account: '444455556666' } }),
  ])
  const expected: readonly (readonly [LookupKey, string, readonly string[]])[] = [
    ['EventId', 'plain', ['plain']],
    ['EventName', 'CreateSecret', ['write']],
    ['ReadOnly', 'false', ['write']],
    ['Username', 'root', ['root']],
    ['Username', 'bob "the\\builder"', ['other-user']],
    ['Username', 'nightly', ['session']],
    ['Username', 'Reader', []],
    ['AccessKeyId', 'AKIAROOT', ['root']],
    ['AccessKeyId', SESSION.accessKeyId, ['session']],
    ['ResourceName', arn, ['resource']],
    ['ResourceType', 'AWS::SecretsManager::Secret', ['resource']],
    ['EventSource', 'kms.amazonaws.com', ['service']],
    ['EventName', 'prod/db', []],
    ['EventName', '%', []],
    ['ReadOnly', 'TRUE', []],
  ]
  for (const [key, value, ids] of expected) {
    assert.deepEqual((await readAll(trail, { ...QUERY, filter: { key, value } })).ids, ids, `${key} ${value}`)
  }
  const reads = await readAll(trail, { ...QUERY, filter: { key: 'ReadOnly', value: 'true' } })
  assert.equal(reads.ids.length, 7)
})

test('a range of time includes the seconds it names', async (t) => {
  const fixture = await openTrailFixture(t)
  const trail = await fixture.open()
  for (const second of [0, 1, 2, 3]) {
    await trail.append([event({ eventId: `s${second}`, time: START + second * 1_000 + 400 })])
  }
  const between = (startTime: number, endTime: number) => readAll(trail, { ...QUERY, startTime, endTime })
  assert.deepEqual((await between(START + 1_000, START + 2_000)).ids, ['s2', 's1'])
  assert.deepEqual((await between(START + 1_900, START + 1_900)).ids, ['s1'])
  assert.deepEqual((await between(START + 4_000, START + 9_000)).ids, [])
})

test('a search for what is rare looks at a bounded number of events and says where to go on', async (t) => {
  const fixture = await openTrailFixture(t)
  const trail = await fixture.open()
  await trail.append([event({ eventId: 'rare', eventName: 'DeleteSecret' })])
  const frequent = Array.from({ length: 1_000 }, () => event({ time: START + 1_000 }))
  const batches = Math.ceil(EXAMINED_EVENTS_MAX / frequent.length) + 1
  for (let i = 0; i < batches; i++) await trail.append(frequent)
  const query: TrailQuery = { ...QUERY, filter: { key: 'EventName', value: 'DeleteSecret' } }
  const first = await trail.lookup(query)
  assert.deepEqual(first.events, [])
  assert.ok(first.next !== undefined)
  const second = await trail.lookup({ ...query, after: first.next })
  assert.deepEqual(
    second.events.map(({ record }) => record.eventID),
    ['rare'],
  )
  assert.equal(second.next, undefined)
})

test('a block that was made unreadable is not passed over', async (t) => {
  const fixture = await openTrailFixture(t)
  const trail = await fixture.open()
  await trail.append([event()])
  const body = Buffer.from(
    JSON.stringify(event()).replace('{', `{"recipientAccountId":"${ACCOUNT}","awsRegion":"${REGION}",,`),
  )
  await fixture.sql(fixture.auditDatabase, 'UPDATE audit_block SET body = $1 WHERE events > 0', body)
  await assert.rejects(trail.lookup(QUERY), IntegrityError)
})
