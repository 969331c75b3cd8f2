// DeleteOpenIDConnectProvider removes an identity provider: its tokens are refused from the next request on. Sessions made with them go on until they expire.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteOpenIDConnectProvider.html

import { operation } from '../../../operation.ts'
import { Arn } from '../shapes.ts'
import { deleteRow, OIDC_PROVIDER } from '../store.ts'
import { existingOidcProvider, oidcProviderTarget } from '../target.ts'

export const deleteOpenIDConnectProvider = operation({
  name: 'DeleteOpenIDConnectProvider',
  readOnly: false,

  input: { OpenIDConnectProviderArn: Arn },

  target: oidcProviderTarget,

  async run({ tx, target }) {
    await deleteRow(tx, OIDC_PROVIDER, existingOidcProvider(target).key)
    return {}
  },
})
