// GenerateDataKeyPair and GenerateDataKeyPairWithoutPlaintext: a key pair for use outside, its private key encrypted under a KMS key.

import type { Call, Preparation } from '../../call.ts'
import { DATA_KEY_PAIR_SPECS, type DataKeyPairSpec } from '../../crypto/kms/spec.ts'
import { endDryRun } from './cryptography.ts'
import { mustMakeDataKeys } from './data-keys.ts'
import { encryptUnder } from './encryption.ts'
import { unsupported } from './errors.ts'
import { noteUse } from './key-uses.ts'
import { arnOf } from './model.ts'
import { type FreshMaterial, makeMaterial } from './new-key.ts'
import type { EncryptionContext } from './port.ts'
import { fitKey, type KeyTarget } from './target.ts'

type Input = {
  readonly KeyPairSpec: string
  readonly EncryptionContext?: EncryptionContext | undefined
  readonly DryRun?: boolean | undefined
}

const isPairSpec = (spec: string): spec is DataKeyPairSpec => DATA_KEY_PAIR_SPECS.includes(spec as DataKeyPairSpec)

/** The pair, made outside any transaction, since RSA takes its time. @throws ServiceError UnsupportedOperationException, ThrottlingException */
export async function preparePair({ input }: Preparation<Input>): Promise<FreshMaterial | undefined> {
  if (!isPairSpec(input.KeyPairSpec)) throw unsupported(`Key pair spec ${input.KeyPairSpec} is not supported.`)
  return input.DryRun ? undefined : makeMaterial(input.KeyPairSpec)
}

export async function makeDataKeyPair(call: Call<Input> & { readonly target: KeyTarget }, operation: string) {
  const { input, target } = call
  const { key } = fitKey(target, 'use')
  mustMakeDataKeys(key, operation)
  endDryRun(input)
  const { secret, publicKey } = call.prepared as FreshMaterial
  const privateKey = secret.export()
  const { blob, materialId } = await encryptUnder(call, key, privateKey, input.EncryptionContext)
  noteUse(call, key, operation)
  return {
    privateKey,
    answer: {
      PrivateKeyCiphertextBlob: blob,
      PublicKey: Buffer.from(publicKey!, 'base64'),
      KeyId: arnOf(key),
      KeyPairSpec: input.KeyPairSpec as DataKeyPairSpec,
      KeyMaterialId: materialId,
    },
  }
}
