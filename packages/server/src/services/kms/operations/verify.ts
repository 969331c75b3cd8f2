// Verify checks a signature with a key's public key. It never answers that one is wrong: that is KMSInvalidSignatureException.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_Verify.html

import { verify as verifyWith } from '../../../crypto/kms/signature.ts'
import type { SigningAlgorithm as Algorithm } from '../../../crypto/kms/spec.ts'
import { operation } from '../../../operation.ts'
import { boolean, optional } from '../../../shape/shape.ts'
import { endDryRun, refusalsOf } from '../cryptography.ts'
import { publicKeyOf } from '../encryption.ts'
import { invalidSignature } from '../errors.ts'
import { noteUse } from '../key-uses.ts'
import { arnOf } from '../model.ts'
import { Arn, GrantTokens, KeyId, Message, MessageType, Signature, SigningAlgorithm } from '../shapes.ts'
import { mustFitMessage } from '../signing.ts'
import { usableKey, useTarget } from '../target.ts'

export const verify = operation({
  name: 'Verify',
  readOnly: true,
  input: {
    KeyId,
    Message,
    MessageType: optional(MessageType),
    Signature,
    SigningAlgorithm,
    GrantTokens: optional(GrantTokens),
    DryRun: optional(boolean()),
  },
  output: { KeyId: optional(Arn), SignatureValid: optional(boolean()), SigningAlgorithm: optional(SigningAlgorithm) },
  target: useTarget('Verify'),
  conditions: ({ MessageType = 'RAW' }) => ({ 'kms:MessageType': MessageType }),

  async run(call) {
    const { input, target } = call
    const key = usableKey(target, 'SIGN_VERIFY', 'Verify')
    const algorithm = input.SigningAlgorithm as Algorithm
    const type = input.MessageType ?? 'RAW'
    mustFitMessage(key, algorithm, type, input.Message)
    endDryRun(input)
    const valid = await refusalsOf(key, algorithm, () =>
      verifyWith(publicKeyOf(key), algorithm, type, input.Message, input.Signature),
    )
    if (!valid) throw invalidSignature()
    noteUse(call, key, 'Verify')
    return { KeyId: arnOf(key), SignatureValid: true, SigningAlgorithm: input.SigningAlgorithm }
  },
})
