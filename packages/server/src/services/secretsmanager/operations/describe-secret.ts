// DescribeSecret tells everything about a secret but its value. It works on one that is scheduled for deletion.
// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_DescribeSecret.html

import { operation } from '../../../operation.ts'
import { optional } from '../../../shape/shape.ts'
import { secretDetails } from '../details.ts'
import { labelledVersions } from '../model.ts'
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

  async run({ app, target }) {
    const stored = existingSecret(target)
    return { ...secretDetails(stored, app.accesses), VersionIdsToStages: labelledVersions(stored.secret) }
  },
})
