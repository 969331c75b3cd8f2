// TagOpenIDConnectProvider puts tags on an identity provider, in place of those with the same keys.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_TagOpenIDConnectProvider.html

import { operation } from '../../../operation.ts'
import { updateOidcProvider } from '../oidc-providers.ts'
import { Arn, Tags } from '../shapes.ts'
import { requestTagContext, withTags } from '../tags.ts'
import { existingOidcProvider, oidcProviderTarget } from '../target.ts'

export const tagOpenIDConnectProvider = operation({
  name: 'TagOpenIDConnectProvider',
  readOnly: false,

  input: { OpenIDConnectProviderArn: Arn, Tags },

  target: oidcProviderTarget,

  conditions: ({ Tags }) => requestTagContext(Tags),

  async run({ app, tx, input, target }) {
    const provider = existingOidcProvider(target)
    const tags = withTags(provider.body.tags, input.Tags, 'TagsPerOpenIdConnectProvider')
    await updateOidcProvider(app, tx, provider, { tags })
    return {}
  },
})
