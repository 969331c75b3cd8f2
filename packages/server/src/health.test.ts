// What health answers where the database hangs; what it says of a database that fails is tested with real ones (test/faults.test.ts).

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { createHealth } from './health.ts'

test('where the database hangs, whoever asks is told so, and it is asked no second time', async () => {
  let asked = 0
  const { promise: answered, resolve: answer } = Promise.withResolvers<boolean>()
  const health = createHealth({
    keyring: {
      refresh: () => {
        asked += 1
        return answered
      },
    },
    trail: { check: () => Promise.resolve() },
    retention: { usage: () => Promise.resolve({ bytes: 1, bytesMax: 2, warns: false }) },
    freshMs: 5,
    patienceMs: 20,
  })
  const silent = { ok: false, problems: ['the database does not answer'], warnings: [] }
  assert.deepEqual(await health(), silent)
  await sleep(10)
  assert.deepEqual(await health(), silent)
  assert.equal(asked, 1)

  answer(false)
  await sleep(10)
  assert.deepEqual(await health(), { ok: true, problems: [], warnings: [] })
  assert.equal(asked, 2)
})
