// PutSecretValue adds a version with a value, or fills the version that a rotation registered.
// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_PutSecretValue.html

import { operation } from '../../../operation.ts'
import { list, optional } from '../../../shape/shape.ts'
import * as errors from '../errors.ts'
import { findVersion, isCurrent, mustHaveToken, plainOf, type Secret } from '../model.ts'
import { changeSecret } from '../replication.ts'
import { checkRotationToken } from '../rotation/token.ts'
import {
  Arn,
  ClientRequestToken,
  RotationToken,
  SecretBinary,
  SecretId,
  SecretName,
  SecretString,
  VersionId,
  VersionStage,
  VersionStages,
} from '../shapes.ts'
import { secretTarget, writableSecret } from '../target.ts'
import { hasSameValue } from '../value.ts'
import { addVersion } from '../version.ts'

export const putSecretValue = operation({
  name: 'PutSecretValue',
  readOnly: false,
  conditional: 'VersionId',

  input: {
    SecretId,
    ClientRequestToken: optional(ClientRequestToken),
    SecretBinary: optional(SecretBinary),
    SecretString: optional(SecretString),
    VersionStages: optional(VersionStages),
    RotationToken: optional(RotationToken),
  },

  output: {
    ARN: optional(Arn),
    Name: optional(SecretName),
    VersionId: optional(VersionId),
    VersionStages: optional(list(VersionStage)),
  },

  target: secretTarget,

  responseElements: ({ ARN, Name, VersionId: versionId, VersionStages: versionStages }) => ({
    arn: ARN,
    name: Name,
    versionId,
    versionStages,
  }),

  async run(call) {
    const { input } = call
    const stored = writableSecret(call.target, 'PutSecretValue')
    const { secret } = stored
    const plain = plainOf(input, call.app.limits.secretValueBytes)
    if (!plain) throw errors.noValue()
    const token = mustHaveToken(input.ClientRequestToken)

    await checkRotationToken(call, stored, token, input.RotationToken)

    const version = findVersion(secret, token)
    if (version?.value) {
      const same = await hasSameValue(call, secret, { ...version, value: version.value }, plain)
      if (!same) throw errors.tokenInUse(token, secret.arn)
      // A retry: what it asks for was done under its condition, and others may have gone on from there.
      return answer(secret, token)
    }
    if (!isCurrent(secret, call.ifVersion)) throw errors.versionNotCurrent()
    const changed = await addVersion(call, secret, token, plain, input.VersionStages)
    await changeSecret(call, stored, changed)
    return answer(changed, token)
  },
})

const answer = (secret: Secret, versionId: string) => ({
  ARN: secret.arn,
  Name: secret.name,
  VersionId: versionId,
  VersionStages: findVersion(secret, versionId)!.stages,
})
