// Sign signs a message, or its digest, with a key's private key.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_Sign.html

import { sign as signWith } from '../../../crypto/kms/signature.ts'
import type { SigningAlgorithm as Algorithm } from '../../../crypto/kms/spec.ts'
import { operation } from '../../../operation.ts'
import { boolean, optional } from '../../../shape/shape.ts'
import { endDryRun, refusalsOf } from '../cryptography.ts'
import { privateKeyOf } from '../encryption.ts'
import { noteUse } from '../key-uses.ts'
import { arnOf } from '../model.ts'
import { Arn, GrantTokens, KeyId, Message, MessageType, Signature, SigningAlgorithm } from '../shapes.ts'
import { mustFitMessage } from '../signing.ts'
import { usableKey, useTarget } from '../target.ts'

export const sign = operation({
  name: 'Sign',
  readOnly: true,
  input: {
    KeyId,
    Message,
    MessageType: optional(MessageType),
    GrantTokens: optional(GrantTokens),
    SigningAlgorithm,
    DryRun: optional(boolean()),
  },
  output: { KeyId: optional(Arn), Signature: optional(Signature), SigningAlgorithm: optional(SigningAlgorithm) },
  target: useTarget('Sign'),
  conditions: ({ MessageType = 'RAW' }) => ({ 'kms:MessageType': MessageType }),

  async run(call) {
    const { input, target } = call
    const key = usableKey(target, 'SIGN_VERIFY', 'Sign')
    const algorithm = input.SigningAlgorithm as Algorithm
    const type = input.MessageType ?? 'RAW'
    mustFitMessage(key, algorithm, type, input.Message)
    endDryRun(input)
    const privateKey = await privateKeyOf(call, key)
    const signature = await refusalsOf(key, algorithm, () => signWith(privateKey, algorithm, type, input.Message))
    noteUse(call, key, 'Sign')
    return { KeyId: arnOf(key), Signature: signature, SigningAlgorithm: input.SigningAlgorithm }
  },
})
