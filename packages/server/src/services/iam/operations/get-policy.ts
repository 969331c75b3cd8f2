// GetPolicy tells of a managed policy: its default version, its tags, and how many users, groups and roles have it. GetPolicyVersion has its
// document.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetPolicy.html

import { operation } from '../../../operation.ts'
import { optional } from '../../../shape/shape.ts'
import { shownPolicy } from '../details.ts'
import { policyNotFound } from '../errors.ts'
import { Arn, Policy } from '../shapes.ts'
import { countAttachments } from '../store.ts'
import { existingPolicy, policyTarget } from '../target.ts'

export const getPolicy = operation({
  name: 'GetPolicy',
  readOnly: true,

  input: { PolicyArn: Arn },

  output: { Policy: optional(Policy) },

  target: policyTarget,

  async run({ tx, account, target }) {
    const policy = existingPolicy(target, policyNotFound)
    const counts = await countAttachments(tx, account, [target.arn])
    return { Policy: shownPolicy(policy, counts.get(target.arn)) }
  },
})
