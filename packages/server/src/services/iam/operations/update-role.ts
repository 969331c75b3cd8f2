// UpdateRole changes the description of a role and the longest session it may have, each where it is given.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateRole.html

import { operation } from '../../../operation.ts'
import { optional } from '../../../shape/shape.ts'
import { updateRole as update } from '../roles.ts'
import { RoleDescription, RoleName, SessionDuration } from '../shapes.ts'
import { existingRole, modifiableRole, roleTarget } from '../target.ts'

export const updateRole = operation({
  name: 'UpdateRole',
  readOnly: false,

  input: {
    RoleName,
    Description: optional(RoleDescription),
    MaxSessionDuration: optional(SessionDuration),
  },

  output: {},

  target: roleTarget,

  async run({ app, tx, input, target }) {
    const { Description: description, MaxSessionDuration: maxSessionDuration } = input
    // Of a role of a service the description alone can be changed.
    const role = maxSessionDuration === undefined ? existingRole(target) : modifiableRole(target)
    await update(app, tx, role, { description, maxSessionDuration })
    return {}
  },
})
