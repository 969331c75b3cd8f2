import assert from 'node:assert/strict'
import { createSecretKey, randomBytes } from 'node:crypto'
import { test } from 'node:test'
import {
  findTokenKeyVersion,
  openSessionToken,
  SESSION_TOKEN_OVERHEAD_BYTES,
  sealSessionToken,
} from './session-token.ts'

const key = createSecretKey(randomBytes(32))
const accessKeyId = 'ASIAIOSFODNN7EXAMPLE'
const payload = Buffer.from('what a session is')

test('a token opens to its payload and to the secret that was handed out with it', () => {
  const { token, secretAccessKey } = sealSessionToken(key, 7, accessKeyId, payload)
  assert.match(secretAccessKey, /^[A-Za-z0-9+/]{40}$/)
  assert.equal(token.length, payload.length + SESSION_TOKEN_OVERHEAD_BYTES)
  assert.equal(findTokenKeyVersion(token), 7)
  const opened = openSessionToken(key, accessKeyId, token)
  assert.deepEqual(opened?.payload, payload)
  assert.equal(opened?.secretAccessKey.export().toString(), secretAccessKey)
})

test('no bit of a token can be flipped', () => {
  const { token } = sealSessionToken(key, 1, accessKeyId, payload)
  for (let bit = 0; bit < token.length * 8; bit++) {
    const altered = Buffer.from(token)
    altered[bit >> 3]! ^= 1 << (bit & 7)
    assert.equal(openSessionToken(key, accessKeyId, altered), undefined, `bit ${bit}`)
  }
})

test('a token cut or lengthened anywhere does not open', () => {
  const { token } = sealSessionToken(key, 1, accessKeyId, payload)
  for (let length = 0; length < token.length; length++)
    assert.equal(openSessionToken(key, accessKeyId, token.subarray(0, length)), undefined)
  assert.equal(openSessionToken(key, accessKeyId, Buffer.concat([token, Buffer.alloc(1)])), undefined)
})

test('another access key id or another key opens nothing', () => {
  const { token } = sealSessionToken(key, 1, accessKeyId, payload)
  assert.equal(openSessionToken(key, 'ASIAIOSFODNN7EXAMPLF', token), undefined)
  assert.equal(openSessionToken(createSecretKey(randomBytes(32)), accessKeyId, token), undefined)
})

test('no two tokens of the same session have a secret or a byte of ciphertext in common but by chance', () => {
  const tokens = Array.from({ length: 50 }, () => sealSessionToken(key, 1, accessKeyId, payload))
  assert.equal(new Set(tokens.map(({ secretAccessKey }) => secretAccessKey)).size, 50)
  assert.equal(new Set(tokens.map(({ token }) => token.toString('hex', 21, 37))).size, 50)
})
