// Signatures of what was hashed before: RSA and ECDSA of digests, Ed25519ph, ML-DSA of an external mu. They hold the thread they run on for up to
// some ten milliseconds, which is why signature.ts has them run on the signing thread.

import type { KeyObject } from 'node:crypto'
import {
  signEcdsaDigest,
  signEd25519ph,
  signMlDsaMu,
  verifyEcdsaDigest,
  verifyEd25519ph,
  verifyMlDsaMu,
} from './raw-signer.ts'
import { signRsaDigest, verifyRsaDigest } from './rsa-digest.ts'
import { type AsymmetricSpec, isEcc, isMlDsa, isRsa, type SigningAlgorithm } from './spec.ts'

/** Spec, algorithm and the digest's length go together: signature.ts has asked. */
export function signDigest(
  spec: AsymmetricSpec,
  privateKey: KeyObject,
  algorithm: SigningAlgorithm,
  digest: Uint8Array,
): Buffer {
  if (isRsa(spec)) return signRsaDigest(spec, privateKey, algorithm, digest)
  const secret = privateKey.export({ format: isMlDsa(spec) ? 'raw-seed' : 'raw-private' })
  try {
    if (isEcc(spec)) return signEcdsaDigest(spec, secret, digest)
    return isMlDsa(spec) ? signMlDsaMu(spec, secret, digest) : signEd25519ph(secret, digest)
  } finally {
    secret.fill(0)
  }
}

/** As `signDigest`; an RSA signature has the length of the modulus. Malformed ones are none. */
export function verifyDigest(
  spec: AsymmetricSpec,
  publicKey: KeyObject,
  algorithm: SigningAlgorithm,
  digest: Uint8Array,
  signature: Uint8Array,
): boolean {
  if (isRsa(spec)) return verifyRsaDigest(spec, publicKey, algorithm, digest, signature)
  const raw = publicKey.export({ format: 'raw-public' })
  if (isEcc(spec)) return verifyEcdsaDigest(spec, raw, signature, digest)
  return isMlDsa(spec) ? verifyMlDsaMu(spec, raw, signature, digest) : verifyEd25519ph(raw, signature, digest)
}
