// Making a key: which specs, usages and origins go together, its material, and its row.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateKey.html

import { createSecretKey, type KeyObject } from 'node:crypto'
import type { Call } from '../../call.ts'
import { CryptoError } from '../../crypto/kms/crypto-error.ts'
import { generateKeyMaterial, openPrivateKey, publicKeyDer } from '../../crypto/kms/key-material.ts'
import {
  type AsymmetricSpec,
  isAsymmetric,
  KEY_SPECS,
  type KeySpec,
  type KeyUsage,
  keyUsagesOf,
} from '../../crypto/kms/spec.ts'
import * as errors from './errors.ts'
import { keepMaterial } from './material.ts'
import type { KmsKey, Origin } from './model.ts'
import { countKeys, insertKey, insertMaterial, type StoredKey } from './store.ts'

/** https://docs.aws.amazon.com/kms/latest/developerguide/resource-limits.html */
const KEYS_MAX = 100_000

export type KeyKind = {
  readonly keySpec: KeySpec
  readonly keyUsage: KeyUsage
  readonly origin: Origin
  readonly multiRegion: boolean
}

type Asked = {
  readonly KeySpec?: string | undefined
  readonly CustomerMasterKeySpec?: string | undefined
  readonly KeyUsage?: string | undefined
  readonly Origin?: string | undefined
  readonly CustomKeyStoreId?: string | undefined
  readonly XksKeyId?: string | undefined
  readonly MultiRegion?: boolean | undefined
}

/** What CreateKey asks for, before it is known whether that goes together: what policies see of it. */
export const askedKind = (input: Asked) => {
  const keySpec = input.KeySpec ?? input.CustomerMasterKeySpec ?? 'SYMMETRIC_DEFAULT'
  return {
    keySpec,
    keyUsage: input.KeyUsage ?? 'ENCRYPT_DECRYPT',
    origin: input.Origin ?? 'AWS_KMS',
    multiRegion: input.MultiRegion ?? false,
  }
}

/** @throws ServiceError ValidationException, UnsupportedOperationException, CustomKeyStoreNotFoundException */
export function kindOf(input: Asked): KeyKind {
  const { KeySpec: spec, CustomerMasterKeySpec: older } = input
  if (spec !== undefined && older !== undefined && spec !== older)
    throw errors.invalidRequest(
      'You cannot specify KeySpec and CustomerMasterKeySpec in the same request. CustomerMasterKeySpec is deprecated.',
    )
  const { keySpec, keyUsage, origin, multiRegion } = askedKind(input)
  if (input.CustomKeyStoreId !== undefined) throw errors.keyStoreNotFound()
  if (input.XksKeyId !== undefined || origin === 'AWS_CLOUDHSM' || origin === 'EXTERNAL_KEY_STORE')
    throw errors.noCustomKeyStore()
  if (!isKnownSpec(keySpec)) throw errors.unsupported(`Key spec ${keySpec} is not supported.`)
  if (input.KeyUsage === undefined && keySpec !== 'SYMMETRIC_DEFAULT')
    throw errors.invalidRequest(
      'You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys.',
    )
  if (!keyUsagesOf(keySpec).includes(keyUsage as KeyUsage))
    throw errors.invalidRequest(`KeyUsage ${keyUsage} is not compatible with KeySpec ${keySpec}`)
  return { keySpec, keyUsage: keyUsage as KeyUsage, origin: origin as Origin, multiRegion }
}

const isKnownSpec = (spec: string): spec is KeySpec => KEY_SPECS.includes(spec as KeySpec)

export type FreshMaterial = { readonly secret: KeyObject; readonly publicKey?: string }

/** Material as bytes in a KeyObject, which can be used again where a transaction is run again. The bytes are zeroed. */
export function freshMaterial(spec: KeySpec, bytes: Uint8Array): FreshMaterial {
  const secret = createSecretKey(bytes)
  const publicKey = isAsymmetric(spec) ? publicKeyOfMaterial(spec, bytes) : undefined
  bytes.fill(0)
  return { secret, ...(publicKey !== undefined && { publicKey }) }
}

const publicKeyOfMaterial = (spec: AsymmetricSpec, bytes: Uint8Array): string =>
  publicKeyDer(openPrivateKey(spec, bytes)).toString('base64')

/** Outside any transaction, since an RSA key takes its time. @throws ServiceError ThrottlingException where too many are asked for at once */
export async function makeMaterial(spec: KeySpec): Promise<FreshMaterial> {
  try {
    return freshMaterial(spec, await generateKeyMaterial(spec))
  } catch (error) {
    if (error instanceof CryptoError && error.refusal === 'busy') throw errors.busy(error)
    throw error
  }
}

/** Stores a new key and its material, and counts it. @throws ServiceError LimitExceededException */
export async function storeNewKey(call: Call, key: KmsKey, fresh: FreshMaterial | undefined): Promise<StoredKey> {
  if ((await countKeys(call, key.accountId, key.region, 1)) > KEYS_MAX)
    throw errors.limitExceeded(`The account has ${KEYS_MAX} KMS keys in this Region already.`)
  if (fresh === undefined) return insertKey(call, key)
  const material = keepMaterial(call.app.keyring, key, fresh.secret, call.now)
  await insertMaterial(call, material)
  return insertKey(call, {
    ...key,
    currentMaterialId: material.materialId,
    materials: [{ materialId: material.materialId, createdAt: call.now }],
    ...(fresh.publicKey !== undefined && { publicKey: fresh.publicKey }),
  })
}
