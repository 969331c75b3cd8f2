// AssumeRole hands out credentials of a role for a while. The role's trust policy is the gate: whom it does not name does not pass, and a
// role that is not there refuses in the same words.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html

import { operation } from '../../../operation.ts'
import { redact } from '../../../shape/redact.ts'
import { optional } from '../../../shape/shape.ts'
import { requestTagContext } from '../../iam/port.ts'
import * as errors from '../errors.ts'
import { roleSession, roleSessionOutput } from '../role-session.ts'
import { secondFactor, secondFactorInput } from '../second-factor.ts'
import { type SessionRequest, sessionRequest } from '../session-request.ts'
import {
  Arn,
  DurationSeconds,
  ExternalId,
  MinimumSessionTokenSize,
  Policy,
  PolicyArns,
  ProvidedContexts,
  RoleSessionName,
  SourceIdentity,
  TagKeys,
  Tags,
} from '../shapes.ts'
import { type RoleTarget, roleTarget } from '../target.ts'

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
    ...secondFactorInput,
    SourceIdentity: optional(SourceIdentity),
    ProvidedContexts: optional(ProvidedContexts),
    MinimumSessionTokenSize: optional(MinimumSessionTokenSize),
  },

  output: roleSessionOutput,

  secondFactor,

  async target(call): Promise<AssumeRoleTarget> {
    const { identity, input } = call
    if (identity.kind === 'root') throw errors.assumedByRoot()
    const [provided] = input.ProvidedContexts ?? []
    if (provided !== undefined) throw errors.noContextProvider(provided.ProviderArn ?? '')
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

  responseElements: (result) => redact(roleSessionOutput, result),

  run: (call) => roleSession(call, call.target, call.target.request),
})

type AssumeRoleTarget = RoleTarget & { readonly request: SessionRequest }

/** As CloudTrail shows it: what the call took over from the session that it was made from. */
const inheritedParameters = ({ inheritedTags, sourceIdentity }: SessionRequest) => ({
  ...(Object.keys(inheritedTags).length > 0 && { incomingTransitiveTags: inheritedTags }),
  ...(sourceIdentity !== undefined && { sourceIdentity }),
})
