// GetCallerIdentity tells whose credentials signed the request. Nothing can deny it: no permission is asked, since a refusal would name the
// caller all the same.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html

import { operation } from '../../../operation.ts'
import { Account, Arn, UserId } from '../shapes.ts'

export const getCallerIdentity = operation({
  name: 'GetCallerIdentity',
  readOnly: true,

  input: {},

  output: { Arn, UserId, Account },

  target: async ({ account }) => ({ resource: '*', account }),

  permissions: () => [],

  async run({ principal }) {
    return { Arn: principal.arn, UserId: principal.userId, Account: principal.account }
  },
})
