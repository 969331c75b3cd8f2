// Key material that a customer made: taken out of its wrapping, checked to be of the declared key spec, and brought into the one form
// that this server makes itself, so that the same key imported again is the same bytes.
// https://docs.aws.amazon.com/kms/latest/developerguide/importing-keys-conceptual.html#importing-keys-material-requirements

import * as crypto from 'node:crypto'
import { CryptoError } from './crypto-error.ts'
import { contextTag, DerError, DerReader, der, TAG } from './der.ts'
import { algorithmIdOf, openMacKey, openPrivateKey, type PrivateKey, SYMMETRIC_BYTES } from './key-material.ts'
import { decryptOaep } from './rsa-oaep.ts'
import { sign, verify } from './signature.ts'
import {
  type AsymmetricSpec,
  ECC,
  type EccSpec,
  type EdwardsSpec,
  isEcc,
  isHmac,
  isMlDsa,
  isRsa,
  type KeySpec,
  type MlDsaSpec,
  RSA_BITS,
  RSA_EXPONENT,
  type RsaSpec,
  type WrappingAlgorithm,
} from './spec.ts'

/** Of EncryptedKeyMaterial. */
export const WRAPPED_BYTES_MAX = 6144

const AES_KEY_BYTES = 32
/** RFC 5649 section 3. */
const KWP_IV = Buffer.from('a65959a6', 'hex')

/**
 * What was wrapped under our RSA key; nothing is known of it yet. The caller zeroes it.
 * @throws CryptoError 'ciphertext', the same whatever does not open: the AES key is tried even where RSA gave none
 */
export async function unwrapKeyMaterial(
  wrappingKey: PrivateKey,
  algorithm: WrappingAlgorithm,
  wrapped: Uint8Array,
): Promise<Buffer> {
  if (wrapped.length > WRAPPED_BYTES_MAX) throw unopened()
  if (algorithm === 'RSAES_OAEP_SHA_1' || algorithm === 'RSAES_OAEP_SHA_256')
    return decryptOaep(wrappingKey, algorithm, wrapped).catch(() => {
      throw unopened()
    })

  const oaep = algorithm === 'RSA_AES_KEY_WRAP_SHA_1' ? 'RSAES_OAEP_SHA_1' : 'RSAES_OAEP_SHA_256'
  const aesAt = wrappingKey.privateKey.asymmetricKeyDetails!.modulusLength! / 8
  const opened = await decryptOaep(wrappingKey, oaep, wrapped.subarray(0, aesAt)).catch(() => Buffer.alloc(0))
  const known = opened.length === AES_KEY_BYTES
  const aesKey = known ? opened : crypto.randomBytes(AES_KEY_BYTES)
  const material = unwrapKwp(aesKey, wrapped.subarray(aesAt))
  aesKey.fill(0)
  opened.fill(0)
  if (material === undefined || !known) throw unopened()
  return material
}

const unopened = () => new CryptoError('ciphertext', 'The wrapped key material does not open')

/** AES key wrap with padding, RFC 5649, under AES-256. The caller zeroes what was wrapped; undefined where it does not open. */
export function unwrapKwp(key: Uint8Array, wrapped: Uint8Array): Buffer | undefined {
  if (key.length !== AES_KEY_BYTES) throw new RangeError(`an AES-256 key has ${AES_KEY_BYTES} bytes`)
  if (wrapped.length < 16 || wrapped.length % 8 !== 0 || wrapped.length > WRAPPED_BYTES_MAX) return undefined
  const decipher = crypto.createDecipheriv('id-aes256-wrap-pad', key, KWP_IV)
  try {
    const material = decipher.update(wrapped) // the whole of it: key wrap has no stream
    decipher.final()
    return material
  } catch {
    return undefined
  }
}

/**
 * The material of a key spec in this server's own form: the raw key, or PKCS#8 DER without attributes. What came is not changed; the caller
 * zeroes both.
 * @throws CryptoError 'key-material' where it is of another spec, malformed, or its parts do not belong together
 */
