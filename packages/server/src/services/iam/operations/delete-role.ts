// DeleteRole deletes a role that has no policies any more. Its sessions end with it, also where a role of the same name is made later.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteRole.html

import { operation } from '../../../operation.ts'
import { deleteRole as remove } from '../roles.ts'
import { RoleName } from '../shapes.ts'
import { modifiableRole, roleTarget } from '../target.ts'

export const deleteRole = operation({
  name: 'DeleteRole',
  readOnly: false,

  input: { RoleName },

  target: roleTarget,

  async run({ tx, target }) {
    await remove(tx, modifiableRole(target))
    return {}
  },
})
