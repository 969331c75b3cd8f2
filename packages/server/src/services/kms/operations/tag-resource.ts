// TagResource attaches tags to a key, taking the place of values that their keys had.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_TagResource.html

import { operation } from '../../../operation.ts'
import { KeyId, Tags } from '../shapes.ts'
import { updateKey } from '../store.ts'
import { requestTagContext, withTags } from '../tags.ts'
import { fitKey, ownKeyTarget } from '../target.ts'

export const tagResource = operation({
  name: 'TagResource',
  readOnly: false,
  input: { KeyId, Tags },
  target: ownKeyTarget,
  conditions: ({ Tags }) => requestTagContext(Tags),

  async run(call) {
    const stored = fitKey(call.target, 'change')
    await updateKey(call, stored, { ...stored.key, tags: withTags(stored.key.tags, call.input.Tags) })
    return {}
  },
})
