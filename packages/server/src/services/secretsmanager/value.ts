// Values under KMS: each version has its own data key, asked for and opened as the caller, in the context of secret and version.
// https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html

import type { KeyObject } from 'node:crypto'
import type { Call, Moment } from '../../call.ts'
import { sameBytes } from '../../crypto/mac.ts'
import { openParts, sealValue, takeApart, type ValueParts, type ValuePlace } from '../../crypto/value.ts'
import { IntegrityError, ServiceError } from '../../errors.ts'
import type { DataKey, EncryptionContext } from '../kms/port.ts'
import * as errors from './errors.ts'
import {
  DEFAULT_KEY,
  MANAGED_KEY,
  ownerOf,
  type Plain,
  type Secret,
  type SecretVersion,
  type ValuedVersion,
  type VersionValue,
} from './model.ts'
import { insertValue, readValue, replaceValue, type StoredSecret, type StoredValue } from './store.ts'

const SERVICE = 'secretsmanager'
/** The SecretVersionId under which a key is tried. */
const PROBE = 'RequestToValidateKeyAccess'

/** Larger ones are not held for calls that come again. */
const HELD_BYTES_MAX = 8_192

/** What GetSecretValue answers, now and when it comes again. */
export async function findSecretValue(call: Call, stored: StoredSecret, version: ValuedVersion) {
  const { read, bytes } = await findReading(call, stored, version)
  return bytes <= HELD_BYTES_MAX && call.app.kms.keepsDataKeys ? read : read(call)!
}

/** The same of an entry of BatchGetSecretValue. */
export const readSecretValue = async (call: Call, stored: StoredSecret, version: ValuedVersion) =>
  (await findReading(call, stored, version)).read(call)!

/** `read` opens the value and notes the day of access, each time; it returns undefined where its data key is no longer in memory. */
async function findReading(call: Call, stored: StoredSecret, version: ValuedVersion) {
  const { accesses } = call.app
  const { secret } = stored
  const value = await readValue(call, secret, version)
  const frame = frameOf(secret, version, value)
  const takeKey = await onRead(call, call.app.kms.findDataKey(call, SERVICE, frame.encryptedKey, frame.context))
  const { id: VersionId, stages: VersionStages, createdAt: CreatedDate } = version
  const told = { ARN: secret.arn, Name: secret.name, VersionId, VersionStages, CreatedDate }
  const read = (moment: Moment) => {
    const dataKey = takeKey(moment)
    if (dataKey === undefined) return undefined
    const { kind, bytes } = openUnder(dataKey, frame, version)
    accesses.note(stored, version, value, moment.now)
    return kind === 'string' ? { ...told, SecretString: takeText(bytes) } : { ...told, SecretBinary: bytes }
  }
  return { read, bytes: value.bytes.length }
}

/** Whether a version has this value, in time that depends on the lengths only. */
export async function hasSameValue(call: Call, secret: Secret, version: ValuedVersion, plain: Plain): Promise<boolean> {
  const kept = await open(call, secret, version, await readValue(call, secret, version))
  const same = kept.kind === plain.kind && sameBytes(kept.bytes, plain.bytes)
  kept.bytes.fill(0)
  return same
}

/** The value of a version, decrypted as the caller. The bytes are the caller's to zero. @throws AccessDeniedException, DecryptionFailure */
export const openVersion = async (call: Call, secret: Secret, version: ValuedVersion): Promise<Plain> =>
  open(call, secret, version, await readValue(call, secret, version))

/** An encrypted value, as insertValue stores it. */
export type SealedValue = { readonly kind: Plain['kind']; readonly kmsKey: string; readonly bytes: Uint8Array }

/** Encrypts a value under the secret's key, bound to the secret's ARN. @throws AccessDeniedException, EncryptionFailure */
export const sealVersion = async (
  call: Call,
  secret: Pick<Secret, 'arn' | 'kmsKeyId'>,
  versionId: string,
  plain: Plain,
): Promise<SealedValue> => ({ kind: plain.kind, ...(await seal(call, secret, versionId, plain)) })

/** Encrypts and stores the value of a new version, or of a placeholder, under the secret's key. */
export async function storeValue(call: Call, secret: Secret, versionId: string, plain: Plain): Promise<VersionValue> {
  const { bytes, kmsKey } = await seal(call, secret, versionId, plain)
  return { kind: plain.kind, kmsKey, digest: await insertValue(call, secret.arn, versionId, bytes) }
}

/** Encrypts a version anew under the secret's key. */
export async function reencryptValue(call: Call, secret: Secret, version: ValuedVersion): Promise<VersionValue> {
  const stored = await readValue(call, secret, version)
  const plain = await open(call, secret, version, stored)
  const value = await replaceVersion(call, secret, version, plain)
  plain.bytes.fill(0)
  return value
}

/** Another value in the place of a version's, for as long as nobody was told of it. */
export async function replaceVersion(
  call: Call,
  secret: Secret,
  version: ValuedVersion,
  plain: Plain,
): Promise<VersionValue> {
  const stored = await readValue(call, secret, version)
  const { bytes, kmsKey } = await seal(call, secret, version.id, plain)
  return { kind: plain.kind, kmsKey, digest: await replaceValue(call, secret.arn, version.id, stored, bytes) }
}

/**
 * Tries a key as AWS does before a secret takes it: a data key is made, opened and thrown away. `kmsKeyId` undefined is the managed key.
 * @returns the key's ARN. @throws AccessDeniedException, EncryptionFailure
 */
