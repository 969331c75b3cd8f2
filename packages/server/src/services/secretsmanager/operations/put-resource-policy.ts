// PutResourcePolicy attaches a policy to a secret in the place of the one that it may have.
// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_PutResourcePolicy.html

import { operation } from '../../../operation.ts'
import { boolean, optional } from '../../../shape/shape.ts'
import * as errors from '../errors.ts'
import { mayPutPolicy } from '../lock-out.ts'
import { changeSecret } from '../replication.ts'
import { acceptDocument, isPublic, toResourcePolicy } from '../resource-policy.ts'
import { Arn, ResourcePolicy, SecretId, SecretName } from '../shapes.ts'
import { writePolicy } from '../store.ts'
import { primarySecret, secretTarget, targetOf } from '../target.ts'

const conditions = ({ BlockPublicPolicy }: { readonly BlockPublicPolicy?: boolean | undefined }) => ({
  'secretsmanager:BlockPublicPolicy': BlockPublicPolicy?.toString(),
})

export const putResourcePolicy = operation({
  name: 'PutResourcePolicy',
  readOnly: false,

  input: { SecretId, ResourcePolicy, BlockPublicPolicy: optional(boolean()) },

  output: { ARN: optional(Arn), Name: optional(SecretName) },

  target: secretTarget,

  conditions,

  responseElements: ({ ARN, Name }) => ({ arn: ARN, name: Name }),

  async run(call) {
    const { input, now } = call
    const stored = primarySecret(call.target)
    const { secret } = stored
    const policy = await acceptDocument(call, input.ResourcePolicy)
    const resourcePolicy = toResourcePolicy(secret.arn, policy)
    if (input.BlockPublicPolicy && isPublic(resourcePolicy)) throw errors.publicPolicy()
    const target = targetOf(call, stored, input.SecretId, resourcePolicy)
    if (!mayPutPolicy(call, target, conditions(input))) throw errors.policyLocksOut()

    const policyDigest = await writePolicy(call, stored, policy)
    await changeSecret(call, stored, { ...secret, policyDigest, changedAt: now })
    return { ARN: secret.arn, Name: secret.name }
  },
})
