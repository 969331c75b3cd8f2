// RSAES-OAEP with an empty label and MGF1 of the same hash. https://www.rfc-editor.org/rfc/rfc8017 section 7.1

import { constants, publicEncrypt, webcrypto } from 'node:crypto'
import { CryptoError } from './crypto-error.ts'
import type { PrivateKey, PublicKey } from './key-material.ts'
import { type AsymmetricSpec, isRsa, RSA_BITS, type RsaEncryptionAlgorithm, type RsaSpec } from './spec.ts'

const HASH = {
  RSAES_OAEP_SHA_1: { node: 'sha1', web: 'SHA-1', bytes: 20 },
  RSAES_OAEP_SHA_256: { node: 'sha256', web: 'SHA-256', bytes: 32 },
} as const

/** 214, 342 and 470 bytes with SHA-1; 190, 318 and 446 with SHA-256. */
export const oaepPlaintextBytesMax = (spec: RsaSpec, algorithm: RsaEncryptionAlgorithm): number =>
  RSA_BITS[spec] / 8 - 2 * HASH[algorithm].bytes - 2

/** @throws CryptoError 'algorithm' where the key is not RSA, 'length' where the plaintext is too long */
export function encryptOaep(
  { spec, publicKey }: PublicKey,
  algorithm: RsaEncryptionAlgorithm,
  plaintext: Uint8Array,
): Buffer {
  const max = oaepPlaintextBytesMax(mustBeRsa(spec, algorithm), algorithm)
  if (plaintext.length > max)
    throw new CryptoError(
      'length',
      `Algorithm ${algorithm} and key spec ${spec} cannot encrypt data larger than ${max} bytes`,
    )
  const padding = constants.RSA_PKCS1_OAEP_PADDING
  return publicEncrypt({ key: publicKey, padding, oaepHash: HASH[algorithm].node }, plaintext)
}

/**
 * On the thread pool, where node:crypto has it only through Web Crypto. The caller zeroes the plaintext.
 * @throws CryptoError 'algorithm' where the key is not RSA, 'ciphertext' for everything that does not open, without a word on why
 */
export async function decryptOaep(
  { spec, privateKey }: PrivateKey,
  algorithm: RsaEncryptionAlgorithm,
  ciphertext: Uint8Array,
): Promise<Buffer> {
  const blockBytes = RSA_BITS[mustBeRsa(spec, algorithm)] / 8
  const oaep = { name: 'RSA-OAEP', hash: HASH[algorithm].web }
  const key = privateKey.toCryptoKey(oaep, false, ['decrypt'])
  const plaintext =
    ciphertext.length === blockBytes
      ? await webcrypto.subtle.decrypt({ name: 'RSA-OAEP' }, key, Uint8Array.from(ciphertext)).catch(() => undefined)
      : undefined
  if (plaintext === undefined) throw new CryptoError('ciphertext', 'The ciphertext does not open')
  return Buffer.from(plaintext)
}

function mustBeRsa(spec: AsymmetricSpec, algorithm: RsaEncryptionAlgorithm): RsaSpec {
  if (!isRsa(spec)) throw new CryptoError('algorithm', `Algorithm ${algorithm} is not supported by key spec ${spec}`)
  return spec
}