export async function canonicalKeyMaterial(spec: KeySpec, material: Uint8Array): Promise<Buffer> {
  if (spec === 'SYMMETRIC_DEFAULT') {
    if (material.length !== SYMMETRIC_BYTES) throw notOfSpec(spec)
    return Buffer.from(material)
  }
  if (isHmac(spec)) {
    openMacKey(spec, material)
    return Buffer.from(material)
  }
  try {
    const { body, publicKey } = readPkcs8(spec, material)
    if (isRsa(spec)) return await rsaMaterial(spec, body)
    if (isEcc(spec)) return eccMaterial(spec, body)
    return isMlDsa(spec) ? latticeMaterial(spec, body) : edwardsMaterial(spec, body, publicKey)
  } catch (error) {
    if (error instanceof DerError) throw notOfSpec(spec)
    throw error
  }
}

const notOfSpec = (spec: KeySpec) => new CryptoError('key-material', `The key material is not of key spec ${spec}`)

/** OneAsymmetricKey, RFC 5958. The algorithm is compared as bytes: no curve but by name. Attributes are no part of a key. */
function readPkcs8(
  spec: AsymmetricSpec,
  material: Uint8Array,
): { readonly body: Uint8Array; readonly publicKey: Uint8Array | undefined } {
  const outer = new DerReader(material)
  const key = outer.inside(TAG.sequence)
  outer.end()
  const version = key.unsigned()
  if (version > 1n) throw notOfSpec(spec)
  if (!algorithmIdOf(spec).equals(key.readWhole(TAG.sequence))) throw notOfSpec(spec)
  const body = key.read(TAG.octetString)
  key.readOptional(contextTag(0))
  const publicKey = version === 1n ? key.readOptional(IMPLICIT_PUBLIC_KEY) : undefined
  key.end()
  return { body, publicKey }
}

/** `[1] IMPLICIT BIT STRING`. */
const IMPLICIT_PUBLIC_KEY = 0x81

/**
 * ECPrivateKey, RFC 5915, built anew from its scalar, so that OpenSSL never sees the customer's own parameters. The scalar has the length of the
 * curve and is in its range; a public key that came along must be the scalar's.
 */
function eccMaterial(spec: EccSpec, body: Uint8Array): Buffer {
  const outer = new DerReader(body)
  const key = outer.inside(TAG.sequence)
  outer.end()
  if (key.unsigned() !== 1n) throw notOfSpec(spec)
  const scalar = key.read(TAG.octetString)
  const parameters = key.readOptional(contextTag(0))
  const publicKey = key.readOptional(contextTag(1))
  key.end()

  const { bytes, curve } = ECC[spec]
  if (scalar.length !== bytes) throw notOfSpec(spec)
  if (parameters !== undefined && !sameCurve(spec, parameters)) throw notOfSpec(spec)
  const point = pointOf(curve, scalar)
  if (point === undefined) throw notOfSpec(spec)
  const bitString = der(TAG.bitString, Uint8Array.of(0x00), point)
  if (publicKey !== undefined && !bitString.equals(publicKey)) throw notOfSpec(spec)

  const octets = der(TAG.octetString, scalar)
  const ecPrivateKey = der(TAG.sequence, VERSION_1, octets, der(contextTag(1), bitString))
  octets.fill(0)
  return pkcs8(spec, ecPrivateKey)
}

const VERSION_0 = der(TAG.integer, Uint8Array.of(0))
const VERSION_1 = der(TAG.integer, Uint8Array.of(1))

/** Whether the parameters inside are the very name of the curve. */
function sameCurve(spec: EccSpec, parameters: Uint8Array): boolean {
  const algorithm = new DerReader(algorithmIdOf(spec)).inside(TAG.sequence)
  algorithm.read(TAG.objectId)
  return Buffer.from(algorithm.readWhole(TAG.objectId)).equals(parameters)
}

/** Undefined where the scalar is not from 1 to n - 1. */
function pointOf(curve: string, scalar: Uint8Array): Buffer | undefined {
  const ecdh = crypto.createECDH(curve)
  try {
    ecdh.setPrivateKey(scalar)
    return ecdh.getPublicKey()
  } catch {
    return undefined
  }
}

/**
 * RSAPrivateKey, RFC 8017 appendix A.1.2, of two primes. The numbers must belong together, which OpenSSL does not ask, and a signature made with
 * them must hold.
 */
