// Shares: any that are enough give the key, fewer tell nothing, and none is taken that is not whole.

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { combineShares, parseShare, splitKey } from './shamir.ts'

const SET = '0011223344556677'

/** Every subset of `size` of the items. */
function subsets<T>(items: readonly T[], size: number): T[][] {
  if (size === 0) return [[]]
  return items.flatMap((item, at) => subsets(items.slice(at + 1), size - 1).map((rest) => [item, ...rest]))
}

test('every subset of the threshold gives the key, and none smaller does', async () => {
  for (const [shares, threshold] of [
    [2, 2],
    [3, 2],
    [5, 3],
    [6, 6],
    [7, 4],
  ] as const) {
    const key = randomBytes(32)
    const made = (await splitKey(key, SET, shares, threshold)).map((text) => parseShare(text)!)
    assert.deepEqual(
      made.map(({ index }) => index),
      Array.from({ length: shares }, (_, index) => index + 1),
    )
    for (const share of made) assert.deepEqual([share.set, share.threshold], [SET, threshold])
    for (const some of subsets(made, threshold)) assert.deepEqual(await combineShares(some), key)
    assert.deepEqual(await combineShares(made), key)
    if (threshold === 2) continue
    for (const few of subsets(made, threshold - 1)) assert.notDeepEqual(await combineShares(few), key)
  }
  const sixteen = (await splitKey(Buffer.alloc(32, 7), SET, 16, 16)).map((text) => parseShare(text)!)
  assert.deepEqual(await combineShares(sixteen), Buffer.alloc(32, 7))
})

test('one share of two tells nothing of the key: each of its bytes takes every value alike', async () => {
  const counts = new Uint32Array(256)
  const rounds = 1_000
  for (let round = 0; round < rounds; round++) {
    const [first] = await splitKey(Buffer.alloc(32), SET, 2, 2)
    for (const byte of parseShare(first!)!.payload.subarray(0, 32)) counts[byte]!++
  }
  const expected = (rounds * 32) / 256
  const chiSquare = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0)
  // 255 degrees of freedom: beyond 400 once in a hundred million.
  assert.ok(chiSquare < 400, String(chiSquare))
})

test('a share that was mistyped, cut or lengthened is none', async () => {
  const [text] = await splitKey(randomBytes(32), SET, 3, 2)
  assert.ok(parseShare(`  ${text}\r\n`))
  const at = text!.indexOf(':') + 1
  const bytes = Buffer.from(text!.slice(at), 'base64url')
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const altered = Buffer.from(bytes)
    altered[bit >> 3]! ^= 1 << (bit & 7)
    assert.equal(parseShare(text!.slice(0, at) + altered.toString('base64url')), undefined)
  }
  for (const other of ['', text!.slice(0, -1), `${text}A`, text!.slice(at), text!.replace('-1:', '-2:')])
    assert.equal(parseShare(other), undefined)
})

test('shares that cannot belong together give nothing, and numbers out of order are refused', async () => {
  const [one] = await splitKey(randomBytes(32), SET, 3, 2)
  const share = parseShare(one!)!
  assert.equal(await combineShares([share]), undefined)
  assert.equal(await combineShares([share, share]), undefined)
  for (const [shares, threshold] of [
    [1, 1],
    [2, 1],
    [2, 3],
    [17, 2],
  ] as const)
    await assert.rejects(splitKey(randomBytes(32), SET, shares, threshold), RangeError)
})
