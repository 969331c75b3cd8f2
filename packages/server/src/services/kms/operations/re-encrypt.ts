// ReEncrypt decrypts under one key and encrypts under another, or the same in another context; the plaintext never leaves.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_ReEncrypt.html

import type { Call } from '../../../call.ts'
import { operation, type Target } from '../../../operation.ts'
import { boolean, optional } from '../../../shape/shape.ts'
import { algorithmOf, ciphertextTarget, decrypt, encrypt, mustHaveNoContext } from '../cryptography.ts'
import { checkGrantTokens } from '../grants.ts'
import { encryptionContextKeys, requestContext } from '../key-context.ts'
import { noteUse } from '../key-uses.ts'
import { arnOf } from '../model.ts'
import type { EncryptionContext as Context } from '../port.ts'
import {
  Arn,
  CiphertextBlob,
  DryRunModifiers,
  EncryptionAlgorithm,
  EncryptionContext,
  GrantTokens,
  KeyId,
  KeyMaterialId,
} from '../shapes.ts'
import { type KeyTarget, permissionOn, resolveKey, usableKey } from '../target.ts'

type TwoKeys = Target & { readonly source: KeyTarget; readonly destination: KeyTarget }

type Input = {
  readonly DestinationKeyId: string
  readonly CiphertextBlob?: Uint8Array | undefined
  readonly SourceEncryptionContext?: Context | undefined
  readonly SourceKeyId?: string | undefined
  readonly DestinationEncryptionContext?: Context | undefined
  readonly SourceEncryptionAlgorithm?: string | undefined
  readonly DestinationEncryptionAlgorithm?: string | undefined
  readonly GrantTokens?: readonly string[] | undefined
}

async function target(call: Call<Input>): Promise<TwoKeys> {
  const { input } = call
  checkGrantTokens(call, input.GrantTokens)
  const request = requestContext(call)
  const of = (context: Context | undefined, algorithm: string | undefined) => ({
    ...request,
    ...encryptionContextKeys(context),
    'kms:EncryptionAlgorithm': algorithm ?? 'SYMMETRIC_DEFAULT',
  })
  const source = await ciphertextTarget(
    call,
    {
      blob: input.CiphertextBlob,
      keyId: input.SourceKeyId,
      algorithm: input.SourceEncryptionAlgorithm,
      context: input.SourceEncryptionContext,
    },
    'ReEncryptFrom',
    of(input.SourceEncryptionContext, input.SourceEncryptionAlgorithm),
  )
  const destination = await resolveKey(
    call,
    input.DestinationKeyId,
    {
      names: 'any',
      crossAccount: true,
      grant: 'ReEncryptTo',
      encryptionContext: input.DestinationEncryptionContext,
    },
    of(input.DestinationEncryptionContext, input.DestinationEncryptionAlgorithm),
  )
  const { resource, shown, account, resourceType } = source
  return { resource, shown: shown!, account, resourceType: resourceType!, source, destination }
}

export const reEncrypt = operation({
  name: 'ReEncrypt',
  readOnly: true,
  input: {
    CiphertextBlob: optional(CiphertextBlob),
    SourceEncryptionContext: optional(EncryptionContext),
    SourceKeyId: optional(KeyId),
    DestinationKeyId: KeyId,
    DestinationEncryptionContext: optional(EncryptionContext),
    SourceEncryptionAlgorithm: optional(EncryptionAlgorithm),
    DestinationEncryptionAlgorithm: optional(EncryptionAlgorithm),
    GrantTokens: optional(GrantTokens),
    DryRun: optional(boolean()),
    DryRunModifiers: optional(DryRunModifiers),
  },
  output: {
    CiphertextBlob: optional(CiphertextBlob),
    SourceKeyId: optional(Arn),
    KeyId: optional(Arn),
    SourceEncryptionAlgorithm: optional(EncryptionAlgorithm),
    DestinationEncryptionAlgorithm: optional(EncryptionAlgorithm),
    SourceKeyMaterialId: optional(KeyMaterialId),
    DestinationKeyMaterialId: optional(KeyMaterialId),
  },

  target,

  permissions: (_, { source, destination }) => {
    const same = source.stored !== undefined && source.stored.key === destination.stored?.key
    const context = { 'kms:ReEncryptOnSameKey': String(same) }
    return [permissionOn(source, 'kms:ReEncryptFrom', context), permissionOn(destination, 'kms:ReEncryptTo', context)]
  },

  async run(call) {
    const { input, target } = call
    const source = usableKey(target.source, 'ENCRYPT_DECRYPT', 'ReEncrypt')
    const destination = usableKey(target.destination, 'ENCRYPT_DECRYPT', 'ReEncrypt')
    const from = algorithmOf(source, input.SourceEncryptionAlgorithm)
    const to = algorithmOf(destination, input.DestinationEncryptionAlgorithm)
    mustHaveNoContext(from, input.SourceEncryptionContext)
    mustHaveNoContext(to, input.DestinationEncryptionContext)
    const ciphertext = { blob: input.CiphertextBlob, context: input.SourceEncryptionContext }
    const { plaintext, materialId } = await decrypt(call, source, from, ciphertext, input)
    const encrypted = await encrypt(call, destination, to, plaintext, input.DestinationEncryptionContext).finally(() =>
      plaintext.fill(0),
    )
    noteUse(call, source, 'ReEncrypt')
    noteUse(call, destination, 'ReEncrypt')
    return {
      CiphertextBlob: encrypted.blob,
      SourceKeyId: arnOf(source),
      KeyId: arnOf(destination),
      SourceEncryptionAlgorithm: from,
      DestinationEncryptionAlgorithm: to,
      SourceKeyMaterialId: materialId,
      DestinationKeyMaterialId: encrypted.materialId,
    }
  },
})
