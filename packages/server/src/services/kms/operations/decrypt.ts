// Decrypt opens what Encrypt, GenerateDataKey and their like encrypted. A ciphertext under a symmetric key says itself which.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_Decrypt.html

import { operation } from '../../../operation.ts'
import { boolean, optional } from '../../../shape/shape.ts'
import {
  algorithmOf,
  ciphertextTarget,
  decrypt as decryptWith,
  mustHaveNoContext,
  refuseRecipient,
} from '../cryptography.ts'
import { checkGrantTokens } from '../grants.ts'
import { requestContext } from '../key-context.ts'
import { noteUse } from '../key-uses.ts'
import { arnOf } from '../model.ts'
import {
  Arn,
  CiphertextBlob,
  DryRunModifiers,
  EncryptionAlgorithm,
  EncryptionContext,
  GrantTokens,
  KeyId,
  KeyMaterialId,
  Plaintext,
  Recipient,
} from '../shapes.ts'
import { usableKey } from '../target.ts'

export const decrypt = operation({
  name: 'Decrypt',
  readOnly: true,
  input: {
    CiphertextBlob: optional(CiphertextBlob),
    EncryptionContext: optional(EncryptionContext),
    GrantTokens: optional(GrantTokens),
    KeyId: optional(KeyId),
    EncryptionAlgorithm: optional(EncryptionAlgorithm),
    Recipient: optional(Recipient),
    DryRun: optional(boolean()),
    DryRunModifiers: optional(DryRunModifiers),
  },
  output: {
    KeyId: optional(Arn),
    Plaintext: optional(Plaintext),
    EncryptionAlgorithm: optional(EncryptionAlgorithm),
    CiphertextForRecipient: optional(CiphertextBlob),
    KeyMaterialId: optional(KeyMaterialId),
  },

  target: (call) => {
    const { CiphertextBlob, KeyId, EncryptionAlgorithm, EncryptionContext: context, GrantTokens } = call.input
    checkGrantTokens(call, GrantTokens)
    const ciphertext = { blob: CiphertextBlob, keyId: KeyId, algorithm: EncryptionAlgorithm, context }
    return ciphertextTarget(call, ciphertext, 'Decrypt', requestContext(call))
  },

  conditions: (input) => ({ 'kms:EncryptionAlgorithm': input.EncryptionAlgorithm ?? 'SYMMETRIC_DEFAULT' }),

  async run(call) {
    const { input, target } = call
    const key = usableKey(target, 'ENCRYPT_DECRYPT', 'Decrypt')
    refuseRecipient(input)
    const algorithm = algorithmOf(key, input.EncryptionAlgorithm)
    mustHaveNoContext(algorithm, input.EncryptionContext)
    const ciphertext = { blob: input.CiphertextBlob, context: input.EncryptionContext }
    const { plaintext, materialId } = await decryptWith(call, key, algorithm, ciphertext, input)
    noteUse(call, key, 'Decrypt')
    return { KeyId: arnOf(key), Plaintext: plaintext, EncryptionAlgorithm: algorithm, KeyMaterialId: materialId }
  },
})
