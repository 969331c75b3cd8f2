// GenerateDataKey and GenerateDataKeyWithoutPlaintext: a key for use outside, encrypted under a KMS key.

import type { Call } from '../../call.ts'
import { dataKeyBytes, endDryRun } from './cryptography.ts'
import { mustMakeDataKeys } from './data-keys.ts'
import { encryptUnder } from './encryption.ts'
import { noteUse } from './key-uses.ts'
import { arnOf } from './model.ts'
import type { EncryptionContext } from './port.ts'
import { fitKey, type KeyTarget } from './target.ts'

type Input = {
  readonly EncryptionContext?: EncryptionContext | undefined
  readonly KeySpec?: string | undefined
  readonly NumberOfBytes?: number | undefined
  readonly DryRun?: boolean | undefined
}

export async function makeDataKey(call: Call<Input> & { readonly target: KeyTarget }, operation: string) {
  const { app, input, target } = call
  const { key } = fitKey(target, 'use')
  mustMakeDataKeys(key, operation)
  const size = dataKeyBytes(input)
  endDryRun(input)
  const plaintext = Buffer.from(app.randomBytes(size))
  const { blob, materialId } = await encryptUnder(call, key, plaintext, input.EncryptionContext)
  noteUse(call, key, operation)
  return { plaintext, answer: { CiphertextBlob: blob, KeyId: arnOf(key), KeyMaterialId: materialId } }
}
