// Sign and Verify of KMS: every signing algorithm, of messages and of digests. ECDSA signatures are DER, RSA and Ed25519 signatures are whole
// blocks. https://docs.aws.amazon.com/kms/latest/APIReference/API_Sign.html

import * as crypto from 'node:crypto'
import { promisify } from 'node:util'
import { CryptoError } from './crypto-error.ts'
import type { PrivateKey, PublicKey } from './key-material.ts'
import {
  signEcdsaDigest,
  signEd25519ph,
  signMlDsaMu,
  verifyEcdsaDigest,
  verifyEd25519ph,
  verifyMlDsaMu,
} from './raw-signer.ts'
import { encodePkcs1, encodePss, saltOfPss } from './rsa-encoding.ts'
import {
  type AsymmetricSpec,
  digestBytesOf,
  hashOf,
  isEcc,
  isMlDsa,
  isRsa,
  type MessageType,
  messageTypesOf,
  RSA_BITS,
  type RsaSpec,
  type SigningAlgorithm,
  signingAlgorithmsOf,
} from './spec.ts'

/** Of a message of type RAW. */
export const MESSAGE_BYTES_MAX = 4096

const { RSA_NO_PADDING, RSA_PKCS1_PADDING, RSA_PKCS1_PSS_PADDING, RSA_PSS_SALTLEN_DIGEST } = crypto.constants
const signOnPool = promisify(crypto.sign)
const verifyOnPool = promisify(crypto.verify)

/** @throws CryptoError 'algorithm' where spec, algorithm and message type do not go together, 'length' where the message does not fit */
export async function sign(
  key: PrivateKey,
  algorithm: SigningAlgorithm,
  messageType: MessageType,
  message: Uint8Array,
): Promise<Buffer> {
  const { spec, privateKey } = key
  mustFit(spec, algorithm, messageType, message)
  if (messageType === 'RAW') return signOnPool(nodeHash(algorithm), message, { key: privateKey, ...padding(algorithm) })
  if (isRsa(spec)) return signRsaDigest(spec, privateKey, algorithm, message)
  const secret = privateKey.export({ format: isMlDsa(spec) ? 'raw-seed' : 'raw-private' })
  try {
    if (isEcc(spec)) return await signEcdsaDigest(spec, secret, message)
    return isMlDsa(spec) ? await signMlDsaMu(spec, secret, message) : await signEd25519ph(secret, message)
  } finally {
    secret.fill(0)
  }
}

/** Whether it is a signature; malformed ones are not. @throws CryptoError as `sign` does */
export async function verify(
  key: PublicKey,
  algorithm: SigningAlgorithm,
  messageType: MessageType,
  message: Uint8Array,
  signature: Uint8Array,
): Promise<boolean> {
  const { spec, publicKey } = key
  mustFit(spec, algorithm, messageType, message)
  if (messageType === 'RAW')
    return verifyOnPool(nodeHash(algorithm), message, { key: publicKey, ...padding(algorithm) }, signature)
  if (isRsa(spec)) return verifyRsaDigest(spec, publicKey, algorithm, message, signature)
  const raw = publicKey.export({ format: 'raw-public' })
  if (isEcc(spec)) return verifyEcdsaDigest(spec, raw, signature, message)
  return isMlDsa(spec) ? verifyMlDsaMu(spec, raw, signature, message) : verifyEd25519ph(raw, signature, message)
}

function mustFit(
  spec: AsymmetricSpec,
  algorithm: SigningAlgorithm,
  messageType: MessageType,
  message: Uint8Array,
): void {
  if (!signingAlgorithmsOf(spec).includes(algorithm))
    throw new CryptoError('algorithm', `Algorithm ${algorithm} is not supported by key spec ${spec}`)
  if (!messageTypesOf(algorithm).includes(messageType))
    throw new CryptoError('algorithm', `Message type ${messageType} is not supported by algorithm ${algorithm}`)
  if (messageType === 'RAW' ? message.length > MESSAGE_BYTES_MAX : message.length !== digestBytesOf(algorithm))
    throw new CryptoError('length', `A message of type ${messageType} and algorithm ${algorithm} has another length`)
}

/** Null where the algorithm hashes by itself. */
const nodeHash = (algorithm: SigningAlgorithm): string | null =>
  algorithm === 'ED25519_SHA_512' || algorithm === 'ML_DSA_SHAKE_256' ? null : hashOf(algorithm)

const isPss = (algorithm: SigningAlgorithm): boolean => algorithm.startsWith('RSASSA_PSS_')

function padding(algorithm: SigningAlgorithm): crypto.SigningOptions {
  if (isPss(algorithm)) return { padding: RSA_PKCS1_PSS_PADDING, saltLength: RSA_PSS_SALTLEN_DIGEST }
  return algorithm.startsWith('RSASSA_') ? { padding: RSA_PKCS1_PADDING } : {}
}

/** On this thread: node:crypto has the bare operation in no other form. */
function signRsaDigest(spec: RsaSpec, key: crypto.KeyObject, algorithm: SigningAlgorithm, digest: Uint8Array): Buffer {
  const blockBytes = RSA_BITS[spec] / 8
  const hash = hashOf(algorithm)
  const block = isPss(algorithm)
    ? encodePss(hash, digest, crypto.randomBytes(digest.length), blockBytes)
    : encodePkcs1(hash, digest, blockBytes)
  return crypto.privateEncrypt({ key, padding: RSA_NO_PADDING }, block)
}

function verifyRsaDigest(
  spec: RsaSpec,
  key: crypto.KeyObject,
  algorithm: SigningAlgorithm,
  digest: Uint8Array,
  signature: Uint8Array,
): boolean {
  const blockBytes = RSA_BITS[spec] / 8
  if (signature.length !== blockBytes) return false
  const block = blockOf(key, signature)
  if (block === undefined) return false
  const hash = hashOf(algorithm)
  const expected = isPss(algorithm)
    ? encodePss(hash, digest, saltOfPss(hash, block, digest.length), blockBytes)
    : encodePkcs1(hash, digest, blockBytes)
  return crypto.timingSafeEqual(expected, block)
}

/** Undefined where the signature as a number is not below the modulus. */
function blockOf(key: crypto.KeyObject, signature: Uint8Array): Buffer | undefined {
  try {
    return crypto.publicDecrypt({ key, padding: RSA_NO_PADDING }, signature)
  } catch {
    return undefined
  }
}
