// AddUserToGroup puts a user into a group, whose policies are the user's too from the next request on.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_AddUserToGroup.html

import { operation } from '../../../operation.ts'
import { addToGroup } from '../groups.ts'
import { ExistingUserName, GroupName } from '../shapes.ts'
import { existingGroup, existingUser, groupTarget, resolveUser } from '../target.ts'

export const addUserToGroup = operation({
  name: 'AddUserToGroup',
  readOnly: false,

  input: { GroupName, UserName: ExistingUserName },

  /** The permission is one on the group: it is the group's policies that the user gets or loses. */
  target: groupTarget,

  async run(call) {
    const group = existingGroup(call.target)
    const user = existingUser(await resolveUser(call, call.input.UserName))
    await addToGroup(call.app, call.tx, user, group)
    return {}
  },
})
