// ReplicateSecretToRegions has a secret copied to other Regions, now and after each change. The copies are made after the answer.
// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_ReplicateSecretToRegions.html

import { operation } from '../../../operation.ts'
import { boolean, optional } from '../../../shape/shape.ts'
import { addReplicas, replicationStatus } from '../replication.ts'
import { AddReplicaRegions, Arn, ReplicationStatus, SecretId } from '../shapes.ts'
import { updateSecret } from '../store.ts'
import { primarySecret, secretTarget } from '../target.ts'

export const replicateSecretToRegions = operation({
  name: 'ReplicateSecretToRegions',
  readOnly: false,

  input: { SecretId, AddReplicaRegions, ForceOverwriteReplicaSecret: optional(boolean()) },

  output: { ARN: optional(Arn), ReplicationStatus: optional(ReplicationStatus) },

  target: secretTarget,

  conditions: ({ AddReplicaRegions, ForceOverwriteReplicaSecret }) => ({
    'secretsmanager:AddReplicaRegions': AddReplicaRegions.flatMap(({ Region }) => Region ?? []),
    'secretsmanager:ForceOverwriteReplicaSecret': ForceOverwriteReplicaSecret?.toString(),
  }),

  responseElements: ({ ARN }) => ({ arn: ARN }),

  async run(call) {
    const { AddReplicaRegions, ForceOverwriteReplicaSecret } = call.input
    const stored = primarySecret(call.target)
    const { account, region } = stored
    const overwrite = ForceOverwriteReplicaSecret === true
    const secret = await addReplicas(call, account, region, stored.secret, AddReplicaRegions, overwrite)
    const changed = await updateSecret(call, stored, secret)
    return { ARN: secret.arn, ReplicationStatus: await replicationStatus(call, changed) }
  },
})
