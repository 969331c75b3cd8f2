// CreateGroup makes a group, which has no users and no policies yet.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateGroup.html

import { operation } from '../../../operation.ts'
import { redact } from '../../../shape/redact.ts'
import { optional } from '../../../shape/shape.ts'
import { shownGroup } from '../details.ts'
import { createGroup as create } from '../groups.ts'
import { groupArn } from '../model.ts'
import { Group, GroupName, Path } from '../shapes.ts'
import { newTarget } from '../target.ts'

const output = { Group }

export const createGroup = operation({
  name: 'CreateGroup',
  readOnly: false,

  input: { Path: optional(Path), GroupName },

  output,

  target: async ({ partition, account, input }) => {
    const { Path: path = '/', GroupName: groupName } = input
    return newTarget(account, 'group', groupArn(partition, account, { path, groupName }))
  },

  responseElements: (result) => redact(output, result),

  async run({ app, tx, partition, account, now, input }) {
    const group = await create(app, tx, account, { groupName: input.GroupName, path: input.Path, now })
    return { Group: shownGroup(partition, group) }
  },
})
