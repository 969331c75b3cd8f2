// UpdateGroup gives a group another name, another path or both. Its users and its policies stay.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateGroup.html

import { operation } from '../../../operation.ts'
import { optional } from '../../../shape/shape.ts'
import { updateGroup as update } from '../groups.ts'
import { groupArn } from '../model.ts'
import { GroupName, NewGroupName, NewPath } from '../shapes.ts'
import { existingGroup, groupTarget, permissionsOnRenamed } from '../target.ts'

export const updateGroup = operation({
  name: 'UpdateGroup',
  readOnly: false,

  input: {
    GroupName,
    NewPath: optional(NewPath),
    NewGroupName: optional(NewGroupName),
  },

  target: async (call) => {
    const target = await groupTarget(call)
    const { NewGroupName, NewPath } = call.input
    const { groupName, path } = target.stored?.body ?? { groupName: target.name, path: '/' }
    const renamed = groupArn(call.partition, call.account, {
      groupName: NewGroupName ?? groupName,
      path: NewPath ?? path,
    })
    return { ...target, renamed }
  },

  /** Of what the group was and of what it becomes. */
  permissions: (_, target) => permissionsOnRenamed('iam:UpdateGroup', target),

  async run({ app, tx, input, target }) {
    await update(app, tx, existingGroup(target), { groupName: input.NewGroupName, path: input.NewPath })
    return {}
  },
})
