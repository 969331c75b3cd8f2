// PutRolePolicy adds an inline policy to a role, or replaces the one of the same name.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_PutRolePolicy.html

import { operation } from '../../../operation.ts'
import { putInlinePolicy } from '../inline-policies.ts'
import { PolicyDocument, PolicyName, RoleName } from '../shapes.ts'
import { ROLE } from '../store.ts'
import { boundedRoleTarget, modifiableRole } from '../target.ts'

export const putRolePolicy = operation({
  name: 'PutRolePolicy',
  readOnly: false,

  input: { RoleName, PolicyName, PolicyDocument },

  target: boundedRoleTarget,

  async run({ app, tx, input, target }) {
    const { PolicyName: policyName, PolicyDocument: document } = input
    const role = modifiableRole(target)
    await putInlinePolicy(app, tx, ROLE, role, role.body.roleName, { policyName, document })
    return {}
  },
})
