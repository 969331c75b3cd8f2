// AssumeRole hands out credentials of a role for a while. The role's trust policy is the gate: whom it does not name does not pass, and a
// role that is not there refuses in the same words.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html

import { operation } from '../../../operation.ts'
import { redact } from '../../../shape/redact.ts'
import { optional } from '../../../shape/shape.ts'
import { type AssumableRole, requestTagContext } from '../../iam/port.ts'
import * as errors from '../errors.ts'
import { packedPercent, SESSION_TOKEN_CHARACTERS_MAX } from '../session-claims.ts'
import { readSessionPolicies } from '../session-policies.ts'
import { type SessionRequest, sessionRequest } from '../session-request.ts'
import { assumedRoleArn } from '../session-token.ts'
import {
  Arn,
  AssumedRoleUser,
  Credentials,
  DurationSeconds,
  ExternalId,
  MinimumSessionTokenSize,
  PackedPolicySize,
  Policy,
  PolicyArns,
  ProvidedContexts,
  RoleSessionName,
  SerialNumber,
  SessionTokenSize,
  SessionTokenUtilization,
  SourceIdentity,
  TagKeys,
  Tags,
  TokenCode,
} from '../shapes.ts'
import { type RoleTarget, roleTarget } from '../target.ts'

const output = {
  Credentials: optional(Credentials),
  AssumedRoleUser: optional(AssumedRoleUser),
  PackedPolicySize: optional(PackedPolicySize),
  SourceIdentity: optional(SourceIdentity),
  SessionTokenSize: optional(SessionTokenSize),
  SessionTokenUtilization: optional(SessionTokenUtilization),
}

export const assumeRole = operation({
  name: 'AssumeRole',
  readOnly: true,

  input: {
    RoleArn: Arn,
    RoleSessionName,
    PolicyArns: optional(PolicyArns),
    Policy: optional(Policy),
    DurationSeconds: optional(DurationSeconds),
    Tags: optional(Tags),
    TransitiveTagKeys: optional(TagKeys),
    ExternalId: optional(ExternalId),
    SerialNumber: optional(SerialNumber),
    TokenCode: optional(TokenCode),
    SourceIdentity: optional(SourceIdentity),
    ProvidedContexts: optional(ProvidedContexts),
    MinimumSessionTokenSize: optional(MinimumSessionTokenSize),
  },

  output,

  async target(call): Promise<AssumeRoleTarget> {
    const { identity, input } = call
    if (identity.kind === 'root') throw errors.assumedByRoot()
    refuseWhatIsNotThere(input)
    const request = sessionRequest(identity, input)
    return { ...(await roleTarget(call, input.RoleArn)), request, requestParameters: inheritedParameters(request) }
  },

  conditions: ({ ExternalId, RoleSessionName, Tags, TransitiveTagKeys }) => ({
    'sts:ExternalId': ExternalId,
    'sts:RoleSessionName': RoleSessionName,
    'sts:TransitiveTagKeys': TransitiveTagKeys,
    ...requestTagContext(Tags),
  }),

  permissions: (_, { resource, account, request }) =>
    [
      'sts:AssumeRole',
      ...(Object.keys(request.tags).length > 0 ? ['sts:TagSession'] : []),
      ...(request.sourceIdentity !== undefined ? ['sts:SetSourceIdentity'] : []),
    ].map((action) => ({
      action,
      resource,
      shown: resource,
      resourceAccount: account,
      context: { 'sts:SourceIdentity': request.sourceIdentity },
    })),

  responseElements: (result) => redact(output, result),

  async run({ app, tx, partition, input, target }) {
    const { role, account, request } = target
    if (role === undefined) throw new Error('a role that does not exist was assumed')
    const { tags, transitiveTagKeys, sourceIdentity, chain } = request
    const narrowed = await readSessionPolicies(app, tx, account, input)
    const percent = packedPercent({ ...narrowed, tags, transitiveTagKeys })
    if (percent > 100) throw errors.packedPolicyTooLarge(percent)

    const issuedAt = app.wallNow()
    const expiresAt = (Math.floor(issuedAt / 1000) + sessionSeconds(input.DurationSeconds, role, chain)) * 1000
    const roleId = role.key[1]!
    const { roleName, path } = role.body
    const { accessKeyId, secretAccessKey, sessionToken } = app.sessionTokens.issue(
      {
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
  },
})

type AssumeRoleTarget = RoleTarget & { readonly request: SessionRequest }

/** Devices and providers that no caller can have here. */
function refuseWhatIsNotThere({
  SerialNumber,
  TokenCode,
  ProvidedContexts = [],
}: {
  readonly SerialNumber?: string | undefined
  readonly TokenCode?: string | undefined
  readonly ProvidedContexts?: readonly { readonly ProviderArn?: string | undefined }[] | undefined
}): void {
  if ((SerialNumber === undefined) !== (TokenCode === undefined)) throw errors.mfaIncomplete()
  if (SerialNumber !== undefined) throw errors.mfaNotValid()
  const [provided] = ProvidedContexts
  if (provided !== undefined) throw errors.noContextProvider(provided.ProviderArn ?? '')
}

/** As CloudTrail shows it: what the call took over from the session that it was made from. */
const inheritedParameters = ({ inheritedTags, sourceIdentity }: SessionRequest) => ({
  ...(Object.keys(inheritedTags).length > 0 && { incomingTransitiveTags: inheritedTags }),
  ...(sourceIdentity !== undefined && { sourceIdentity }),
})

const DURATION_DEFAULT = 3_600
/** Of a session that a session asks for. */
const CHAINED_DURATION_MAX = 3_600

function sessionSeconds(asked: number | undefined, { body }: AssumableRole, chain: number): number {
  if (asked === undefined) return DURATION_DEFAULT
  if (chain > 1 && asked > CHAINED_DURATION_MAX) throw errors.durationBeyondChain()
  if (asked > body.maxSessionDuration) throw errors.durationBeyondRole()
  return asked
}
