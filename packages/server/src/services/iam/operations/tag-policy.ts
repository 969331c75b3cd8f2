// TagPolicy puts tags on a customer managed policy, in place of those with the same keys.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_TagPolicy.html

import { operation } from '../../../operation.ts'
import { Arn, Tags } from '../shapes.ts'
import { POLICY, replaceRow } from '../store.ts'
import { requestTagContext, withPolicyTags } from '../tags.ts'
import { existingPolicy, ownPolicyTarget } from '../target.ts'

export const tagPolicy = operation({
  name: 'TagPolicy',
  readOnly: false,

  input: { PolicyArn: Arn, Tags },

  target: ownPolicyTarget,

  conditions: ({ Tags }) => requestTagContext(Tags),

  async run({ app, tx, input, target }) {
    const policy = existingPolicy(target)
    const tags = withPolicyTags(policy.body.tags, input.Tags)
    await replaceRow(app, tx, POLICY, policy, { ...policy.body, tags })
    return {}
  },
})
