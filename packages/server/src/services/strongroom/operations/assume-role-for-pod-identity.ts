// AssumeRoleForPodIdentity gives a pod credentials of the role that is associated with its service account, in the form that every AWS SDK reads
// from AWS_CONTAINER_CREDENTIALS_FULL_URI. No signature is asked for: the token of the service account is the proof. The path says of which
// account the provider, the association and the role are, so that no other account has a say in it. docs/workloads.md.
// https://docs.aws.amazon.com/eks/latest/APIReference/API_auth_AssumeRoleForPodIdentity.html

import { ServiceError } from '../../../errors.ts'
import { operation } from '../../../operation.ts'
import { redact } from '../../../shape/redact.ts'
import { string } from '../../../shape/shape.ts'
import { podIdentity, podSession, podTarget } from '../../sts/port.ts'

const output = {
  AccessKeyId: string(),
  SecretAccessKey: string({ sensitive: true }),
  Token: string({ sensitive: true }),
  AccountId: string(),
  /** RFC 3339, in whole seconds. */
  Expiration: string(),
}

export const assumeRoleForPodIdentity = operation({
  name: 'AssumeRoleForPodIdentity',
  readOnly: true,
  method: 'GET',
  path: '/_strongroom/pod-identity/v1/credentials/',
  pathMember: 'Account',
  headers: { Authorization: 'authorization' },
  forCredentials: true,

  input: {
    Account: string({ pattern: /^\d{12}$/, patternText: '\\d{12}' }),
    /** The token, as SDKs send what is in AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE, or after `Bearer `. */
    Authorization: string({ min: 4, max: 16_384, sensitive: true }),
  },

  output,

  identify: async ({ app, input }) => {
    const token = input.Authorization.replace(/^Bearer /i, '')
    return podIdentity(app, input.Account, token).catch((error: unknown) => {
      // What may be over in a moment is asked for again, and only that.
      if (!(error instanceof ServiceError) || error.code !== 'IDPCommunicationError') throw error
      throw new ServiceError(error.code, 503, error.message, { cause: error.cause })
    })
  },

  target: podTarget,

  permissions: (_, { resource, account, asked }) =>
    ['sts:AssumeRole', 'sts:TagSession'].map((action) => ({
      action,
      resource,
      resourceAccount: account,
      context: asked,
    })),

  responseElements: (result) => redact(output, result),

  async run(call) {
    const { AccessKeyId, SecretAccessKey, SessionToken, Expiration } = await podSession(call, call.target)
    return {
      AccessKeyId,
      SecretAccessKey,
      Token: SessionToken,
      AccountId: call.account,
      Expiration: new Date(Expiration).toISOString().replace('.000Z', 'Z'),
    }
  },
})
