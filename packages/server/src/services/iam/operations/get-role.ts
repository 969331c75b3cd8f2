// GetRole tells of a role: its trust policy, its boundary, its tags, and when it was last used.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetRole.html

import { operation } from '../../../operation.ts'
import { shownRole, shownRoleUse } from '../details.ts'
import { Role, RoleName } from '../shapes.ts'
import { existingRole, roleTarget } from '../target.ts'

export const getRole = operation({
  name: 'GetRole',
  readOnly: true,

  input: { RoleName },

  output: { Role },

  target: roleTarget,

  async run(call) {
    const role = existingRole(call.target)
    return { Role: { ...(await shownRole(call, role)), RoleLastUsed: await shownRoleUse(call, role) } }
  },
})
