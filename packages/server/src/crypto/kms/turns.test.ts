import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Turns } from './turns.ts'

test('so many run at once, the rest in order, too many not at all, and a failure gives its turn on', async () => {
  const turns = new Turns(2, 3)
  const began: number[] = []
  const ends: (() => void)[] = []
  let [running, most] = [0, 0]
  const work = (n: number) => async () => {
    began.push(n)
    running += 1
    most = Math.max(most, running)
    await new Promise<void>((resolve) => ends.push(resolve))
    running -= 1
    if (n === 1) throw new Error('one')
    return n
  }
  const taken = [0, 1, 2, 3, 4].map((n) => turns.take(work(n)))
  assert.equal(turns.take(work(5)), undefined)
  const settled = Promise.allSettled(taken)
  while (ends.length < 5) {
    for (const end of ends) end()
    await new Promise((resolve) => setImmediate(resolve))
  }
  for (const end of ends) end()
  assert.deepEqual(
    (await settled).map((outcome) => (outcome?.status === 'fulfilled' ? outcome.value : outcome.status)),
    [0, 'rejected', 2, 3, 4],
  )
  assert.deepEqual(began, [0, 1, 2, 3, 4])
  assert.equal(most, 2)
  const again = turns.take(work(6))
  ends.at(-1)!()
  assert.equal(await again, 6)
})
