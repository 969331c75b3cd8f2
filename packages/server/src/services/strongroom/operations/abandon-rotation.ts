// AbandonRotation gives up the rotation of a secret that is under way or was left unfinished. No AWS operation: docs/rotation.md.

import { operation } from '../../../operation.ts'
import { boolean, optional, string } from '../../../shape/shape.ts'
import { abandonRotation as abandon, SecretId, secretTarget } from '../../secretsmanager/port.ts'

export const abandonRotation = operation({
  name: 'AbandonRotation',
  readOnly: false,
  path: '/_strongroom/rotations/abandon',

  input: {
    SecretId,
    /** Also where the function may have set the new value already. */
    Force: optional(boolean()),
  },

  output: { ARN: string(), Name: string(), VersionId: string(), MayBeSet: boolean() },

  target: secretTarget,

  responseElements: ({ ARN, VersionId, MayBeSet }) => ({ arn: ARN, versionId: VersionId, mayBeSet: MayBeSet }),

  run: (call) => abandon(call, call.input.Force ?? false),
})
