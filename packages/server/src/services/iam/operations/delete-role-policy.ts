// DeleteRolePolicy deletes an inline policy of a role.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteRolePolicy.html

import { operation } from '../../../operation.ts'
import { deleteInlinePolicy } from '../inline-policies.ts'
import { PolicyName, RoleName } from '../shapes.ts'
import { ROLE } from '../store.ts'
import { boundedRoleTarget, modifiableRole } from '../target.ts'

export const deleteRolePolicy = operation({
  name: 'DeleteRolePolicy',
  readOnly: false,

  input: { RoleName, PolicyName },

  target: boundedRoleTarget,

  async run({ app, tx, input, target }) {
    await deleteInlinePolicy(app, tx, ROLE, modifiableRole(target), input.PolicyName)
    return {}
  },
})
