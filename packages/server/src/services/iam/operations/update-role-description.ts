// UpdateRoleDescription changes the description of a role. UpdateRole has taken its place.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateRoleDescription.html

import { operation } from '../../../operation.ts'
import { redact } from '../../../shape/redact.ts'
import { optional } from '../../../shape/shape.ts'
import { shownRole } from '../details.ts'
import { updateRole } from '../roles.ts'
import { Role, RoleDescription, RoleName } from '../shapes.ts'
import { existingRole, roleTarget } from '../target.ts'

const output = { Role: optional(Role) }

export const updateRoleDescription = operation({
  name: 'UpdateRoleDescription',
  readOnly: false,

  input: { RoleName, Description: RoleDescription },

  output,

  target: roleTarget,

  responseElements: (result) => redact(output, result),

  async run(call) {
    const { app, tx, input, target } = call
    const role = existingRole(target)
    const body = await updateRole(app, tx, role, { description: input.Description })
    return { Role: await shownRole(call, { ...role, body }) }
  },
})
