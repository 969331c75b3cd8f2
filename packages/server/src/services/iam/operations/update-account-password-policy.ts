// UpdateAccountPasswordPolicy says what passwords of users must have, from the next one that is set on. What is left out is as if there were no
// policy, also where there was one.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateAccountPasswordPolicy.html

import { operation } from '../../../operation.ts'
import { boolean, optional } from '../../../shape/shape.ts'
import { replacePasswordPolicy } from '../password-policy.ts'
import { MaxPasswordAge, MinimumPasswordLength, PasswordReusePrevention } from '../shapes.ts'

const MINIMUM_LENGTH_DEFAULT = 6

export const updateAccountPasswordPolicy = operation({
  name: 'UpdateAccountPasswordPolicy',
  readOnly: false,

  input: {
    MinimumPasswordLength: optional(MinimumPasswordLength),
    RequireSymbols: optional(boolean()),
    RequireNumbers: optional(boolean()),
    RequireUppercaseCharacters: optional(boolean()),
    RequireLowercaseCharacters: optional(boolean()),
    AllowUsersToChangePassword: optional(boolean()),
    MaxPasswordAge: optional(MaxPasswordAge),
    PasswordReusePrevention: optional(PasswordReusePrevention),
    HardExpiry: optional(boolean()),
  },

  target: async ({ account }) => ({ resource: '*', shown: '*', account }),

  async run(call) {
    const { MaxPasswordAge: maxPasswordAge, PasswordReusePrevention: passwordReusePrevention, ...input } = call.input
    await replacePasswordPolicy(call, {
      minimumPasswordLength: input.MinimumPasswordLength ?? MINIMUM_LENGTH_DEFAULT,
      requireSymbols: input.RequireSymbols ?? false,
      requireNumbers: input.RequireNumbers ?? false,
      requireUppercaseCharacters: input.RequireUppercaseCharacters ?? false,
      requireLowercaseCharacters: input.RequireLowercaseCharacters ?? false,
      allowUsersToChangePassword: input.AllowUsersToChangePassword ?? false,
      ...(maxPasswordAge !== undefined && { maxPasswordAge }),
      ...(passwordReusePrevention !== undefined && { passwordReusePrevention }),
      hardExpiry: input.HardExpiry ?? false,
    })
    return {}
  },
})
