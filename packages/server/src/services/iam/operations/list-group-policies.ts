// ListGroupPolicies lists the names of the inline policies of a group.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListGroupPolicies.html

import { operation } from '../../../operation.ts'
import { list } from '../../../shape/shape.ts'
import { inlinePolicyNames } from '../inline-policies.ts'
import { pageOf } from '../paging.ts'
import { GroupName, PageInput, PageOutput, PolicyName } from '../shapes.ts'
import { existingGroup, groupTarget } from '../target.ts'

export const listGroupPolicies = operation({
  name: 'ListGroupPolicies',
  readOnly: true,

  input: { GroupName, ...PageInput },

  output: { PolicyNames: list(PolicyName), ...PageOutput },

  target: groupTarget,

  async run(call) {
    const source = inlinePolicyNames(existingGroup(call.target).body)
    const { items, more } = await pageOf(call, 'ListGroupPolicies', source)
    return { PolicyNames: items, ...more }
  },
})
