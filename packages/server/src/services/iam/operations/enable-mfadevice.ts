// EnableMFADevice makes an MFA device one of a user's, who proves by two codes in a row to have it.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_EnableMFADevice.html

import { operation } from '../../../operation.ts'
import { enableMfaDevice } from '../mfa-devices.ts'
import { DeviceProofInput } from '../shapes.ts'
import { existingUser, userTarget } from '../target.ts'

export const enableMFADevice = operation({
  name: 'EnableMFADevice',
  readOnly: false,

  input: DeviceProofInput,

  target: userTarget,

  async run({ app, tx, now, input, target }) {
    await enableMfaDevice(app, tx, existingUser(target), input.SerialNumber, {
      codes: [input.AuthenticationCode1, input.AuthenticationCode2],
      wallNow: app.wallNow(),
      now,
    })
    return {}
  },
})
