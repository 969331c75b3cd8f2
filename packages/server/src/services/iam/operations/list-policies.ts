// ListPolicies lists the managed policies that an account can attach, those of AWS and then its own, by ARN. Neither tags nor descriptions are
// in it, as on AWS: GetPolicy has them.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListPolicies.html

import { operation } from '../../../operation.ts'
import { boolean, list, optional } from '../../../shape/shape.ts'
import { listedPolicy } from '../details.ts'
import { pageOf } from '../paging.ts'
import { policySource } from '../policy-lists.ts'
import { PageInput, PageOutput, Policy, PolicyPathPrefix, PolicyScope, PolicyUsage } from '../shapes.ts'
import { countAttachments } from '../store.ts'

export const listPolicies = operation({
  name: 'ListPolicies',
  readOnly: true,

  input: {
    Scope: optional(PolicyScope),
    OnlyAttached: optional(boolean()),
    PathPrefix: optional(PolicyPathPrefix),
    PolicyUsageFilter: optional(PolicyUsage),
    ...PageInput,
  },

  output: { Policies: optional(list(Policy)), ...PageOutput },

  target: async ({ account, input }) => ({
    resource: '*',
    shown: `policy path ${input.PathPrefix ?? '/'}`,
    account,
  }),

  async run(call) {
    const { tx, account } = call
    const { items, more } = await pageOf(call, 'ListPolicies', policySource(call))
    const counts = await countAttachments(
      tx,
      account,
      items.map(({ key }) => key[1]!),
    )
    return { Policies: items.map((policy) => listedPolicy(policy, counts.get(policy.key[1]!))), ...more }
  },
})
