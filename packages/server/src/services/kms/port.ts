// What other services ask of KMS: in the same transaction, with the caller's credentials, no network between.

import type { KeyObject } from 'node:crypto'
import type { Call, Moment } from '../../call.ts'

export type EncryptionContext = { readonly [key: string]: string }

export type DataKey = {
  /** AES-256. Never leaves the process. */
  readonly key: KeyObject
  readonly ciphertextBlob: Uint8Array
  readonly keyArn: string
}

export type Kms = {
  /** Whether opened data keys stay in memory for a minute, so that what findDataKey gives can serve again. */
  readonly keepsDataKeys: boolean
  /**
   * A fresh data key under a customer key or, with `keyId` undefined, under the AWS managed key of the calling service, made on first use.
   * Authorized as the caller. @throws ServiceError of KMS: NotFoundException, DisabledException, AccessDeniedException, ...
   */
  generateDataKey(call: Call, service: string, keyId: string | undefined, context: EncryptionContext): Promise<DataKey>
  /** Opens a data key. @throws as findDataKey */
  decryptDataKey(
    call: Call,
    service: string,
    ciphertextBlob: Uint8Array,
    context: EncryptionContext,
  ): Promise<KeyObject>
  /** Encrypts up to 4,096 bytes, as Encrypt does. `keyId` as of generateDataKey. @throws ServiceError of KMS */
  encrypt(
    call: Call,
    service: string,
    keyId: string | undefined,
    plaintext: Uint8Array,
    context: EncryptionContext,
  ): Promise<{ readonly ciphertextBlob: Uint8Array; readonly keyArn: string }>
  /** Opens what `encrypt` made. The caller zeroes the bytes. @throws as decryptDataKey */
  decrypt(call: Call, service: string, ciphertextBlob: Uint8Array, context: EncryptionContext): Promise<Buffer>
  /**
   * The same for a call that may come again: what takes the key, once for this call, and for as long as nothing was committed for others that are
   * the same. Undefined where it is no longer in memory. @throws ServiceError of KMS, InvalidCiphertextException where blob or context were altered.
   */
  findDataKey(
    call: Call,
    service: string,
    ciphertextBlob: Uint8Array,
    context: EncryptionContext,
  ): Promise<(use: Moment) => KeyObject | undefined>
  /**
   * Asks for the operation as the caller, through the service, and does nothing: what a service asks for before it takes a key.
   * @returns the key's ARN. @throws ServiceError of KMS where the caller may not, or the key is not fit for use
   */
  askFor(
    call: Call,
    service: string,
    keyId: string | undefined,
    operation: 'DescribeKey' | 'CreateGrant',
  ): Promise<string>
  /** Whether the key of that ARN is there and enabled. */
  isEnabled(call: Call, keyArn: string): Promise<boolean>
  /** Whether the caller has kms:Encrypt on the key of that ARN, through the service. Never throws for lack of it. */
  mayEncrypt(call: Call, service: string, keyArn: string, context: EncryptionContext): Promise<boolean>
}

export type { KeyUses } from './key-uses.ts'
export type { KmsRows } from './store.ts'
export { useTarget } from './target.ts'
