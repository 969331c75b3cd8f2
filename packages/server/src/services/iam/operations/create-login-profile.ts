// CreateLoginProfile gives a user, or whose request it is, a password. It is kept as a hash.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateLoginProfile.html

import { operation } from '../../../operation.ts'
import { boolean, optional } from '../../../shape/shape.ts'
import * as errors from '../errors.ts'
import {
  createLoginProfile as create,
  type HashedPassword,
  hashNewPassword,
  shownLoginProfile,
} from '../login-profiles.ts'
import { checkPassword, findPasswordPolicy } from '../password-policy.ts'
import { LoginProfile, Password, UserName } from '../shapes.ts'
import { ownTarget, ownUser } from '../target.ts'

export const createLoginProfile = operation({
  name: 'CreateLoginProfile',
  readOnly: false,

  input: {
    UserName: optional(UserName),
    Password: optional(Password),
    PasswordResetRequired: optional(boolean()),
  },

  output: { LoginProfile },

  target: ownTarget,

  async prepare({ app, input }) {
    if (input.Password === undefined) throw errors.passwordMissing()
    return hashNewPassword(app, input.Password)
  },

  async run(call) {
    const { app, tx, now, input, target } = call
    const user = ownUser(target)
    checkPassword(await findPasswordPolicy(call), input.Password!)
    const hashed = call.prepared as HashedPassword
    const passwordResetRequired = input.PasswordResetRequired ?? false
    const profile = await create(app, tx, user, { hashed, passwordResetRequired, now })
    return { LoginProfile: shownLoginProfile(user, profile) }
  },
})
