// GetResourcePolicy returns the resource policy of a secret. Secrets of this server have none yet, and AWS leaves the member out then.
// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetResourcePolicy.html

import { operation } from '../../../operation.ts'
import { optional } from '../../../shape/shape.ts'
import { Arn, ResourcePolicy, SecretId, SecretName } from '../shapes.ts'
import { liveSecret, secretTarget } from '../target.ts'

export const getResourcePolicy = operation({
  name: 'GetResourcePolicy',
  readOnly: true,

  input: { SecretId },

  output: { ARN: optional(Arn), Name: optional(SecretName), ResourcePolicy: optional(ResourcePolicy) },

  target: secretTarget,

  async run({ target }) {
    const { secret } = liveSecret(target)
    return { ARN: secret.arn, Name: secret.name }
  },
})
