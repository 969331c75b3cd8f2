// GetRolePolicy returns an inline policy of a role.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetRolePolicy.html

import { operation } from '../../../operation.ts'
import { encodedDocument } from '../documents.ts'
import { existingInlinePolicy } from '../inline-policies.ts'
import { PolicyDocument, PolicyName, RoleName } from '../shapes.ts'
import { ROLE } from '../store.ts'
import { existingRole, roleTarget } from '../target.ts'

export const getRolePolicy = operation({
  name: 'GetRolePolicy',
  readOnly: true,

  input: { RoleName, PolicyName },

  output: { RoleName, PolicyName, PolicyDocument },

  target: roleTarget,

  async run({ input, target }) {
    const role = existingRole(target)
    const { policyName, document } = existingInlinePolicy(ROLE, role, input.PolicyName)
    return { RoleName: role.body.roleName, PolicyName: policyName, PolicyDocument: encodedDocument(document) }
  },
})
