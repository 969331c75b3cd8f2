// ListOpenIDConnectProviders: all of the account, by URL.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startProvider } from '../testing.ts'

test('the providers of the account are listed by URL', async (t) => {
  const { iam, arn, account } = await startProvider(t)
  await iam.createOpenIDConnectProvider({ Url: 'https://a.example.com' })
  const { OpenIDConnectProviderList } = await iam.listOpenIDConnectProviders({})
  assert.deepEqual(OpenIDConnectProviderList, [
    { Arn: `arn:aws:iam::${account}:oidc-provider/a.example.com` },
    { Arn: arn },
  ])
})
