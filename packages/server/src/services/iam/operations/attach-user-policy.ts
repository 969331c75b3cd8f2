// AttachUserPolicy attaches a managed policy to a user. Attaching it twice is attaching it once.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_AttachUserPolicy.html

import { operation } from '../../../operation.ts'
import { attachPolicy } from '../attachments.ts'
import { Arn, UserName } from '../shapes.ts'
import { USER } from '../store.ts'
import { boundedUserTarget, existingUser } from '../target.ts'

export const attachUserPolicy = operation({
  name: 'AttachUserPolicy',
  readOnly: false,

  input: { UserName, PolicyArn: Arn },

  target: boundedUserTarget,

  conditions: ({ PolicyArn }) => ({ 'iam:PolicyARN': PolicyArn }),

  async run({ app, tx, input, target }) {
    await attachPolicy(app, tx, USER, existingUser(target), input.PolicyArn)
    return {}
  },
})
