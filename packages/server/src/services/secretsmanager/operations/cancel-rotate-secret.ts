// CancelRotateSecret turns rotation off, and cancels the one that is under way. AWSPENDING stays where it is.
// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CancelRotateSecret.html

import { operation } from '../../../operation.ts'
import { optional } from '../../../shape/shape.ts'
import * as errors from '../errors.ts'
import { changeSecret } from '../replication.ts'
import { endRotation } from '../rotation/end.ts'
import { findRotation } from '../rotation/store.ts'
import { Arn, SecretId, SecretName, VersionId } from '../shapes.ts'
import { secretTarget, writableSecret } from '../target.ts'

export const cancelRotateSecret = operation({
  name: 'CancelRotateSecret',
  readOnly: false,

  input: { SecretId },

  output: { ARN: optional(Arn), Name: optional(SecretName), VersionId: optional(VersionId) },

  target: secretTarget,

  responseElements: ({ ARN, Name, VersionId: versionId }) => ({ arn: ARN, name: Name, versionId }),

  async run(call) {
    const stored = writableSecret(call.target, 'CancelRotateSecret')
    const { secret } = stored
    if (secret.rotation === undefined) throw errors.noRotationFunction()
    const { rotatedAt: _, daysBetween: __, ...kept } = secret.rotation
    const off = { ...secret, rotation: { ...kept, enabled: false }, changedAt: call.now }
    const { running } = kept
    const journal = running && (await findRotation(call, secret.arn, running.id))
    await changeSecret(call, stored, await endRotation(call, stored, off, journal, { outcome: 'cancelled' }))
    const VersionId = running?.kind === 'rotation' ? running.versionId : undefined
    return { ARN: secret.arn, Name: secret.name, VersionId }
  },
})
