// A secret that something else refers to, read as the caller itself would: with its rights to the secret and to the key, and an event of it.

import type { Call } from '../../call.ts'
import { encodeJson } from '../../protocol/json.ts'
import { selectVersion } from './model.ts'
import { SecretValueMembers } from './shapes.ts'
import { liveSecret, permissionOn, resolveSecret } from './target.ts'
import { readSecretValue } from './value.ts'
import { type ReadSecret, recordRead } from './value-event.ts'

export type SecretAnswer = {
  readonly arn: string
  /** Undefined where the value is binary. */
  readonly text: string | undefined
  /** What GetSecretValue answers. */
  readonly json: string
  /** Of the version, in milliseconds. */
  readonly createdAt: number
}

/** @throws ServiceError as GetSecretValue does */
export async function readReferenced(call: Call, asked: ReadSecret): Promise<SecretAnswer> {
  const { SecretId, VersionId, VersionStage } = asked
  const target = await resolveSecret(call, SecretId)
  call.authorize(
    permissionOn(target, 'secretsmanager:GetSecretValue', {
      'secretsmanager:VersionId': VersionId,
      'secretsmanager:VersionStage': VersionStage,
    }),
    target.concealed,
  )
  const stored = liveSecret(target)
  const value = await readSecretValue(call, stored, selectVersion(stored.secret, VersionId, VersionStage))
  recordRead(call, asked, target, true)
  return {
    arn: value.ARN,
    text: 'SecretString' in value ? value.SecretString : undefined,
    json: encodeJson(SecretValueMembers, value),
    createdAt: value.CreatedDate,
  }
}
