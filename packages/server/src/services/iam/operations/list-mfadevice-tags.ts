// ListMFADeviceTags lists the tags of a virtual MFA device, by key.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListMFADeviceTags.html

import { operation } from '../../../operation.ts'
import { pageOf } from '../paging.ts'
import { PageInput, PageOutput, SerialNumber, Tags } from '../shapes.ts'
import { shownTags, tagSource } from '../tags.ts'
import { existingMfaDevice, mfaDeviceTarget } from '../target.ts'

export const listMFADeviceTags = operation({
  name: 'ListMFADeviceTags',
  readOnly: true,

  input: { SerialNumber, ...PageInput },

  output: { Tags, ...PageOutput },

  target: mfaDeviceTarget,

  async run(call) {
    const { items, more } = await pageOf(call, 'ListMFADeviceTags', tagSource(existingMfaDevice(call.target).body.tags))
    return { Tags: shownTags(items), ...more }
  },
})
