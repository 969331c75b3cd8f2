// GetFederationToken hands out temporary credentials under a name of the caller's choosing: they may do what the caller may and the session
// policies allow, and without any of these nothing but what a resource policy gives to the name.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_GetFederationToken.html

import { operation } from '../../../operation.ts'
import { redact } from '../../../shape/redact.ts'
import { optional } from '../../../shape/shape.ts'
import { requestTagContext, Tags } from '../../iam/port.ts'
import * as errors from '../errors.ts'
import { packedPercent } from '../session-claims.ts'
import { readSessionPolicies } from '../session-policies.ts'
import { sessionRequest } from '../session-request.ts'
import { federatedUserArn } from '../session-token.ts'
import {
  FederatedUser,
  FederatedUserName,
  MinimumSessionTokenSize,
  PackedPolicySize,
  Policy,
  PolicyArns,
  UserDurationSeconds,
} from '../shapes.ts'
import { userSession, userSessionOutput } from '../user-session.ts'

const output = {
  ...userSessionOutput,
  FederatedUser: optional(FederatedUser),
  PackedPolicySize: optional(PackedPolicySize),
}

export const getFederationToken = operation({
  name: 'GetFederationToken',
  readOnly: true,

  input: {
    Name: FederatedUserName,
    Policy: optional(Policy),
    PolicyArns: optional(PolicyArns),
    DurationSeconds: optional(UserDurationSeconds),
    Tags: optional(Tags),
    MinimumSessionTokenSize: optional(MinimumSessionTokenSize),
  },

  output,

  target: async ({ partition, account, identity, input }) => {
    const arn = federatedUserArn(partition, account, input.Name)
    return { resource: arn, shown: arn, account, request: sessionRequest(identity, { Tags: input.Tags }) }
  },

  conditions: ({ Tags }) => requestTagContext(Tags),

  permissions: ({ Tags = [] }, { resource, account }) =>
    ['sts:GetFederationToken', ...(Tags.length > 0 ? ['sts:TagSession'] : [])].map((action) => ({
      action,
      resource,
      shown: resource,
      resourceAccount: account,
    })),

  responseElements: (result) => redact(output, result),

  async run(call) {
    const { app, tx, account, input, target } = call
    const { tags } = target.request
    const packed = { ...(await readSessionPolicies(app, tx, account, input)), tags, transitiveTagKeys: [] }
    const percent = packedPercent(packed)
    if (percent > 100) throw errors.packedPolicyTooLarge(percent)
    return {
      ...userSession(call, { kind: 'federated-user', name: input.Name, ...packed }),
      FederatedUser: { FederatedUserId: `${account}:${input.Name}`, Arn: target.resource },
      ...(percent > 0 && { PackedPolicySize: percent }),
    }
  },
})
