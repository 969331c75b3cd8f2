// GenerateDataKey makes a symmetric key for use outside KMS, in plaintext and encrypted under a KMS key.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateDataKey.html

import { operation } from '../../../operation.ts'
import { boolean, optional } from '../../../shape/shape.ts'
import { refuseRecipient } from '../cryptography.ts'
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
  Plaintext,
  Recipient,
} from '../shapes.ts'
import { useTarget } from '../target.ts'

export const generateDataKey = operation({
  name: 'GenerateDataKey',
  readOnly: true,
  input: {
    KeyId,
    EncryptionContext: optional(EncryptionContext),
    NumberOfBytes: optional(NumberOfBytes),
    KeySpec: optional(DataKeySpec),
    GrantTokens: optional(GrantTokens),
    Recipient: optional(Recipient),
    DryRun: optional(boolean()),
  },
  output: {
    CiphertextBlob: optional(CiphertextBlob),
    Plaintext: optional(Plaintext),
    KeyId: optional(Arn),
    CiphertextForRecipient: optional(CiphertextBlob),
    KeyMaterialId: optional(KeyMaterialId),
  },
  target: useTarget('GenerateDataKey'),

  async run(call) {
    refuseRecipient(call.input)
    const { plaintext, answer } = await makeDataKey(call, 'GenerateDataKey')
    return { ...answer, Plaintext: plaintext }
  },
})
