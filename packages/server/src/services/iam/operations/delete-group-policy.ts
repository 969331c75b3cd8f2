// DeleteGroupPolicy removes an inline policy of a group.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteGroupPolicy.html

import { operation } from '../../../operation.ts'
import { deleteInlinePolicy } from '../inline-policies.ts'
import { GroupName, PolicyName } from '../shapes.ts'
import { GROUP } from '../store.ts'
import { existingGroup, groupTarget } from '../target.ts'

export const deleteGroupPolicy = operation({
  name: 'DeleteGroupPolicy',
  readOnly: false,

  input: { GroupName, PolicyName },

  target: groupTarget,

  async run({ app, tx, input, target }) {
    await deleteInlinePolicy(app, tx, GROUP, existingGroup(target), input.PolicyName)
    return {}
  },
})
