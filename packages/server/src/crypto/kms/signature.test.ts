import assert from 'node:assert/strict'
import * as crypto from 'node:crypto'
import { before, test } from 'node:test'
import { SOAK } from '../../testing-sample.ts'
import { CryptoError } from './crypto-error.ts'
import { DerReader, der, TAG } from './der.ts'
import {
  generateKeyMaterial,
  openPrivateKey,
  openPublicKey,
  type PrivateKey,
  type PublicKey,
  publicKeyDer,
} from './key-material.ts'
import { MESSAGE_BYTES_MAX, sign, verify } from './signature.ts'
import {
  type AsymmetricSpec,
  digestBytesOf,
  hashOf,
  isAsymmetric,
  KEY_SPECS,
  type MessageType,
  messageTypesOf,
  type SigningAlgorithm,
  signingAlgorithmsOf,
} from './spec.ts'

type Pair = { readonly own: PrivateKey; readonly shown: PublicKey }

const asymmetric = KEY_SPECS.filter(isAsymmetric)
const pairs = new Map<AsymmetricSpec, Pair>()
before(async () => {
  for (const spec of asymmetric) pairs.set(spec, await newPair(spec))
})

async function newPair(spec: AsymmetricSpec): Promise<Pair> {
  const own = openPrivateKey(spec, await generateKeyMaterial(spec))
  return { own, shown: openPublicKey(spec, publicKeyDer(own)) }
}

const cases: readonly (readonly [AsymmetricSpec, SigningAlgorithm, MessageType])[] = asymmetric.flatMap((spec) =>
  signingAlgorithmsOf(spec).flatMap((algorithm) =>
    messageTypesOf(algorithm).map((messageType) => [spec, algorithm, messageType] as const),
  ),
)

const newMessage = (algorithm: SigningAlgorithm, messageType: MessageType): Buffer =>
  crypto.randomBytes(messageType === 'RAW' ? crypto.randomInt(1, MESSAGE_BYTES_MAX + 1) : digestBytesOf(algorithm))

test('what a key of any spec signs with any algorithm, its public key verifies, and no other message or key', async () => {
  for (const [spec, algorithm, messageType] of cases) {
    const { own, shown } = pairs.get(spec)!
    const other = spec.startsWith('RSA') ? undefined : await newPair(spec)
    const message = newMessage(algorithm, messageType)
    const signature = await sign(own, algorithm, messageType, message)
    const about = `${spec} ${algorithm} ${messageType}`
    assert.equal(await verify(shown, algorithm, messageType, message, signature), true, about)
    message[crypto.randomInt(message.length)]! ^= 1 << crypto.randomInt(8)
    assert.equal(await verify(shown, algorithm, messageType, message, signature), false, `${about}: another message`)
    if (other === undefined) continue
    message.set(newMessage(algorithm, messageType).subarray(0, message.length))
    const ours = await sign(own, algorithm, messageType, message)
    assert.equal(await verify(other.shown, algorithm, messageType, message, ours), false, `${about}: another key`)
  }
})

test('a signature of a message and one of its digest verify each other, for RSA and ECDSA', async () => {
  for (const [spec, algorithm] of cases.filter(
    ([, algorithm, type]) => type === 'DIGEST' && !algorithm.startsWith('ED'),
  )) {
    const { own, shown } = pairs.get(spec)!
    const message = newMessage(algorithm, 'RAW')
    const digest = crypto.createHash(hashOf(algorithm)).update(message).digest()
    const ofMessage = await sign(own, algorithm, 'RAW', message)
    const ofDigest = await sign(own, algorithm, 'DIGEST', digest)
    assert.ok(await verify(shown, algorithm, 'DIGEST', digest, ofMessage), `${spec} ${algorithm}`)
    assert.ok(await verify(shown, algorithm, 'RAW', message, ofDigest), `${spec} ${algorithm}`)
    if (algorithm.includes('PKCS1')) assert.deepEqual(ofMessage, ofDigest, 'PKCS #1 v1.5 has one signature')
  }
})

test('specs, algorithms, message types and lengths that do not go together are refused', async () => {
  const { own, shown } = pairs.get('ECC_NIST_P256')!
  const refused = (refusal: string) => (error: unknown) => error instanceof CryptoError && error.refusal === refusal
  const digest = crypto.randomBytes(32)
  const all: readonly (readonly [SigningAlgorithm, MessageType, Uint8Array, string])[] = [
    ['ECDSA_SHA_384', 'RAW', digest, 'algorithm'],
    ['RSASSA_PSS_SHA_256', 'RAW', digest, 'algorithm'],
    ['ECDSA_SHA_256', 'EXTERNAL_MU', digest, 'algorithm'],
    ['ECDSA_SHA_256', 'DIGEST', digest.subarray(1), 'length'],
    ['ECDSA_SHA_256', 'DIGEST', crypto.randomBytes(33), 'length'],
    ['ECDSA_SHA_256', 'RAW', crypto.randomBytes(MESSAGE_BYTES_MAX + 1), 'length'],
  ]
  for (const [algorithm, messageType, message, refusal] of all) {
    await assert.rejects(sign(own, algorithm, messageType, message), refused(refusal))
    await assert.rejects(verify(shown, algorithm, messageType, message, digest), refused(refusal))
  }
  const edwards = pairs.get('ECC_NIST_EDWARDS25519')!.own
  await assert.rejects(sign(edwards, 'ED25519_SHA_512', 'DIGEST', crypto.randomBytes(64)), refused('algorithm'))
  await assert.rejects(sign(edwards, 'ED25519_PH_SHA_512', 'RAW', crypto.randomBytes(64)), refused('algorithm'))
})

