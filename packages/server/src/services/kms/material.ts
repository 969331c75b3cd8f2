// Key material: made, wrapped under a domain key, opened again, and tied to its id.

import { createSecretKey, type KeyObject } from 'node:crypto'
import { KEY_BYTES } from '../../crypto/aead.ts'
import { materialId } from '../../crypto/ciphertext.ts'
import { IntegrityError } from '../../errors.ts'
import type { Keyring } from '../../seal/keyring.ts'
import { type KmsKey, type KmsMaterial, materialAad } from './model.ts'

export const MATERIAL_PURPOSE = 'kms/material'

/** Fresh material for a key. */
export function newMaterial(
  keyring: Keyring,
  key: Omit<KmsKey, 'currentMaterialId'>,
  randomBytes: (size: number) => Uint8Array,
): KmsMaterial {
  const bytes = Buffer.from(randomBytes(KEY_BYTES))
  const material = createSecretKey(bytes)
  bytes.fill(0)
  const { partition, accountId, region, keyId, keySpec, keyUsage, origin, createdAt } = key
  const unwrapped = {
    materialId: materialId(material, keyId).toString('hex'),
    ...{ partition, accountId, region, keyId, keySpec, keyUsage, origin, createdAt },
  }
  return wrapMaterial(keyring, unwrapped, material)
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
