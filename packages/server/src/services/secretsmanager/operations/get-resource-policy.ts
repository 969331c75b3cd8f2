// GetResourcePolicy returns the resource policy of a secret as it was put, but that a principal who is gone stands there as its unique id.
// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetResourcePolicy.html

import { operation } from '../../../operation.ts'
import { optional } from '../../../shape/shape.ts'
import { shownDocument } from '../../iam/port.ts'
import { Arn, ResourcePolicy, SecretId, SecretName } from '../shapes.ts'
import { readPolicy } from '../store.ts'
import { liveSecret, secretTarget } from '../target.ts'

export const getResourcePolicy = operation({
  name: 'GetResourcePolicy',
  readOnly: true,

  input: { SecretId },

  output: { ARN: optional(Arn), Name: optional(SecretName), ResourcePolicy: optional(ResourcePolicy) },

  target: secretTarget,

  async run(call) {
    const { secret } = liveSecret(call.target)
    const policy = await readPolicy(call, secret)
    return {
      ARN: secret.arn,
      Name: secret.name,
      ...(policy && { ResourcePolicy: await shownDocument(call.app, call.tx, policy) }),
    }
  },
})
