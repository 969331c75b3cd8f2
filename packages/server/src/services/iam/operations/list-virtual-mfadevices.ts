// ListVirtualMFADevices lists the virtual MFA devices of the account, by serial number: those that are enabled for a user, the others, or all.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListVirtualMFADevices.html

import { operation } from '../../../operation.ts'
import { list, optional } from '../../../shape/shape.ts'
import { listedUser } from '../details.ts'
import { mfaDevicesOf } from '../mfa-devices.ts'
import type { MfaDeviceBody } from '../model.ts'
import { pageOf, type Source } from '../paging.ts'
import { AssignmentStatus, PageInput, PageOutput, VirtualMFADevice } from '../shapes.ts'
import { findRow, listByName, MFA_DEVICE, type Stored, USER } from '../store.ts'

export const listVirtualMFADevices = operation({
  name: 'ListVirtualMFADevices',
  readOnly: true,

  input: { AssignmentStatus: optional(AssignmentStatus), ...PageInput },

  output: { VirtualMFADevices: list(VirtualMFADevice), ...PageOutput },

  target: async ({ account }) => ({ resource: '*', shown: '*', account }),

  async run(call) {
    const { app, tx, account, partition, input } = call
    const { AssignmentStatus = 'Any' } = input
    const devices: Source<Stored<MfaDeviceBody>> = {
      read: (after, limit) => listByName(app, tx, MFA_DEVICE, account, after, limit),
      place: ({ key }) => key[1]!,
      ...(AssignmentStatus !== 'Any' && {
        passes: ({ body }) => (body.userId !== undefined) === (AssignmentStatus === 'Assigned'),
      }),
    }
    const { items, more } = await pageOf(call, 'ListVirtualMFADevices', devices)
    const VirtualMFADevices = []
    for (const { key, body } of items) {
      const user = body.userId === undefined ? undefined : await findRow(app, tx, USER, [account, body.userId])
      const entry = user && mfaDevicesOf(user).find(({ serialNumber }) => serialNumber === key[1])
      VirtualMFADevices.push({
        SerialNumber: key[1]!,
        ...(user && entry && { User: listedUser(partition, user), EnableDate: entry.enabledAt }),
      })
    }
    return { VirtualMFADevices, ...more }
  },
})
