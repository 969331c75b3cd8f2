// PutRolePermissionsBoundary sets the policy beyond which no policy of a role reaches. It allows nothing by itself.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_PutRolePermissionsBoundary.html

import { operation } from '../../../operation.ts'
import { findBoundary, replaceBoundary } from '../attachments.ts'
import { Arn, RoleName } from '../shapes.ts'
import { ROLE } from '../store.ts'
import { modifiableRole, roleTarget } from '../target.ts'

export const putRolePermissionsBoundary = operation({
  name: 'PutRolePermissionsBoundary',
  readOnly: false,

  input: { RoleName, PermissionsBoundary: Arn },

  target: roleTarget,

  conditions: ({ PermissionsBoundary }) => ({ 'iam:PermissionsBoundary': PermissionsBoundary }),

  async run({ app, tx, account, input, target }) {
    const role = modifiableRole(target)
    await replaceBoundary(app, tx, ROLE, role, await findBoundary(app, tx, account, input.PermissionsBoundary))
    return {}
  },
})
