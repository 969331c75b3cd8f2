import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Logger } from './log.ts'
import { createRefusalLog } from './refusals.ts'

test('a flood of refusals makes ten lines a second, and the count of the rest', () => {
  const lines: { readonly withheld?: number }[] = []
  let now = 1_000_000
  const note = createRefusalLog({ warn: (fields: object) => lines.push(fields) } as unknown as Logger, () => now)
  const flood = (count: number) => {
    for (let at = 0; at < count; at++) note({ requestId: 'r', code: 'c', from: '127.0.0.1' })
  }
  flood(1_000)
  assert.equal(lines.length, 10)
  now += 1_000
  flood(2)
  assert.deepEqual([lines.length, lines[10]!.withheld, lines[11]!.withheld], [12, 990, undefined])
  now -= 3_600_000 // a clock that was set back does not silence it
  flood(1)
  assert.equal(lines.length, 13)
})
