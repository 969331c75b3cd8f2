// RemoveUserFromGroup takes a user out of a group. A user who is not in it stays out of it.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_RemoveUserFromGroup.html

import { operation } from '../../../operation.ts'
import { removeFromGroup } from '../groups.ts'
import { ExistingUserName, GroupName } from '../shapes.ts'
import { existingGroup, existingUser, groupTarget, resolveUser } from '../target.ts'

export const removeUserFromGroup = operation({
  name: 'RemoveUserFromGroup',
  readOnly: false,

  input: { GroupName, UserName: ExistingUserName },

  /** The permission is one on the group: it is the group's policies that the user gets or loses. */
  target: groupTarget,

  async run(call) {
    const group = existingGroup(call.target)
    const user = existingUser(await resolveUser(call, call.input.UserName))
    await removeFromGroup(call.app, call.tx, user, group)
    return {}
  },
})
