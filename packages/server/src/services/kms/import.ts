// Key material that a customer brings: the token and wrapping key for it, what is taken, and what becomes of the key.
// https://docs.aws.amazon.com/kms/latest/developerguide/importing-keys.html

import type { Call } from '../../call.ts'
import { findImportTokenVersion, openImportToken, sealImportToken } from '../../crypto/import-token.ts'
import { CryptoError } from '../../crypto/kms/crypto-error.ts'
import { canonicalKeyMaterial, unwrapKeyMaterial } from '../../crypto/kms/key-import.ts'
import { openPrivateKey } from '../../crypto/kms/key-material.ts'
import type { KeySpec, WrappingAlgorithm, WrappingKeySpec } from '../../crypto/kms/spec.ts'
import type { Keyring } from '../../seal/keyring.ts'
import * as errors from './errors.ts'
import { scheduleExpiry } from './import-expiry.ts'
import { keepMaterial } from './material.ts'
import { arnOf, isReplica, type KmsKey, type MaterialEntry, materialsOf } from './model.ts'
import { relatedKeys, updateShared } from './multi-region.ts'
import { type FreshMaterial, freshMaterial } from './new-key.ts'
import {
  findKey,
  findMaterial,
  insertMaterial,
  replaceMaterial,
  type Store,
  type StoredKey,
  updateKey,
} from './store.ts'

export const TOKEN_AGE_MS_MAX = 24 * 3_600_000
const VALID_MS_MAX = 365 * 86_400_000

/** Which keys of the keyring's family `token` seal import tokens. */
const TOKEN_PURPOSE = 'kms:ImportToken'

/** What a token says, besides the wrapping key's private half. */
type TokenFacts = {
  /** Wall clock. */
  readonly expiresAt: number
  readonly algorithm: WrappingAlgorithm
  readonly wrappingSpec: WrappingKeySpec
  readonly keySpec: KeySpec
}

/** `u32 length ‖ JSON ‖ PKCS#8`, sealed for the key of that ARN. The private key is zeroed. */
export function sealToken(keyring: Keyring, arn: string, facts: TokenFacts, privateKey: Uint8Array): Buffer {
  const json = Buffer.from(JSON.stringify(facts))
  const length = Buffer.alloc(4)
  length.writeUInt32BE(json.length)
  const payload = Buffer.concat([length, json, privateKey])
  privateKey.fill(0)
  const { version, key } = keyring.newestKey('token', TOKEN_PURPOSE)
  const token = sealImportToken(key, version, arn, payload)
  payload.fill(0)
  return token
}

/** @throws ServiceError InvalidImportTokenException */
function openToken(
  keyring: Keyring,
  arn: string,
  token: Uint8Array,
): { readonly facts: TokenFacts; readonly privateKey: Buffer } {
  const version = findImportTokenVersion(token)
  const key = version === undefined ? undefined : keyring.findKey('token', TOKEN_PURPOSE, version)
  const payload = key && openImportToken(key, arn, token)
  if (payload === undefined) throw errors.invalidImportToken()
  const keyAt = 4 + payload.readUInt32BE()
  return { facts: JSON.parse(payload.toString('utf8', 4, keyAt)) as TokenFacts, privateKey: payload.subarray(keyAt) }
}

/**
 * The material that was wrapped for a key, in this server's own form. Outside any transaction: RSA takes its time.
 * @throws ServiceError InvalidImportTokenException, ExpiredImportTokenException, InvalidCiphertextException, IncorrectKeyMaterialException
 */
export async function unwrapImported(
  keyring: Keyring,
  wallNow: number,
  arn: string,
  token: Uint8Array,
  wrapped: Uint8Array,
): Promise<FreshMaterial> {
  const { facts, privateKey } = openToken(keyring, arn, token)
  try {
    if (facts.expiresAt <= wallNow) throw errors.expiredImportToken()
    const opened = await unwrapKeyMaterial(openPrivateKey(facts.wrappingSpec, privateKey), facts.algorithm, wrapped)
    const material = await canonicalKeyMaterial(facts.keySpec, opened).finally(() => opened.fill(0))
    return freshMaterial(facts.keySpec, material)
  } catch (error) {
    if (!(error instanceof CryptoError)) throw error
    if (error.refusal === 'ciphertext') throw errors.materialDoesNotOpen()
    throw errors.incorrectKeyMaterial(error.message)
  } finally {
    privateKey.fill(0)
  }
}

export type ImportInput = {
  readonly ExpirationModel?: string | undefined
  readonly ValidTo?: number | undefined
  readonly ImportType?: 'NEW_KEY_MATERIAL' | 'EXISTING_KEY_MATERIAL' | undefined
  readonly KeyMaterialDescription?: string | undefined
  readonly KeyMaterialId?: string | undefined
}

/** When imported material expires. @throws ServiceError ValidationException */
function validTo({ ExpirationModel = 'KEY_MATERIAL_EXPIRES', ValidTo }: ImportInput, now: number): number | undefined {
  if (ExpirationModel === 'KEY_MATERIAL_DOES_NOT_EXPIRE') {
    if (ValidTo !== undefined)
      throw errors.invalidRequest('ValidTo must not be set where ExpirationModel is KEY_MATERIAL_DOES_NOT_EXPIRE.')
    return undefined
  }
  if (ValidTo === undefined)
    throw errors.invalidRequest('ValidTo is required where ExpirationModel is KEY_MATERIAL_EXPIRES.')
  if (ValidTo <= now || ValidTo > now + VALID_MS_MAX)
    throw errors.invalidRequest('ValidTo must be in the future, and at most 365 days from now.')
  return ValidTo
}

