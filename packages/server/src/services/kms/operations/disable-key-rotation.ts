// DisableKeyRotation ends the automatic rotation of a key.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_DisableKeyRotation.html

import { operation } from '../../../operation.ts'
import { mustBeFit } from '../key-states.ts'
import { updateShared } from '../multi-region.ts'
import { mustRotate, scheduleRotation } from '../rotation.ts'
import { KeyId } from '../shapes.ts'
import { existingKey, ownKeyTarget } from '../target.ts'

export const disableKeyRotation = operation({
  name: 'DisableKeyRotation',
  readOnly: false,
  input: { KeyId },
  target: ownKeyTarget,

  async run(call) {
    const stored = existingKey(call.target)
    mustRotate(stored.key)
    mustBeFit(stored.key, 'rotation')
    if (stored.key.rotation === undefined) return {}
    const { key } = await updateShared(call, stored, ({ rotation: _, ...key }) => key)
    await scheduleRotation(call, key)
    return {}
  },
})
