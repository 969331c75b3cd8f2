// When a rotation reaches the command: once for several, not more often than it can bear, and not before the new values are to be had.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { UsageError } from '../usage-error.ts'
import { type Pace, paceRotations, parseOnRotation, parseSeconds } from './rotation.ts'

test('what is to be done on a rotation, and numbers of seconds, are read or refused', () => {
  assert.equal(parseOnRotation('ignore'), undefined)
  assert.deepEqual(parseOnRotation('restart'), { restart: true })
  for (const text of ['signal=HUP', 'signal=SIGHUP']) assert.deepEqual(parseOnRotation(text), { signal: 'SIGHUP' })
  for (const text of ['', 'signal', 'signal=', 'signal=NONE', 'signal=hup', 'signal=1', 'Restart']) {
    assert.throws(() => parseOnRotation(text), /^UsageError: --on-rotation .*is none of restart/)
  }
  assert.deepEqual([parseSeconds('0', '--jitter'), parseSeconds('1.5', '--jitter')], [0, 1500])
  for (const text of ['', '-1', '1e3', '99999', '1s', 'Infinity']) {
    assert.throws(() => parseSeconds(text, '--jitter'), /^UsageError: --jitter .*is no number of seconds/)
  }
})

function pace(t: { readonly after: (end: () => void) => void }, more: Partial<Pace<number>> = {}) {
  const world = { reads: 0, current: 1, has: 1, errors: [] as string[] }
  const rotations = paceRotations<number>({
    read: async () => {
      world.reads++
      return world.current
    },
    isNew: (value) => value !== world.has,
    jitterMs: 0,
    report: ({ message }) => world.errors.push(message),
    ...more,
  })
  const ending = new AbortController()
  t.after(() => ending.abort())
  const next = (): Promise<number> => rotations.next(ending.signal)
  return { world, rotations, next, ending }
}

test('several rotations at a time are one, and one that brings nothing new is none', async (t) => {
  const { world, rotations, next, ending } = pace(t)
  const first = next()
  rotations.noticed()
  rotations.noticed()
  world.current = 2
  assert.equal(await first, 2)
  assert.equal(world.reads, 1)
  world.has = 2
  const second = next()
  rotations.noticed()
  while (world.reads < 2) await new Promise((resolve) => setTimeout(resolve, 20))
  ending.abort()
  await assert.rejects(second, { name: 'AbortError' })
})

test('rotations that follow each other quickly are met after 1, then 2 seconds', async (t) => {
  const { world, rotations, next } = pace(t)
  const waits: number[] = []
  for (const value of [2, 3]) {
    const began = performance.now()
    rotations.noticed()
    world.current = value
    world.has = await next()
    waits.push(performance.now() - began)
  }
  assert.ok(waits[0]! >= 900, `${waits}`)
  assert.ok(waits[1]! >= 1900, `${waits}`)
})

test('values that cannot be had are tried for again, and told of once; a fault of ours is not', async (t) => {
  let failures = 2
  const { world, rotations, next } = pace(t, {
    read: async () => {
      if (failures-- > 0) throw new UsageError('no server answers')
      return 2
    },
  })
  rotations.noticed()
  assert.equal(await next(), 2)
  assert.deepEqual(world.errors, ['no server answers'])

  const broken = pace(t, { read: () => Promise.reject(new TypeError('a fault')) })
  broken.rotations.noticed()
  await assert.rejects(broken.next(), TypeError)
})
