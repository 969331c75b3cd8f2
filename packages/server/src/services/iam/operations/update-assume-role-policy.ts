// UpdateAssumeRolePolicy replaces the trust policy of a role: who may assume it.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateAssumeRolePolicy.html

import { operation } from '../../../operation.ts'
import { updateTrustPolicy } from '../roles.ts'
import { PolicyDocument, RoleName } from '../shapes.ts'
import { modifiableRole, roleTarget } from '../target.ts'

export const updateAssumeRolePolicy = operation({
  name: 'UpdateAssumeRolePolicy',
  readOnly: false,

  input: { RoleName, PolicyDocument },

  target: roleTarget,

  async run({ app, tx, input, target }) {
    await updateTrustPolicy(app, tx, modifiableRole(target), input.PolicyDocument)
    return {}
  },
})
