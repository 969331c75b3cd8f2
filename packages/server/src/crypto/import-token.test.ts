// The import token opens for its key, its binding and unaltered, and keeps the bytes that its format promises.

import assert from 'node:assert/strict'
import { createSecretKey, randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { findImportTokenVersion, openImportToken, sealImportToken } from './import-token.ts'

const key = createSecretKey(Buffer.alloc(32, 7))
const ARN = 'arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab'

test('a token opens under its key, for its KMS key, and with no bit changed', () => {
  const payload = randomBytes(300)
  const token = sealImportToken(key, 3, ARN, payload)
  assert.equal(findImportTokenVersion(token), 3)
  assert.deepEqual(openImportToken(key, ARN, token), payload)
  assert.equal(openImportToken(createSecretKey(randomBytes(32)), ARN, token), undefined)
  assert.equal(openImportToken(key, `${ARN.slice(0, -1)}c`, token), undefined)
  for (let at = 0; at < token.length; at++) {
    const altered = Buffer.from(token)
    altered[at]! ^= 1
    assert.equal(openImportToken(key, ARN, altered), undefined, `byte ${at}`)
  }
  for (const short of [Buffer.alloc(0), token.subarray(0, 36)]) assert.equal(findImportTokenVersion(short), undefined)
})

test('the bytes of format 1 stay', () => {
  const token = sealImportToken(key, 3, ARN, Buffer.from('payload'), (size) => Buffer.alloc(size, 9))
  assert.equal(token.toString('hex'), EXPECTED)
})

const EXPECTED = '010000000309090909090909090909090909090909f305e2f240d32979b5068a927dbfb7c97c6b10049b45dc'
