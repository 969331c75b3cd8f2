// ChangePassword changes the password of the user who asks, who must know it. The account may let every user do so.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_ChangePassword.html

import type { Call } from '../../../call.ts'
import { operation } from '../../../operation.ts'
import * as errors from '../errors.ts'
import {
  type HashedPassword,
  hashForUser,
  mustBePassword,
  readLoginProfile,
  updateLoginProfile,
} from '../login-profiles.ts'
import { checkPassword, findPasswordPolicy, USERS_MAY_CHANGE_PASSWORD } from '../password-policy.ts'
import { Password } from '../shapes.ts'
import { findRow, USER } from '../store.ts'
import { existingUser, resolveUser, type UserTarget } from '../target.ts'

export const changePassword = operation({
  name: 'ChangePassword',
  readOnly: false,

  input: { OldPassword: Password, NewPassword: Password },

  target: async (call: Call): Promise<UserTarget> => {
    const { kind, userName } = call.principal.identity
    if (kind !== 'user' || userName === undefined) throw errors.notAUser()
    const allowed = (await findPasswordPolicy(call))?.allowUsersToChangePassword
    return { ...(await resolveUser(call, userName)), ...(allowed && { resourcePolicy: USERS_MAY_CHANGE_PASSWORD }) }
  },

  // By id: a session knows the name that its user had when it began.
  prepare: ({ app, account, identity, input: { OldPassword, NewPassword } }) =>
    hashForUser(app, (tx) => findRow(app, tx, USER, [account, identity.userId]), [OldPassword, NewPassword]),

  async run(call) {
    const { app, tx, now, input, target } = call
    const user = existingUser(target)
    readLoginProfile(user)
    const prepared = call.prepared as readonly [old: HashedPassword, next: HashedPassword] | undefined
    if (prepared === undefined) throw errors.loginProfileChanging(user.body.userName)
    const [old, hashed] = prepared
    mustBePassword(user, old)
    const policy = await findPasswordPolicy(call)
    checkPassword(policy, input.NewPassword)
    await updateLoginProfile(app, tx, user, { hashed, passwordResetRequired: false, policy, now })
    return {}
  },
})
