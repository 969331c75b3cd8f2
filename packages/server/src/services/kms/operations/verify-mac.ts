// VerifyMac checks the HMAC of a message under an HMAC key. It never answers that one is wrong: that is KMSInvalidMacException.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_VerifyMac.html

import { sameBytes } from '../../../crypto/mac.ts'
import { operation } from '../../../operation.ts'
import { boolean, optional } from '../../../shape/shape.ts'
import { invalidMac } from '../errors.ts'
import { noteUse } from '../key-uses.ts'
import { macOf } from '../macs.ts'
import { arnOf } from '../model.ts'
import { Arn, GrantTokens, KeyId, Mac, MacAlgorithm, Message } from '../shapes.ts'
import { useTarget } from '../target.ts'

export const verifyMac = operation({
  name: 'VerifyMac',
  readOnly: true,
  input: { Message, KeyId, MacAlgorithm, Mac, GrantTokens: optional(GrantTokens), DryRun: optional(boolean()) },
  output: { KeyId: optional(Arn), MacValid: optional(boolean()), MacAlgorithm: optional(MacAlgorithm) },
  target: useTarget('VerifyMac'),

  async run(call) {
    const { key, mac } = await macOf(call, 'VerifyMac')
    if (!sameBytes(mac, call.input.Mac)) throw invalidMac()
    noteUse(call, key, 'VerifyMac')
    return { KeyId: arnOf(key), MacValid: true, MacAlgorithm: call.input.MacAlgorithm }
  },
})
