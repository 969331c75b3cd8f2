// ListOpenIDConnectProviderTags lists the tags of an identity provider, by key.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListOpenIDConnectProviderTags.html

import { operation } from '../../../operation.ts'
import { pageOf } from '../paging.ts'
import { Arn, PageInput, PageOutput, Tags } from '../shapes.ts'
import { shownTags, tagSource } from '../tags.ts'
import { existingOidcProvider, oidcProviderTarget } from '../target.ts'

export const listOpenIDConnectProviderTags = operation({
  name: 'ListOpenIDConnectProviderTags',
  readOnly: true,

  input: { OpenIDConnectProviderArn: Arn, ...PageInput },

  output: { Tags, ...PageOutput },

  target: oidcProviderTarget,

  async run(call) {
    const source = tagSource(existingOidcProvider(call.target).body.tags)
    const { items, more } = await pageOf(call, 'ListOpenIDConnectProviderTags', source)
    return { Tags: shownTags(items), ...more }
  },
})
