// DeleteAccountPasswordPolicy leaves what passwords of users must have to the default of every account.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteAccountPasswordPolicy.html

import { operation } from '../../../operation.ts'
import * as errors from '../errors.ts'
import { findPasswordPolicy, replacePasswordPolicy } from '../password-policy.ts'

export const deleteAccountPasswordPolicy = operation({
  name: 'DeleteAccountPasswordPolicy',
  readOnly: false,

  input: {},

  target: async ({ account }) => ({ resource: '*', shown: '*', account }),

  async run(call) {
    if ((await findPasswordPolicy(call)) === undefined) throw errors.noPasswordPolicy(call.account)
    await replacePasswordPolicy(call, undefined)
    return {}
  },
})
