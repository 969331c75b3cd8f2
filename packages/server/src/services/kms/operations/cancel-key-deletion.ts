// CancelKeyDeletion calls the deletion of a key off. The key is disabled then.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_CancelKeyDeletion.html

import { operation } from '../../../operation.ts'
import { redact } from '../../../shape/redact.ts'
import { optional } from '../../../shape/shape.ts'
import { cancelDeletion } from '../deletion.ts'
import { arnOf } from '../model.ts'
import { Arn, KeyId } from '../shapes.ts'
import { fitKey, ownKeyTarget } from '../target.ts'

const output = { KeyId: optional(Arn) }

export const cancelKeyDeletion = operation({
  name: 'CancelKeyDeletion',
  readOnly: false,
  input: { KeyId },
  output,
  target: ownKeyTarget,
  responseElements: (answer) => redact(output, answer),

  async run(call) {
    return { KeyId: arnOf(await cancelDeletion(call, fitKey(call.target, 'cancelDeletion'))) }
  },
})
