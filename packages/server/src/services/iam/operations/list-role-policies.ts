// ListRolePolicies lists the names of the inline policies of a role.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListRolePolicies.html

import { operation } from '../../../operation.ts'
import { list } from '../../../shape/shape.ts'
import { inlinePolicyNames } from '../inline-policies.ts'
import { pageOf } from '../paging.ts'
import { PageInput, PageOutput, PolicyName, RoleName } from '../shapes.ts'
import { existingRole, roleTarget } from '../target.ts'

export const listRolePolicies = operation({
  name: 'ListRolePolicies',
  readOnly: true,

  input: { RoleName, ...PageInput },

  output: { PolicyNames: list(PolicyName), ...PageOutput },

  target: roleTarget,

  async run(call) {
    const { body } = existingRole(call.target)
    const { items, more } = await pageOf(call, 'ListRolePolicies', inlinePolicyNames(body))
    return { PolicyNames: items, ...more }
  },
})
