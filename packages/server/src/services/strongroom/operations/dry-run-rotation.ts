// DryRunRotation has the rotation function of a secret try its step testSecret, and changes nothing. What came of it is in ListRotations. No AWS
// operation: docs/rotation.md.

import { operation } from '../../../operation.ts'
import { string } from '../../../shape/shape.ts'
import {
  dryRunRotation as dryRun,
  permissionOn,
  permissionsToInvoke,
  SecretId,
  secretTarget,
} from '../../secretsmanager/port.ts'

export const dryRunRotation = operation({
  name: 'DryRunRotation',
  readOnly: false,
  path: '/_strongroom/rotations/dry-run',

  input: { SecretId },

  output: { ARN: string(), Name: string(), RotationId: string() },

  target: secretTarget,

  permissions: (_input, target) => [permissionOn(target, 'strongroom:DryRunRotation'), ...permissionsToInvoke(target)],

  responseElements: ({ ARN, RotationId }) => ({ arn: ARN, rotationId: RotationId }),

  run: dryRun,
})
