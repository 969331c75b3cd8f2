// GetCallerIdentity through AWS's own client and the whole pipeline.

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts'
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
