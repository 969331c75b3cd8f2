// KMS for the other services (port.ts): data keys made and opened in the caller's transaction, as the caller, and a few bytes encrypted. The row
// of the key is read for every call, so that a disabled key stops at once; only then may an unwrapped key from memory be used.

import { createSecretKey, type KeyObject } from 'node:crypto'
import type { Call, Moment } from '../../call.ts'
import { findMaterialId, headerOf } from '../../crypto/ciphertext.ts'
import { isAsymmetric } from '../../crypto/kms/spec.ts'
import { isOpenAccount } from '../iam/port.ts'
import { authorizeThroughService, permissionThroughService } from './access.ts'
import { decryptMessage, decryptUnder, encryptUnder, keyOfMaterial, messageKeyOf } from './encryption.ts'
import {
  aliasNotFound,
  ciphertextNotAuthorized,
  invalidCiphertext,
  keyNotFound,
  noDataKeyUnderPair,
  notAuthorized,
  wrongUsage,
} from './errors.ts'
import { KeyCache } from './key-cache.ts'
import { mustBeFit } from './key-states.ts'
import { noteUse } from './key-uses.ts'
import { findManagedKey } from './managed-keys.ts'
import {
  aliasArn,
  arnOf,
  isManagedService,
  type KmsKey,
  type KmsMaterial,
  keyArn,
  managedAlias,
  parseKeyName,
} from './model.ts'
import type { EncryptionContext, Kms } from './port.ts'
import { findMaterial } from './store.ts'
import { findNamed } from './target.ts'

export type KmsOptions = {
  readonly wallNow: () => number
  readonly randomBytes: (size: number) => Uint8Array
  /** Whether unwrapped data keys stay in memory for a minute. True unless told. */
  readonly dataKeyCache?: boolean
}

const DATA_KEY_BYTES = 32
const DATA_KEYS_MAX = 10_000
const KEY_AGE_MS_MAX = 60_000

/** A data key that was opened before, with all that it was opened with. */
type Opened = { readonly key: KeyObject; readonly materialId: string; readonly context: EncryptionContext }

/** The key of one blob; whether the blob and its context are whole is found each time. */
type MessageKey = Pick<Opened, 'key' | 'materialId'>

type Found = { readonly key: KmsKey; readonly alias?: string }

export function createKms({ wallNow, randomBytes, dataKeyCache = true }: KmsOptions): Kms {
  const dataKeys = new KeyCache<Opened>(dataKeyCache ? DATA_KEYS_MAX : 0, KEY_AGE_MS_MAX, wallNow)
  const messageKeys = new KeyCache<MessageKey>(dataKeyCache ? DATA_KEYS_MAX : 0, KEY_AGE_MS_MAX, wallNow)

  const findDataKey: Kms['findDataKey'] = async (call, service, ciphertextBlob, context) => {
    const name = blobName(ciphertextBlob)
    const known = dataKeys.get(name)
    const materialId = known?.materialId ?? findMaterialId(ciphertextBlob)?.toString('hex')
    const { key, material } = await keyToOpen(call, service, materialId, context)
    const usable = known !== undefined && material.wrapped !== '' && sameContext(known.context, context)
    const opened = usable ? known.key : openDataKey(call, { key, material, name }, ciphertextBlob, context)
    return takerOf(call, key, name, opened, dataKeys)
  }

  const openDataKey = (
    call: Call,
    { key, material, name }: { readonly key: KmsKey; readonly material: KmsMaterial; readonly name: string },
    ciphertextBlob: Uint8Array,
    context: EncryptionContext,
  ): KeyObject => {
    const bytes = decryptUnder(call, key, material, ciphertextBlob, context)
    if (bytes.length !== DATA_KEY_BYTES) throw invalidCiphertext() // encrypted by Encrypt: no data key
    const dataKey = createSecretKey(bytes)
    bytes.fill(0)
    const { materialId } = material
    dataKeys.set(name, { key: dataKey, materialId, context: Object.isFrozen(context) ? context : { ...context } })
    return dataKey
  }

  /** Holds the key no longer than until it is taken: afterwards only the cache does, for its minute. */
  const takerOf = <K>(
    { app, account }: Call,
    key: KmsKey,
    name: string,
    opened: K,
    cache: KeyCache<{ readonly key: K }>,
  ) => {
    let first: K | undefined = opened
    return (use: Moment): K | undefined => {
      if (first !== undefined) {
        const taken = first
        first = undefined
        return taken
      }
      const known = cache.get(name)
      const { now, requestId, eventId } = use
      if (known !== undefined) noteUse({ app, account, now, requestId, eventId }, key, 'Decrypt')
      return known?.key
    }
  }

  return {
    keepsDataKeys: dataKeyCache,

    generateDataKey: async (call, service, keyId, context) => {
      const operation = 'GenerateDataKey'
      const { key, alias } = await findKeyFor(call, service, keyId, `kms:${operation}`)
      await authorizeThroughService(call, key, { service, operation, context, alias })
      mustBeFit(key, 'use')
      mustMakeDataKeys(key, operation)

      const bytes = Buffer.from(randomBytes(DATA_KEY_BYTES))
      const { blob } = await encryptUnder(call, key, bytes, context)
      const dataKey = createSecretKey(bytes)
      bytes.fill(0)
      noteUse(call, key, operation)
      return { key: dataKey, ciphertextBlob: blob, keyArn: arnOf(key) }
    },

    decryptDataKey: async (call, service, ciphertextBlob, context) =>
      (await findDataKey(call, service, ciphertextBlob, context))(call)!,

    findDataKey,

    encrypt: async (call, service, keyId, plaintext, context) => {
      const operation = 'Encrypt'
      const { key, alias } = await findKeyFor(call, service, keyId, `kms:${operation}`)
      await authorizeThroughService(call, key, { service, operation, context, alias })
      mustBeFit(key, 'use')
      mustBeSymmetric(key, operation)

      const { blob } = await encryptUnder(call, key, plaintext, context)
      noteUse(call, key, operation)
      return { ciphertextBlob: blob, keyArn: arnOf(key) }
    },

    findMessage: async (call, service, ciphertextBlob, context) => {
      const name = headerOf(ciphertextBlob)
      const known = messageKeys.get(name)
      const materialId = known?.materialId ?? findMaterialId(ciphertextBlob)?.toString('hex')
      const { key, material } = await keyToOpen(call, service, materialId, context)
      const usable = known !== undefined && material.wrapped !== ''
      const opened = usable ? known.key : messageKeyOf(call, key, material, ciphertextBlob)
      if (!usable) messageKeys.set(name, { key: opened, materialId: material.materialId })
      return opening(takerOf(call, key, name, opened, messageKeys), ciphertextBlob, context)
    },

    askFor: async (call, service, keyId, operation) => {
      const { key, alias } = await findKeyFor(call, service, keyId, `kms:${operation}`)
      await authorizeThroughService(call, key, { service, operation, context: {}, alias })
      mustBeFit(key, 'use')
      return arnOf(key)
    },

    isEnabled: async (call, arn) => {
      const stored = await findNamed(call, parseKeyName(arn, call))
      return stored?.key.keyState === 'Enabled'
    },

    mayEncrypt: async (call, service, arn, context) => {
      const stored = await findNamed(call, parseKeyName(arn, call))
      if (stored === undefined) return false
      const asked = { service, operation: 'Encrypt', context } as const
      return call.decide(await permissionThroughService(call, stored.key, asked)).allow
    },
  }
}

