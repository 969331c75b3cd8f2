import assert from 'node:assert/strict'
import * as crypto from 'node:crypto'
import { test } from 'node:test'
import { SOAK, seed } from '../../testing-sample.ts'
import { CryptoError } from './crypto-error.ts'
import { generateMac, MAC_MESSAGE_BYTES_MAX, verifyMac } from './hmac.ts'
import { deriveSharedSecret } from './key-agreement.ts'
import {
  generateKeyMaterial,
  openMacKey,
  openPrivateKey,
  openPublicKey,
  type PrivateKey,
  publicKeyDer,
  RSA_WAITING_MAX,
} from './key-material.ts'
import { decryptOaep, encryptOaep, oaepPlaintextBytesMax } from './rsa-oaep.ts'
import {
  type AsymmetricSpec,
  DATA_KEY_PAIR_SPECS,
  ECC,
  type EccSpec,
  encryptionAlgorithmsOf,
  HMAC,
  type HmacSpec,
  isAsymmetric,
  KEY_SPECS,
  keyUsagesOf,
  macAlgorithmsOf,
  type RsaSpec,
  signingAlgorithmsOf,
} from './spec.ts'

const refusal = (expected: string) => (error: unknown) => error instanceof CryptoError && error.refusal === expected
const open = async (spec: AsymmetricSpec): Promise<PrivateKey> => openPrivateKey(spec, await generateKeyMaterial(spec))

test('every spec has usages, and the algorithms of each usage', () => {
  for (const spec of KEY_SPECS) {
    const usages = keyUsagesOf(spec)
    assert.ok(usages.length > 0)
    assert.equal(usages.includes('SIGN_VERIFY'), signingAlgorithmsOf(spec).length > 0, spec)
    assert.equal(usages.includes('ENCRYPT_DECRYPT'), encryptionAlgorithmsOf(spec).length > 0, spec)
    assert.equal(usages.includes('GENERATE_VERIFY_MAC'), macAlgorithmsOf(spec).length > 0, spec)
  }
  const agree = KEY_SPECS.filter((spec) => keyUsagesOf(spec).includes('KEY_AGREEMENT'))
  assert.deepEqual(agree, ['ECC_NIST_P256', 'ECC_NIST_P384', 'ECC_NIST_P521'])
})

test('material is raw or PKCS #8, fresh each time, and opens as its own spec only', async () => {
  for (const spec of KEY_SPECS) {
    const material = await generateKeyMaterial(spec)
    if (!spec.startsWith('RSA')) assert.notDeepEqual(await generateKeyMaterial(spec), material)
    if (!isAsymmetric(spec)) continue
    assert.ok(openPrivateKey(spec, material))
    for (const other of DATA_KEY_PAIR_SPECS)
      if (other !== spec)
        assert.throws(() => openPrivateKey(other, material), refusal('key-material'), `${spec} as ${other}`)
    assert.throws(() => openPrivateKey(spec, material.subarray(0, -1)), refusal('key-material'))
  }
  for (const spec of Object.keys(HMAC) as HmacSpec[]) {
    openMacKey(spec, crypto.randomBytes(HMAC[spec].bytes))
    assert.throws(() => openMacKey(spec, crypto.randomBytes(HMAC[spec].bytes + 1)), refusal('key-material'))
  }
})

test('a flood of RSA keys is turned away, not queued without end', async () => {
  const asked = Array.from({ length: RSA_WAITING_MAX + 8 }, () => generateKeyMaterial('RSA_2048'))
  const outcomes = await Promise.allSettled(asked)
  const refused = outcomes.filter((outcome) => outcome.status === 'rejected')
  assert.equal(refused.length, 8)
  assert.ok(refused.every(({ reason }) => refusal('busy')(reason)))
})

test('public keys are taken in the one form that they are given in', async () => {
  for (const spec of KEY_SPECS.filter(isAsymmetric)) {
    const key = await open(spec)
    const spki = publicKeyDer(key)
    assert.deepEqual(openPublicKey(spec, spki).publicKey.export({ type: 'spki', format: 'der' }), spki)
    const others = [new Uint8Array(), spki.subarray(0, -1), spki.subarray(1), Buffer.concat([spki, Buffer.alloc(1)])]
    const headerBytes = spec === 'ECC_NIST_EDWARDS25519' ? 12 : 22
    for (let bit = 0; bit < headerBytes * 8; bit += 1) {
      const changed = Buffer.from(spki)
      changed[bit >> 3]! ^= 1 << (bit & 7)
      others.push(changed)
    }
    for (const other of others) assert.throws(() => openPublicKey(spec, other), refusal('public-key'), spec)
    for (const other of DATA_KEY_PAIR_SPECS)
      if (other !== spec) assert.throws(() => openPublicKey(other, spki), refusal('public-key'), `${spec} as ${other}`)
  }
})

test('a compressed point, one off the curve and the one at infinity are no public keys', () => {
  for (const spec of Object.keys(ECC) as EccSpec[]) {
    const { publicKey } = crypto.generateKeyPairSync('ec', { namedCurve: ECC[spec].curve })
    const spki = publicKey.export({ type: 'spki', format: 'der' })
    const off = Buffer.from(spki)
    off[off.length - 1]! ^= 1
    const zero = Buffer.from(spki).fill(0, spki.length - 2 * ECC[spec].bytes)
    for (const bad of [off, zero, compressed(publicKey)])
      assert.throws(() => openPublicKey(spec, bad), refusal('public-key'))
  }
})

const compressed = (key: crypto.KeyObject): Buffer => {
  const raw = key.export({ format: 'raw-public', type: 'compressed' })
  const spki = key.export({ type: 'spki', format: 'der' })
  return Buffer.concat([spki.subarray(0, spki.length - 2 * raw.length + 1), raw])
}

