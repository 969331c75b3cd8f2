// The service clock and the durations that it can be advanced by.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { advanced, createTestClock, followOffset, INSTANT_MAX_MS } from './clock.ts'

const from = Date.UTC(2024, 0, 31, 12)

test('an ISO 8601 duration is added by the calendar of UTC', () => {
  const table: readonly (readonly [string, number])[] = [
    ['PT5S', from + 5_000],
    ['P7D', from + 7 * 86_400_000],
    ['P2W', from + 14 * 86_400_000],
    ['P1DT2H', from + 26 * 3_600_000],
    ['PT0.25S', from + 250],
    ['PT0S', from],
    ['P1M', Date.UTC(2024, 1, 29, 12)],
    ['P1Y', Date.UTC(2025, 0, 31, 12)],
    ['P1Y2M3W4DT5H6M7.5S', Date.UTC(2025, 3, 25, 17, 6, 7, 500)],
  ]
  for (const [duration, expected] of table) assert.equal(advanced(from, duration), expected, duration)
})

test('what is not a duration, is negative or leads beyond the year 9999 is refused', () => {
  for (const text of [
    '',
    'P',
    'PT',
    '7D',
    'P-7D',
    '-P7D',
    'P7',
    'PT5',
    'P1D2H',
    'P1DT',
    'P7D ',
    'P9000Y',
    `P${'9'.repeat(40)}D`,
    '7 days',
  ]) {
    assert.equal(advanced(from, text), undefined, text)
  }
  assert.equal(advanced(INSTANT_MAX_MS, 'PT0S'), INSTANT_MAX_MS)
  assert.equal(advanced(INSTANT_MAX_MS, 'PT1S'), undefined)
})

test('a test clock runs ahead of the wall clock by its offset, and follows a later one from elsewhere', async (t) => {
  let wall = 1_000
  let stored = 0
  const clock = createTestClock(500, () => wall)
  assert.equal(clock.now(), 1_500)
  wall += 10
  assert.equal(clock.now(), 1_510)
  assert.equal(clock.wallNow(), 1_010)
  const stop = followOffset(clock, async () => stored)
  t.after(stop)
  await sleep(60)
  assert.equal(clock.offsetMs(), 500)
  stored = 9_000
  for (let wait = 0; wait < 3_000 && clock.offsetMs() === 500; wait++) await sleep(20)
  assert.equal(clock.now(), 10_010)
})
