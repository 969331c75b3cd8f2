// Ends of processes: until they are gone, and not only told to go.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { endAll } from './processes.ts'

/** As the kernel of a busy machine shows a process for a while that was killed. */
const LINGER_MS = 300

test('processes are looked for until they are gone, however long the kernel takes', async () => {
  const child = spawn('sleep', ['600'], { stdio: 'ignore' })
  await once(child, 'spawn')
  let goneAt = Number.POSITIVE_INFINITY
  child.once('exit', () => {
    goneAt = performance.now() + LINGER_MS
  })
  const isThere = (): boolean => performance.now() < goneAt
  await endAll(async () => (isThere() ? [child.pid!] : []))
  assert.equal(isThere(), false)
  assert.equal(child.signalCode, 'SIGKILL')
})

test('what does not go is not waited for without end', async () => {
  const began = performance.now()
  await endAll(async () => [2_147_483_646])
  assert.ok(performance.now() - began < 10_000)
})
