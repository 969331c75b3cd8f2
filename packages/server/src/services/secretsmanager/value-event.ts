// The event of a GetSecretValue that another call stands for: one secret of a batch, or a secret that a parameter refers to.

import type { Call } from '../../call.ts'
import type { ServiceError } from '../../errors.ts'
import type { SecretTarget } from './target.ts'

export type ReadSecret = { readonly SecretId: string; readonly VersionId?: string; readonly VersionStage?: string }

/** @param reached whether the caller was let through to it */
export function recordRead(
  call: Call,
  asked: ReadSecret,
  target: SecretTarget,
  reached: boolean,
  error?: ServiceError,
) {
  const { SecretId, VersionId, VersionStage } = asked
  call.also({
    service: 'secretsmanager',
    eventName: 'GetSecretValue',
    readOnly: true,
    requestParameters: {
      secretId: SecretId,
      ...(VersionId !== undefined && { versionId: VersionId }),
      ...(VersionStage !== undefined && { versionStage: VersionStage }),
    },
    resources:
      target.resource.startsWith('arn:') && target.resourceType !== undefined
        ? [{ arn: target.resource, accountId: target.account, type: target.resourceType }]
        : [],
    ...(reached && { owner: target.account }),
    ...(error && { errorCode: error.code, errorMessage: error.message }),
  })
}
