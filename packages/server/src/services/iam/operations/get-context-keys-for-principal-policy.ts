// GetContextKeysForPrincipalPolicy lists the condition keys that the policies of a user and its groups, of a group or of a role ask for, and
// those given with the call.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetContextKeysForPrincipalPolicy.html

import { operation } from '../../../operation.ts'
import { optional } from '../../../shape/shape.ts'
import { ContextKeyNames, ContextPolicies, contextKeysOf, documentsOf } from '../context-keys.ts'
import { Arn } from '../shapes.ts'
import { existingPolicySource, policySourceTarget } from '../target.ts'

export const getContextKeysForPrincipalPolicy = operation({
  name: 'GetContextKeysForPrincipalPolicy',
  readOnly: true,

  input: { PolicySourceArn: Arn, PolicyInputList: optional(ContextPolicies) },

  output: { ContextKeyNames: optional(ContextKeyNames) },

  target: policySourceTarget,

  async run({ app, tx, account, input, target }) {
    const documents = await documentsOf(app, tx, account, existingPolicySource(target).body)
    return { ContextKeyNames: contextKeysOf([...documents, ...(input.PolicyInputList ?? [])]) }
  },
})
