// RemoveClientIDFromOpenIDConnectProvider removes an audience from an identity provider; one that is not there is nothing to remove.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_RemoveClientIDFromOpenIDConnectProvider.html

import { operation } from '../../../operation.ts'
import { updateOidcProvider } from '../oidc-providers.ts'
import { Arn, ClientId } from '../shapes.ts'
import { existingOidcProvider, oidcProviderTarget } from '../target.ts'

export const removeClientIDFromOpenIDConnectProvider = operation({
  name: 'RemoveClientIDFromOpenIDConnectProvider',
  readOnly: false,

  input: { OpenIDConnectProviderArn: Arn, ClientID: ClientId },

  target: oidcProviderTarget,

  async run({ app, tx, input, target }) {
    const provider = existingOidcProvider(target)
    const clientIds = provider.body.clientIds.filter((id) => id !== input.ClientID)
    await updateOidcProvider(app, tx, provider, { clientIds })
    return {}
  },
})