/** Puts imported material in its place. @returns its id. */
export async function importMaterial(
  call: Call,
  stored: StoredKey,
  fresh: FreshMaterial,
  input: ImportInput,
): Promise<string> {
  const { key } = stored
  const expires = validTo(input, call.now)
  if (input.KeyMaterialDescription !== undefined && key.keySpec !== 'SYMMETRIC_DEFAULT')
    throw errors.invalidRequest('KeyMaterialDescription is supported only for symmetric encryption KMS keys.')
  const material = keepMaterial(call.app.keyring, key, fresh.secret, call.now)
  const { materialId } = material
  if (input.KeyMaterialId !== undefined && input.KeyMaterialId !== materialId)
    throw errors.incorrectKeyMaterial('The key material is not that of the KeyMaterialId.')

  const materials = materialsOf(key)
  const known = materials.find((entry) => entry.materialId === materialId)
  const type = input.ImportType ?? (materials.length === 0 ? 'NEW_KEY_MATERIAL' : 'EXISTING_KEY_MATERIAL')
  const entry: MaterialEntry = {
    ...(known ?? { materialId, createdAt: call.now }),
    ...(input.KeyMaterialDescription !== undefined && { description: input.KeyMaterialDescription }),
  }
  const { absent: _, validTo: __, ...kept } = entry
  const imported: MaterialEntry = { ...kept, ...(expires !== undefined && { validTo: expires }) }

  if (type === 'EXISTING_KEY_MATERIAL') {
    if (known === undefined)
      throw errors.incorrectKeyMaterial('The key material is none that was imported into this KMS key before.')
    await replaceMaterial(call, material)
  } else {
    if (known !== undefined && !known.absent)
      throw errors.incorrectKeyMaterial('The key material was imported into this KMS key before.')
    await mustTakeNew(call, key, materialId)
    if (known === undefined) await insertMaterial(call, material)
    else await replaceMaterial(call, material)
  }
  const first = materials.length === 0
  const entries =
    known === undefined
      ? [...materials, first ? imported : { ...imported, pending: true as const }]
      : materials.map((other) => (other.materialId === materialId ? imported : other))
  const complete = entries.every((one) => !one.absent)
  const changed = await updateKey(call, stored, {
    ...key,
    materials: entries,
    ...(first && { currentMaterialId: materialId }),
    ...(fresh.publicKey !== undefined && { publicKey: fresh.publicKey }),
    keyState: key.keyState === 'PendingImport' && complete ? 'Enabled' : key.keyState,
  })
  await scheduleExpiry(call, changed.key)
  return materialId
}

/** More material than the first is for symmetric keys, one at a time, and of a replica what its primary has. @throws ServiceError */
async function mustTakeNew(store: Store, key: KmsKey, materialId: string): Promise<void> {
  const materials = materialsOf(key)
  if (materials.length === 0) return
  if (key.keySpec !== 'SYMMETRIC_DEFAULT')
    throw errors.incorrectKeyMaterial('Only symmetric encryption KMS keys take other key material than their first.')
  if (materials.some(({ pending }) => pending))
    throw errors.keyInvalidState(arnOf(key), 'pending rotation: it has new key material already')
  if (!isReplica(key)) return
  const primary = await findKey(store, key.accountId, key.multiRegion!.primaryRegion, key.keyId)
  if (!primary || !materialsOf(primary.key).some((entry) => entry.pending && entry.materialId === materialId))
    throw errors.incorrectKeyMaterial('The key material is not that of the multi-Region primary key.')
}

/** Whether a key of another Region still lacks the material that is to be rotated to. */
export async function awaitsReplicas(store: Store, key: KmsKey): Promise<boolean> {
  const pending = materialsOf(key).find((entry) => entry.pending)
  if (pending === undefined) return false
  const related = await relatedKeys(store, key)
  return !related.every(({ key: other }) =>
    materialsOf(other).some(({ materialId, absent }) => materialId === pending.materialId && !absent),
  )
}

/** Rotation of a key whose material is imported: to what is pending. @throws ServiceError KMSInvalidStateException */
export async function rotateToImported(call: Call, stored: StoredKey): Promise<void> {
  const { key } = stored
  const pending = materialsOf(key).find((entry) => entry.pending)
  if (pending === undefined || (await findMaterial(call, pending.materialId, key.region)) === undefined)
    throw errors.keyInvalidState(arnOf(key), 'without key material that is pending rotation')
  if (await awaitsReplicas(call, key))
    throw errors.keyInvalidState(arnOf(key), 'pending import of its new key material in other Regions')
  const rotation = { type: 'ON_DEMAND', date: call.now } as const
  await updateShared(call, stored, (one) => ({
    ...one,
    currentMaterialId: pending.materialId,
    materials: materialsOf(one).map((entry) => {
      if (entry.materialId !== pending.materialId) return entry
      const { pending: _, ...kept } = entry
      return { ...kept, rotation }
    }),
  }))
}
