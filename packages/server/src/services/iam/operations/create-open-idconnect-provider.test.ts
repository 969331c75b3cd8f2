// CreateOpenIDConnectProvider: what a provider can be, and who may make one.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { notAllowed, refusal, startProvider } from '../testing.ts'

test('a provider is an https issuer, once in an account, with its audiences', async (t) => {
  const { iam, arn, account, clientOf } = await startProvider(t)
  assert.equal(arn, `arn:aws:iam::${account}:oidc-provider/idp.example.com/realm`)
  const Url = 'https://other.example.com:8443'
  await assert.rejects(
    iam.createOpenIDConnectProvider({ Url: 'https://idp.example.com/realm' }),
    refusal('EntityAlreadyExists', 409, 'Provider with url https://idp.example.com/realm already exists.'),
  )
  for (const wrong of ['http://a.example', 'https://a.example/?q', 'https://u@a.example', 'https://a b', 'a.example']) {
    await assert.rejects(
      iam.createOpenIDConnectProvider({ Url: wrong }),
      refusal('ValidationError', 400, 'Invalid Open ID Connect Provider URL'),
      wrong,
    )
  }
  const ClientIDList = Array.from({ length: 101 }, (_, i) => `client-${i}`)
  await assert.rejects(
    iam.createOpenIDConnectProvider({ Url, ClientIDList }),
    refusal('LimitExceeded', 409, 'Cannot exceed quota for ClientIdsPerOpenIdConnectProvider: 100'),
  )
  await assert.rejects(
    iam.createOpenIDConnectProvider({ Url, ThumbprintList: ['z'.repeat(40)] }),
    refusal('InvalidInput', 400, 'Thumbprints must be 40 hexadecimal digits.'),
  )
  const nobody = await clientOf('nobody', { Effect: 'Allow', Action: 'iam:CreateOpenIDConnectProvider', Resource: '*' })
  const target = `arn:aws:iam::${account}:oidc-provider/other.example.com:8443`
  await assert.rejects(
    nobody.createOpenIDConnectProvider({ Url, Tags: [{ Key: 'a', Value: 'b' }] }),
    notAllowed(`arn:aws:iam::${account}:user/nobody`, 'iam:TagOpenIDConnectProvider', target),
  )
  assert.equal((await nobody.createOpenIDConnectProvider({ Url })).OpenIDConnectProviderArn, target)
})
