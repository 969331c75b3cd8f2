// GenerateDataKeyPairWithoutPlaintext makes a key pair for use outside KMS and returns its private key only encrypted under a KMS key.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateDataKeyPairWithoutPlaintext.html

import { operation } from '../../../operation.ts'
import { boolean, optional } from '../../../shape/shape.ts'
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
} from '../shapes.ts'
import { useTarget } from '../target.ts'

export const generateDataKeyPairWithoutPlaintext = operation({
  name: 'GenerateDataKeyPairWithoutPlaintext',
  readOnly: true,
  input: {
    EncryptionContext: optional(EncryptionContext),
    KeyId,
    KeyPairSpec,
    GrantTokens: optional(GrantTokens),
    DryRun: optional(boolean()),
  },
  output: {
    PrivateKeyCiphertextBlob: optional(CiphertextBlob),
    PublicKey: optional(PublicKey),
    KeyId: optional(Arn),
    KeyPairSpec: optional(KeyPairSpec),
    KeyMaterialId: optional(KeyMaterialId),
  },
  target: useTarget('GenerateDataKeyPairWithoutPlaintext'),
  prepare: preparePair,

  async run(call) {
    const { privateKey, answer } = await makeDataKeyPair(call, 'GenerateDataKeyPairWithoutPlaintext')
    privateKey.fill(0)
    return answer
  },
})