export async function tryKey(call: Call, secretArn: string, kmsKeyId: string | undefined): Promise<string> {
  const context = contextOf(secretArn, PROBE)
  const dataKey = await generate(call, secretArn, kmsKeyId, context)
  await onWrite(call, call.app.kms.decryptDataKey(call, SERVICE, dataKey.ciphertextBlob, context))
  return dataKey.keyArn
}

/** The encryption context of every data key. https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html#security-encryption-encryption-context */
const contextOf = (secretArn: string, versionId: string): EncryptionContext => ({
  SecretARN: secretArn,
  SecretVersionId: versionId,
})

/** `u32 length of the encrypted data key ‖ encrypted data key ‖ encrypted value`. */
async function seal(
  call: Call,
  secret: Pick<Secret, 'arn' | 'kmsKeyId'>,
  versionId: string,
  plain: Plain,
): Promise<{ readonly bytes: Uint8Array; readonly kmsKey: string }> {
  const dataKey = await generate(call, secret.arn, secret.kmsKeyId, contextOf(secret.arn, versionId))
  const place = { secretArn: secret.arn, versionId }
  const length = Buffer.alloc(4)
  length.writeUInt32BE(dataKey.ciphertextBlob.length)
  const bytes = Buffer.concat([length, dataKey.ciphertextBlob, sealValue(dataKey.key, place, plain.kind, plain.bytes)])
  return { bytes, kmsKey: secret.kmsKeyId === undefined ? DEFAULT_KEY : dataKey.keyArn }
}

/** What a stored value says before it is opened: the same objects for as long as its row stands. */
type Framed = {
  readonly encryptedKey: Uint8Array
  /** Undefined where it is in no format. */
  readonly parts: ValueParts | undefined
  readonly context: EncryptionContext
  readonly place: ValuePlace
}

const framed = new WeakMap<StoredValue, Framed>()

function frameOf(secret: Secret, version: ValuedVersion, value: StoredValue): Framed {
  const known = framed.get(value)
  if (known !== undefined && known.place.secretArn === secret.arn && known.place.versionId === version.id) return known
  const { bytes } = value
  const valueAt = 4 + (bytes[0]! * 0x1000000 + bytes[1]! * 0x10000 + bytes[2]! * 0x100 + bytes[3]!)
  const place = { secretArn: secret.arn, versionId: version.id }
  const frame = {
    encryptedKey: bytes.subarray(4, valueAt),
    parts: takeApart(place, bytes.subarray(valueAt)),
    context: Object.freeze(contextOf(secret.arn, version.id)),
    place,
  }
  framed.set(value, frame)
  return frame
}

async function open(call: Call, secret: Secret, version: ValuedVersion, value: StoredValue): Promise<Plain> {
  const frame = frameOf(secret, version, value)
  const dataKey = await onRead(call, call.app.kms.decryptDataKey(call, SERVICE, frame.encryptedKey, frame.context))
  return openUnder(dataKey, frame, version)
}

function openUnder(
  dataKey: KeyObject,
  { parts, place }: Framed,
  version: ValuedVersion,
): Plain & { readonly bytes: Buffer } {
  const opened = parts && openParts(dataKey, parts)
  if (opened?.kind !== version.value.kind) {
    throw new IntegrityError('secret_version', [place.secretArn, version.id], 'does not open under its data key')
  }
  return { kind: opened.kind, bytes: opened.plaintext }
}

/** The text, after which the bytes are zeroed. */
function takeText(bytes: Buffer): string {
  const text = bytes.toString()
  bytes.fill(0)
  return text
}

function generate(
  call: Call,
  secretArn: string,
  kmsKeyId: string | undefined,
  context: EncryptionContext,
): Promise<DataKey> {
  const keyId = keyOfOwner(call, secretArn, kmsKeyId)
  return onWrite(call, call.app.kms.generateDataKey(call, SERVICE, keyId, context))
}

/**
 * A key as its secret's owner names it. To KMS undefined is the caller's own managed key, and ids and aliases are of the caller's account: of
 * another account's secret they become ARNs there. Its managed key admits nobody from elsewhere.
 */
function keyOfOwner({ partition, region, account }: Call, secretArn: string, kmsKeyId: string | undefined) {
  const owner = ownerOf(secretArn)
  if (owner === account || kmsKeyId?.startsWith('arn:')) return kmsKeyId
  const name = kmsKeyId ?? MANAGED_KEY
  return `arn:${partition}:kms:${region}:${owner}:${name.startsWith('alias/') ? name : `key/${name}`}`
}

/** Whether the caller has kms:Encrypt on a key, without which existing versions are not encrypted anew. */
export const mayReencrypt = (call: Call, secret: Secret, version: SecretVersion, keyArn: string): Promise<boolean> =>
  call.app.kms.mayEncrypt(call, SERVICE, keyArn, contextOf(secret.arn, version.id))

const onWrite = <T>(call: Call, work: Promise<T>): Promise<T> =>
  work.catch((error) => {
    throw translated(call, error, errors.encryptionFailed)
  })

const onRead = <T>(call: Call, work: Promise<T>): Promise<T> =>
  work.catch((error) => {
    throw translated(call, error, errors.decryptionFailed)
  })

/** What KMS answered, as Secrets Manager tells it. Whatever is not an answer of KMS stays what it is. */
function translated(call: Call, error: unknown, failed: (reason: string, cause: unknown) => ServiceError): unknown {
  if (!(error instanceof ServiceError) || error.status >= 500) return error
  if (error.code === 'AccessDeniedException') return errors.kmsAccessDenied(error)
  return failed(
    `${error.message} (Service: AWSKMS; Status Code: ${error.status}; Error Code: ${error.code}; Request ID: ${call.requestId})`,
    error,
  )
}
