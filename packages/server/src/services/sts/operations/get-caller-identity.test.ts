// GetCallerIdentity through AWS's own client and the whole pipeline.

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts'
import { sign } from '../../../auth/testing.ts'
import { startTestServer, TEST_REGION, type TestCredentials, type TestServer } from '../../../testing.ts'
import { createAccessKey, type OwnerName, setAccessKeyStatus } from '../../iam/access-keys.ts'
import { createUser, putUserPolicy } from '../../iam/users.ts'

function client(t: TestContext, { url }: TestServer, credentials: TestCredentials, region = TEST_REGION): STSClient {
  const sts = new STSClient({ endpoint: url, region, credentials: { ...credentials }, maxAttempts: 1 })
  t.after(() => sts.destroy())
  return sts
}

const whoAmI = async (sts: STSClient) => {
  const { Arn, UserId, Account } = await sts.send(new GetCallerIdentityCommand({}))
  return { Arn, UserId, Account }
}

const newKey = ({ app, accountId }: TestServer, owner: OwnerName) =>
  app.database.transaction('write', (tx) => createAccessKey(app, tx, accountId, owner, app.now()))

test('the administrator of the first account is a user, in whatever region is asked', async (t) => {
  const server = await startTestServer(t)
  for (const region of ['us-east-1', 'ap-southeast-2']) {
    const identity = await whoAmI(client(t, server, server.credentials, region))
    assert.match(identity.UserId!, /^AIDA[A-Z2-7]{17}$/)
    assert.equal(identity.Account, server.accountId)
    assert.equal(identity.Arn, `arn:aws:iam::${server.accountId}:user/administrator`)
  }
})

test('a root user is its account', async (t) => {
  const server = await startTestServer(t)
  const { accountId } = server
  assert.deepEqual(await whoAmI(client(t, server, await newKey(server, 'root'))), {
    Arn: `arn:aws:iam::${accountId}:root`,
    UserId: accountId,
    Account: accountId,
  })
})

test('a user without permissions, and one who is denied everything, may ask', async (t) => {
  const server = await startTestServer(t)
  const { app, accountId } = server
  const userId = await app.database.transaction('write', (tx) =>
    createUser(app, tx, accountId, { userName: 'nobody', path: '/team/', now: app.now() }),
  )
  const sts = client(t, server, await newKey(server, { userName: 'nobody' }))
  const nobody = { Arn: `arn:aws:iam::${accountId}:user/team/nobody`, UserId: userId, Account: accountId }
  assert.deepEqual(await whoAmI(sts), nobody)

  const Statement = { Effect: 'Deny', Action: '*', Resource: '*' }
  const document = JSON.stringify({ Version: '2012-10-17', Statement })
  await app.database.transaction('write', (tx) => putUserPolicy(app, tx, accountId, 'nobody', 'deny', document))
  assert.deepEqual(await whoAmI(sts), nobody)
})

test('an access key made inactive is refused at the next request, as an unknown one is', async (t) => {
  const server = await startTestServer(t)
  const { app, accountId } = server
  const key = await newKey(server, { userName: 'administrator' })
  const sts = client(t, server, key)
  await whoAmI(sts)

  await app.database.transaction('write', (tx) =>
    setAccessKeyStatus(app, tx, accountId, { userName: 'administrator' }, key.accessKeyId, 'Inactive'),
  )
  const refusal = {
    name: 'InvalidClientTokenId',
    message: 'The security token included in the request is invalid.',
  }
  await assert.rejects(whoAmI(sts), refusal)
  await assert.rejects(whoAmI(client(t, server, { ...key, accessKeyId: 'AKIAAAAAAAAAAAAAAAAA' })), refusal)
})

test('a wrong secret access key is refused', async (t) => {
  const server = await startTestServer(t)
  const { accessKeyId } = server.credentials
  await assert.rejects(whoAmI(client(t, server, { accessKeyId, secretAccessKey: 'x'.repeat(40) })), {
    name: 'SignatureDoesNotMatch',
  })
})

test('a presigned request can be handed to a verifier, who gets JSON where it asks for JSON', async (t) => {
  const { url, credentials, accountId } = await startTestServer(t)
  const { target } = await sign(
    'query',
    {
      method: 'GET',
      path: '/',
      query: { Action: 'GetCallerIdentity', Version: '2011-06-15' },
      headers: { host: new URL(url).host, 'x-k8s-aws-id': 'cluster' },
      body: '',
    },
    {
      service: 'sts',
      accessKeyId: credentials.accessKeyId,
      secret: credentials.secretAccessKey,
      at: Date.now(),
      expiresSeconds: 60,
    },
  )
  const get = async (headers: Record<string, string>) => {
    const response = await fetch(url + target, { headers })
    return { status: response.status, type: response.headers.get('content-type'), text: await response.text() }
  }
  const Arn = `arn:aws:iam::${accountId}:user/administrator`
  const xml = await get({ 'x-k8s-aws-id': 'cluster' })
  assert.deepEqual([xml.status, xml.type], [200, 'text/xml'])
  assert.ok(xml.text.includes(`<Arn>${Arn}</Arn>`))

  for (const accept of ['application/json', 'Application/JSON; charset=utf-8', 'application/json,text/xml']) {
    const json = await get({ 'x-k8s-aws-id': 'cluster', accept })
    assert.deepEqual([json.status, json.type], [200, 'application/json'])
    const { GetCallerIdentityResult, ResponseMetadata } = JSON.parse(json.text).GetCallerIdentityResponse
    assert.match(GetCallerIdentityResult.UserId, /^AIDA/)
    assert.deepEqual(GetCallerIdentityResult, { Arn, UserId: GetCallerIdentityResult.UserId, Account: accountId })
    assert.match(ResponseMetadata.RequestId, /^[0-9a-f-]{36}$/)
  }

  const other = await get({ 'x-k8s-aws-id': 'another', accept: 'application/json' })
  assert.deepEqual([other.status, other.type], [403, 'application/json'])
  const { Error: error, RequestId } = JSON.parse(other.text)
  assert.deepEqual([error.Code, error.Type, typeof RequestId], ['SignatureDoesNotMatch', 'Sender', 'string'])
  assert.match(error.Message, /^The request signature we calculated does not match/)
})
