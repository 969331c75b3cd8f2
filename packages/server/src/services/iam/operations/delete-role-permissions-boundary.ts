// DeleteRolePermissionsBoundary takes the boundary off a role, whose policies then reach as far as they say.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteRolePermissionsBoundary.html

import { operation } from '../../../operation.ts'
import { replaceBoundary } from '../attachments.ts'
import { RoleName } from '../shapes.ts'
import { ROLE } from '../store.ts'
import { boundedRoleTarget, modifiableRole } from '../target.ts'

export const deleteRolePermissionsBoundary = operation({
  name: 'DeleteRolePermissionsBoundary',
  readOnly: false,

  input: { RoleName },

  target: boundedRoleTarget,

  async run({ app, tx, target }) {
    await replaceBoundary(app, tx, ROLE, modifiableRole(target), undefined)
    return {}
  },
})
