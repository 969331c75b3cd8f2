// Encrypt encrypts up to 4,096 bytes under a key.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_Encrypt.html

import { operation } from '../../../operation.ts'
import { boolean, optional } from '../../../shape/shape.ts'
import { algorithmOf, encrypt as encryptWith, endDryRun, mustHaveNoContext } from '../cryptography.ts'
import { noteUse } from '../key-uses.ts'
import { arnOf } from '../model.ts'
import {
  Arn,
  CiphertextBlob,
  EncryptionAlgorithm,
  EncryptionContext,
  GrantTokens,
  KeyId,
  Plaintext,
} from '../shapes.ts'
import { usableKey, useTarget } from '../target.ts'

export const encrypt = operation({
  name: 'Encrypt',
  readOnly: true,
  input: {
    KeyId,
    Plaintext,
    EncryptionContext: optional(EncryptionContext),
    GrantTokens: optional(GrantTokens),
    EncryptionAlgorithm: optional(EncryptionAlgorithm),
    DryRun: optional(boolean()),
  },
  output: {
    CiphertextBlob: optional(CiphertextBlob),
    KeyId: optional(Arn),
    EncryptionAlgorithm: optional(EncryptionAlgorithm),
  },
  target: useTarget('Encrypt'),
  conditions: (input) => ({ 'kms:EncryptionAlgorithm': input.EncryptionAlgorithm ?? 'SYMMETRIC_DEFAULT' }),

  async run(call) {
    const { input, target } = call
    const key = usableKey(target, 'ENCRYPT_DECRYPT', 'Encrypt')
    const algorithm = algorithmOf(key, input.EncryptionAlgorithm)
    mustHaveNoContext(algorithm, input.EncryptionContext)
    endDryRun(input)
    const { blob } = await encryptWith(call, key, algorithm, input.Plaintext, input.EncryptionContext)
    noteUse(call, key, 'Encrypt')
    return { CiphertextBlob: blob, KeyId: arnOf(key), EncryptionAlgorithm: algorithm }
  },
})
