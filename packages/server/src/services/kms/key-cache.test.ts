// The cache of unwrapped keys: its bounds.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { KeyCache } from './key-cache.ts'

test('what was used least recently goes first', () => {
  const cache = new KeyCache<number>(2, 60_000, () => 0)
  cache.set('a', 1)
  cache.set('b', 2)
  assert.equal(cache.get('a'), 1)
  cache.set('c', 3)
  assert.deepEqual([cache.get('a'), cache.get('b'), cache.get('c'), cache.size], [1, undefined, 3, 2])
  cache.clear()
})

test('use does not prolong a life, nor does a clock that goes back', () => {
  let now = 1_000
  const cache = new KeyCache<number>(2, 100, () => now)
  cache.set('a', 1)
  now = 1_099
  assert.equal(cache.get('a'), 1)
  now = 1_100
  assert.equal(cache.get('a'), undefined)
  cache.set('b', 2)
  now = 0
  assert.equal(cache.get('b'), undefined)
})

test('what is too old is forgotten unasked', async () => {
  const cache = new KeyCache<number>(2, 20, Date.now)
  cache.set('a', 1)
  for (let wait = 0; wait < 3_000 && cache.size > 0; wait++) await sleep(10)
  assert.equal(cache.size, 0)
})

test('a cache of no size keeps nothing', () => {
  const cache = new KeyCache<number>(0, 60_000, () => 0)
  cache.set('a', 1)
  assert.equal(cache.size, 0)
})
