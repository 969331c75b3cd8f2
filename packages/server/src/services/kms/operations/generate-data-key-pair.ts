// GenerateDataKeyPair makes a key pair for use outside KMS, its private key in plaintext and encrypted under a KMS key.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateDataKeyPair.html

import { operation } from '../../../operation.ts'
import { blob, boolean, optional } from '../../../shape/shape.ts'
import { refuseRecipient } from '../cryptography.ts'
import { makeDataKeyPair, preparePair } from '../data-key-pair.ts'
import {
  Arn,
  CiphertextBlob,
  EncryptionContext,
  GrantTokens,
  KeyId,
  KeyMaterialId,
  KeyPairSpec,
  PublicKey,
  Recipient,
} from '../shapes.ts'
import { useTarget } from '../target.ts'

export const generateDataKeyPair = operation({
  name: 'GenerateDataKeyPair',
  readOnly: true,
  input: {
    EncryptionContext: optional(EncryptionContext),
    KeyId,
    KeyPairSpec,
    GrantTokens: optional(GrantTokens),
    Recipient: optional(Recipient),
    DryRun: optional(boolean()),
  },
  output: {
    PrivateKeyCiphertextBlob: optional(CiphertextBlob),
    PrivateKeyPlaintext: optional(blob({ sensitive: true })),
    PublicKey: optional(PublicKey),
    KeyId: optional(Arn),
    KeyPairSpec: optional(KeyPairSpec),
    CiphertextForRecipient: optional(CiphertextBlob),
    KeyMaterialId: optional(KeyMaterialId),
  },
  target: useTarget('GenerateDataKeyPair'),
  prepare: preparePair,

  async run(call) {
    refuseRecipient(call.input)
    const { privateKey, answer } = await makeDataKeyPair(call, 'GenerateDataKeyPair')
    return { ...answer, PrivateKeyPlaintext: privateKey }
  },
})
