// Keys that were uploaded for an identity provider: tokens are checked with them alone, the issuer is not called, and who may do so.

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { AssumeRoleWithWebIdentityCommand, STSClient } from '@aws-sdk/client-sts'
import { signedCall, startTestServer, TEST_REGION, type TestServer } from '../../../testing.ts'
import { iamClient, policyDocument } from '../../iam/testing.ts'
import { createCaller, events } from '../../secretsmanager/testing.ts'
import { newRole } from '../../sts/testing.ts'
import { AUDIENCE, startIssuer } from '../../sts/testing-issuer.ts'

const ROUTES = {
  SetOpenIDConnectProviderKeys: 'set-keys',
  GetOpenIDConnectProviderKeys: 'get-keys',
  RemoveOpenIDConnectProviderKeys: 'remove-keys',
}

/** The issuer answers nobody: its origin is not allowed. */
async function start(t: TestContext) {
  const issuer = await startIssuer(t)
  const server = await startTestServer(t)
  const iam = iamClient(t, server)
  const made = await iam.createOpenIDConnectProvider({ Url: issuer.url, ClientIDList: [AUDIENCE] })
  const provider = made.OpenIDConnectProviderArn!
  const trustPolicy = policyDocument({
    Effect: 'Allow',
    Principal: { Federated: provider },
    Action: 'sts:AssumeRoleWithWebIdentity',
  })
  const role = await newRole(server, 'Workload', { trustPolicy })
  const sts = new STSClient({ endpoint: server.url, region: TEST_REGION, maxAttempts: 1 })
  t.after(() => sts.destroy())
  const assume = async (WebIdentityToken: string) =>
    sts.send(new AssumeRoleWithWebIdentityCommand({ RoleArn: role.arn, RoleSessionName: 'pod', WebIdentityToken }))
  const call = (
    operation: keyof typeof ROUTES,
    input: object = {},
    credentials: TestServer['credentials'] = server.credentials,
  ) =>
    signedCall(
      `${server.url}/_strongroom/oidc-providers/${ROUTES[operation]}`,
      'secretsmanager',
      undefined,
      { OpenIDConnectProviderArn: provider, ...input },
      { credentials, region: TEST_REGION },
    )
  return { issuer, server, iam, provider, assume, call }
}

const UNVERIFIABLE = { name: 'InvalidIdentityTokenException', message: /Couldn't retrieve verification key/ }

test('tokens are checked with the keys that were uploaded last, without a call to the issuer', async (t) => {
  const { issuer, server, iam, provider, assume, call } = await start(t)
  const first = await issuer.sign()
  await assert.rejects(assume(first), UNVERIFIABLE)
  const set = await call('SetOpenIDConnectProviderKeys', { Keys: issuer.jwks() })
  assert.deepEqual([set.status, set.body], [200, { OpenIDConnectProviderArn: provider, KeyIds: ['key-1'] }])
  assert.ok((await assume(first)).Credentials)
  await assert.rejects(assume(await issuer.sign({}, { kid: 'key-9' })), UNVERIFIABLE)

  // A rotation: first both keys, then the new one alone.
  const before = JSON.parse(issuer.jwks()).keys
  await issuer.rotate('ES256')
  const second = await issuer.sign()
  await assert.rejects(assume(second), UNVERIFIABLE)
  const both = JSON.stringify({ keys: [...before, ...JSON.parse(issuer.jwks()).keys] })
  assert.deepEqual((await call('SetOpenIDConnectProviderKeys', { Keys: both })).body.KeyIds, ['key-1', 'key-2'])
  assert.ok((await assume(first)).Credentials)
  assert.ok((await assume(second)).Credentials)
  await call('SetOpenIDConnectProviderKeys', { Keys: issuer.jwks() })
  await assert.rejects(assume(first), UNVERIFIABLE)
  const { body } = await call('GetOpenIDConnectProviderKeys')
  assert.deepEqual(JSON.parse(body.Keys), JSON.parse(issuer.jwks()))

  // Other changes of the provider leave the keys, and a refused set does.
  await iam.addClientIDToOpenIDConnectProvider({ OpenIDConnectProviderArn: provider, ClientID: 'other' })
  const { status, body: refusal } = await call('SetOpenIDConnectProviderKeys', { Keys: '{"keys":[]}' })
  assert.equal(status, 400)
  assert.equal(refusal.__type, 'InvalidParameterException')
  assert.equal(refusal.Message, 'Keys must be a JWK Set in JSON (RFC 7517): it has no list of keys.')
  assert.ok((await assume(second)).Credentials)
  assert.equal(issuer.fetches(), 0)

  assert.equal((await call('RemoveOpenIDConnectProviderKeys')).body.Removed, true)
  assert.equal((await call('RemoveOpenIDConnectProviderKeys')).body.Removed, false)
  assert.equal((await call('GetOpenIDConnectProviderKeys')).body.Keys, undefined)
  await assert.rejects(assume(second), UNVERIFIABLE)

  const trail = await events(server, 'SetOpenIDConnectProviderKeys')
  const event = trail.find(({ errorCode }) => errorCode === undefined)
  assert.ok(event !== undefined && !JSON.stringify(event).includes('kty'))
  assert.deepEqual(event.responseElements, { keyIds: ['key-2'] })
  assert.equal(event.resources?.[0]?.ARN, provider)
})

test('it takes permissions of its own, on the provider', async (t) => {
  const { issuer, server, provider, call } = await start(t)
  const iamOnly = await createCaller(server, 'iam-only', [{ Effect: 'Allow', Action: 'iam:*', Resource: '*' }])
  for (const operation of Object.keys(ROUTES) as (keyof typeof ROUTES)[]) {
    const { body } = await call(operation, { Keys: issuer.jwks() }, iamOnly.credentials)
    assert.match(
      body.Message,
      new RegExp(`not authorized to perform: strongroom:${operation} on resource: ${provider}`),
    )
  }
  const may = await createCaller(server, 'may', [{ Effect: 'Allow', Action: 'strongroom:*', Resource: provider }])
  assert.equal((await call('SetOpenIDConnectProviderKeys', { Keys: issuer.jwks() }, may.credentials)).status, 200)
  const none = { OpenIDConnectProviderArn: `${provider}/none`, Keys: issuer.jwks() }
  assert.equal((await call('SetOpenIDConnectProviderKeys', none)).body.__type, 'NoSuchEntity')
})
