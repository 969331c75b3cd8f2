// GetPublicKey returns the public key of a key pair, as SubjectPublicKeyInfo in DER.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_GetPublicKey.html

import { isAsymmetric } from '../../../crypto/kms/spec.ts'
import { operation } from '../../../operation.ts'
import { list, optional } from '../../../shape/shape.ts'
import { unsupported } from '../errors.ts'
import { arnOf, keyMetadata } from '../model.ts'
import {
  Arn,
  EncapsulationAlgorithm,
  EncryptionAlgorithm,
  GrantTokens,
  KeyAgreementAlgorithm,
  KeyId,
  KeySpec,
  KeyUsage,
  PublicKey,
  SigningAlgorithm,
} from '../shapes.ts'
import { fitKey, useTarget } from '../target.ts'

export const getPublicKey = operation({
  name: 'GetPublicKey',
  readOnly: true,
  input: { KeyId, GrantTokens: optional(GrantTokens) },
  output: {
    KeyId: optional(Arn),
    PublicKey: optional(PublicKey),
    CustomerMasterKeySpec: optional(KeySpec),
    KeySpec: optional(KeySpec),
    KeyUsage: optional(KeyUsage),
    EncryptionAlgorithms: optional(list(EncryptionAlgorithm)),
    SigningAlgorithms: optional(list(SigningAlgorithm)),
    KeyAgreementAlgorithms: optional(list(KeyAgreementAlgorithm)),
    EncapsulationAlgorithms: optional(list(EncapsulationAlgorithm)),
  },
  target: useTarget('GetPublicKey'),

  async run({ target }) {
    const { key } = fitKey(target, 'use')
    if (!isAsymmetric(key.keySpec)) throw unsupported(`${arnOf(key)} is not an asymmetric KMS key.`)
    const { EncryptionAlgorithms, SigningAlgorithms, KeyAgreementAlgorithms } = keyMetadata(key)
    return {
      KeyId: arnOf(key),
      PublicKey: Buffer.from(key.publicKey!, 'base64'),
      CustomerMasterKeySpec: key.keySpec,
      KeySpec: key.keySpec,
      KeyUsage: key.keyUsage,
      ...(EncryptionAlgorithms && { EncryptionAlgorithms }),
      ...(SigningAlgorithms && { SigningAlgorithms }),
      ...(KeyAgreementAlgorithms && { KeyAgreementAlgorithms: ['ECDH'] as const }),
    }
  },
})
