// DetachRolePolicy detaches a managed policy from a role.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_DetachRolePolicy.html

import { operation } from '../../../operation.ts'
import { detachPolicy } from '../attachments.ts'
import { Arn, RoleName } from '../shapes.ts'
import { ROLE } from '../store.ts'
import { boundedRoleTarget, modifiableRole } from '../target.ts'

export const detachRolePolicy = operation({
  name: 'DetachRolePolicy',
  readOnly: false,

  input: { RoleName, PolicyArn: Arn },

  target: boundedRoleTarget,

  conditions: ({ PolicyArn }) => ({ 'iam:PolicyARN': PolicyArn }),

  async run({ app, tx, input, target }) {
    await detachPolicy(app, tx, ROLE, modifiableRole(target), input.PolicyArn)
    return {}
  },
})
