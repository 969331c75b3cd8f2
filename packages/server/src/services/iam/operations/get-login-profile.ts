// GetLoginProfile tells whether a user, or whose request it is, has a password, and since when.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetLoginProfile.html

import { operation } from '../../../operation.ts'
import { optional } from '../../../shape/shape.ts'
import { readLoginProfile, shownLoginProfile } from '../login-profiles.ts'
import { LoginProfile, UserName } from '../shapes.ts'
import { ownTarget, ownUser } from '../target.ts'

export const getLoginProfile = operation({
  name: 'GetLoginProfile',
  readOnly: true,

  input: { UserName: optional(UserName) },

  output: { LoginProfile },

  target: ownTarget,

  async run({ target }) {
    const user = ownUser(target)
    return { LoginProfile: shownLoginProfile(user, readLoginProfile(user)) }
  },
})
