// EnableKeyRotation has a key's material replaced every year, or after another period of days.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_EnableKeyRotation.html

import { operation } from '../../../operation.ts'
import { optional } from '../../../shape/shape.ts'
import { mustBeFit } from '../key-states.ts'
import { updateShared } from '../multi-region.ts'
import { mustRotate, ROTATION_DAYS_UNLESS_GIVEN, scheduleRotation } from '../rotation.ts'
import { KeyId, RotationPeriodInDays } from '../shapes.ts'
import { existingKey, ownKeyTarget } from '../target.ts'

const DAY_MS = 86_400_000

export const enableKeyRotation = operation({
  name: 'EnableKeyRotation',
  readOnly: false,
  input: { KeyId, RotationPeriodInDays: optional(RotationPeriodInDays) },
  target: ownKeyTarget,

  async run(call) {
    const stored = existingKey(call.target)
    mustRotate(stored.key)
    mustBeFit(stored.key, 'rotation')
    const periodDays = call.input.RotationPeriodInDays ?? ROTATION_DAYS_UNLESS_GIVEN
    if (stored.key.rotation?.periodDays === periodDays) return {}
    const rotation = { periodDays, nextAt: call.now + periodDays * DAY_MS }
    const { key } = await updateShared(call, stored, (key) => ({ ...key, rotation }))
    await scheduleRotation(call, key)
    return {}
  },
})
