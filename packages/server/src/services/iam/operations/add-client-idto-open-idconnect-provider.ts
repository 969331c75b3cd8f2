// AddClientIDToOpenIDConnectProvider adds an audience to an identity provider; one that is there already changes nothing.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_AddClientIDToOpenIDConnectProvider.html

import { operation } from '../../../operation.ts'
import { updateOidcProvider } from '../oidc-providers.ts'
import { Arn, ClientId } from '../shapes.ts'
import { existingOidcProvider, oidcProviderTarget } from '../target.ts'

export const addClientIDToOpenIDConnectProvider = operation({
  name: 'AddClientIDToOpenIDConnectProvider',
  readOnly: false,

  input: { OpenIDConnectProviderArn: Arn, ClientID: ClientId },

  target: oidcProviderTarget,

  async run({ app, tx, input, target }) {
    const provider = existingOidcProvider(target)
    const { clientIds } = provider.body
    if (clientIds.includes(input.ClientID)) return {}
    await updateOidcProvider(app, tx, provider, { clientIds: [...clientIds, input.ClientID] })
    return {}
  },
})
