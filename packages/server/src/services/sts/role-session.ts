// Credentials of a role, issued: what AssumeRole and its kin answer once they know who may have them.

import type { Call } from '../../call.ts'
import { optional } from '../../shape/shape.ts'
import type { AssumableRole } from '../iam/port.ts'
import * as errors from './errors.ts'
import { packedPercent, SESSION_TOKEN_CHARACTERS_MAX } from './session-claims.ts'
import { readSessionPolicies, type SessionPoliciesInput } from './session-policies.ts'
import type { SessionRequest } from './session-request.ts'
import { assumedRoleArn } from './session-token.ts'
import {
  AssumedRoleUser,
  Credentials,
  PackedPolicySize,
  SessionTokenSize,
  SessionTokenUtilization,
  SourceIdentity,
} from './shapes.ts'
import type { RoleTarget } from './target.ts'

export const roleSessionOutput = {
  Credentials: optional(Credentials),
  AssumedRoleUser: optional(AssumedRoleUser),
  PackedPolicySize: optional(PackedPolicySize),
  SourceIdentity: optional(SourceIdentity),
  SessionTokenSize: optional(SessionTokenSize),
  SessionTokenUtilization: optional(SessionTokenUtilization),
}

type Input = SessionPoliciesInput & {
  readonly RoleSessionName: string
  readonly DurationSeconds?: number | undefined
  readonly MinimumSessionTokenSize?: number | undefined
}

/**
 * `provider` is the ARN of the identity provider that vouched for the caller. Whether the caller showed a code of an MFA device is for the trust
 * policy, and not in the session, as on AWS.
 * @throws ServiceError
 */
export async function roleSession(
  { app, tx, partition, input }: Pick<Call<Input>, 'app' | 'tx' | 'partition' | 'input'>,
  { role, account }: RoleTarget,
  { tags, transitiveTagKeys, sourceIdentity, chain }: SessionRequest,
  provider?: string,
) {
  if (role === undefined) throw new Error('a role that does not exist was assumed')
  const narrowed = await readSessionPolicies(app, tx, account, input)
  const percent = packedPercent({
    ...narrowed,
    tags,
    transitiveTagKeys,
    ...(provider !== undefined && { provider }),
  })
  if (percent > 100) throw errors.packedPolicyTooLarge(percent)

  const issuedAt = app.wallNow()
  const expiresAt = (Math.floor(issuedAt / 1000) + sessionSeconds(input.DurationSeconds, role, chain)) * 1000
  const roleId = role.key[1]!
  const { roleName, path } = role.body
  const { accessKeyId, secretAccessKey, sessionToken } = app.sessionTokens.issue(
    {
      kind: 'role-session',
      account,
      role: { roleId, path, roleName },
      sessionName: input.RoleSessionName,
      issuedAt,
      expiresAt,
      chain,
      ...(sourceIdentity !== undefined && { sourceIdentity }),
      ...narrowed,
      tags,
      transitiveTagKeys,
      ...(provider !== undefined && { provider }),
    },
    input.MinimumSessionTokenSize,
  )
  return {
    Credentials: {
      AccessKeyId: accessKeyId,
      SecretAccessKey: secretAccessKey,
      SessionToken: sessionToken,
      Expiration: expiresAt,
    },
    AssumedRoleUser: {
      AssumedRoleId: `${roleId}:${input.RoleSessionName}`,
      Arn: assumedRoleArn(partition, account, roleName, input.RoleSessionName),
    },
    ...(percent > 0 && { PackedPolicySize: percent }),
    ...(sourceIdentity !== undefined && { SourceIdentity: sourceIdentity }),
    SessionTokenSize: sessionToken.length,
    SessionTokenUtilization: Math.ceil((sessionToken.length * 100) / SESSION_TOKEN_CHARACTERS_MAX),
  }
}

const DURATION_DEFAULT = 3_600
/** Of a session that a session asks for. */
const CHAINED_DURATION_MAX = 3_600

function sessionSeconds(asked: number | undefined, { body }: AssumableRole, chain: number): number {
  if (asked === undefined) return DURATION_DEFAULT
  if (chain > 1 && asked > CHAINED_DURATION_MAX) throw errors.durationBeyondChain()
  if (asked > body.maxSessionDuration) throw errors.durationBeyondRole()
  return asked
}
