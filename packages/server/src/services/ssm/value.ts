// Values at rest. A SecureString is encrypted by KMS as the caller: a standard one by Encrypt, an advanced one under a data key, both in the
// context of the parameter's ARN. Every other value is encrypted under the parameter's own data key, which asks nobody.
// https://docs.aws.amazon.com/systems-manager/latest/userguide/secure-string-parameter-kms-encryption.html

import type { KeyObject } from 'node:crypto'
import type { Call, Moment } from '../../call.ts'
import { openValue, sealValue, type ValuePlace } from '../../crypto/value.ts'
import { IntegrityError, ServiceError } from '../../errors.ts'
import type { EncryptionContext } from '../kms/port.ts'
import { openDataKey } from './data-key.ts'
import * as errors from './errors.ts'
import { MANAGED_KEY, type Parameter, type Tier, type Version } from './model.ts'

const SERVICE = 'ssm'

export type SealedValue = Pick<Version, 'form' | 'value'>

/** What a value is encrypted for. `keyId` is of a SecureString alone. */
export type Sealing = {
  readonly arn: string
  readonly parameter: Pick<Parameter, 'id' | 'key' | 'type'>
  readonly version: number
  readonly tier: Tier
  readonly keyId: string | undefined
}

/** Encrypts the value of a new version and zeroes its plaintext. @throws ServiceError AccessDeniedException, InvalidKeyId */
export async function sealVersion(call: Call, sealing: Sealing, plaintext: Buffer): Promise<SealedValue> {
  const { arn, parameter, version } = sealing
  const place = placeOf(arn, version)
  try {
    if (parameter.type !== 'SecureString') {
      const value = sealValue(openDataKey(call.app, parameter), place, 'string', plaintext)
      return { form: 'plain', value: value.toString('base64') }
    }
    return await throughKms(call, () => sealSecure(call, sealing, plaintext))
  } finally {
    plaintext.fill(0)
  }
}

async function sealSecure(call: Call, { arn, version, tier, keyId }: Sealing, plaintext: Buffer): Promise<SealedValue> {
  const { kms } = call.app
  const key = keyId === MANAGED_KEY ? undefined : keyId
  const context = contextOf(arn)
  if (tier === 'Standard') {
    const { ciphertextBlob } = await kms.encrypt(call, SERVICE, key, plaintext, context)
    return { form: 'kms', value: Buffer.from(ciphertextBlob).toString('base64') }
  }
  const dataKey = await kms.generateDataKey(call, SERVICE, key, context)
  const length = Buffer.alloc(4)
  length.writeUInt32BE(dataKey.ciphertextBlob.length)
  const sealed = sealValue(dataKey.key, placeOf(arn, version), 'string', plaintext)
  return { form: 'envelope', value: Buffer.concat([length, dataKey.ciphertextBlob, sealed]).toString('base64') }
}

/** A value as an answer has it: for the call that found it, and for those that say the same before anything was committed (operation.ts, Again). */
export type Reading = (moment: Moment) => string | undefined

/**
 * The value of a version: a SecureString as ciphertext, in base64, where it is not to be decrypted.
 * @throws ServiceError AccessDeniedException, InvalidKeyId
 */
export const readValue = async (...found: Parameters<typeof findValue>): Promise<string> =>
  (await findValue(...found))(found[0])!

/** The same, for a call that may come again. What is returned holds nothing of the call. @throws as readValue */
export async function findValue(
  call: Call,
  arn: string,
  parameter: Parameter,
  version: Version,
  withDecryption: boolean | undefined,
): Promise<Reading> {
  if (version.form !== 'plain' && withDecryption !== true) return () => version.value
  const frame = frameOf(arn, version)
  if (version.form === 'kms') return textOf(await findMessage(call, frame))
  const { app } = call
  const takeKey = version.form === 'plain' ? () => openDataKey(app, parameter) : await findDataKey(call, frame)
  return textOf((moment) => {
    const key = takeKey(moment)
    return key && openSealed(key, frame, parameter, version)
  })
}

const findMessage = (call: Call, { sealed, context }: Framed) =>
  throughKms(call, () => call.app.kms.findMessage(call, SERVICE, sealed, context))

const findDataKey = (call: Call, { encryptedKey, context }: Framed) =>
  throughKms(call, () => call.app.kms.findDataKey(call, SERVICE, encryptedKey, context))

/** The text of bytes, which are zeroed. */
const textOf =
  (open: (moment: Moment) => Buffer | undefined): Reading =>
  (moment) => {
    const bytes = open(moment)
    const text = bytes?.toString()
    bytes?.fill(0)
    return text
  }

function openSealed(key: KeyObject, { place, sealed }: Framed, { id }: Parameter, { version }: Version): Buffer {
  const opened = openValue(key, place, sealed)
  if (opened === undefined) {
    throw new IntegrityError('parameter_version', [id, String(version)], 'does not open under its data key')
  }
  return opened.plaintext
}

/** What a stored value says before it is opened: the same objects for as long as its row stands. */
type Framed = {
  /** Of an envelope. */
  readonly encryptedKey: Uint8Array
  readonly sealed: Uint8Array
  readonly context: EncryptionContext
  readonly place: ValuePlace
}

const framed = new WeakMap<Version, Framed>()

function frameOf(arn: string, version: Version): Framed {
  const known = framed.get(version)
  if (known !== undefined) return known
  const bytes = Buffer.from(version.value, 'base64')
  const sealedAt = version.form === 'envelope' ? 4 + bytes.readUInt32BE() : 0
  const frame = {
    encryptedKey: bytes.subarray(4, sealedAt),
    sealed: bytes.subarray(sealedAt),
    context: Object.freeze(contextOf(arn)),
    place: placeOf(arn, version.version),
  }
  framed.set(version, frame)
  return frame
}

const contextOf = (arn: string): EncryptionContext => ({ PARAMETER_ARN: arn })

/** Values of parameters have the form of values of secrets; that the ARN is another service's tells them apart. */
const placeOf = (arn: string, version: number): ValuePlace => ({ secretArn: arn, versionId: String(version) })

/** What KMS answered, as Parameter Store tells it. Whatever is not an answer of KMS stays what it is. */
async function throughKms<T>(call: Call, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof ServiceError) || error.status >= 500) throw error
    const told = `${error.message} (Service: AWSKMS; Status Code: ${error.status}; Error Code: ${error.code}; Request ID: ${call.requestId})`
    throw error.code === 'AccessDeniedException' ? errors.kmsAccessDenied(told, error) : errors.keyUnusable(told, error)
  }
}
