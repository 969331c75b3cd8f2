// RemoveRegionsFromReplication ends the replication of a secret to Regions, and removes its replicas there at once.
// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_RemoveRegionsFromReplication.html

import { operation } from '../../../operation.ts'
import { optional } from '../../../shape/shape.ts'
import * as errors from '../errors.ts'
import { findReplica } from '../model.ts'
import { removeReplica, replicationStatus } from '../replication.ts'
import { Arn, RemoveReplicaRegions, ReplicationStatus, SecretId } from '../shapes.ts'
import { updateSecret } from '../store.ts'
import { primarySecret, secretTarget } from '../target.ts'

export const removeRegionsFromReplication = operation({
  name: 'RemoveRegionsFromReplication',
  readOnly: false,

  input: { SecretId, RemoveReplicaRegions },

  output: { ARN: optional(Arn), ReplicationStatus: optional(ReplicationStatus) },

  target: secretTarget,

  responseElements: ({ ARN }) => ({ arn: ARN }),

  async run(call) {
    const stored = primarySecret(call.target)
    let { secret } = stored
    for (const region of new Set(call.input.RemoveReplicaRegions)) {
      if (findReplica(secret, region) === undefined) throw errors.replicaRegionNotFound(region)
      secret = await removeReplica(call, stored, secret, region)
    }
    const changed = await updateSecret(call, stored, secret)
    return { ARN: secret.arn, ReplicationStatus: (await replicationStatus(call, changed)) ?? [] }
  },
})
