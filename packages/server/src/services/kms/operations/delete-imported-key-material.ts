// DeleteImportedKeyMaterial takes imported material out of a key, which cannot be used until it is imported again.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_DeleteImportedKeyMaterial.html

import { operation } from '../../../operation.ts'
import { redact } from '../../../shape/redact.ts'
import { optional } from '../../../shape/shape.ts'
import { incorrectKeyMaterial, notForOrigin } from '../errors.ts'
import { dropMaterial, scheduleExpiry } from '../import-expiry.ts'
import { arnOf, materialsOf } from '../model.ts'
import { Arn, KeyId, KeyMaterialId } from '../shapes.ts'
import { existingKey, ownKeyTarget } from '../target.ts'

const output = { KeyId: optional(Arn), KeyMaterialId: optional(KeyMaterialId) }

export const deleteImportedKeyMaterial = operation({
  name: 'DeleteImportedKeyMaterial',
  readOnly: false,
  input: { KeyId, KeyMaterialId: optional(KeyMaterialId) },
  output,
  target: ownKeyTarget,
  responseElements: (answer) => redact(output, answer),

  async run(call) {
    const stored = existingKey(call.target)
    const { key } = stored
    if (key.origin !== 'EXTERNAL') throw notForOrigin(arnOf(key), key.origin)
    const wanted = call.input.KeyMaterialId ?? key.currentMaterialId
    if (wanted === undefined) return { KeyId: arnOf(key) }
    if (!materialsOf(key).some(({ materialId }) => materialId === wanted))
      throw incorrectKeyMaterial('The KMS key has no key material of that KeyMaterialId.')
    const changed = await dropMaterial(call, stored, ({ materialId }) => materialId === wanted)
    await scheduleExpiry(call, changed.key)
    return { KeyId: arnOf(key), KeyMaterialId: wanted }
  },
})
