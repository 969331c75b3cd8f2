// ListGroupsForUser lists the groups that a user is in, by name.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListGroupsForUser.html

import { operation } from '../../../operation.ts'
import { list } from '../../../shape/shape.ts'
import { shownGroup } from '../details.ts'
import { groupsOf } from '../groups.ts'
import { pageOf } from '../paging.ts'
import { ExistingUserName, Group, PageInput, PageOutput } from '../shapes.ts'
import { existingUser, userTarget } from '../target.ts'

export const listGroupsForUser = operation({
  name: 'ListGroupsForUser',
  readOnly: true,

  input: { UserName: ExistingUserName, ...PageInput },

  output: { Groups: list(Group), ...PageOutput },

  target: userTarget,

  async run(call) {
    const { app, tx, partition, target } = call
    const source = await groupsOf(app, tx, existingUser(target))
    const { items, more } = await pageOf(call, 'ListGroupsForUser', source)
    return { Groups: items.map((group) => shownGroup(partition, group)), ...more }
  },
})
