// DeleteGroup removes a group that has no users and no policies.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteGroup.html

import { operation } from '../../../operation.ts'
import { deleteGroup as remove } from '../groups.ts'
import { GroupName } from '../shapes.ts'
import { existingGroup, groupTarget } from '../target.ts'

export const deleteGroup = operation({
  name: 'DeleteGroup',
  readOnly: false,

  input: { GroupName },

  target: groupTarget,

  async run({ app, tx, target }) {
    await remove(app, tx, existingGroup(target))
    return {}
  },
})