/** Apart, so that it holds nothing of the call. */
const opening =
  (take: (use: Moment) => MessageKey['key'] | undefined, ciphertextBlob: Uint8Array, context: EncryptionContext) =>
  (use: Moment): Buffer | undefined => {
    const key = take(use)
    return key && decryptMessage(key, ciphertextBlob, context)
  }

/**
 * The key that a blob needs, once the caller may decrypt with it through the service, and its material. Whoever is of another account learns
 * nothing of it. @throws ServiceError of KMS
 */
async function keyToOpen(
  call: Call,
  service: string,
  materialId: string | undefined,
  context: EncryptionContext,
): Promise<{ readonly key: KmsKey; readonly material: KmsMaterial }> {
  const operation = 'Decrypt'
  const material = materialId === undefined ? undefined : await findMaterial(call, materialId, call.region)
  if (material === undefined) throw invalidCiphertext()
  const foreign = material.accountId !== call.account
  if (foreign && !(await isOpenAccount(call.app, call.tx, material.accountId))) throw ciphertextNotAuthorized()
  const { key } = await keyOfMaterial(call, material)
  if (foreign) {
    const permission = await permissionThroughService(call, key, { service, operation, context })
    if (!call.decide(permission).allow) throw ciphertextNotAuthorized()
  } else await authorizeThroughService(call, key, { service, operation, context })
  mustBeFit(key, 'use')

  noteUse(call, key, operation)
  return { key, material }
}

/** The key behind one of the four forms of a KeyId. Keys of other accounts look all the same, whether they exist or not. */
async function findKeyFor(call: Call, service: string, keyId: string | undefined, action: string): Promise<Found> {
  if (keyId === undefined) return { key: await managedKey(call, service) }
  const name = parseKeyName(keyId, call)
  if (name.account !== call.account) {
    const stored = (await isOpenAccount(call.app, call.tx, name.account)) ? await findNamed(call, name) : undefined
    if (stored === undefined) throw notAuthorized(call.identity.arn, action)
    return { key: stored.key, ...(name.kind === 'alias' && { alias: name.aliasName }) }
  }
  if (name.kind === 'alias' && name.aliasName === managedAlias(service)) return { key: await managedKey(call, service) }
  const stored = await findNamed(call, name)
  if (name.kind === 'key') {
    if (stored === undefined) throw keyNotFound(keyArn(call, name.keyId))
    return { key: stored.key }
  }
  if (stored === undefined) throw aliasNotFound(aliasArn(call, name.aliasName))
  return { key: stored.key, alias: name.aliasName }
}

/** The AWS managed key of a service in the caller's account and region, made on first use. */
async function managedKey(call: Call, service: string): Promise<KmsKey> {
  if (!isManagedService(service)) throw aliasNotFound(aliasArn(call, managedAlias(service)))
  return findManagedKey(call, service)
}

/** @throws ServiceError InvalidKeyUsageException */
export function mustMakeDataKeys(key: KmsKey, operation: string): void {
  if (isAsymmetric(key.keySpec)) throw noDataKeyUnderPair()
  mustBeSymmetric(key, operation)
}

function mustBeSymmetric(key: KmsKey, operation: string): void {
  if (key.keySpec !== 'SYMMETRIC_DEFAULT') throw wrongUsage(arnOf(key), key.keyUsage, operation)
}

/** Of blobs that are parts of remembered rows, which nobody changes. */
const blobNames = new WeakMap<Uint8Array, string>()

/** Every byte of the blob, as a key of a map. */
function blobName(blob: Uint8Array): string {
  const known = blobNames.get(blob)
  if (known !== undefined) return known
  const name = Buffer.from(blob.buffer, blob.byteOffset, blob.byteLength).toString('latin1')
  blobNames.set(blob, name)
  return name
}

/** Equal exactly where the canonical bytes are, and cheaper to tell. */
function sameContext(a: EncryptionContext, b: EncryptionContext): boolean {
  if (a === b) return true
  const keys = Object.keys(a)
  return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && a[key] === b[key])
}
