import assert from 'node:assert/strict'
import { createSecretKey, randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { decrypt, encrypt } from './aead.ts'
import { hmacSha256 } from './mac.ts'
import { bytes, noVectors as skip, wycheproof } from './testing-wycheproof.ts'

type Sizes = { readonly keySize: number; readonly ivSize: number; readonly tagSize: number }
type GcmTest = { key: string; iv: string; aad: string; msg: string; ct: string; tag: string; result: string }
type HmacTest = { key: string; msg: string; tag: string; result: string }

test('AES-256-GCM judges Wycheproof’s vectors of our sizes as Wycheproof does', { skip }, () => {
  let valid = 0
  let invalid = 0
  for (const group of wycheproof<Sizes, GcmTest>('aes_gcm_test.json')) {
    if (group.keySize !== 256 || group.ivSize !== 96 || group.tagSize !== 128) continue
    for (const { key, iv, aad, msg, ct, tag, result } of group.tests) {
      const opened = decrypt(createSecretKey(bytes(key)), bytes(iv), bytes(ct + tag), bytes(aad))
      if (result === 'valid') {
        valid++
        assert.equal(opened?.toString('hex'), msg)
        const sealed = encrypt(createSecretKey(bytes(key)), bytes(iv), bytes(msg), bytes(aad))
        assert.equal(sealed.toString('hex'), ct + tag)
      } else {
        invalid++
        assert.equal(opened, undefined)
      }
    }
  }
  assert.ok(valid > 20 && invalid > 10, `${valid} valid, ${invalid} invalid`)
})

test('HMAC-SHA256 judges Wycheproof’s vectors of full tags as Wycheproof does', { skip }, () => {
  let judged = 0
  for (const group of wycheproof<Sizes, HmacTest>('hmac_sha256_test.json')) {
    if (group.tagSize !== 256) continue
    for (const { key, msg, tag, result } of group.tests) {
      judged++
      const mac = hmacSha256(createSecretKey(bytes(key)), bytes(msg)).toString('hex')
      assert.equal(mac === tag, result === 'valid')
    }
  }
  assert.ok(judged > 50, `${judged} judged`)
})

test('a short tag is refused, where node:crypto alone would accept it', () => {
  const key = createSecretKey(randomBytes(32))
  const iv = randomBytes(12)
  const sealed = encrypt(key, iv, new Uint8Array(), new Uint8Array())
  assert.deepEqual(decrypt(key, iv, sealed, new Uint8Array()), Buffer.alloc(0))
  for (let length = 0; length < 16; length++)
    assert.equal(decrypt(key, iv, sealed.subarray(0, length), new Uint8Array()), undefined)
})

test('keys and IVs of other sizes are refused', () => {
  const iv = randomBytes(12)
  for (const size of [16, 24, 33])
    assert.throws(() => encrypt(createSecretKey(randomBytes(size)), iv, iv, iv), RangeError)
  for (const size of [0, 11, 13, 16])
    assert.throws(() => decrypt(createSecretKey(randomBytes(32)), randomBytes(size), iv, iv), RangeError)
})
