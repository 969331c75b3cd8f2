// RollBackRotation moves AWSCURRENT back to the version before. No AWS operation: docs/rotation.md.

import { operation } from '../../../operation.ts'
import { string } from '../../../shape/shape.ts'
import { rollBackRotation as rollBack, SecretId, secretTarget } from '../../secretsmanager/port.ts'

export const rollBackRotation = operation({
  name: 'RollBackRotation',
  readOnly: false,
  path: '/_strongroom/rotations/roll-back',

  input: { SecretId },

  output: { ARN: string(), Name: string(), VersionId: string(), PreviousVersionId: string() },

  target: secretTarget,

  responseElements: ({ ARN, VersionId, PreviousVersionId }) => ({
    arn: ARN,
    versionId: VersionId,
    previousVersionId: PreviousVersionId,
  }),

  run: rollBack,
})
