// RestoreSecret takes a scheduled deletion back. On a secret that is not scheduled it succeeds and changes nothing.
// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_RestoreSecret.html

import { operation } from '../../../operation.ts'
import { optional } from '../../../shape/shape.ts'
import { tellServiceEvents } from '../events.ts'
import { cancelPurge, versionEvents } from '../purge.ts'
import { resumeRotation } from '../rotation/rest.ts'
import { Arn, SecretId, SecretName } from '../shapes.ts'
import { updateSecret } from '../store.ts'
import { existingSecret, refuseReplica, secretTarget } from '../target.ts'

export const restoreSecret = operation({
  name: 'RestoreSecret',
  readOnly: false,

  input: { SecretId },

  output: { ARN: optional(Arn), Name: optional(SecretName) },

  target: secretTarget,

  async run(call) {
    const stored = existingSecret(call.target)
    refuseReplica(stored)
    const { deletedAt, deletionDate: _, ...live } = stored.secret
    if (deletedAt !== undefined) {
      const resumed = await resumeRotation(call, stored, { ...live, changedAt: call.now })
      const changed = await updateSecret(call, stored, resumed)
      await cancelPurge(call, stored)
      await tellServiceEvents(call, changed, versionEvents(stored, 'CancelSecretVersionDelete'))
    }
    return { ARN: live.arn, Name: live.name }
  },
})
