// DeleteUser removes a user who has no access keys and no policies and is in no group.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteUser.html

import { operation } from '../../../operation.ts'
import { ExistingUserName } from '../shapes.ts'
import { existingUser, userTarget } from '../target.ts'
import { deleteUser as remove } from '../users.ts'

export const deleteUser = operation({
  name: 'DeleteUser',
  readOnly: false,

  input: { UserName: ExistingUserName },

  target: userTarget,

  async run({ tx, target }) {
    await remove(tx, existingUser(target))
    return {}
  },
})
