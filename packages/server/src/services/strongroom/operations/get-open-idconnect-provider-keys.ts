// GetOpenIDConnectProviderKeys tells the keys that were uploaded for an identity provider. No AWS operation: docs/workloads.md.

import { operation } from '../../../operation.ts'
import { optional, string } from '../../../shape/shape.ts'
import { existingOidcProvider, oidcProviderTarget } from '../../iam/port.ts'

export const getOpenIDConnectProviderKeys = operation({
  name: 'GetOpenIDConnectProviderKeys',
  readOnly: true,
  path: '/_strongroom/oidc-providers/get-keys',

  input: { OpenIDConnectProviderArn: string({ min: 20, max: 2048 }) },

  output: {
    OpenIDConnectProviderArn: string(),
    /** A JWK Set in JSON; absent: the issuer is asked for its keys. */
    Keys: optional(string()),
  },

  target: oidcProviderTarget,

  async run({ target }) {
    const { keys } = existingOidcProvider(target).body
    return { OpenIDConnectProviderArn: target.arn, ...(keys && { Keys: JSON.stringify({ keys }) }) }
  },
})
