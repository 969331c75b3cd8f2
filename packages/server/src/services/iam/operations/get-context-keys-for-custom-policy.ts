// GetContextKeysForCustomPolicy lists the condition keys that policies given with the call ask for: what a simulation of them needs.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetContextKeysForCustomPolicy.html

import { operation } from '../../../operation.ts'
import { optional } from '../../../shape/shape.ts'
import { ContextKeyNames, ContextPolicies, contextKeysOf } from '../context-keys.ts'
import { accountTarget } from '../target.ts'

export const getContextKeysForCustomPolicy = operation({
  name: 'GetContextKeysForCustomPolicy',
  readOnly: true,

  input: { PolicyInputList: ContextPolicies },

  output: { ContextKeyNames: optional(ContextKeyNames) },

  target: accountTarget,

  run: async ({ input }) => ({ ContextKeyNames: contextKeysOf(input.PolicyInputList) }),
})
