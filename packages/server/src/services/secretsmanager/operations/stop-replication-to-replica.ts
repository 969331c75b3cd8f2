// StopReplicationToReplica makes a replica a secret of its own, with the same suffix. It is called in the Region of the replica.
// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_StopReplicationToReplica.html

import { operation } from '../../../operation.ts'
import { optional } from '../../../shape/shape.ts'
import * as errors from '../errors.ts'
import { dropReplica, findPrimary } from '../replication.ts'
import { Arn, SecretId } from '../shapes.ts'
import { updateSecret } from '../store.ts'
import { liveSecret, secretTarget } from '../target.ts'

export const stopReplicationToReplica = operation({
  name: 'StopReplicationToReplica',
  readOnly: false,

  input: { SecretId },

  output: { ARN: optional(Arn) },

  target: secretTarget,

  responseElements: ({ ARN }) => ({ arn: ARN }),

  async run(call) {
    const stored = liveSecret(call.target)
    // As on AWS, rotation has to be turned on anew.
    const { primaryRegion, revision: _, rotation, ...own } = stored.secret
    if (primaryRegion === undefined) throw errors.notAReplica()
    const primary = await findPrimary(call, stored)
    if (primary !== undefined) await updateSecret(call, primary, await dropReplica(call, primary.secret, stored.region))
    await updateSecret(call, stored, { ...own, changedAt: call.now })
    return { ARN: own.arn }
  },
})
