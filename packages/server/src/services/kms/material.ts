// Key material: made, wrapped under a domain key, opened again, and tied to its id. Here it is bytes in a KeyObject, whatever the key spec:
// the raw key, or PKCS#8 of a key pair (crypto/kms/key-material.ts).

import { createSecretKey, type KeyObject } from 'node:crypto'
import { materialId } from '../../crypto/ciphertext.ts'
import { IntegrityError } from '../../errors.ts'
import type { Keyring } from '../../seal/keyring.ts'
import { type KmsKey, type KmsMaterial, materialAad } from './model.ts'

export const MATERIAL_PURPOSE = 'kms/material'

/** What of a key its material is bound to. */
export type MaterialOwner = Pick<
  KmsKey,
  'partition' | 'accountId' | 'region' | 'keyId' | 'keySpec' | 'keyUsage' | 'origin'
>

/** Material for a key, wrapped. The bytes are zeroed. */
export function newMaterial(keyring: Keyring, owner: MaterialOwner, bytes: Uint8Array, createdAt: number): KmsMaterial {
  const material = createSecretKey(bytes)
  bytes.fill(0)
  return keepMaterial(keyring, owner, material, createdAt)
}

/** The same of material that is wanted again: for the replica of a key. */
export function keepMaterial(
  keyring: Keyring,
  { partition, accountId, region, keyId, keySpec, keyUsage, origin }: MaterialOwner,
  material: KeyObject,
  createdAt: number,
): KmsMaterial {
  return wrapMaterial(
    keyring,
    {
      materialId: materialId(material, keyId).toString('hex'),
      ...{ partition, accountId, region, keyId, keySpec, keyUsage, origin, createdAt },
    },
    material,
  )
}

export function wrapMaterial(keyring: Keyring, about: Omit<KmsMaterial, 'wrapped'>, material: KeyObject): KmsMaterial {
  const bytes = material.export()
  const wrapped = keyring.seal(MATERIAL_PURPOSE, bytes, materialAad(about))
  bytes.fill(0)
  return { ...about, wrapped: Buffer.from(wrapped).toString('base64') }
}

/** @throws IntegrityError where it does not open as what its row says it is */
export function openMaterial(keyring: Keyring, material: KmsMaterial): KeyObject {
  const bytes = keyring.open(MATERIAL_PURPOSE, Buffer.from(material.wrapped, 'base64'), materialAad(material))
  const key = bytes && createSecretKey(bytes)
  bytes?.fill(0)
  if (key === undefined || materialId(key, material.keyId).toString('hex') !== material.materialId)
    throw new IntegrityError(
      'kms_material',
      [material.materialId, material.region],
      'holds material that does not open',
    )
  return key
}
