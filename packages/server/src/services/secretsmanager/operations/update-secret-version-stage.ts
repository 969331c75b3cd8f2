// UpdateSecretVersionStage moves a staging label between versions, attaches it, or detaches it.
// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_UpdateSecretVersionStage.html

import { operation } from '../../../operation.ts'
import { optional } from '../../../shape/shape.ts'
import { moveStage } from '../model.ts'
import { Arn, SecretId, SecretName, VersionId, VersionStage } from '../shapes.ts'
import { updateSecret } from '../store.ts'
import { secretTarget, writableSecret } from '../target.ts'

export const updateSecretVersionStage = operation({
  name: 'UpdateSecretVersionStage',
  readOnly: false,

  input: {
    SecretId,
    VersionStage,
    RemoveFromVersionId: optional(VersionId),
    MoveToVersionId: optional(VersionId),
  },

  output: { ARN: optional(Arn), Name: optional(SecretName) },

  target: secretTarget,

  conditions: (input) => ({ 'secretsmanager:VersionStage': input.VersionStage }),

  responseElements: ({ ARN, Name }) => ({ arn: ARN, name: Name }),

  async run(call) {
    const { input, now } = call
    const stored = writableSecret(call.target, 'UpdateSecretVersionStage')
    const { secret } = stored
    const { VersionStage: stage, RemoveFromVersionId: from, MoveToVersionId: to } = input
    const versions = moveStage(secret.versions, stage, from, to, call.app.limits.labelsPerSecret)
    if (versions !== secret.versions) await updateSecret(call, stored, { ...secret, versions, changedAt: now })
    return { ARN: secret.arn, Name: secret.name }
  },
})
