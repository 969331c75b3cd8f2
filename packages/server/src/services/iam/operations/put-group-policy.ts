// PutGroupPolicy adds an inline policy to a group, or replaces the one of the same name.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_PutGroupPolicy.html

import { operation } from '../../../operation.ts'
import { putInlinePolicy } from '../inline-policies.ts'
import { GroupName, PolicyDocument, PolicyName } from '../shapes.ts'
import { GROUP } from '../store.ts'
import { existingGroup, groupTarget } from '../target.ts'

export const putGroupPolicy = operation({
  name: 'PutGroupPolicy',
  readOnly: false,

  input: { GroupName, PolicyName, PolicyDocument },

  target: groupTarget,

  async run({ app, tx, input, target }) {
    const group = existingGroup(target)
    const policy = { policyName: input.PolicyName, document: input.PolicyDocument }
    await putInlinePolicy(app, tx, GROUP, group, group.body.groupName, policy)
    return {}
  },
})
