// DetachGroupPolicy detaches a managed policy from a group.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_DetachGroupPolicy.html

import { operation } from '../../../operation.ts'
import { detachPolicy } from '../attachments.ts'
import { Arn, GroupName } from '../shapes.ts'
import { GROUP } from '../store.ts'
import { existingGroup, groupTarget } from '../target.ts'

export const detachGroupPolicy = operation({
  name: 'DetachGroupPolicy',
  readOnly: false,

  input: { GroupName, PolicyArn: Arn },

  target: groupTarget,

  conditions: ({ PolicyArn }) => ({ 'iam:PolicyARN': PolicyArn }),

  async run({ app, tx, input, target }) {
    await detachPolicy(app, tx, GROUP, existingGroup(target), input.PolicyArn)
    return {}
  },
})
