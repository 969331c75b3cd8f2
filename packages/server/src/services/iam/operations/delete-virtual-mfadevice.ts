// DeleteVirtualMFADevice removes a virtual MFA device that is enabled for nobody, and its seed with it.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteVirtualMFADevice.html

import { operation } from '../../../operation.ts'
import { deleteMfaDevice } from '../mfa-devices.ts'
import { SerialNumber } from '../shapes.ts'
import { existingMfaDevice, mfaDeviceTarget } from '../target.ts'

export const deleteVirtualMFADevice = operation({
  name: 'DeleteVirtualMFADevice',
  readOnly: false,

  input: { SerialNumber },

  target: mfaDeviceTarget,

  async run({ tx, target }) {
    await deleteMfaDevice(tx, existingMfaDevice(target))
    return {}
  },
})
