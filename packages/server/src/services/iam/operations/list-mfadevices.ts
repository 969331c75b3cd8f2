// ListMFADevices lists the MFA devices of a user, or of whose request it is, oldest first. A root user has none.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListMFADevices.html

import { operation } from '../../../operation.ts'
import { list, optional } from '../../../shape/shape.ts'
import { mfaDevicesOf } from '../mfa-devices.ts'
import { listed, pageOf } from '../paging.ts'
import { ExistingUserName, MFADevice, PageInput, PageOutput } from '../shapes.ts'
import { existingUser, ownTarget } from '../target.ts'

export const listMFADevices = operation({
  name: 'ListMFADevices',
  readOnly: true,

  input: { UserName: optional(ExistingUserName), ...PageInput },

  output: { MFADevices: list(MFADevice), ...PageOutput },

  target: ownTarget,

  async run(call) {
    const user = call.target.owner === 'root' ? undefined : existingUser(call.target)
    const oldestFirst = listed(
      user === undefined ? [] : mfaDevicesOf(user),
      ({ enabledAt, serialNumber }) => `${String(enabledAt).padStart(15, '0')} ${serialNumber}`,
    )
    const { items, more } = await pageOf(call, 'ListMFADevices', oldestFirst)
    return {
      MFADevices: items.map(({ serialNumber, enabledAt }) => ({
        UserName: user!.body.userName,
        SerialNumber: serialNumber,
        EnableDate: enabledAt,
      })),
      ...more,
    }
  },
})
