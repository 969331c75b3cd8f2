// TagOpenIDConnectProvider: tags come on, and policies see them.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { notAllowed, startProvider } from '../testing.ts'

test('a tag takes the place of one with its key, and conditions see those of the provider', async (t) => {
  const { iam, arn: OpenIDConnectProviderArn, account, clientOf } = await startProvider(t)
  const own = await clientOf('tagger', {
    Effect: 'Allow',
    Action: 'iam:TagOpenIDConnectProvider',
    Resource: OpenIDConnectProviderArn,
    Condition: { StringEquals: { 'aws:ResourceTag/Team': 'blue' } },
  })
  await own.tagOpenIDConnectProvider({ OpenIDConnectProviderArn, Tags: [{ Key: 'team', Value: 'red' }] })
  await assert.rejects(
    own.tagOpenIDConnectProvider({ OpenIDConnectProviderArn, Tags: [{ Key: 'a', Value: 'b' }] }),
    notAllowed(`arn:aws:iam::${account}:user/tagger`, 'iam:TagOpenIDConnectProvider', OpenIDConnectProviderArn),
  )
  const { Tags } = await iam.getOpenIDConnectProvider({ OpenIDConnectProviderArn })
  assert.deepEqual(Tags, [{ Key: 'team', Value: 'red' }])
})
