// KMS for the other services (port.ts): data keys made and opened in the caller's transaction, as the caller. The row of the key is
// read for every call, so that a disabled key stops at once; only then may an unwrapped key from memory be used.

import { createSecretKey, type KeyObject } from 'node:crypto'
import type { Call } from '../../call.ts'
import { findMaterialId, openBlob, sealBlob } from '../../crypto/ciphertext.ts'
import { canonicalContext } from '../../crypto/encryption-context.ts'
import { IntegrityError } from '../../errors.ts'
import type { Keyring } from '../../seal/keyring.ts'
import { SnapshotCache } from '../../storage/cache.ts'
import type { Transaction } from '../../storage/database.ts'
import type { Rows } from '../../storage/sealed.ts'
import { authorizeThroughService } from './access.ts'
import {
  aliasNotFound,
  ciphertextNotAuthorized,
  invalidCiphertext,
  keyDisabled,
  keyInvalidState,
  keyNotFound,
  notAuthorized,
} from './errors.ts'
import { KeyCache } from './key-cache.ts'
import { newMaterial, openMaterial } from './material.ts'
import {
  aliasArn,
  arnOf,
  type KeyScope,
  type KmsAlias,
  type KmsKey,
  type KmsMaterial,
  keyArn,
  managedAlias,
  managedKeyPolicy,
  parseKeyName,
} from './model.ts'
import type { EncryptionContext, Kms } from './port.ts'
import { findAlias, findKey, findMaterial, insertAlias, insertKey, insertMaterial } from './store.ts'

export type KmsOptions = {
  readonly keyring: Keyring
  readonly rows: Rows
  readonly wallNow: () => number
  readonly uuid: () => string
  readonly randomBytes: (size: number) => Uint8Array
  /** Whether unwrapped data keys stay in memory for a minute. True unless told. */
  readonly dataKeyCache?: boolean
}

const DATA_KEY_BYTES = 32
const DATA_KEYS_MAX = 10_000
const MATERIALS_MAX = 1_000
const KEY_AGE_MS_MAX = 60_000
const ROWS_REMEMBERED_MAX = 10_000

/** The services that have an AWS managed key. */
const isManagedService = (service: string): service is 'secretsmanager' => service === 'secretsmanager'

/** A data key that was opened before, with all that it was opened with. */
type Opened = { readonly key: KeyObject; readonly materialId: string; readonly context: EncryptionContext }

