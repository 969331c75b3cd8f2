// Encrypting and decrypting under a key's material, and using its private key. State and permissions were checked by whoever calls.

import type { KeyObject } from 'node:crypto'
import { findMaterialId, findMessageKey, openBlob, openMessage, sealBlob } from '../../crypto/ciphertext.ts'
import { canonicalContext } from '../../crypto/encryption-context.ts'
import { openPrivateKey, openPublicKey, type PrivateKey, type PublicKey } from '../../crypto/kms/key-material.ts'
import { type AsymmetricSpec, isAsymmetric } from '../../crypto/kms/spec.ts'
import { IntegrityError } from '../../errors.ts'
import { invalidCiphertext, keyInvalidState } from './errors.ts'
import { openMaterial } from './material.ts'
import { arnOf, type KmsKey, type KmsMaterial, materialsOf } from './model.ts'
import type { EncryptionContext } from './port.ts'
import { findKey, findMaterial, type Store, type StoredKey } from './store.ts'

/** What encrypts, signs and agrees now. @throws IntegrityError where it is gone */
export async function currentMaterial(store: Store, key: KmsKey): Promise<KmsMaterial> {
  const id = key.currentMaterialId
  const material = id === undefined ? undefined : await findMaterial(store, id, key.region)
  if (material === undefined || material.keyId !== key.keyId || material.accountId !== key.accountId)
    throw new IntegrityError('kms_key', [key.accountId, key.region, key.keyId], 'names material that is gone')
  return material
}

/** Opened material stays in memory for a minute. Whoever asks has read its row, and the key's, in this transaction. */
export function unwrapped({ app }: Store, material: KmsMaterial): KeyObject {
  const name = `${material.materialId}/${material.region}`
  const known = app.kmsRows.unwrapped.get(name)
  if (known !== undefined) return known
  const opened = openMaterial(app.keyring, material)
  app.kmsRows.unwrapped.set(name, opened)
  return opened
}

export async function encryptUnder(
  store: Store,
  key: KmsKey,
  plaintext: Uint8Array,
  context: EncryptionContext = {},
): Promise<{ readonly blob: Buffer; readonly materialId: string }> {
  const material = await currentMaterial(store, key)
  const id = Buffer.from(material.materialId, 'hex')
  const blob = sealBlob(unwrapped(store, material), id, plaintext, canonicalContext(context))
  return { blob, materialId: material.materialId }
}

/** The material that a blob needs, and its key; undefined where there is none in this region. @throws InvalidCiphertextException where it is no blob */
export async function findKeyOfBlob(
  store: Store,
  region: string,
  blob: Uint8Array,
): Promise<{ readonly stored: StoredKey; readonly material: KmsMaterial } | undefined> {
  const id = findMaterialId(blob)?.toString('hex')
  if (id === undefined) throw invalidCiphertext()
  const material = await findMaterial(store, id, region)
  return material && { material, stored: await keyOfMaterial(store, material) }
}

export async function keyOfMaterial(store: Store, material: KmsMaterial): Promise<StoredKey> {
  const { materialId, accountId, region, keyId } = material
  const stored = await findKey(store, accountId, region, keyId)
  if (stored === undefined || !materialsOf(stored.key).some((entry) => entry.materialId === materialId))
    throw new IntegrityError('kms_material', [materialId, region], 'belongs to a key that is gone, or not to its key')
  return stored
}

/** The plaintext, which the caller zeroes. @throws ServiceError InvalidCiphertextException, KMSInvalidStateException */
export function decryptUnder(
  store: Store,
  key: KmsKey,
  material: KmsMaterial,
  blob: Uint8Array,
  context: EncryptionContext = {},
): Buffer {
  mustBeImported(key, material)
  const plaintext = openBlob(unwrapped(store, material), blob, canonicalContext(context))
  if (plaintext === undefined) throw invalidCiphertext()
  return plaintext
}

/** The key of a blob, which opens no other. @throws ServiceError InvalidCiphertextException, KMSInvalidStateException */
export function messageKeyOf(store: Store, key: KmsKey, material: KmsMaterial, blob: Uint8Array): KeyObject {
  mustBeImported(key, material)
  const messageKey = findMessageKey(unwrapped(store, material), blob)
  if (messageKey === undefined) throw invalidCiphertext()
  return messageKey
}

/** The plaintext, which the caller zeroes. @throws ServiceError InvalidCiphertextException */
export function decryptMessage(messageKey: KeyObject, blob: Uint8Array, context: EncryptionContext): Buffer {
  const plaintext = openMessage(messageKey, blob, canonicalContext(context))
  if (plaintext === undefined) throw invalidCiphertext()
  return plaintext
}

/** Imported material may have been deleted, or have expired. @throws ServiceError KMSInvalidStateException */
export function mustBeImported(key: KmsKey, material: KmsMaterial): void {
  if (material.wrapped === '') throw keyInvalidState(arnOf(key), 'pending import')
}

/** The private key of a key pair, for this call. */
export async function privateKeyOf(store: Store, key: KmsKey): Promise<PrivateKey> {
  const material = await currentMaterial(store, key)
  const name = `${material.materialId}/${material.region}`
  const known = store.app.kmsRows.privateKeys.get(name)
  if (known !== undefined) return known
  const bytes = unwrapped(store, material).export()
  const opened = openPrivateKey(key.keySpec as AsymmetricSpec, bytes)
  bytes.fill(0)
  store.app.kmsRows.privateKeys.set(name, opened)
  return opened
}

/** @throws IntegrityError where the row has none, or one of another spec */
export function publicKeyOf(key: KmsKey): PublicKey {
  if (!isAsymmetric(key.keySpec) || key.publicKey === undefined)
    throw new IntegrityError('kms_key', [key.accountId, key.region, key.keyId], 'has no public key')
  return openPublicKey(key.keySpec, Buffer.from(key.publicKey, 'base64'))
}
