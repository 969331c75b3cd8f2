import assert from 'node:assert/strict'
import { createCipheriv, createSecretKey, randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { BLOB_BYTES_MAX, BLOB_OVERHEAD_BYTES, findMaterialId, materialId, openBlob, sealBlob } from './ciphertext.ts'
import { canonicalContext } from './encryption-context.ts'
import { kbkdf } from './kbkdf.ts'

const material = createSecretKey(randomBytes(32))
const id = materialId(material, 'a-key-id')
const context = canonicalContext({ SecretARN: 'arn', SecretVersionId: 'id' })

test('a data key of 32 bytes has a blob of 144, which starts as those of AWS do', () => {
  const blob = sealBlob(material, id, randomBytes(32), context)
  assert.equal(blob.length, 144)
  assert.match(blob.toString('base64'), /^AQI/)
})

test('no bit of a blob can be flipped', () => {
  const blob = sealBlob(material, id, randomBytes(32), context)
  for (let bit = 0; bit < blob.length * 8; bit++) {
    const altered = Buffer.from(blob)
    altered[bit >> 3]! ^= 1 << (bit & 7)
    assert.equal(openBlob(material, altered, context), undefined, `bit ${bit}`)
  }
})

test('a blob cut or lengthened anywhere does not open', () => {
  const blob = sealBlob(material, id, randomBytes(32), context)
  for (let length = 0; length < blob.length; length++)
    assert.equal(openBlob(material, blob.subarray(0, length), context), undefined)
  assert.equal(openBlob(material, Buffer.concat([blob, Buffer.alloc(1)]), context), undefined)
  assert.equal(openBlob(material, Buffer.alloc(BLOB_BYTES_MAX + 1, blob), context), undefined)
})

test('another context or other material opens nothing', () => {
  const blob = sealBlob(material, id, Buffer.from('x'), canonicalContext({ a: 'bc' }))
  assert.equal(openBlob(material, blob, canonicalContext({ ab: 'c' })), undefined)
  assert.equal(openBlob(material, blob, canonicalContext({})), undefined)
  assert.equal(openBlob(createSecretKey(randomBytes(32)), blob, canonicalContext({ a: 'bc' })), undefined)
  assert.equal(openBlob(material, blob, canonicalContext({ a: 'bc' }))?.toString(), 'x')
})

test('a blob whose tag is right but whose commitment is another key’s does not open', () => {
  const forged = sealBlob(material, id, Buffer.from('x'), context)
  forged[64]! ^= 1
  const key = kbkdf(material, 'kms/blob/v1', forged.subarray(4, 52), 64).subarray(0, 32)
  const cipher = createCipheriv('aes-256-gcm', key, forged.subarray(52, 64), { authTagLength: 16 })
  cipher.setAAD(Buffer.concat([forged.subarray(0, 96), context]))
  Buffer.concat([cipher.update('x'), cipher.final(), cipher.getAuthTag()]).copy(forged, 96)
  assert.equal(openBlob(material, forged, context), undefined)
})

test('the empty plaintext and the longest one round-trip, one more byte is refused', () => {
  const longest = BLOB_BYTES_MAX - BLOB_OVERHEAD_BYTES
  for (const size of [0, 4096, longest]) {
    const plaintext = randomBytes(size)
    assert.deepEqual(openBlob(material, sealBlob(material, id, plaintext, context), context), plaintext)
  }
  assert.throws(() => sealBlob(material, id, Buffer.alloc(longest + 1), context), RangeError)
})

test('the material id is found in a blob and in nothing else', () => {
  assert.deepEqual(findMaterialId(sealBlob(material, id, Buffer.from('x'), context)), id)
  assert.equal(findMaterialId(Buffer.alloc(0)), undefined)
  assert.equal(findMaterialId(randomBytes(144).fill(0, 0, 4)), undefined)
  assert.notDeepEqual(materialId(material, 'another-key-id'), id)
})
