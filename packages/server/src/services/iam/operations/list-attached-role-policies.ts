// ListAttachedRolePolicies lists the managed policies that are attached to a role.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListAttachedRolePolicies.html

import { operation } from '../../../operation.ts'
import { list, optional } from '../../../shape/shape.ts'
import { attachedSource, shownAttached } from '../attachments.ts'
import { pageOf } from '../paging.ts'
import { AttachedPolicy, PageInput, PageOutput, PolicyPathPrefix, RoleName } from '../shapes.ts'
import { existingRole, roleTarget } from '../target.ts'

export const listAttachedRolePolicies = operation({
  name: 'ListAttachedRolePolicies',
  readOnly: true,

  input: { RoleName, PathPrefix: optional(PolicyPathPrefix), ...PageInput },

  output: { AttachedPolicies: optional(list(AttachedPolicy)), ...PageOutput },

  target: roleTarget,

  async run(call) {
    const { body } = existingRole(call.target)
    const source = attachedSource(body, call.input.PathPrefix)
    const { items, more } = await pageOf(call, 'ListAttachedRolePolicies', source)
    return { AttachedPolicies: items.map(shownAttached), ...more }
  },
})