test('both sides of an agreement derive the same secret, of the curve’s length', async () => {
  for (const spec of ['ECC_NIST_P256', 'ECC_NIST_P384', 'ECC_NIST_P521'] as const) {
    const [ours, theirs] = [await open(spec), await open(spec)]
    const secret = await deriveSharedSecret(ours, publicKeyDer(theirs))
    assert.deepEqual(secret, await deriveSharedSecret(theirs, publicKeyDer(ours)))
    assert.equal(secret.length, ECC[spec].bytes)
    for (const other of DATA_KEY_PAIR_SPECS.filter((other) => other !== spec && !other.startsWith('RSA_')))
      await assert.rejects(deriveSharedSecret(ours, publicKeyDer(await open(other))), refusal('public-key'))
  }
  const k1 = await open('ECC_SECG_P256K1')
  await assert.rejects(deriveSharedSecret(k1, publicKeyDer(k1)), refusal('algorithm'))
})

test('OAEP has the limits of AWS’s table, and any other ciphertext is refused', async () => {
  const limits: { readonly [spec in RsaSpec]: readonly [number, number] } = {
    RSA_2048: [214, 190],
    RSA_3072: [342, 318],
    RSA_4096: [470, 446],
  }
  for (const [spec, [sha1, sha256]] of Object.entries(limits) as [RsaSpec, readonly [number, number]][]) {
    assert.deepEqual(
      [oaepPlaintextBytesMax(spec, 'RSAES_OAEP_SHA_1'), oaepPlaintextBytesMax(spec, 'RSAES_OAEP_SHA_256')],
      [sha1, sha256],
    )
    const own = await open(spec)
    const shown = openPublicKey(spec, publicKeyDer(own))
    for (const algorithm of ['RSAES_OAEP_SHA_1', 'RSAES_OAEP_SHA_256'] as const) {
      const max = oaepPlaintextBytesMax(spec, algorithm)
      for (const length of [1, max]) {
        const plaintext = crypto.randomBytes(length)
        const ciphertext = encryptOaep(shown, algorithm, plaintext)
        assert.deepEqual(await decryptOaep(own, algorithm, ciphertext), plaintext)
        const other = algorithm === 'RSAES_OAEP_SHA_1' ? 'RSAES_OAEP_SHA_256' : 'RSAES_OAEP_SHA_1'
        await assert.rejects(decryptOaep(own, other, ciphertext), refusal('ciphertext'))
      }
      assert.throws(() => encryptOaep(shown, algorithm, crypto.randomBytes(max + 1)), refusal('length'))
    }
  }
  const curve = await open('ECC_NIST_P256')
  await assert.rejects(decryptOaep(curve, 'RSAES_OAEP_SHA_256', Buffer.alloc(256)), refusal('algorithm'))
})

test('an OAEP ciphertext with any one bit changed does not open, nor does one of another length', async () => {
  const own = await open('RSA_2048')
  const shown = openPublicKey('RSA_2048', publicKeyDer(own))
  for (const algorithm of ['RSAES_OAEP_SHA_1', 'RSAES_OAEP_SHA_256'] as const) {
    const ciphertext = encryptOaep(shown, algorithm, crypto.randomBytes(32))
    const step = SOAK ? 1 : 16
    const messages = new Set<string>()
    const refused = (changed: Uint8Array) =>
      assert.rejects(decryptOaep(own, algorithm, changed), (error: Error) => {
        messages.add(error.message)
        return refusal('ciphertext')(error)
      })
    for (let bit = seed() % step; bit < 2048; bit += step) {
      const changed = Buffer.from(ciphertext)
      changed[bit >> 3]! ^= 1 << (bit & 7)
      await refused(changed)
    }
    for (const other of [new Uint8Array(), ciphertext.subarray(1), Buffer.concat([ciphertext, Buffer.alloc(1)])])
      await refused(other)
    for (const byte of [0, 0xff]) await refused(Buffer.alloc(256, byte))
    assert.equal(messages.size, 1)
  }
})

test('a MAC verifies whole and unchanged only, under its own key and algorithm', () => {
  for (const spec of Object.keys(HMAC) as HmacSpec[]) {
    const { bytes, mac: algorithm } = HMAC[spec]
    const key = openMacKey(spec, crypto.randomBytes(bytes))
    const message = crypto.randomBytes(MAC_MESSAGE_BYTES_MAX)
    const mac = generateMac(key, algorithm, message)
    assert.equal(mac.length, bytes)
    assert.ok(verifyMac(key, algorithm, message, mac))
    for (let bit = 0; bit < bytes * 8; bit += 1) {
      mac[bit >> 3]! ^= 1 << (bit & 7)
      assert.equal(verifyMac(key, algorithm, message, mac), false)
      mac[bit >> 3]! ^= 1 << (bit & 7)
    }
    for (const other of [new Uint8Array(), mac.subarray(1), mac.subarray(0, -1), Buffer.concat([mac, Buffer.alloc(1)])])
      assert.equal(verifyMac(key, algorithm, message, other), false)
    assert.equal(verifyMac(openMacKey(spec, crypto.randomBytes(bytes)), algorithm, message, mac), false)
    assert.equal(verifyMac(key, algorithm, message.subarray(1), mac), false)
    const wrong = spec === 'HMAC_256' ? 'HMAC_SHA_512' : 'HMAC_SHA_256'
    assert.throws(() => generateMac(key, wrong, message), refusal('algorithm'))
    assert.throws(() => generateMac(key, algorithm, Buffer.concat([message, message])), refusal('length'))
  }
})
