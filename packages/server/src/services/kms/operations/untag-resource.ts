// UntagResource takes tags off a key. Keys that are not there are nothing to remove.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_UntagResource.html

import { operation } from '../../../operation.ts'
import { KeyId, TagKeys } from '../shapes.ts'
import { updateKey } from '../store.ts'
import { fitKey, ownKeyTarget } from '../target.ts'

export const untagResource = operation({
  name: 'UntagResource',
  readOnly: false,
  input: { KeyId, TagKeys },
  target: ownKeyTarget,
  conditions: ({ TagKeys }) => ({ 'aws:TagKeys': TagKeys }),

  async run(call) {
    const stored = fitKey(call.target, 'change')
    const tags = (stored.key.tags ?? []).filter(({ key }) => !call.input.TagKeys.includes(key))
    await updateKey(call, stored, { ...stored.key, tags })
    return {}
  },
})
