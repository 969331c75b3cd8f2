// UntagOpenIDConnectProvider: tags come off.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startProvider } from '../testing.ts'

test('a tag is taken off by its key', async (t) => {
  const { iam, arn: OpenIDConnectProviderArn } = await startProvider(t)
  await iam.untagOpenIDConnectProvider({ OpenIDConnectProviderArn, TagKeys: ['TEAM', 'absent'] })
  assert.deepEqual((await iam.listOpenIDConnectProviderTags({ OpenIDConnectProviderArn })).Tags, [])
})
