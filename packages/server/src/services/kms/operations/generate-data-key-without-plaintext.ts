// GenerateDataKeyWithoutPlaintext makes a symmetric key for use outside KMS and returns it only encrypted under a KMS key.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateDataKeyWithoutPlaintext.html

import { operation } from '../../../operation.ts'
import { boolean, optional } from '../../../shape/shape.ts'
import { makeDataKey } from '../data-key.ts'
import {
  Arn,
  CiphertextBlob,
  DataKeySpec,
  EncryptionContext,
  GrantTokens,
  KeyId,
  KeyMaterialId,
  NumberOfBytes,
} from '../shapes.ts'
import { useTarget } from '../target.ts'

export const generateDataKeyWithoutPlaintext = operation({
  name: 'GenerateDataKeyWithoutPlaintext',
  readOnly: true,
  input: {
    KeyId,
    EncryptionContext: optional(EncryptionContext),
    KeySpec: optional(DataKeySpec),
    NumberOfBytes: optional(NumberOfBytes),
    GrantTokens: optional(GrantTokens),
    DryRun: optional(boolean()),
  },
  output: {
    CiphertextBlob: optional(CiphertextBlob),
    KeyId: optional(Arn),
    KeyMaterialId: optional(KeyMaterialId),
  },
  target: useTarget('GenerateDataKeyWithoutPlaintext'),

  async run(call) {
    const { plaintext, answer } = await makeDataKey(call, 'GenerateDataKeyWithoutPlaintext')
    plaintext.fill(0)
    return answer
  },
})
