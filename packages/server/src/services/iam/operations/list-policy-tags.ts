// ListPolicyTags lists the tags of a customer managed policy, by key.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListPolicyTags.html

import { operation } from '../../../operation.ts'
import { pageOf } from '../paging.ts'
import { Arn, PageInput, PageOutput, Tags } from '../shapes.ts'
import { shownTags, tagSource } from '../tags.ts'
import { existingPolicy, policyTarget } from '../target.ts'

export const listPolicyTags = operation({
  name: 'ListPolicyTags',
  readOnly: true,

  input: { PolicyArn: Arn, ...PageInput },

  output: { Tags, ...PageOutput },

  target: policyTarget,

  async run(call) {
    const { tags } = existingPolicy(call.target).body
    const { items, more } = await pageOf(call, 'ListPolicyTags', tagSource(tags))
    return { Tags: shownTags(items), ...more }
  },
})
