// Sign and Verify of KMS: every signing algorithm, of messages and of digests. ECDSA signatures are DER, RSA and Ed25519 signatures are whole
// blocks. https://docs.aws.amazon.com/kms/latest/APIReference/API_Sign.html

import * as crypto from 'node:crypto'
import { promisify } from 'node:util'
import { CryptoError } from './crypto-error.ts'
import { asBuffer, type PrivateKey, type PublicKey } from './key-material.ts'
import { verifyRsaDigest } from './rsa-digest.ts'
import type { Signing } from './signing-thread.ts'
import {
  type AsymmetricSpec,
  digestBytesOf,
  hashOf,
  isPss,
  isRsa,
  type MessageType,
  messageTypesOf,
  RSA_BITS,
  type SigningAlgorithm,
  signingAlgorithmsOf,
} from './spec.ts'
import { Thread } from './thread.ts'

/** Of a message of type RAW. */
export const MESSAGE_BYTES_MAX = 4096

const { RSA_PKCS1_PADDING, RSA_PKCS1_PSS_PADDING, RSA_PSS_SALTLEN_DIGEST } = crypto.constants
const signOnPool = promisify(crypto.sign)
const verifyOnPool = promisify(crypto.verify)

/** Signatures of digests that may wait: at the slowest, two seconds of work. */
export const SIGNATURES_WAITING_MAX = 128
const signingThread = new Thread<Signing>(new URL('./signing-thread.ts', import.meta.url), SIGNATURES_WAITING_MAX)

/**
 * @throws CryptoError 'algorithm' where spec, algorithm and message type do not go together, 'length' where the message does not fit, 'busy'
 * where too many signatures of digests are asked for at once
 */
export async function sign(
  key: PrivateKey,
  algorithm: SigningAlgorithm,
  messageType: MessageType,
  message: Uint8Array,
): Promise<Buffer> {
  const { spec, privateKey } = key
  mustFit(spec, algorithm, messageType, message)
  if (messageType === 'RAW') return signOnPool(nodeHash(algorithm), message, { key: privateKey, ...padding(algorithm) })
  const digest = Uint8Array.from(message) // a view would take the whole buffer behind it along
  return asBuffer(await signingThread.run<Uint8Array>({ spec, algorithm, key: privateKey, digest }))
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
  if (isRsa(spec) && signature.length !== RSA_BITS[spec] / 8) return false // OpenSSL takes one without its leading zeros
  if (messageType === 'RAW')
    return verifyOnPool(nodeHash(algorithm), message, { key: publicKey, ...padding(algorithm) }, signature)
  if (isRsa(spec)) return verifyRsaDigest(spec, publicKey, algorithm, message, signature) // a tenth of a millisecond
  const [digest, copy] = [Uint8Array.from(message), Uint8Array.from(signature)]
  return signingThread.run<boolean>({ spec, algorithm, key: publicKey, digest, signature: copy })
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

function padding(algorithm: SigningAlgorithm): crypto.SigningOptions {
  if (isPss(algorithm)) return { padding: RSA_PKCS1_PSS_PADDING, saltLength: RSA_PSS_SALTLEN_DIGEST }
  return algorithm.startsWith('RSASSA_') ? { padding: RSA_PKCS1_PADDING } : {}
}
