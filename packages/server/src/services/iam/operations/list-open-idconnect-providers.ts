// ListOpenIDConnectProviders lists the identity providers of the account, by URL.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListOpenIDConnectProviders.html

import { operation } from '../../../operation.ts'
import { list, optional, string, structure } from '../../../shape/shape.ts'
import { OIDC_PROVIDERS_PER_ACCOUNT_MAX } from '../model.ts'
import { listByName, OIDC_PROVIDER } from '../store.ts'

export const listOpenIDConnectProviders = operation({
  name: 'ListOpenIDConnectProviders',
  readOnly: true,

  input: {},

  output: { OpenIDConnectProviderList: optional(list(structure({ Arn: optional(string()) }))) },

  target: async ({ account }) => ({ resource: '*', shown: '*', account }),

  async run({ app, tx, account }) {
    const providers = await listByName(app, tx, OIDC_PROVIDER, account, '', OIDC_PROVIDERS_PER_ACCOUNT_MAX)
    return { OpenIDConnectProviderList: providers.map(({ key }) => ({ Arn: key[1]! })) }
  },
})
