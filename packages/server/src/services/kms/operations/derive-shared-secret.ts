// DeriveSharedSecret agrees with the owner of another public key on a secret, by ECDH.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_DeriveSharedSecret.html

import { deriveSharedSecret as derive } from '../../../crypto/kms/key-agreement.ts'
import { operation } from '../../../operation.ts'
import { blob, boolean, optional } from '../../../shape/shape.ts'
import { endDryRun, refusalsOf, refuseRecipient } from '../cryptography.ts'
import { privateKeyOf } from '../encryption.ts'
import { noteUse } from '../key-uses.ts'
import { arnOf } from '../model.ts'
import {
  Arn,
  CiphertextBlob,
  GrantTokens,
  KeyAgreementAlgorithm,
  KeyId,
  Origin,
  PublicKey,
  Recipient,
} from '../shapes.ts'
import { usableKey, useTarget } from '../target.ts'

export const deriveSharedSecret = operation({
  name: 'DeriveSharedSecret',
  readOnly: true,
  input: {
    KeyId,
    KeyAgreementAlgorithm,
    PublicKey,
    GrantTokens: optional(GrantTokens),
    DryRun: optional(boolean()),
    Recipient: optional(Recipient),
  },
  output: {
    KeyId: optional(Arn),
    SharedSecret: optional(blob({ sensitive: true })),
    CiphertextForRecipient: optional(CiphertextBlob),
    KeyAgreementAlgorithm: optional(KeyAgreementAlgorithm),
    KeyOrigin: optional(Origin),
  },
  target: useTarget('DeriveSharedSecret'),

  async run(call) {
    const { input, target } = call
    const key = usableKey(target, 'KEY_AGREEMENT', 'DeriveSharedSecret')
    refuseRecipient(input)
    endDryRun(input)
    const privateKey = await privateKeyOf(call, key)
    const secret = await refusalsOf(key, 'ECDH', () => derive(privateKey, input.PublicKey))
    noteUse(call, key, 'DeriveSharedSecret')
    return {
      KeyId: arnOf(key),
      SharedSecret: secret,
      KeyAgreementAlgorithm: input.KeyAgreementAlgorithm,
      KeyOrigin: key.origin,
    }
  },
})
