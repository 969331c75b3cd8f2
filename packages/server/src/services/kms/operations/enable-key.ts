// EnableKey lets a disabled key be used again. A rotation that fell due meanwhile is made up for.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_EnableKey.html

import { operation } from '../../../operation.ts'
import { scheduleRotation } from '../rotation.ts'
import { KeyId } from '../shapes.ts'
import { updateKey } from '../store.ts'
import { fitKey, ownKeyTarget } from '../target.ts'

export const enableKey = operation({
  name: 'EnableKey',
  readOnly: false,
  input: { KeyId },
  target: ownKeyTarget,

  async run(call) {
    const stored = fitKey(call.target, 'enable')
    if (stored.key.keyState === 'Enabled') return {}
    const { key } = await updateKey(call, stored, { ...stored.key, keyState: 'Enabled' })
    await scheduleRotation(call, key)
    return {}
  },
})
