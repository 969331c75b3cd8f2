import assert from 'node:assert/strict'
import * as crypto from 'node:crypto'
import { before, test } from 'node:test'
import { CryptoError } from './crypto-error.ts'
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
