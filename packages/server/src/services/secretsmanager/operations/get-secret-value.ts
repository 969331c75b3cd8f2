// GetSecretValue returns one version of a secret, decrypted.
// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html

import { operation } from '../../../operation.ts'
import { optional } from '../../../shape/shape.ts'
import { selectVersion } from '../model.ts'
import { SecretId, SecretValueMembers, VersionId, VersionStage } from '../shapes.ts'
import { liveSecret, secretTarget } from '../target.ts'
import { findSecretValue } from '../value.ts'

export const getSecretValue = operation({
  name: 'GetSecretValue',
  readOnly: true,

  input: {
    SecretId,
    VersionId: optional(VersionId),
    VersionStage: optional(VersionStage),
  },

  output: SecretValueMembers,

  target: secretTarget,

  // Only what was sent: a policy on VersionStage = AWSCURRENT denies a call that leaves it out.
  conditions: (input) => ({
    'secretsmanager:VersionId': input.VersionId,
    'secretsmanager:VersionStage': input.VersionStage,
  }),

  run(call) {
    const stored = liveSecret(call.target)
    const version = selectVersion(stored.secret, call.input.VersionId, call.input.VersionStage)
    return findSecretValue(call, stored, version)
  },
})
