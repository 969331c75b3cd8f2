// GetAccountPasswordPolicy tells what passwords of users must have, where the account says so.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountPasswordPolicy.html

import { operation } from '../../../operation.ts'
import * as errors from '../errors.ts'
import { findPasswordPolicy, USERS_MAY_CHANGE_PASSWORD } from '../password-policy.ts'
import { PasswordPolicy } from '../shapes.ts'

export const getAccountPasswordPolicy = operation({
  name: 'GetAccountPasswordPolicy',
  readOnly: true,

  input: {},

  output: { PasswordPolicy },

  target: async (call) => ({
    resource: '*',
    shown: '*',
    account: call.account,
    ...((await findPasswordPolicy(call))?.allowUsersToChangePassword && { resourcePolicy: USERS_MAY_CHANGE_PASSWORD }),
  }),

  async run(call) {
    const policy = await findPasswordPolicy(call)
    if (policy === undefined) throw errors.noPasswordPolicy(call.account)
    return {
      PasswordPolicy: {
        MinimumPasswordLength: policy.minimumPasswordLength,
        RequireSymbols: policy.requireSymbols,
        RequireNumbers: policy.requireNumbers,
        RequireUppercaseCharacters: policy.requireUppercaseCharacters,
        RequireLowercaseCharacters: policy.requireLowercaseCharacters,
        AllowUsersToChangePassword: policy.allowUsersToChangePassword,
        ExpirePasswords: policy.maxPasswordAge !== undefined,
        MaxPasswordAge: policy.maxPasswordAge,
        PasswordReusePrevention: policy.passwordReusePrevention,
        HardExpiry: policy.hardExpiry,
      },
    }
  },
})
