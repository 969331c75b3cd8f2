// RemoveClientIDFromOpenIDConnectProvider: an audience less.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startProvider } from '../testing.ts'

test('an audience is removed, and one that is not there is nothing to remove', async (t) => {
  const { iam, arn: OpenIDConnectProviderArn } = await startProvider(t)
  for (const ClientID of ['web', 'app']) {
    await iam.removeClientIDFromOpenIDConnectProvider({ OpenIDConnectProviderArn, ClientID })
  }
  assert.deepEqual((await iam.getOpenIDConnectProvider({ OpenIDConnectProviderArn })).ClientIDList, [])
})
