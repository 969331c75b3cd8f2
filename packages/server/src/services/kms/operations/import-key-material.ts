// ImportKeyMaterial puts a customer's own material into a key that was made without any, or other material to be rotated to.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_ImportKeyMaterial.html

import { operation } from '../../../operation.ts'
import { redact } from '../../../shape/redact.ts'
import { optional, timestamp } from '../../../shape/shape.ts'
import { notForOrigin } from '../errors.ts'
import { importMaterial, unwrapImported } from '../import.ts'
import { mustBeFit } from '../key-states.ts'
import { arnOf, keyArn, parseKeyIdOrArn } from '../model.ts'
import type { FreshMaterial } from '../new-key.ts'
import {
  Arn,
  CiphertextBlob,
  ExpirationModel,
  ImportType,
  KeyId,
  KeyMaterialDescription,
  KeyMaterialId,
} from '../shapes.ts'
import { existingKey, ownKeyTarget } from '../target.ts'

const output = { KeyId: optional(Arn), KeyMaterialId: optional(KeyMaterialId) }

export const importKeyMaterial = operation({
  name: 'ImportKeyMaterial',
  readOnly: false,
  input: {
    KeyId,
    ImportToken: CiphertextBlob,
    EncryptedKeyMaterial: CiphertextBlob,
    ValidTo: optional(timestamp()),
    ExpirationModel: optional(ExpirationModel),
    ImportType: optional(ImportType),
    KeyMaterialDescription: optional(KeyMaterialDescription),
    KeyMaterialId: optional(KeyMaterialId),
  },
  output,
  target: ownKeyTarget,
  responseElements: (answer) => redact(output, answer),

  prepare(call) {
    const { app, input } = call
    const name = parseKeyIdOrArn(input.KeyId, call)
    const arn = keyArn({ ...call, account: name.account }, name.keyId)
    return unwrapImported(app.keyring, app.wallNow(), arn, input.ImportToken, input.EncryptedKeyMaterial)
  },

  async run(call) {
    const stored = existingKey(call.target)
    if (stored.key.origin !== 'EXTERNAL') throw notForOrigin(arnOf(stored.key), stored.key.origin)
    mustBeFit(stored.key, 'change')
    const materialId = await importMaterial(call, stored, call.prepared as FreshMaterial, call.input)
    return { KeyId: arnOf(stored.key), KeyMaterialId: materialId }
  },
})
