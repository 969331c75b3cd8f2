// UntagMFADevice takes tags off a virtual MFA device.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_UntagMFADevice.html

import { operation } from '../../../operation.ts'
import { SerialNumber, TagKeys } from '../shapes.ts'
import { MFA_DEVICE, replaceRow } from '../store.ts'
import { tagKeysContext, withoutTags } from '../tags.ts'
import { existingMfaDevice, mfaDeviceTarget } from '../target.ts'

export const untagMFADevice = operation({
  name: 'UntagMFADevice',
  readOnly: false,

  input: { SerialNumber, TagKeys },

  target: mfaDeviceTarget,

  conditions: ({ TagKeys }) => tagKeysContext(TagKeys),

  async run({ app, tx, input, target }) {
    const device = existingMfaDevice(target)
    const tags = withoutTags(device.body.tags, input.TagKeys)
    await replaceRow(app, tx, MFA_DEVICE, device, { ...device.body, tags })
    return {}
  },
})
