// AttachRolePolicy attaches a managed policy to a role, whose sessions have it from the next request on.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_AttachRolePolicy.html

import { operation } from '../../../operation.ts'
import { attachPolicy } from '../attachments.ts'
import { Arn, RoleName } from '../shapes.ts'
import { ROLE } from '../store.ts'
import { boundedRoleTarget, modifiableRole } from '../target.ts'

export const attachRolePolicy = operation({
  name: 'AttachRolePolicy',
  readOnly: false,

  input: { RoleName, PolicyArn: Arn },

  target: boundedRoleTarget,

  conditions: ({ PolicyArn }) => ({ 'iam:PolicyARN': PolicyArn }),

  async run({ app, tx, input, target }) {
    await attachPolicy(app, tx, ROLE, modifiableRole(target), input.PolicyArn)
    return {}
  },
})
