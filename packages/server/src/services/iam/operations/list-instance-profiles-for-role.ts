// ListInstanceProfilesForRole lists no instance profiles: this server has none. Terraform asks before it deletes a role.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListInstanceProfilesForRole.html

import { operation } from '../../../operation.ts'
import { list } from '../../../shape/shape.ts'
import { emptyPage } from '../paging.ts'
import { InstanceProfile, PageInput, PageOutput, RoleName } from '../shapes.ts'
import { existingRole, roleTarget } from '../target.ts'

export const listInstanceProfilesForRole = operation({
  name: 'ListInstanceProfilesForRole',
  readOnly: true,

  input: { RoleName, ...PageInput },

  output: { InstanceProfiles: list(InstanceProfile), ...PageOutput },

  target: roleTarget,

  async run(call) {
    existingRole(call.target)
    const { items, more } = await emptyPage(call, 'ListInstanceProfilesForRole')
    return { InstanceProfiles: items, ...more }
  },
})
