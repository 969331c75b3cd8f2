// SetDefaultPolicyVersion puts a version of a customer managed policy in effect, wherever the policy is attached, from the next request on.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_SetDefaultPolicyVersion.html

import { operation } from '../../../operation.ts'
import { setDefaultPolicyVersion as setDefault } from '../policies.ts'
import { Arn, PolicyVersionId } from '../shapes.ts'
import { existingPolicy, ownPolicyTarget } from '../target.ts'

export const setDefaultPolicyVersion = operation({
  name: 'SetDefaultPolicyVersion',
  readOnly: false,

  input: { PolicyArn: Arn, VersionId: PolicyVersionId },

  target: ownPolicyTarget,

  async run({ app, tx, input, target }) {
    await setDefault(app, tx, existingPolicy(target), input.VersionId)
    return {}
  },
})
