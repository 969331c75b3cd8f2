// UpdateKeyDescription puts another description in the place of a key's own.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_UpdateKeyDescription.html

import { operation } from '../../../operation.ts'
import { Description, KeyId } from '../shapes.ts'
import { updateKey } from '../store.ts'
import { fitKey, ownKeyTarget } from '../target.ts'

export const updateKeyDescription = operation({
  name: 'UpdateKeyDescription',
  readOnly: false,
  input: { KeyId, Description },
  target: ownKeyTarget,

  async run(call) {
    const stored = fitKey(call.target, 'change')
    await updateKey(call, stored, { ...stored.key, description: call.input.Description })
    return {}
  },
})
