// TagMFADevice puts tags on a virtual MFA device, taking the place of values that their keys had.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_TagMFADevice.html

import { operation } from '../../../operation.ts'
import { SerialNumber, Tags } from '../shapes.ts'
import { MFA_DEVICE, replaceRow } from '../store.ts'
import { requestTagContext, withTags } from '../tags.ts'
import { existingMfaDevice, mfaDeviceTarget } from '../target.ts'

export const tagMFADevice = operation({
  name: 'TagMFADevice',
  readOnly: false,

  input: { SerialNumber, Tags },

  target: mfaDeviceTarget,

  conditions: ({ Tags }) => requestTagContext(Tags),

  async run({ app, tx, input, target }) {
    const device = existingMfaDevice(target)
    const tags = withTags(device.body.tags, input.Tags, 'TagsPerMFADevice')
    await replaceRow(app, tx, MFA_DEVICE, device, { ...device.body, tags })
    return {}
  },
})
