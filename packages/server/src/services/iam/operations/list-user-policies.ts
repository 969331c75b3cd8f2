// ListUserPolicies lists the names of the inline policies of a user.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListUserPolicies.html

import { operation } from '../../../operation.ts'
import { list } from '../../../shape/shape.ts'
import { inlinePolicyNames } from '../inline-policies.ts'
import { pageOf } from '../paging.ts'
import { ExistingUserName, PageInput, PageOutput, PolicyName } from '../shapes.ts'
import { existingUser, userTarget } from '../target.ts'

export const listUserPolicies = operation({
  name: 'ListUserPolicies',
  readOnly: true,

  input: { UserName: ExistingUserName, ...PageInput },

  output: { PolicyNames: list(PolicyName), ...PageOutput },

  target: userTarget,

  async run(call) {
    const source = inlinePolicyNames(existingUser(call.target).body)
    const { items, more } = await pageOf(call, 'ListUserPolicies', source)
    return { PolicyNames: items, ...more }
  },
})
