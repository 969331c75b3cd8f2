// ListAttachedGroupPolicies lists the managed policies that are attached to a group.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListAttachedGroupPolicies.html

import { operation } from '../../../operation.ts'
import { list, optional } from '../../../shape/shape.ts'
import { attachedSource, shownAttached } from '../attachments.ts'
import { pageOf } from '../paging.ts'
import { AttachedPolicy, GroupName, PageInput, PageOutput, PolicyPathPrefix } from '../shapes.ts'
import { existingGroup, groupTarget } from '../target.ts'

export const listAttachedGroupPolicies = operation({
  name: 'ListAttachedGroupPolicies',
  readOnly: true,

  input: { GroupName, PathPrefix: optional(PolicyPathPrefix), ...PageInput },

  output: { AttachedPolicies: optional(list(AttachedPolicy)), ...PageOutput },

  target: groupTarget,

  async run(call) {
    const source = attachedSource(existingGroup(call.target).body, call.input.PathPrefix)
    const { items, more } = await pageOf(call, 'ListAttachedGroupPolicies', source)
    return { AttachedPolicies: items.map(shownAttached), ...more }
  },
})
