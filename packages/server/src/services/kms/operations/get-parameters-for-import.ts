// GetParametersForImport returns a public key to wrap key material under, and the token that goes with it, both for 24 hours.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_GetParametersForImport.html

import {
  type WrappingAlgorithm as Algorithm,
  canWrap,
  isRsa,
  type WrappingKeySpec as Spec,
} from '../../../crypto/kms/spec.ts'
import { operation } from '../../../operation.ts'
import { blob, optional, timestamp } from '../../../shape/shape.ts'
import { invalidRequest, notForOrigin, unsupported } from '../errors.ts'
import { sealToken, TOKEN_AGE_MS_MAX } from '../import.ts'
import { mustBeFit } from '../key-states.ts'
import { arnOf } from '../model.ts'
import { type FreshMaterial, makeMaterial } from '../new-key.ts'
import { Arn, CiphertextBlob, KeyId, WrappingAlgorithm, WrappingKeySpec } from '../shapes.ts'
import { existingKey, ownKeyTarget } from '../target.ts'

type Asked = { readonly WrappingKeySpec: string; readonly WrappingAlgorithm: string }

function wrappingOf({ WrappingKeySpec: spec, WrappingAlgorithm: algorithm }: Asked): {
  readonly spec: Spec
  readonly algorithm: Algorithm
} {
  if (spec === 'SM2') throw unsupported('Wrapping key spec SM2 is not supported.')
  if (algorithm === 'SM2PKE' || algorithm === 'RSAES_PKCS1_V1_5')
    throw unsupported(`Wrapping algorithm ${algorithm} is not supported.`)
  return { spec: spec as Spec, algorithm: algorithm as Algorithm }
}

export const getParametersForImport = operation({
  name: 'GetParametersForImport',
  readOnly: true,
  input: { KeyId, WrappingAlgorithm, WrappingKeySpec },
  output: {
    KeyId: optional(Arn),
    ImportToken: optional(CiphertextBlob),
    PublicKey: optional(blob({ sensitive: true })),
    ParametersValidTo: optional(timestamp()),
  },
  target: ownKeyTarget,

  prepare: ({ input }) => makeMaterial(wrappingOf(input).spec),

  async run(call) {
    const { app, input, target } = call
    const { key } = existingKey(target)
    if (key.origin !== 'EXTERNAL') throw notForOrigin(arnOf(key), key.origin)
    mustBeFit(key, 'change')
    const { spec, algorithm } = wrappingOf(input)
    if (!isRsa(spec) || !canWrap(spec, algorithm, key.keySpec))
      throw invalidRequest(
        `Wrapping algorithm ${algorithm} under ${spec} cannot wrap key material of key spec ${key.keySpec}.`,
      )
    const { secret, publicKey } = call.prepared as FreshMaterial
    const expiresAt = app.wallNow() + TOKEN_AGE_MS_MAX
    const facts = { expiresAt, algorithm, wrappingSpec: spec, keySpec: key.keySpec }
    return {
      KeyId: arnOf(key),
      ImportToken: sealToken(app.keyring, arnOf(key), facts, secret.export()),
      PublicKey: Buffer.from(publicKey!, 'base64'),
      ParametersValidTo: expiresAt,
    }
  },
})
