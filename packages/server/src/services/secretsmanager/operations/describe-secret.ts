// DescribeSecret tells everything about a secret but its value. It works on one that is scheduled for deletion.
// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_DescribeSecret.html

import { operation } from '../../../operation.ts'
import { optional } from '../../../shape/shape.ts'
import { secretDetails } from '../details.ts'
import { labelledVersions } from '../model.ts'
import { replicationStatus } from '../replication.ts'
import { ReplicationStatus, SecretDetails, SecretId, VersionsToStages } from '../shapes.ts'
import { existingSecret, secretTarget } from '../target.ts'

export const describeSecret = operation({
  name: 'DescribeSecret',
  readOnly: true,

  input: { SecretId },

  output: {
    ...SecretDetails,
    VersionIdsToStages: optional(VersionsToStages),
    ReplicationStatus: optional(ReplicationStatus),
  },

  target: secretTarget,

  async run(call) {
    const stored = existingSecret(call.target)
    return {
      ...secretDetails(stored, call.app.accesses),
      VersionIdsToStages: labelledVersions(stored.secret),
      ReplicationStatus: await replicationStatus(call, stored),
    }
  },
})
