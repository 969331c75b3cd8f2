// ListOpenIDConnectProviderTags: tags, page by page.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startProvider } from '../testing.ts'

test('tags are listed by key, page by page', async (t) => {
  const { iam, arn: OpenIDConnectProviderArn } = await startProvider(t)
  await iam.tagOpenIDConnectProvider({ OpenIDConnectProviderArn, Tags: [{ Key: 'A', Value: '1' }] })
  const { Tags, IsTruncated, Marker } = await iam.listOpenIDConnectProviderTags({
    OpenIDConnectProviderArn,
    MaxItems: 1,
  })
  assert.deepEqual([Tags, IsTruncated], [[{ Key: 'A', Value: '1' }], true])
  const next = await iam.listOpenIDConnectProviderTags({ OpenIDConnectProviderArn, Marker })
  assert.deepEqual([next.Tags, next.IsTruncated], [[{ Key: 'Team', Value: 'blue' }], false])
})
