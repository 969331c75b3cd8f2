// DeleteLoginProfile takes the password from a user, or from whose request it is. Access keys stay.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteLoginProfile.html

import { operation } from '../../../operation.ts'
import { optional } from '../../../shape/shape.ts'
import { deleteLoginProfile as remove } from '../login-profiles.ts'
import { UserName } from '../shapes.ts'
import { ownTarget, ownUser } from '../target.ts'

export const deleteLoginProfile = operation({
  name: 'DeleteLoginProfile',
  readOnly: false,

  input: { UserName: optional(UserName) },

  target: ownTarget,

  async run({ app, tx, target }) {
    await remove(app, tx, ownUser(target))
    return {}
  },
})
