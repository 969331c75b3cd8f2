// What node:crypto cannot sign: a digest made elsewhere (ECDSA), Ed25519ph, and ML-DSA with an external mu. The one place that uses @noble.
// Its arithmetic is of BigInt: blinded where it inverts a nonce, but not constant in time by construction, and it holds private scalars that
// cannot be zeroed. It takes milliseconds, so it runs on the signing thread.

import { randomBytes } from 'node:crypto'
import { ed25519ph } from '@noble/curves/ed25519.js'
import { p256, p384, p521 } from '@noble/curves/nist.js'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { ml_dsa44, ml_dsa65, ml_dsa87 } from '@noble/post-quantum/ml-dsa.js'
import { type EccSpec, ML_DSA, type MlDsaSpec } from './spec.ts'

const CURVES = { ECC_NIST_P256: p256, ECC_NIST_P384: p384, ECC_NIST_P521: p521, ECC_SECG_P256K1: secp256k1 }
const LATTICES = { ML_DSA_44: ml_dsa44, ML_DSA_65: ml_dsa65, ML_DSA_87: ml_dsa87 }

const ED25519_SIGNATURE_BYTES = 64

/** No hashing here; either S is a signature, as in KMS; the nonce of RFC 6979 with fresh randomness (its section 3.6). */
const ECDSA = { prehash: false, lowS: false } as const

/** DER of the signature. The scalar has the curve's length; the caller zeroes it. */
export function signEcdsaDigest(spec: EccSpec, scalar: Uint8Array, digest: Uint8Array): Buffer {
  return Buffer.from(CURVES[spec].sign(digest, scalar, { ...ECDSA, format: 'der', extraEntropy: true }))
}

/** The signature in DER, and nothing looser. The point is uncompressed and known to be on the curve. */
export function verifyEcdsaDigest(
  spec: EccSpec,
  point: Uint8Array,
  signature: Uint8Array,
  digest: Uint8Array,
): boolean {
  const compact = compactOf(spec, signature)
  return compact !== undefined && CURVES[spec].verify(compact, digest, point, { ...ECDSA, format: 'compact' })
}

function compactOf(spec: EccSpec, signature: Uint8Array): Uint8Array | undefined {
  try {
    return CURVES[spec].Signature.fromBytes(signature, 'der').toBytes('compact')
  } catch {
    return undefined
  }
}

/** RFC 8032 section 5.1 with an empty context. The message is hashed with SHA-512, whatever it is. The caller zeroes the seed. */
export function signEd25519ph(seed: Uint8Array, message: Uint8Array): Buffer {
  return Buffer.from(ed25519ph.sign(message, seed))
}

export function verifyEd25519ph(publicKey: Uint8Array, signature: Uint8Array, message: Uint8Array): boolean {
  if (signature.length !== ED25519_SIGNATURE_BYTES) return false
  return ed25519ph.verify(signature, message, publicKey, { zip215: false })
}

/** FIPS 204 algorithm 7 from its line 7 on, hedged: `mu` is the 64-byte message representative. The caller zeroes the seed. */
export function signMlDsaMu(spec: MlDsaSpec, seed: Uint8Array, mu: Uint8Array): Buffer {
  const lattice = LATTICES[spec]
  const { secretKey } = lattice.keygen(seed)
  const extraEntropy = randomBytes(32)
  try {
    return Buffer.from(lattice.internal.sign(mu, secretKey, { externalMu: true, extraEntropy }))
  } finally {
    secretKey.fill(0)
    extraEntropy.fill(0)
  }
}

export function verifyMlDsaMu(spec: MlDsaSpec, publicKey: Uint8Array, signature: Uint8Array, mu: Uint8Array): boolean {
  if (signature.length !== ML_DSA[spec].signatureBytes) return false
  return LATTICES[spec].internal.verify(signature, mu, publicKey, { externalMu: true })
}
