// UpdateLoginProfile gives a user another password, or says whether it must be changed at the next sign-in.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateLoginProfile.html

import { operation } from '../../../operation.ts'
import { boolean, optional } from '../../../shape/shape.ts'
import * as errors from '../errors.ts'
import { type HashedPassword, hashForUser, readLoginProfile, updateLoginProfile as update } from '../login-profiles.ts'
import { checkPassword, findPasswordPolicy } from '../password-policy.ts'
import { Password, UserName } from '../shapes.ts'
import { findByName, USER } from '../store.ts'
import { existingUser, userTarget } from '../target.ts'

export const updateLoginProfile = operation({
  name: 'UpdateLoginProfile',
  readOnly: false,

  input: { UserName, Password: optional(Password), PasswordResetRequired: optional(boolean()) },

  target: userTarget,

  async prepare({ app, account, input: { UserName, Password } }) {
    if (Password === undefined) return []
    return hashForUser(app, (tx) => findByName(app, tx, USER, account, UserName), [Password])
  },

  async run(call) {
    const { app, tx, now, input, target } = call
    const user = existingUser(target)
    readLoginProfile(user)
    const policy = await findPasswordPolicy(call)
    const [hashed] = (call.prepared ?? []) as readonly HashedPassword[]
    if (input.Password !== undefined) {
      if (hashed === undefined) throw errors.loginProfileChanging(user.body.userName)
      checkPassword(policy, input.Password)
    }
    await update(app, tx, user, { hashed, passwordResetRequired: input.PasswordResetRequired, policy, now })
    return {}
  },
})
