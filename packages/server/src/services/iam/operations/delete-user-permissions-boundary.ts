// DeleteUserPermissionsBoundary takes the boundary off a user, who then has all that its policies allow.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteUserPermissionsBoundary.html

import { operation } from '../../../operation.ts'
import { replaceBoundary } from '../attachments.ts'
import { UserName } from '../shapes.ts'
import { USER } from '../store.ts'
import { boundedUserTarget, existingUser } from '../target.ts'

export const deleteUserPermissionsBoundary = operation({
  name: 'DeleteUserPermissionsBoundary',
  readOnly: false,

  input: { UserName },

  target: boundedUserTarget,

  async run({ app, tx, target }) {
    await replaceBoundary(app, tx, USER, existingUser(target), undefined)
    return {}
  },
})
