// DeleteResourcePolicy takes the policy off a secret. On a secret that has none it succeeds and changes nothing.
// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_DeleteResourcePolicy.html

import { operation } from '../../../operation.ts'
import { optional } from '../../../shape/shape.ts'
import { changeSecret } from '../replication.ts'
import { Arn, SecretId, SecretName } from '../shapes.ts'
import { removePolicy } from '../store.ts'
import { primarySecret, secretTarget } from '../target.ts'

export const deleteResourcePolicy = operation({
  name: 'DeleteResourcePolicy',
  readOnly: false,

  input: { SecretId },

  output: { ARN: optional(Arn), Name: optional(SecretName) },

  target: secretTarget,

  responseElements: ({ ARN, Name }) => ({ arn: ARN, name: Name }),

  async run(call) {
    const stored = primarySecret(call.target)
    const { policyDigest, ...bare } = stored.secret
    if (policyDigest !== undefined) {
      await removePolicy(call, bare.arn)
      await changeSecret(call, stored, { ...bare, changedAt: call.now })
    }
    return { ARN: bare.arn, Name: bare.name }
  },
})
