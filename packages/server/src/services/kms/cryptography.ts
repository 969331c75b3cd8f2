// What the cryptographic operations have in common: DryRun, algorithms that fit a key, and refusals of crypto/kms in AWS's words.
// https://docs.aws.amazon.com/kms/latest/developerguide/testing-permissions.html

import type { Call } from '../../call.ts'
import { findMaterialId } from '../../crypto/ciphertext.ts'
import { CryptoError } from '../../crypto/kms/crypto-error.ts'
import { decryptOaep, encryptOaep } from '../../crypto/kms/rsa-oaep.ts'
import type { EncryptionAlgorithm } from '../../crypto/kms/spec.ts'
import type { Context } from '../../policy/engine.ts'
import { isOpenAccount } from '../iam/port.ts'
import { decryptUnder, encryptUnder, findKeyOfBlob, privateKeyOf, publicKeyOf } from './encryption.ts'
import * as errors from './errors.ts'
import { arnOf, encryptionAlgorithms, type KmsKey } from './model.ts'
import type { EncryptionContext } from './port.ts'
import { findMaterial } from './store.ts'
import { type KeyTarget, resolveKey, targetOf } from './target.ts'

/** Ends a dry run, once everything but the cryptography was checked. @throws ServiceError DryRunOperationException */
export function endDryRun({ DryRun }: { readonly DryRun?: boolean | undefined }): void {
  if (DryRun) throw errors.dryRun()
}

/** @throws ServiceError UnsupportedOperationException: there are no enclaves to answer to */
export function refuseRecipient({ Recipient }: { readonly Recipient?: object | undefined }): void {
  if (Recipient !== undefined) throw errors.unsupported('Recipient is not supported: there are no Nitro enclaves here.')
}

/** @throws ServiceError InvalidKeyUsageException */
export function algorithmOf(key: KmsKey, asked: string | undefined): EncryptionAlgorithm {
  const algorithm = asked ?? 'SYMMETRIC_DEFAULT'
  if (!encryptionAlgorithms(key).includes(algorithm as EncryptionAlgorithm))
    throw errors.wrongAlgorithm(algorithm, key.keySpec)
  return algorithm as EncryptionAlgorithm
}

/** A key pair's ciphertext is bound to nothing else. @throws ServiceError ValidationException */
export function mustHaveNoContext(algorithm: EncryptionAlgorithm, context: EncryptionContext | undefined): void {
  if (algorithm !== 'SYMMETRIC_DEFAULT' && context !== undefined && Object.keys(context).length > 0)
    throw errors.invalidRequest('An encryption context is supported only with symmetric encryption KMS keys.')
}

export type Encrypted = { readonly blob: Buffer; readonly materialId?: string }

export async function encrypt(
  call: Call,
  key: KmsKey,
  algorithm: EncryptionAlgorithm,
  plaintext: Uint8Array,
  context: EncryptionContext | undefined,
): Promise<Encrypted> {
  if (algorithm === 'SYMMETRIC_DEFAULT') return encryptUnder(call, key, plaintext, context)
  return { blob: await refusalsOf(key, algorithm, () => encryptOaep(publicKeyOf(key), algorithm, plaintext)) }
}

/** What is to be decrypted, and as what. */
export type Ciphertext = {
  /** Absent in a dry run that ignores it. */
  readonly blob: Uint8Array | undefined
  readonly keyId: string | undefined
  readonly algorithm: string | undefined
  readonly context: EncryptionContext | undefined
}

