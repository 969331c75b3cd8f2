// UpdateOpenIDConnectProviderThumbprint: thumbprints are replaced, and nothing else.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startProvider } from '../testing.ts'

test('the thumbprints given take the place of those there were', async (t) => {
  const { iam, arn: OpenIDConnectProviderArn } = await startProvider(t)
  await iam.updateOpenIDConnectProviderThumbprint({ OpenIDConnectProviderArn, ThumbprintList: ['A'.repeat(40)] })
  const { ThumbprintList, ClientIDList } = await iam.getOpenIDConnectProvider({ OpenIDConnectProviderArn })
  assert.deepEqual([ThumbprintList, ClientIDList], [['a'.repeat(40)], ['app']])
  await iam.updateOpenIDConnectProviderThumbprint({ OpenIDConnectProviderArn, ThumbprintList: [] })
  assert.deepEqual((await iam.getOpenIDConnectProvider({ OpenIDConnectProviderArn })).ThumbprintList, [])
})
