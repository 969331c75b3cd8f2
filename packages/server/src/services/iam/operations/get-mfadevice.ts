// GetMFADevice tells since when an MFA device is enabled for a user, or for whose request it is.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetMFADevice.html

import { operation } from '../../../operation.ts'
import { optional, string, timestamp } from '../../../shape/shape.ts'
import * as errors from '../errors.ts'
import { mfaDevicesOf } from '../mfa-devices.ts'
import { Certifications, ExistingUserName, SerialNumber } from '../shapes.ts'
import { ownTarget, ownUser } from '../target.ts'

export const getMFADevice = operation({
  name: 'GetMFADevice',
  readOnly: true,

  input: { SerialNumber, UserName: optional(ExistingUserName) },

  output: {
    UserName: optional(string()),
    SerialNumber: string(),
    EnableDate: optional(timestamp()),
    Certifications: optional(Certifications),
  },

  target: ownTarget,

  async run({ input, target }) {
    const user = ownUser(target)
    const device = mfaDevicesOf(user).find(({ serialNumber }) => serialNumber === input.SerialNumber)
    if (device === undefined) throw errors.mfaDeviceNotOfUser()
    return { UserName: user.body.userName, SerialNumber: device.serialNumber, EnableDate: device.enabledAt }
  },
})
