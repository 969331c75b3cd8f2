// RSA signatures of what was hashed before, encoded as RFC 8017 says.

import { constants, type KeyObject, privateEncrypt, publicDecrypt, randomBytes, timingSafeEqual } from 'node:crypto'
import { encodePkcs1, encodePss, saltOfPss } from './rsa-encoding.ts'
import { hashOf, isPss, RSA_BITS, type RsaSpec, type SigningAlgorithm } from './spec.ts'

export function signRsaDigest(spec: RsaSpec, key: KeyObject, algorithm: SigningAlgorithm, digest: Uint8Array): Buffer {
  const blockBytes = RSA_BITS[spec] / 8
  const hash = hashOf(algorithm)
  const block = isPss(algorithm)
    ? encodePss(hash, digest, randomBytes(digest.length), blockBytes)
    : encodePkcs1(hash, digest, blockBytes)
  return privateEncrypt({ key, padding: constants.RSA_NO_PADDING }, block)
}

/** Malformed ones are none. The signature has the length of the modulus. */
export function verifyRsaDigest(
  spec: RsaSpec,
  key: KeyObject,
  algorithm: SigningAlgorithm,
  digest: Uint8Array,
  signature: Uint8Array,
): boolean {
  const blockBytes = RSA_BITS[spec] / 8
  const block = blockOf(key, signature)
  if (block === undefined) return false
  const hash = hashOf(algorithm)
  const expected = isPss(algorithm)
    ? encodePss(hash, digest, saltOfPss(hash, block, digest.length), blockBytes)
    : encodePkcs1(hash, digest, blockBytes)
  return timingSafeEqual(expected, block)
}

/** Undefined where the signature as a number is not below the modulus. */
function blockOf(key: KeyObject, signature: Uint8Array): Buffer | undefined {
  try {
    return publicDecrypt({ key, padding: constants.RSA_NO_PADDING }, signature)
  } catch {
    return undefined
  }
}
