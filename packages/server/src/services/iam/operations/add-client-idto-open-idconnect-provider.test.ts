// AddClientIDToOpenIDConnectProvider: an audience more, once.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startProvider } from '../testing.ts'

test('an audience is added once', async (t) => {
  const { iam, arn: OpenIDConnectProviderArn } = await startProvider(t)
  for (const ClientID of ['web', 'web', 'app']) {
    await iam.addClientIDToOpenIDConnectProvider({ OpenIDConnectProviderArn, ClientID })
  }
  const { ClientIDList } = await iam.getOpenIDConnectProvider({ OpenIDConnectProviderArn })
  assert.deepEqual(ClientIDList, ['app', 'web'])
})
