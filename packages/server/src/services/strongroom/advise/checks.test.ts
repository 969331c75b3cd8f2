// The checks on plain facts: near misses, tags, thresholds and order, for what takes months or other servers to come about.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findAll, type Known } from './checks.ts'
import { costOf } from './cost.ts'
import { CHECK_NAMES, DEFAULT_THRESHOLDS, IGNORE_TAG, type Subject } from './model.ts'
import type { ValueFacts } from './value.ts'

const DAY_MS = 86_400_000
const NOW = 1_772_366_400_000
const NOTHING: ValueFacts = { isText: false, isDatabase: false, isConfiguration: false, isToken: false }

const secret = (name: string, more: Partial<Subject> = {}): Subject => ({
  arn: `arn:aws:secretsmanager:r:111122223333:secret:${name}-AbCdEf`,
  name,
  tags: [],
  createdAt: NOW - DAY_MS,
  currentSince: NOW - DAY_MS,
  isReplica: false,
  value: NOTHING,
  ...more,
})
const database = (name: string, more: Partial<Subject> = {}) =>
  secret(name, { value: { ...NOTHING, isDatabase: true }, ...more })
const copy = (name: string, more: Partial<Subject> = {}) =>
  secret(name, { value: { ...NOTHING, fingerprint: 'same' }, ...more })
const ignoring = (...checks: readonly string[]) => ({ tags: [{ key: IGNORE_TAG, value: checks.join(' ') }] })

async function told(secrets: readonly Subject[], more: Partial<Known> = {}) {
  const known = { secrets, elsewhere: [], readings: new Map(), thresholds: DEFAULT_THRESHOLDS, now: NOW, ...more }
  const { findings, dismissed } = await findAll(known, CHECK_NAMES)
  const lines = findings.map(({ check, secrets }) => `${check} ${secrets.map(({ name }) => name).join(' ')}`)
  return { lines, findings, dismissed: Object.fromEntries(dismissed) }
}

test('a production database is told where rotation is off or was long ago, once, and only where users can mend it', async () => {
  const rotated = (days: number, enabled = true) => ({ rotation: { enabled, rotatedAt: NOW - days * DAY_MS } })
  const { lines, findings } = await told([
    database('prod/off'),
    database('prod/stale', rotated(91)),
    database('prod/turned-off', rotated(1, false)),
    database('prod/fresh', rotated(90)),
    database('prod/managed', { owningService: 'rds' }),
    database('prod/replica', { isReplica: true }),
    database('prod/failing', { rotation: { enabled: true }, failures: 3 }),
    database('prod/failed-once', { ...rotated(10), failures: 1 }),
    secret('prod/key'),
    secret('prod/db-of-another', { value: 'refused' }),
    secret('prod/of-another', { value: 'refused' }),
    { ...database('prod/empty'), currentSince: undefined } as unknown as Subject,
    database('staging/off'),
  ])
  assert.deepEqual(lines, [
    'failing-rotation prod/failing',
    'no-rotation prod/db-of-another',
    'no-rotation prod/off',
    'no-rotation prod/stale',
    'no-rotation prod/turned-off',
  ])
  assert.match(findings[3]!.evidence, /was last rotated 91 days ago, though rotation is on/)
  assert.equal(findings[3]!.command, 'aws secretsmanager rotate-secret --secret-id prod/stale')
})

test('copies are told where two are left: without those of services, replicas, tagged ones, and what is configuration', async () => {
  const other = copy('theirs', { arn: 'arn:aws:secretsmanager:r:000000000001:secret:theirs-AbCdEf' })
  assert.deepEqual((await told([copy('a'), copy('b'), copy('c', ignoring('copied-value'))])).lines, [
    'copied-value a b',
  ])
  assert.deepEqual(await told([copy('a'), copy('b', ignoring('unread', 'copied-value'))]), {
    lines: [],
    findings: [],
    dismissed: { 'copied-value': 1 },
  })
  for (const near of [
    copy('b', { isReplica: true }),
    copy('b', { owningService: 'rds' }),
    copy('b', { value: { ...NOTHING, fingerprint: 'other' } }),
    copy('b', { value: NOTHING }),
    copy('b', { value: 'refused' }),
  ])
    assert.deepEqual((await told([copy('a'), near])).lines, [])
  const same = { ...NOTHING, fingerprint: 'true', isConfiguration: true }
  const switches = await told([secret('a', { value: same }), secret('b', { value: same })])
  assert.deepEqual(switches.lines, ['plain-configuration a', 'plain-configuration b'])
  const across = await told([copy('z')], { elsewhere: [other] })
  assert.deepEqual(across.lines, ['copied-value z theirs'])
  assert.match(across.findings[0]!.command, /--secret-id arn:aws:secretsmanager:r:111122223333:secret:z-AbCdEf /)
  // Nothing else is told of what other accounts have.
  const open = database('prod/x', { publicStatements: ['1'], createdAt: 0 })
  assert.deepEqual((await told([], { elsewhere: [open] })).lines, [])
})

test('readers are named, the busiest five, and secrets that wait or are of services are not unread', async () => {
  const readings = Array.from({ length: 7 }, (_, at) => ({
    arn: secret('busy').arn,
    caller: `arn:aws:iam::111122223333:role/r${at}`,
    calls: 14_400 - at,
    day: NOW - DAY_MS,
  }))
  const { findings } = await told([secret('busy')], { readings: new Map([[secret('busy').arn, readings]]) })
  assert.match(
    findings[0]!.evidence,
    /^arn:aws:iam::111122223333:role\/r0 read it 14,400 times on 2026-02-28, 10 times a minute; .*r4 read it [^;]*; and 2 more callers\. /,
  )
  const old = { createdAt: NOW - 91 * DAY_MS }
  const { lines, findings: unread } = await told([
    secret('old', old),
    secret('whats!new', old),
    secret('read', { ...old, readDay: NOW - 90 * DAY_MS }),
    secret('long-ago', { createdAt: NOW - 300 * DAY_MS, readDay: NOW - 100 * DAY_MS }),
    secret('replica', { ...old, isReplica: true }),
    secret('managed', { ...old, owningService: 'rds' }),
    secret('known', { ...old, ...ignoring('unread') }),
  ])
  assert.deepEqual(lines, ['unread long-ago', 'unread old', 'unread whats!new'])
  assert.match(unread[2]!.command, /--secret-id 'whats!new' /)
})

test('the cost is that of a month: every secret for all of it, calls drawn out to 30 days', () => {
  assert.deepEqual(costOf(3, { calls: 1_000_000, days: 15 }), {
    secrets: 3,
    secretsUsd: '1.20',
    calls: { counted: 1_000_000, days: 15, perMonth: 2_000_000, usd: '10.00' },
    usd: '11.20',
  })
  assert.deepEqual(costOf(3, undefined), { secrets: 3, secretsUsd: '1.20', usd: '1.20' })
})
