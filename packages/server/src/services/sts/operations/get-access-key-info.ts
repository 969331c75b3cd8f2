// GetAccessKeyInfo tells the account of an access key: of one that this installation made, the id itself says it.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_GetAccessKeyInfo.html

import { operation } from '../../../operation.ts'
import { optional } from '../../../shape/shape.ts'
import { findAccountOfAccessKey } from '../../iam/port.ts'
import * as errors from '../errors.ts'
import { AccessKeyId, Account } from '../shapes.ts'

export const getAccessKeyInfo = operation({
  name: 'GetAccessKeyInfo',
  readOnly: true,

  input: { AccessKeyId },

  output: { Account: optional(Account) },

  target: async ({ account }) => ({ resource: '*', shown: '*', account }),

  async run({ app, tx, input }) {
    const account = await findAccountOfAccessKey(app, tx, input.AccessKeyId)
    if (account === undefined) throw errors.noSuchAccessKey(input.AccessKeyId)
    return { Account: account }
  },
})