export function createKms(options: KmsOptions): Kms {
  const { keyring, rows, wallNow, uuid, randomBytes, dataKeyCache = true } = options
  const keyRows = new SnapshotCache<KmsKey>(ROWS_REMEMBERED_MAX)
  const aliasRows = new SnapshotCache<KmsAlias>(ROWS_REMEMBERED_MAX)
  const materialRows = new SnapshotCache<KmsMaterial>(ROWS_REMEMBERED_MAX)
  const dataKeys = new KeyCache<Opened>(dataKeyCache ? DATA_KEYS_MAX : 0, KEY_AGE_MS_MAX, wallNow)
  const materials = new KeyCache<KeyObject>(MATERIALS_MAX, KEY_AGE_MS_MAX, wallNow)

  const readKey = (tx: Transaction, account: string, region: string, keyId: string) =>
    keyRows.read(tx, `${account}/${region}/${keyId}`, () => findKey(tx, rows, account, region, keyId))
  const readAlias = (tx: Transaction, account: string, region: string, aliasName: string) =>
    aliasRows.read(tx, `${account}/${region}/${aliasName}`, () => findAlias(tx, rows, account, region, aliasName))
  const readMaterial = (tx: Transaction, materialId: string, region: string) =>
    materialRows.read(tx, `${materialId}/${region}`, () => findMaterial(tx, rows, materialId, region))

  /** The key behind one of the four forms of a KeyId. Keys of other accounts look all the same, whether they exist or not. */
  const resolveKey = async (call: Call, service: string, keyId: string, action: string): Promise<KmsKey> => {
    const scope: KeyScope = call
    const name = parseKeyName(keyId, scope)
    if (name.account !== call.account) throw notAuthorized(call.identity.arn, action)
    if (name.kind === 'key') {
      const key = await readKey(call.tx, name.account, call.region, name.keyId)
      if (key === undefined) throw keyNotFound(keyArn(scope, name.keyId))
      return key
    }
    if (name.aliasName === managedAlias(service)) return managedKey(call, service)
    const alias = await readAlias(call.tx, name.account, call.region, name.aliasName)
    if (alias === undefined) throw aliasNotFound(aliasArn(scope, name.aliasName))
    return targetOf(call, alias)
  }

  const targetOf = async (call: Call, { aliasName, targetKeyId }: KmsAlias): Promise<KmsKey> => {
    const key = await readKey(call.tx, call.account, call.region, targetKeyId)
    if (key === undefined)
      throw new IntegrityError('kms_alias', [call.account, call.region, aliasName], 'names a key that is gone')
    return key
  }

  /** The AWS managed key of a service in the caller's account and region, made on first use. */
  const managedKey = async (call: Call, service: string): Promise<KmsKey> => {
    const aliasName = managedAlias(service)
    if (!isManagedService(service)) throw aliasNotFound(aliasArn(call, aliasName))
    const alias = await readAlias(call.tx, call.account, call.region, aliasName)
    if (alias !== undefined) return targetOf(call, alias)

    const keyId = uuid()
    const created = { aliasName, targetKeyId: keyId, createdAt: call.now }
    // The alias first: whoever inserts it makes the key, everyone else waits for that or uses it.
    if (!(await insertAlias(call.tx, rows, call.account, call.region, created))) {
      const winner = await findAlias(call.tx, rows, call.account, call.region, aliasName)
      if (winner === undefined) throw aliasNotFound(aliasArn(call, aliasName))
      return targetOf(call, winner)
    }
    const container: Omit<KmsKey, 'currentMaterialId'> = {
      partition: call.partition,
      accountId: call.account,
      region: call.region,
      keyId,
      createdAt: call.now,
      description: 'Default key that protects my Secrets Manager data when no other key is defined',
      keyManager: 'AWS',
      managedFor: service,
      keySpec: 'SYMMETRIC_DEFAULT',
      keyUsage: 'ENCRYPT_DECRYPT',
      origin: 'AWS_KMS',
      keyState: 'Enabled',
      policy: managedKeyPolicy(service, call),
    }
    const material = newMaterial(keyring, container, randomBytes)
    const key: KmsKey = { ...container, currentMaterialId: material.materialId }
    await insertMaterial(call.tx, rows, material)
    await insertKey(call.tx, rows, key)
    return key
  }

  const unwrapped = (material: KmsMaterial): KeyObject => {
    const known = materials.get(material.materialId)
    if (known !== undefined) return known
    const opened = openMaterial(keyring, material)
    materials.set(material.materialId, opened)
    return opened
  }

  return {
    generateDataKey: async (call, service, keyId, context) => {
      const action = 'kms:GenerateDataKey'
      const key = keyId === undefined ? await managedKey(call, service) : await resolveKey(call, service, keyId, action)
      authorizeThroughService(call, key, service, action)
      mustBeUsable(key)
      const material = await readMaterial(call.tx, key.currentMaterialId, key.region)
      if (material === undefined)
        throw new IntegrityError('kms_key', [key.accountId, key.region, key.keyId], 'names material that is gone')

      const bytes = Buffer.from(randomBytes(DATA_KEY_BYTES))
      const id = Buffer.from(material.materialId, 'hex')
      const ciphertextBlob = sealBlob(unwrapped(material), id, bytes, canonicalContext(context))
      const dataKey = createSecretKey(bytes)
      bytes.fill(0)
      return { key: dataKey, ciphertextBlob, keyArn: arnOf(key) }
    },

    decryptDataKey: async (call, service, ciphertextBlob, context) => {
      const name = blobName(ciphertextBlob)
      const known = dataKeys.get(name)
      const materialId = known?.materialId ?? findMaterialId(ciphertextBlob)?.toString('hex')
      if (materialId === undefined) throw invalidCiphertext()
      const material = await readMaterial(call.tx, materialId, call.region)
      if (material === undefined) throw invalidCiphertext()
      if (material.accountId !== call.account) throw ciphertextNotAuthorized()
      const key = await readKey(call.tx, material.accountId, call.region, material.keyId)
      if (key === undefined)
        throw new IntegrityError('kms_material', [materialId, call.region], 'belongs to a key that is gone')
      authorizeThroughService(call, key, service, 'kms:Decrypt')
      mustBeUsable(key)

      if (known !== undefined && sameContext(known.context, context)) return known.key
      const bytes = openBlob(unwrapped(material), ciphertextBlob, canonicalContext(context))
      if (bytes === undefined) throw invalidCiphertext()
      if (bytes.length !== DATA_KEY_BYTES) throw invalidCiphertext() // encrypted by Encrypt: no data key
      const dataKey = createSecretKey(bytes)
      bytes.fill(0)
      dataKeys.set(name, { key: dataKey, materialId, context: { ...context } })
      return dataKey
    },
  }
}

/** https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html */
function mustBeUsable(key: KmsKey): void {
  if (key.keyState === 'Disabled') throw keyDisabled(arnOf(key))
  if (key.keyState === 'PendingDeletion') throw keyInvalidState(arnOf(key), 'pending deletion')
}

/** Every byte of the blob, as a key of a map. */
const blobName = (blob: Uint8Array): string =>
  Buffer.from(blob.buffer, blob.byteOffset, blob.byteLength).toString('latin1')

/** Equal exactly where the canonical bytes are, and cheaper to tell. */
function sameContext(a: EncryptionContext, b: EncryptionContext): boolean {
  const keys = Object.keys(a)
  return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && a[key] === b[key])
}
