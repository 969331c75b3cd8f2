// UntagPolicy takes tags off a customer managed policy; keys that it does not have are nothing to take off.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_UntagPolicy.html

import { operation } from '../../../operation.ts'
import { Arn, TagKeys } from '../shapes.ts'
import { POLICY, replaceRow } from '../store.ts'
import { tagKeysContext, withoutPolicyTags } from '../tags.ts'
import { existingPolicy, ownPolicyTarget } from '../target.ts'

export const untagPolicy = operation({
  name: 'UntagPolicy',
  readOnly: false,

  input: { PolicyArn: Arn, TagKeys },

  target: ownPolicyTarget,

  conditions: ({ TagKeys }) => tagKeysContext(TagKeys),

  async run({ app, tx, input, target }) {
    const policy = existingPolicy(target)
    const tags = withoutPolicyTags(policy.body.tags, input.TagKeys)
    await replaceRow(app, tx, POLICY, policy, { ...policy.body, tags })
    return {}
  },
})
