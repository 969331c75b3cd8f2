import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { createSecretKey, randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { kbkdf } from './kbkdf.ts'

const hasOpensslKdf = spawnSync('openssl', ['kdf', '-help']).status === 0

test('KBKDF agrees with openssl kdf for random inputs', { skip: !hasOpensslKdf && 'no openssl kdf here' }, () => {
  for (const outputBytes of [1, 31, 32, 33, 64, 100]) {
    const key = randomBytes(32)
    const label = `label-${outputBytes}`
    const context = randomBytes(outputBytes)
    const { stdout, status } = spawnSync('openssl', [
      ...['kdf', '-keylen', `${outputBytes}`, '-kdfopt', 'mac:HMAC', '-kdfopt', 'digest:SHA256'],
      ...['-kdfopt', 'mode:counter', '-kdfopt', `hexkey:${key.toString('hex')}`, '-kdfopt', `salt:${label}`],
      ...['-kdfopt', `hexinfo:${context.toString('hex')}`, 'KBKDF'],
    ])
    assert.equal(status, 0)
    const expected = stdout.toString().trim().replaceAll(':', '').toLowerCase()
    assert.equal(kbkdf(createSecretKey(key), label, context, outputBytes).toString('hex'), expected)
  }
})

test('KBKDF refuses a label with NUL and an output without bounds', () => {
  const key = createSecretKey(randomBytes(32))
  assert.throws(() => kbkdf(key, 'a\0b', new Uint8Array(), 32), RangeError)
  for (const size of [0, -1, 1.5, 1025]) assert.throws(() => kbkdf(key, 'a', new Uint8Array(), size), RangeError)
})

test('label and context cannot be traded for each other', () => {
  const key = createSecretKey(randomBytes(32))
  const a = kbkdf(key, 'ab', Buffer.from('c'), 32)
  assert.notDeepEqual(a, kbkdf(key, 'a', Buffer.from('bc'), 32))
  assert.notDeepEqual(a.subarray(0, 16), kbkdf(key, 'ab', Buffer.from('c'), 16))
})
