import assert from 'node:assert/strict'
import { createSecretKey, randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { openValue, sealValue, VALUE_OVERHEAD_BYTES } from './value.ts'

const key = createSecretKey(randomBytes(32))
const place = { secretArn: 'arn:aws:secretsmanager:us-east-1:111122223333:secret:db-AbCdEf', versionId: 'v1' }

test('a value opens as the kind it was sealed as', () => {
  for (const kind of ['string', 'binary'] as const) {
    const stored = sealValue(key, place, kind, Buffer.from('sesame'))
    assert.equal(stored.length, 6 + VALUE_OVERHEAD_BYTES)
    assert.deepEqual(openValue(key, place, stored), { kind, plaintext: Buffer.from('sesame') })
    assert.ok(!stored.includes('sesame'))
  }
})

test('no bit of a stored value can be flipped, its kind included', () => {
  const stored = sealValue(key, place, 'string', Buffer.from('sesame'))
  for (let bit = 0; bit < stored.length * 8; bit++) {
    const altered = Buffer.from(stored)
    altered[bit >> 3]! ^= 1 << (bit & 7)
    assert.equal(openValue(key, place, altered), undefined, `bit ${bit}`)
  }
  const retyped = Buffer.from(stored)
  retyped[1] = 2
  assert.equal(openValue(key, place, retyped), undefined)
})

test('a value opens under no other secret, version or key, nor where the border between the two moves', () => {
  const stored = sealValue(key, { secretArn: 'ab', versionId: 'c' }, 'string', Buffer.from('x'))
  assert.equal(openValue(key, { secretArn: 'a', versionId: 'bc' }, stored), undefined)
  assert.equal(openValue(key, { secretArn: 'ab', versionId: 'd' }, stored), undefined)
  assert.equal(openValue(createSecretKey(randomBytes(32)), { secretArn: 'ab', versionId: 'c' }, stored), undefined)
  assert.ok(openValue(key, { secretArn: 'ab', versionId: 'c' }, stored))
})

test('a cut value does not open', () => {
  const stored = sealValue(key, place, 'binary', randomBytes(5))
  for (let length = 0; length < stored.length; length++)
    assert.equal(openValue(key, place, stored.subarray(0, length)), undefined)
})
