// DeleteAccessKey removes an access key, which is refused from the next request on.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteAccessKey.html

import { operation } from '../../../operation.ts'
import { optional } from '../../../shape/shape.ts'
import { deleteAccessKey as remove } from '../access-keys.ts'
import { AccessKeyId, ExistingUserName } from '../shapes.ts'
import { ownTarget } from '../target.ts'

export const deleteAccessKey = operation({
  name: 'DeleteAccessKey',
  readOnly: false,

  input: { UserName: optional(ExistingUserName), AccessKeyId },

  target: ownTarget,

  async run({ app, tx, account, input, target }) {
    await remove(app, tx, account, target.owner, input.AccessKeyId)
    return {}
  },
})