/** Every bit where there are few, else a number of bits all over. */
function bitsOf(signature: Uint8Array, most: number): readonly number[] {
  const bits = signature.length * 8
  if (bits <= most) return Array.from({ length: bits }, (_, bit) => bit)
  const offset = crypto.randomInt(bits)
  return Array.from({ length: most }, (_, i) => (offset + Math.floor((i * bits) / most)) % bits)
}

const MOST_BITS: { readonly [spec in AsymmetricSpec]: number } = {
  RSA_2048: 256,
  RSA_3072: 64,
  RSA_4096: 64,
  ECC_NIST_P256: 64,
  ECC_NIST_P384: 32,
  ECC_NIST_P521: 32,
  ECC_SECG_P256K1: 64,
  ECC_NIST_EDWARDS25519: 256,
  ML_DSA_44: 64,
  ML_DSA_65: 32,
  ML_DSA_87: 32,
}

test('a signature with any one bit changed, cut short or drawn out is refused', async () => {
  for (const [spec, algorithm, messageType] of cases) {
    const { own, shown } = pairs.get(spec)!
    const message = newMessage(algorithm, messageType)
    const signature = await sign(own, algorithm, messageType, message)
    const about = `${spec} ${algorithm} ${messageType}`
    for (const bit of bitsOf(signature, SOAK ? 8192 : MOST_BITS[spec])) {
      signature[bit >> 3]! ^= 1 << (bit & 7)
      assert.equal(await verify(shown, algorithm, messageType, message, signature), false, `${about}: bit ${bit}`)
      signature[bit >> 3]! ^= 1 << (bit & 7)
    }
    assert.ok(await verify(shown, algorithm, messageType, message, signature), about)
    const others = [
      new Uint8Array(),
      signature.subarray(1),
      signature.subarray(0, -1),
      Buffer.concat([signature, Buffer.alloc(1)]),
    ]
    others.push(Buffer.concat([Buffer.alloc(1), signature]), new Uint8Array(signature.length), crypto.randomBytes(6144))
    for (const other of others) assert.equal(await verify(shown, algorithm, messageType, message, other), false, about)
  }
})

test('an RSA signature that is no number below the modulus is refused', async () => {
  const { shown } = pairs.get('RSA_2048')!
  for (const algorithm of signingAlgorithmsOf('RSA_2048')) {
    const digest = crypto.randomBytes(digestBytesOf(algorithm))
    assert.equal(await verify(shown, algorithm, 'DIGEST', digest, Buffer.alloc(256, 0xff)), false)
  }
})

test('an RSA signature without its leading zero is refused, where OpenSSL alone would take it', async () => {
  const { own, shown } = pairs.get('RSA_2048')!
  for (const algorithm of ['RSASSA_PSS_SHA_256', 'RSASSA_PKCS1_V1_5_SHA_256'] as const) {
    let message: Buffer
    let signature: Buffer
    do {
      message = crypto.randomBytes(32)
      signature = await sign(own, algorithm, 'RAW', message)
    } while (signature[0] !== 0)
    const digest = crypto.createHash('sha256').update(message).digest()
    assert.ok(await verify(shown, algorithm, 'RAW', message, signature))
    assert.ok(await verify(shown, algorithm, 'DIGEST', digest, signature))
    assert.equal(await verify(shown, algorithm, 'RAW', message, signature.subarray(1)), false)
    assert.equal(await verify(shown, algorithm, 'DIGEST', digest, signature.subarray(1)), false)
  }
})

test('ECDSA takes either S, and makes another signature each time', async () => {
  const { own, shown } = pairs.get('ECC_SECG_P256K1')!
  const digest = crypto.randomBytes(32)
  const signature = await sign(own, 'ECDSA_SHA_256', 'DIGEST', digest)
  assert.notDeepEqual(await sign(own, 'ECDSA_SHA_256', 'DIGEST', digest), signature)
  const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n
  const reader = new DerReader(signature).inside(TAG.sequence)
  const [r, s] = [reader.unsigned(), reader.unsigned()]
  const integer = (n: bigint): Buffer => {
    const hex = n.toString(16)
    const bytes = Buffer.from(hex.length % 2 ? `0${hex}` : hex, 'hex')
    return der(TAG.integer, bytes[0]! < 0x80 ? bytes : Buffer.concat([Buffer.alloc(1), bytes]))
  }
  const other = der(TAG.sequence, integer(r), integer(order - s))
  assert.ok(await verify(shown, 'ECDSA_SHA_256', 'DIGEST', digest, other))
})
