// CreateOpenIDConnectProvider makes tokens of an issuer good for AssumeRoleWithWebIdentity in the account.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateOpenIDConnectProvider.html

import { operation } from '../../../operation.ts'
import { redact } from '../../../shape/redact.ts'
import { list, optional, string } from '../../../shape/shape.ts'
import { oidcProviderArn } from '../model.ts'
import { createOidcProvider, providerUrl } from '../oidc-providers.ts'
import { ClientIds, ProviderUrl, Tag, Tags, Thumbprints } from '../shapes.ts'
import { requestTagContext, shownTags, withTags } from '../tags.ts'
import { newTarget, permissionsOn } from '../target.ts'

const output = { OpenIDConnectProviderArn: optional(string()), Tags: optional(list(Tag)) }

export const createOpenIDConnectProvider = operation({
  name: 'CreateOpenIDConnectProvider',
  readOnly: false,

  input: {
    Url: ProviderUrl,
    ClientIDList: optional(ClientIds),
    ThumbprintList: optional(Thumbprints),
    Tags: optional(Tags),
  },

  output,

  target: async ({ partition, account, input }) =>
    newTarget(account, 'oidc-provider', oidcProviderArn(partition, account, providerUrl(input.Url))),

  conditions: ({ Tags }) => requestTagContext(Tags),

  permissions: ({ Tags }, target) =>
    permissionsOn(target, 'iam:CreateOpenIDConnectProvider', ...(Tags?.length ? ['iam:TagOpenIDConnectProvider'] : [])),

  responseElements: (result) => redact(output, result),

  async run({ app, tx, account, now, input }) {
    const { ClientIDList: clientIds = [], ThumbprintList: thumbprints = [] } = input
    const tags = withTags([], input.Tags, 'TagsPerOpenIdConnectProvider')
    const provider = { url: providerUrl(input.Url), clientIds, thumbprints, tags, now }
    const OpenIDConnectProviderArn = await createOidcProvider(app, tx, account, provider)
    return { OpenIDConnectProviderArn, ...(tags.length > 0 && { Tags: shownTags(tags) }) }
  },
})
