// RotateKeyOnDemand replaces a key's material now: by fresh material, or by what was imported for it. Its automatic rotation stays as it is.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_RotateKeyOnDemand.html

import { operation } from '../../../operation.ts'
import { optional } from '../../../shape/shape.ts'
import { limitExceeded } from '../errors.ts'
import { rotateToImported } from '../import.ts'
import { mustBeFit } from '../key-states.ts'
import { arnOf, materialsOf } from '../model.ts'
import { mustRotate, ON_DEMAND_ROTATIONS_MAX, rotateKey } from '../rotation.ts'
import { Arn, KeyId } from '../shapes.ts'
import { existingKey, ownKeyTarget } from '../target.ts'

export const rotateKeyOnDemand = operation({
  name: 'RotateKeyOnDemand',
  readOnly: false,
  input: { KeyId },
  output: { KeyId: optional(Arn) },
  target: ownKeyTarget,

  async run(call) {
    const stored = existingKey(call.target)
    const { key } = stored
    mustRotate(key, { onDemand: true })
    mustBeFit(key, 'rotate')
    const done = materialsOf(key).filter(({ rotation }) => rotation?.type === 'ON_DEMAND').length
    if (done >= ON_DEMAND_ROTATIONS_MAX)
      throw limitExceeded(`A KMS key is rotated on demand at most ${ON_DEMAND_ROTATIONS_MAX} times.`)
    if (key.origin === 'EXTERNAL') await rotateToImported(call, stored)
    else await rotateKey(call, stored, 'ON_DEMAND', call.now)
    return { KeyId: arnOf(key) }
  },
})
