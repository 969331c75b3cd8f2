// DeriveSharedSecret of KMS: ECDH on the NIST curves, the raw x-coordinate.
// https://nvlpubs.nist.gov/nistpubs/SpecialPublications/NIST.SP.800-56Ar3.pdf section 5.7.1.2

import { diffieHellman } from 'node:crypto'
import { promisify } from 'node:util'
import { CryptoError } from './crypto-error.ts'
import { openPublicKey, type PrivateKey } from './key-material.ts'
import { keyUsagesOf } from './spec.ts'

const diffieHellmanOnPool = promisify(diffieHellman)

/**
 * 32, 48 or 66 bytes, which the caller zeroes. The peer's key is SubjectPublicKeyInfo DER of the same curve by name, its point uncompressed.
 * @throws CryptoError 'algorithm' where the key agrees on nothing, 'public-key' where the peer's key is anything else
 */
export async function deriveSharedSecret({ spec, privateKey }: PrivateKey, peerSpki: Uint8Array): Promise<Buffer> {
  if (!keyUsagesOf(spec).includes('KEY_AGREEMENT'))
    throw new CryptoError('algorithm', `Algorithm ECDH is not supported by key spec ${spec}`)
  const { publicKey } = openPublicKey(spec, peerSpki)
  return diffieHellmanOnPool({ privateKey, publicKey })
}