async function rsaMaterial(spec: RsaSpec, body: Uint8Array): Promise<Buffer> {
  const outer = new DerReader(body)
  const key = outer.inside(TAG.sequence)
  outer.end()
  if (key.unsigned() !== 0n) throw notOfSpec(spec)
  const [n, e, d] = [key.unsigned(), key.unsigned(), key.unsigned()]
  const [p, q] = [key.unsigned(), key.unsigned()]
  const [dp, dq, qInverse] = [key.unsigned(), key.unsigned(), key.unsigned()]
  key.end()

  const fits =
    n >> BigInt(RSA_BITS[spec] - 1) === 1n && e === RSA_EXPONENT && p * q === n && p > 1n && q > 1n && p !== q && d < n
  const belongs =
    fits &&
    (e * d) % (p - 1n) === 1n &&
    (e * d) % (q - 1n) === 1n &&
    dp === d % (p - 1n) &&
    dq === d % (q - 1n) &&
    qInverse < p &&
    (q * qInverse) % p === 1n
  if (!belongs) throw notOfSpec(spec)

  const material = pkcs8(spec, Buffer.from(body))
  if (await signsAndVerifies(spec, material)) return material
  material.fill(0)
  throw notOfSpec(spec)
}

async function signsAndVerifies(spec: RsaSpec, material: Uint8Array): Promise<boolean> {
  const key = openPrivateKey(spec, material)
  const publicKey = { spec, publicKey: crypto.createPublicKey(key.privateKey) }
  const message = Buffer.from(spec)
  try {
    const signature = await sign(key, 'RSASSA_PSS_SHA_256', 'RAW', message)
    return await verify(publicKey, 'RSASSA_PSS_SHA_256', 'RAW', message, signature)
  } catch {
    return false // OpenSSL cannot compute with it
  }
}

/** CurvePrivateKey of Ed25519, RFC 8410: the seed in an OCTET STRING. A public key that came along must be the seed's. */
function edwardsMaterial(spec: EdwardsSpec, body: Uint8Array, publicKey: Uint8Array | undefined): Buffer {
  const reader = new DerReader(body)
  const seed = reader.read(TAG.octetString)
  reader.end()
  if (seed.length !== SEED_BYTES) throw notOfSpec(spec)
  const material = pkcs8(spec, Buffer.from(body))
  if (publicKey === undefined) return material
  const { privateKey } = openPrivateKey(spec, material)
  const own = crypto.createPublicKey(privateKey).export({ format: 'raw-public' })
  if (Buffer.concat([Uint8Array.of(0x00), own]).equals(publicKey)) return material
  material.fill(0)
  throw notOfSpec(spec)
}

/**
 * ML-DSA, RFC 9881 section 6: the seed, or the seed with the expanded key, which must be the seed's. An expanded key alone is refused: the seed
 * cannot be had from it.
 */
function latticeMaterial(spec: MlDsaSpec, body: Uint8Array): Buffer {
  const reader = new DerReader(body)
  const both = reader.readOptional(TAG.sequence)
  const seed = both === undefined ? reader.read(IMPLICIT_SEED) : seedOfBoth(spec, both, body)
  reader.end()
  if (seed.length !== SEED_BYTES) throw notOfSpec(spec)
  return pkcs8(spec, der(IMPLICIT_SEED, seed))
}

/** OpenSSL makes the expanded key again from the seed, and refuses another. */
function seedOfBoth(spec: MlDsaSpec, both: Uint8Array, body: Uint8Array): Uint8Array {
  const parts = new DerReader(both)
  const seed = parts.read(TAG.octetString)
  parts.read(TAG.octetString)
  parts.end()
  const whole = pkcs8(spec, Buffer.from(body))
  const own = openPrivateKey(spec, whole).privateKey.export({ format: 'raw-seed' })
  whole.fill(0)
  const same = own.equals(seed)
  own.fill(0)
  if (!same) throw notOfSpec(spec)
  return seed
}

const SEED_BYTES = 32
/** `[0] IMPLICIT OCTET STRING`. */
const IMPLICIT_SEED = 0x80

/** PrivateKeyInfo as OpenSSL writes it. Zeroes the key that it is given. */
function pkcs8(spec: AsymmetricSpec, privateKey: Buffer): Buffer {
  const octets = der(TAG.octetString, privateKey)
  const material = der(TAG.sequence, VERSION_0, algorithmIdOf(spec), octets)
  privateKey.fill(0)
  octets.fill(0)
  return material
}
