// Key pairs for credentials that are not of KMS: of rotated secrets.

import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'
import { generateKeyMaterial } from './kms/key-material.ts'
import type { KeySpec } from './kms/spec.ts'

const SPECS = {
  ed25519: 'ECC_NIST_EDWARDS25519',
  'ec-p256': 'ECC_NIST_P256',
  'ec-p384': 'ECC_NIST_P384',
  'ec-p521': 'ECC_NIST_P521',
  'rsa-2048': 'RSA_2048',
  'rsa-3072': 'RSA_3072',
  'rsa-4096': 'RSA_4096',
} as const satisfies { readonly [kind: string]: KeySpec }

export type KeyPairKind = keyof typeof SPECS

/** @throws CryptoError 'busy' where too many RSA keys are asked for at once */
export async function generateKeyPair(
  kind: KeyPairKind,
): Promise<{ readonly privateKey: KeyObject; readonly publicKey: KeyObject }> {
  const material = await generateKeyMaterial(SPECS[kind])
  try {
    const privateKey = createPrivateKey({ key: material, format: 'der', type: 'pkcs8' })
    return { privateKey, publicKey: createPublicKey(privateKey) }
  } finally {
    material.fill(0)
  }
}
