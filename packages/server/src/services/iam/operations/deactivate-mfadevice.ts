// DeactivateMFADevice takes an MFA device from a user, or from whose request it is. The device stays, and can be enabled again or deleted.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeactivateMFADevice.html

import { operation } from '../../../operation.ts'
import { optional } from '../../../shape/shape.ts'
import { deactivateMfaDevice } from '../mfa-devices.ts'
import { ExistingUserName, SerialNumber } from '../shapes.ts'
import { ownTarget, ownUser } from '../target.ts'

export const deactivateMFADevice = operation({
  name: 'DeactivateMFADevice',
  readOnly: false,

  input: { UserName: optional(ExistingUserName), SerialNumber },

  target: ownTarget,

  async run({ app, tx, input, target }) {
    await deactivateMfaDevice(app, tx, ownUser(target), input.SerialNumber)
    return {}
  },
})
