// DecodeAuthorizationMessage tells what the message says that a refused call carried, to who may know it in the account of the caller.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_DecodeAuthorizationMessage.html

import { operation } from '../../../operation.ts'
import { optional, string } from '../../../shape/shape.ts'
import { openAuthorizationMessage } from '../authorization-message.ts'
import * as errors from '../errors.ts'

export const decodeAuthorizationMessage = operation({
  name: 'DecodeAuthorizationMessage',
  readOnly: true,

  input: { EncodedMessage: string({ min: 1, max: 10_240, unlogged: true }) },

  output: { DecodedMessage: optional(string()) },

  target: async ({ account }) => ({ resource: '*', shown: '*', account }),

  run: async ({ app, account, input }) => {
    const DecodedMessage = openAuthorizationMessage(app, account, input.EncodedMessage)
    if (DecodedMessage === undefined) throw errors.invalidAuthorizationMessage()
    return { DecodedMessage }
  },
})
