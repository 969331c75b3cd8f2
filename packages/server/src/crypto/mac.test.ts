// HMAC-SHA256 by two hashes, against the one of node:crypto.

import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { hmacHex, padKey } from './mac.ts'

test('a padded key makes the HMAC of any text', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), fc.string({ unit: 'binary', maxLength: 900 }), (key, text) => {
      assert.equal(hmacHex(padKey(key), text), createHmac('sha256', key).update(text).digest('hex'))
    }),
  )
})

test('a key longer than a block, which would be hashed first, is refused', () => {
  assert.throws(() => padKey(new Uint8Array(65)), RangeError)
})
