// UntagOpenIDConnectProvider takes tags off an identity provider.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_UntagOpenIDConnectProvider.html

import { operation } from '../../../operation.ts'
import { updateOidcProvider } from '../oidc-providers.ts'
import { Arn, TagKeys } from '../shapes.ts'
import { tagKeysContext, withoutTags } from '../tags.ts'
import { existingOidcProvider, oidcProviderTarget } from '../target.ts'

export const untagOpenIDConnectProvider = operation({
  name: 'UntagOpenIDConnectProvider',
  readOnly: false,

  input: { OpenIDConnectProviderArn: Arn, TagKeys },

  target: oidcProviderTarget,

  conditions: ({ TagKeys }) => tagKeysContext(TagKeys),

  async run({ app, tx, input, target }) {
    const provider = existingOidcProvider(target)
    await updateOidcProvider(app, tx, provider, { tags: withoutTags(provider.body.tags, input.TagKeys) })
    return {}
  },
})