/** The key that a ciphertext needs, or that is named for it. @throws ServiceError for a ciphertext of a key that the caller may know nothing of */
export async function ciphertextTarget(
  call: Call,
  { blob, keyId, algorithm, context }: Ciphertext,
  grant: 'Decrypt' | 'ReEncryptFrom',
  request: Context,
): Promise<KeyTarget> {
  const wants = { names: 'any', crossAccount: true, grant, encryptionContext: context } as const
  if (keyId !== undefined) return resolveKey(call, keyId, wants, request)
  if (algorithm !== undefined && algorithm !== 'SYMMETRIC_DEFAULT')
    throw errors.invalidRequest('The KeyId of the KMS key is required to decrypt with an asymmetric algorithm.')
  if (blob === undefined) throw errors.invalidRequest('CiphertextBlob or the KeyId of the KMS key is required.')
  const found = await findKeyOfBlob(call, call.region, blob)
  if (found === undefined) throw errors.ciphertextNotAuthorized()
  const { stored } = found
  const arn = arnOf(stored.key)
  if (stored.key.accountId === call.account) return targetOf(call, stored, arn, request, wants)

  if (!(await isOpenAccount(call.app, call.tx, stored.key.accountId))) throw errors.ciphertextNotAuthorized()
  const target = await targetOf(call, stored, arn, request, wants)
  const permission = { action: `kms:${grant}`, resource: arn, resourceAccount: target.account, context: request }
  if (!call.decide(permission, target.concealed).allow) throw errors.ciphertextNotAuthorized()
  return target
}

export type Decrypted = { readonly plaintext: Buffer; readonly materialId?: string }

/** The plaintext, which the caller zeroes. @param dry whether to stop before the cryptography */
export async function decrypt(
  call: Call,
  key: KmsKey,
  algorithm: EncryptionAlgorithm,
  { blob, context }: Pick<Ciphertext, 'blob' | 'context'>,
  dry: { readonly DryRun?: boolean | undefined; readonly DryRunModifiers?: readonly string[] | undefined },
): Promise<Decrypted> {
  if (dry.DryRunModifiers?.length && !dry.DryRun)
    throw errors.invalidRequest('DryRunModifiers can be used only where DryRun is true.')
  if (dry.DryRunModifiers?.includes('IGNORE_CIPHERTEXT')) endDryRun(dry)
  if (blob === undefined) throw errors.invalidRequest('CiphertextBlob is required.')
  if (algorithm !== 'SYMMETRIC_DEFAULT') {
    endDryRun(dry)
    const privateKey = await privateKeyOf(call, key)
    return { plaintext: await refusalsOf(key, algorithm, () => decryptOaep(privateKey, algorithm, blob)) }
  }
  const id = findMaterialId(blob)?.toString('hex')
  if (id === undefined) throw errors.invalidCiphertext()
  const material = await findMaterial(call, id, key.region)
  if (material === undefined || material.keyId !== key.keyId || material.accountId !== key.accountId)
    throw errors.incorrectKey()
  endDryRun(dry)
  return { plaintext: decryptUnder(call, key, material, blob, context), materialId: id }
}

/** Runs cryptography on a key, and says in AWS's words what it refuses. */
export async function refusalsOf<Result>(
  key: Pick<KmsKey, 'keySpec'>,
  algorithm: string,
  work: () => Result | Promise<Result>,
): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof CryptoError)) throw error
    switch (error.refusal) {
      case 'algorithm':
        throw error.message.startsWith('Message type')
          ? errors.invalidRequest(error.message)
          : errors.wrongAlgorithm(algorithm, key.keySpec)
      case 'length':
        throw errors.invalidRequest(error.message)
      case 'ciphertext':
        throw errors.invalidCiphertext()
      case 'key-material':
      case 'public-key':
        throw errors.invalidRequest(error.message)
      case 'busy':
        throw errors.busy(error)
    }
  }
}

/** How many bytes a data key has. @throws ServiceError ValidationException */
export function dataKeyBytes({
  KeySpec,
  NumberOfBytes,
}: {
  readonly KeySpec?: string | undefined
  readonly NumberOfBytes?: number | undefined
}): number {
  if ((KeySpec === undefined) === (NumberOfBytes === undefined))
    throw errors.invalidRequest('Please specify either number of bytes or key spec.')
  return NumberOfBytes ?? (KeySpec === 'AES_128' ? 16 : 32)
}
