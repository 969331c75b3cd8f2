// UpdateOpenIDConnectProviderThumbprint replaces the thumbprints of an identity provider.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateOpenIDConnectProviderThumbprint.html

import { operation } from '../../../operation.ts'
import { updateOidcProvider } from '../oidc-providers.ts'
import { Arn, Thumbprints } from '../shapes.ts'
import { existingOidcProvider, oidcProviderTarget } from '../target.ts'

export const updateOpenIDConnectProviderThumbprint = operation({
  name: 'UpdateOpenIDConnectProviderThumbprint',
  readOnly: false,

  input: { OpenIDConnectProviderArn: Arn, ThumbprintList: Thumbprints },

  target: oidcProviderTarget,

  async run({ app, tx, input, target }) {
    await updateOidcProvider(app, tx, existingOidcProvider(target), { thumbprints: input.ThumbprintList })
    return {}
  },
})
