// GetGroup tells of a group and lists the users in it, without their tags and boundaries.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetGroup.html

import { operation } from '../../../operation.ts'
import { list } from '../../../shape/shape.ts'
import { listedUser, shownGroup } from '../details.ts'
import { membersOf } from '../groups.ts'
import { pageOf } from '../paging.ts'
import { Group, GroupName, PageInput, PageOutput, User } from '../shapes.ts'
import { existingGroup, groupTarget } from '../target.ts'

export const getGroup = operation({
  name: 'GetGroup',
  readOnly: true,

  input: { GroupName, ...PageInput },

  output: { Group, Users: list(User), ...PageOutput },

  target: groupTarget,

  async run(call) {
    const { app, tx, partition, target } = call
    const group = existingGroup(target)
    const { items, more } = await pageOf(call, 'GetGroup', membersOf(app, tx, group))
    return {
      Group: shownGroup(partition, group),
      Users: items.map((user) => listedUser(partition, user)),
      ...more,
    }
  },
})
