// AssumeRoleWithWebIdentity hands out credentials of a role to who has a token of an identity provider of the role's account: no signature is
// asked for, the token is the proof. The role's trust policy decides, by the claims of the token.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html

import { operation } from '../../../operation.ts'
import { redact } from '../../../shape/redact.ts'
import { optional, string } from '../../../shape/shape.ts'
import * as errors from '../errors.ts'
import { roleSession, roleSessionOutput } from '../role-session.ts'
import {
  Arn,
  DurationSeconds,
  MinimumSessionTokenSize,
  Policy,
  PolicyArns,
  ProviderId,
  RoleSessionName,
  WebIdentityTokenText,
} from '../shapes.ts'
import { roleTarget } from '../target.ts'
import { sessionOfClaims, webIdentity } from '../web-identity-caller.ts'

const output = {
  ...roleSessionOutput,
  SubjectFromWebIdentityToken: optional(string()),
  Provider: optional(string()),
  Audience: optional(string()),
}

export const assumeRoleWithWebIdentity = operation({
  name: 'AssumeRoleWithWebIdentity',
  readOnly: true,

  input: {
    RoleArn: Arn,
    RoleSessionName,
    WebIdentityToken: WebIdentityTokenText,
    ProviderId: optional(ProviderId),
    PolicyArns: optional(PolicyArns),
    Policy: optional(Policy),
    DurationSeconds: optional(DurationSeconds),
    MinimumSessionTokenSize: optional(MinimumSessionTokenSize),
  },

  output,

  identify: async ({ app, partition, input }) => {
    if (input.ProviderId !== undefined) throw errors.providerIdForOAuth()
    return webIdentity(app, partition, input.RoleArn, input.WebIdentityToken)
  },

  async target(call) {
    const { identity, input } = call
    const request = sessionOfClaims(identity)
    return { ...(await roleTarget(call, input.RoleArn)), request }
  },

  conditions: ({ RoleSessionName }) => ({ 'sts:RoleSessionName': RoleSessionName }),

  permissions: (_, { resource, account, request }) =>
    [
      'sts:AssumeRoleWithWebIdentity',
      ...(Object.keys(request.tags).length > 0 ? ['sts:TagSession'] : []),
      ...(request.sourceIdentity !== undefined ? ['sts:SetSourceIdentity'] : []),
    ].map((action) => ({ action, resource, resourceAccount: account, context: request.context })),

  responseElements: (result) => redact(output, result),

  async run(call) {
    const { identity, target } = call
    const { subject, provider } = identity.federated!
    return {
      ...(await roleSession(call, target, target.request, provider)),
      SubjectFromWebIdentityToken: subject,
      Provider: target.request.issuer,
      Audience: target.request.audience,
    }
  },
})
