// GetOpenIDConnectProvider tells the URL, the audiences and the thumbprints of an identity provider.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetOpenIDConnectProvider.html

import { operation } from '../../../operation.ts'
import { list, optional, string, timestamp } from '../../../shape/shape.ts'
import { Arn, Tag } from '../shapes.ts'
import { shownTags } from '../tags.ts'
import { existingOidcProvider, oidcProviderTarget } from '../target.ts'

export const getOpenIDConnectProvider = operation({
  name: 'GetOpenIDConnectProvider',
  readOnly: true,

  input: { OpenIDConnectProviderArn: Arn },

  output: {
    Url: optional(string()),
    ClientIDList: optional(list(string())),
    ThumbprintList: optional(list(string())),
    CreateDate: optional(timestamp()),
    Tags: optional(list(Tag)),
  },

  target: oidcProviderTarget,

  async run({ target }) {
    const { url, clientIds, thumbprints, createdAt, tags } = existingOidcProvider(target).body
    return {
      Url: url,
      ClientIDList: clientIds,
      ThumbprintList: thumbprints,
      CreateDate: createdAt,
      Tags: shownTags(tags),
    }
  },
})
