// GenerateMac and VerifyMac: the HMAC of a message under a key of one hash.
// https://docs.aws.amazon.com/kms/latest/developerguide/hmac.html

import type { Call } from '../../call.ts'
import { generateMac } from '../../crypto/kms/hmac.ts'
import { openMacKey } from '../../crypto/kms/key-material.ts'
import { isHmac, type MacAlgorithm, macAlgorithmsOf } from '../../crypto/kms/spec.ts'
import { endDryRun, refusalsOf } from './cryptography.ts'
import { currentMaterial, unwrapped } from './encryption.ts'
import { wrongAlgorithm } from './errors.ts'
import type { KmsKey } from './model.ts'
import { type KeyTarget, usableKey } from './target.ts'

type Input = {
  readonly Message: Uint8Array
  readonly MacAlgorithm: MacAlgorithm
  readonly DryRun?: boolean | undefined
}

export async function macOf(
  call: Call<Input> & { readonly target: KeyTarget },
  operation: string,
): Promise<{ readonly key: KmsKey; readonly mac: Buffer }> {
  const { input, target } = call
  const key = usableKey(target, 'GENERATE_VERIFY_MAC', operation)
  const { keySpec } = key
  if (!isHmac(keySpec) || !macAlgorithmsOf(keySpec).includes(input.MacAlgorithm))
    throw wrongAlgorithm(input.MacAlgorithm, keySpec)
  endDryRun(input)
  const bytes = unwrapped(call, await currentMaterial(call, key)).export()
  const secret = openMacKey(keySpec, bytes)
  bytes.fill(0)
  const mac = await refusalsOf(key, input.MacAlgorithm, () => generateMac(secret, input.MacAlgorithm, input.Message))
  return { key, mac }
}
