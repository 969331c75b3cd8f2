// GenerateMac and VerifyMac of KMS: HMAC with whole tags. https://www.rfc-editor.org/rfc/rfc2104

import { createHmac } from 'node:crypto'
import { sameBytes } from '../mac.ts'
import { CryptoError } from './crypto-error.ts'
import type { MacKey } from './key-material.ts'
import { HMAC, type MacAlgorithm } from './spec.ts'

/** Of a message. */
export const MAC_MESSAGE_BYTES_MAX = 4096

const HASH: { readonly [algorithm in MacAlgorithm]: string } = {
  HMAC_SHA_224: 'sha224',
  HMAC_SHA_256: 'sha256',
  HMAC_SHA_384: 'sha384',
  HMAC_SHA_512: 'sha512',
}

/** @throws CryptoError 'algorithm' where it is not the key spec's own, 'length' where the message is too long */
export function generateMac({ spec, secretKey }: MacKey, algorithm: MacAlgorithm, message: Uint8Array): Buffer {
  if (HMAC[spec].mac !== algorithm)
    throw new CryptoError('algorithm', `Algorithm ${algorithm} is not supported by key spec ${spec}`)
  if (message.length > MAC_MESSAGE_BYTES_MAX)
    throw new CryptoError('length', `A message has at most ${MAC_MESSAGE_BYTES_MAX} bytes`)
  return createHmac(HASH[algorithm], secretKey).update(message).digest()
}

/** In time that depends on lengths only. A truncated tag is none. @throws CryptoError as `generateMac` does */
export const verifyMac = (key: MacKey, algorithm: MacAlgorithm, message: Uint8Array, mac: Uint8Array): boolean =>
  sameBytes(generateMac(key, algorithm, message), mac)
