// AttachGroupPolicy attaches a managed policy to a group. Attaching it twice is attaching it once.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_AttachGroupPolicy.html

import { operation } from '../../../operation.ts'
import { attachPolicy } from '../attachments.ts'
import { Arn, GroupName } from '../shapes.ts'
import { GROUP } from '../store.ts'
import { existingGroup, groupTarget } from '../target.ts'

export const attachGroupPolicy = operation({
  name: 'AttachGroupPolicy',
  readOnly: false,

  input: { GroupName, PolicyArn: Arn },

  target: groupTarget,

  conditions: ({ PolicyArn }) => ({ 'iam:PolicyARN': PolicyArn }),

  async run({ app, tx, input, target }) {
    await attachPolicy(app, tx, GROUP, existingGroup(target), input.PolicyArn)
    return {}
  },
})
