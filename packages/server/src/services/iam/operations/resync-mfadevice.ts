// ResyncMFADevice learns from two codes in a row by how much the clock of a user's MFA device is off.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_ResyncMFADevice.html

import { operation } from '../../../operation.ts'
import { resyncMfaDevice } from '../mfa-devices.ts'
import { DeviceProofInput } from '../shapes.ts'
import { existingUser, userTarget } from '../target.ts'

export const resyncMFADevice = operation({
  name: 'ResyncMFADevice',
  readOnly: false,

  input: DeviceProofInput,

  target: userTarget,

  async run({ app, tx, input, target }) {
    await resyncMfaDevice(app, tx, existingUser(target), input.SerialNumber, {
      codes: [input.AuthenticationCode1, input.AuthenticationCode2],
      wallNow: app.wallNow(),
    })
    return {}
  },
})
