// GetGroupPolicy tells an inline policy of a group, its document percent-encoded.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetGroupPolicy.html

import { operation } from '../../../operation.ts'
import { encodedDocument } from '../documents.ts'
import { existingInlinePolicy } from '../inline-policies.ts'
import { GroupName, PolicyDocument, PolicyName } from '../shapes.ts'
import { GROUP } from '../store.ts'
import { existingGroup, groupTarget } from '../target.ts'

export const getGroupPolicy = operation({
  name: 'GetGroupPolicy',
  readOnly: true,

  input: { GroupName, PolicyName },

  output: { GroupName, PolicyName, PolicyDocument },

  target: groupTarget,

  async run({ input, target }) {
    const group = existingGroup(target)
    const { policyName, document } = existingInlinePolicy(GROUP, group, input.PolicyName)
    return { GroupName: group.body.groupName, PolicyName: policyName, PolicyDocument: encodedDocument(document) }
  },
})
