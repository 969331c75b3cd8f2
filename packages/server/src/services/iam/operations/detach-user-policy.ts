// DetachUserPolicy detaches a managed policy from a user.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_DetachUserPolicy.html

import { operation } from '../../../operation.ts'
import { detachPolicy } from '../attachments.ts'
import { Arn, UserName } from '../shapes.ts'
import { USER } from '../store.ts'
import { boundedUserTarget, existingUser } from '../target.ts'

export const detachUserPolicy = operation({
  name: 'DetachUserPolicy',
  readOnly: false,

  input: { UserName, PolicyArn: Arn },

  target: boundedUserTarget,

  conditions: ({ PolicyArn }) => ({ 'iam:PolicyARN': PolicyArn }),

  async run({ app, tx, input, target }) {
    await detachPolicy(app, tx, USER, existingUser(target), input.PolicyArn)
    return {}
  },
})
