// DeleteOpenIDConnectProvider: a provider that is gone is gone.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { noSuchEntity, startProvider } from '../testing.ts'

test('a provider is deleted once', async (t) => {
  const { iam, arn } = await startProvider(t)
  await iam.deleteOpenIDConnectProvider({ OpenIDConnectProviderArn: arn })
  assert.deepEqual((await iam.listOpenIDConnectProviders({})).OpenIDConnectProviderList, [])
  await assert.rejects(
    iam.deleteOpenIDConnectProvider({ OpenIDConnectProviderArn: arn }),
    noSuchEntity(`OpenIDConnect Provider not found for arn ${arn}`),
  )
})
