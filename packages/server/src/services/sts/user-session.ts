// Credentials of a user for a while, issued: what GetSessionToken and GetFederationToken have in common.

import type { Call } from '../../call.ts'
import { optional } from '../../shape/shape.ts'
import { SESSION_TOKEN_CHARACTERS_MAX, type UserClaims } from './session-claims.ts'
import { Credentials, SessionTokenSize, SessionTokenUtilization } from './shapes.ts'

export const userSessionOutput = {
  Credentials: optional(Credentials),
  SessionTokenSize: optional(SessionTokenSize),
  SessionTokenUtilization: optional(SessionTokenUtilization),
}

const DURATION_DEFAULT = 43_200
/** Of a root user, whatever is asked for. */
const ROOT_DURATION_MAX = 3_600

type Input = { readonly DurationSeconds?: number | undefined; readonly MinimumSessionTokenSize?: number | undefined }

type Own = Pick<UserClaims, 'kind' | 'name' | 'policies' | 'policyArns' | 'tags' | 'transitiveTagKeys'>

export function userSession({ app, account, principal, mfaAt, input }: Call<Input>, own: Own) {
  const { kind, userId, userName = '', arn } = principal.identity
  const { DurationSeconds = DURATION_DEFAULT, MinimumSessionTokenSize } = input
  const seconds = kind === 'root' ? Math.min(DurationSeconds, ROOT_DURATION_MAX) : DurationSeconds
  const issuedAt = app.wallNow()
  const expiresAt = (Math.floor(issuedAt / 1_000) + seconds) * 1_000
  const path = arn.slice(arn.indexOf('/'), arn.lastIndexOf('/') + 1)
  const { accessKeyId, secretAccessKey, sessionToken } = app.sessionTokens.issue(
    {
      ...own,
      account,
      ...(kind === 'user' && { user: { userId, path, userName } }),
      issuedAt,
      expiresAt,
      chain: 0,
      ...(mfaAt !== undefined && { mfaAt }),
    },
    MinimumSessionTokenSize,
  )
  return {
    Credentials: {
      AccessKeyId: accessKeyId,
      SecretAccessKey: secretAccessKey,
      SessionToken: sessionToken,
      Expiration: expiresAt,
    },
    SessionTokenSize: sessionToken.length,
    SessionTokenUtilization: Math.ceil((sessionToken.length * 100) / SESSION_TOKEN_CHARACTERS_MAX),
  }
}
