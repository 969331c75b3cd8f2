// DeletePolicy deletes a customer managed policy that nothing has any more, and with it its last version.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeletePolicy.html

import { operation } from '../../../operation.ts'
import { deletePolicy as remove } from '../policies.ts'
import { Arn } from '../shapes.ts'
import { existingPolicy, ownPolicyTarget } from '../target.ts'

export const deletePolicy = operation({
  name: 'DeletePolicy',
  readOnly: false,

  input: { PolicyArn: Arn },

  target: ownPolicyTarget,

  async run({ tx, target }) {
    await remove(tx, existingPolicy(target))
    return {}
  },
})
