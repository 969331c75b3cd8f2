// GetOpenIDConnectProvider: what is told of a provider.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { noSuchEntity, startProvider } from '../testing.ts'

test('a provider is told with everything but its ARN', async (t) => {
  const { iam, arn } = await startProvider(t)
  const { CreateDate, $metadata: _, ...told } = await iam.getOpenIDConnectProvider({ OpenIDConnectProviderArn: arn })
  assert.ok(CreateDate instanceof Date)
  assert.deepEqual(told, {
    Url: 'idp.example.com/realm',
    ClientIDList: ['app'],
    ThumbprintList: [],
    Tags: [{ Key: 'Team', Value: 'blue' }],
  })
  await assert.rejects(
    iam.getOpenIDConnectProvider({ OpenIDConnectProviderArn: `${arn}x` }),
    noSuchEntity(`OpenIDConnect Provider not found for arn ${arn}x`),
  )
})
