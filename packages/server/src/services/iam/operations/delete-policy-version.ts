// DeletePolicyVersion deletes a version of a customer managed policy that is not its default one.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeletePolicyVersion.html

import { operation } from '../../../operation.ts'
import { deletePolicyVersion as remove } from '../policies.ts'
import { Arn, PolicyVersionId } from '../shapes.ts'
import { existingPolicy, ownPolicyTarget } from '../target.ts'

export const deletePolicyVersion = operation({
  name: 'DeletePolicyVersion',
  readOnly: false,

  input: { PolicyArn: Arn, VersionId: PolicyVersionId },

  target: ownPolicyTarget,

  async run({ app, tx, input, target }) {
    await remove(app, tx, existingPolicy(target), input.VersionId)
    return {}
  },
})
