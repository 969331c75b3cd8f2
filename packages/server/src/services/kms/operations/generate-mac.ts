// GenerateMac makes the HMAC of a message under an HMAC key.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateMac.html

import { operation } from '../../../operation.ts'
import { boolean, optional } from '../../../shape/shape.ts'
import { noteUse } from '../key-uses.ts'
import { macOf } from '../macs.ts'
import { arnOf } from '../model.ts'
import { Arn, GrantTokens, KeyId, Mac, MacAlgorithm, Message } from '../shapes.ts'
import { useTarget } from '../target.ts'

export const generateMac = operation({
  name: 'GenerateMac',
  readOnly: true,
  input: { Message, KeyId, MacAlgorithm, GrantTokens: optional(GrantTokens), DryRun: optional(boolean()) },
  output: { Mac: optional(Mac), MacAlgorithm: optional(MacAlgorithm), KeyId: optional(Arn) },
  target: useTarget('GenerateMac'),

  async run(call) {
    const { key, mac } = await macOf(call, 'GenerateMac')
    noteUse(call, key, 'GenerateMac')
    return { Mac: mac, MacAlgorithm: call.input.MacAlgorithm, KeyId: arnOf(key) }
  },
})
