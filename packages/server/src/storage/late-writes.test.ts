// Late writes: found before they stand in the database, written together, bounded.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { pino } from 'pino'
import { createLateWrites, type LateWritesOptions } from './late-writes.ts'
import { openTestDatabase } from './testing.ts'

type Noted = { readonly key: string; readonly day: number }

const log = pino({ level: 'silent' })

test('what is put is found until it was written, and one key is written once', async (t) => {
  const database = await openTestDatabase(t)
  const written: (readonly Noted[])[] = []
  const pending = createLateWrites<Noted>({
    database,
    log,
    what: 'days',
    write: async (_tx, values) => void written.push(values),
  })
  pending.put('a', { key: 'a', day: 1 })
  pending.put('b', { key: 'b', day: 1 })
  pending.put('a', { key: 'a', day: 2 })
  assert.equal(pending.get('a')?.day, 2)
  await pending.flush()
  assert.deepEqual(written, [
    [
      { key: 'a', day: 2 },
      { key: 'b', day: 1 },
    ],
  ])
  assert.equal(pending.get('a'), undefined)
  await pending.flush()
  assert.equal(written.length, 1)
})

test('many are written in several transactions, each of which is over soon; a failure ends all that are left, and is told once', async (t) => {
  const database = await openTestDatabase(t)
  const warnings: unknown[] = []
  const write = t.mock.fn<LateWritesOptions<number>['write']>(async () => undefined)
  const gone: [count: number, written: boolean][] = []
  const pending = createLateWrites<number>({
    database,
    log: pino({ level: 'warn' }, { write: (line: string) => void warnings.push(JSON.parse(line)) }),
    what: 'numbers',
    write,
    onGone: (values, written) => void gone.push([values.length, written]),
  })
  const putAll = (): void => {
    for (let at = 0; at < 250; at++) pending.put(`${at}`, at)
  }
  putAll()
  await pending.flush()
  assert.deepEqual(
    write.mock.calls.map(({ arguments: [, values] }) => values.length),
    [100, 100, 50],
  )
  assert.deepEqual(gone.splice(0), [
    [100, true],
    [100, true],
    [50, true],
  ])
  write.mock.mockImplementationOnce(() => Promise.reject(new Error('no')), write.mock.callCount() + 1)
  putAll()
  await pending.close()
  assert.equal(write.mock.callCount(), 5)
  assert.deepEqual(gone, [
    [100, true],
    [150, false],
  ])
  assert.deepEqual(
    warnings.map((line) => (line as { pending: number }).pending),
    [150],
  )
})

test('what is put while older values are written is kept for the next time', async (t) => {
  const database = await openTestDatabase(t)
  const gone: Noted[] = []
  const options: LateWritesOptions<Noted> = {
    database,
    log,
    what: 'days',
    write: async () => void pending.put('a', { key: 'a', day: 2 }),
    onGone: (values) => void gone.push(...values),
  }
  const pending = createLateWrites(options)
  pending.put('a', { key: 'a', day: 1 })
  await pending.flush()
  assert.equal(pending.get('a')?.day, 2)
  assert.deepEqual(gone, [])
  await pending.close()
})

test('it writes by itself after a while, and what cannot be written is told of and let go', async (t) => {
  const database = await openTestDatabase(t)
  const outcomes: boolean[] = []
  const pending = createLateWrites<Noted>({
    database,
    log,
    what: 'days',
    afterMs: 1,
    write: async () => Promise.reject(new Error('no')),
    onGone: (_values, written) => void outcomes.push(written),
  })
  pending.put('a', { key: 'a', day: 1 })
  for (let wait = 0; wait < 6_000 && outcomes.length === 0; wait++) await sleep(5)
  assert.deepEqual(outcomes, [false])
  assert.equal(pending.get('a'), undefined)
})

test('closing writes what is pending and takes nothing more', async (t) => {
  const database = await openTestDatabase(t)
  const written: Noted[] = []
  const pending = createLateWrites<Noted>({
    database,
    log,
    what: 'days',
    write: async (_tx, values) => void written.push(...values),
  })
  pending.put('a', { key: 'a', day: 1 })
  await pending.close()
  assert.deepEqual([written.length, pending.open], [1, false])
  pending.put('b', { key: 'b', day: 1 })
  await pending.flush()
  assert.equal(written.length, 1)
})
