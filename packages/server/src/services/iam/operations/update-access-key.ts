// UpdateAccessKey makes an access key active or inactive, from the next request on.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateAccessKey.html

import { operation } from '../../../operation.ts'
import { optional } from '../../../shape/shape.ts'
import { setAccessKeyStatus } from '../access-keys.ts'
import * as errors from '../errors.ts'
import { AccessKeyId, AccessKeyStatus, ExistingUserName } from '../shapes.ts'
import { ownTarget } from '../target.ts'

export const updateAccessKey = operation({
  name: 'UpdateAccessKey',
  readOnly: false,

  input: {
    UserName: optional(ExistingUserName),
    AccessKeyId,
    Status: AccessKeyStatus,
  },

  target: ownTarget,

  async run({ app, tx, account, input, target }) {
    // A key expires by itself or not at all.
    if (input.Status === 'Expired') throw errors.cannotExpire()
    await setAccessKeyStatus(app, tx, account, target.owner, input.AccessKeyId, input.Status)
    return {}
  },
})
