import assert from 'node:assert/strict'
import { test } from 'node:test'
import { GetUserCommand } from '@aws-sdk/client-iam'
import { startTestServer } from '../../../testing.ts'
import { createCaller } from '../../secretsmanager/testing.ts'
import { createAccessKey } from '../access-keys.ts'
import { iamClient } from '../testing.ts'

test('without a name it tells whose request it is: a user, or the root user', async (t) => {
  const server = await startTestServer(t)
  const { app, accountId } = server
  const { User } = await iamClient(t, server).send(new GetUserCommand({}))
  assert.equal(User!.UserName, 'administrator')
  assert.equal(User!.Arn, `arn:aws:iam::${accountId}:user/administrator`)

  const key = await app.database.transaction('write', (tx) => createAccessKey(app, tx, accountId, 'root', app.now()))
  const root = await iamClient(t, server, key).send(new GetUserCommand({}))
  const CreateDate = root.User!.CreateDate
  assert.ok(CreateDate instanceof Date)
  assert.deepEqual(root.User, { UserId: accountId, Arn: `arn:aws:iam::${accountId}:root`, CreateDate })
})

test('a refusal does not tell whether the user exists; who may ask is told', async (t) => {
  const server = await startTestServer(t)
  const nobody = await createCaller(server, 'nobody', [{ Effect: 'Deny', Action: 'iam:*', Resource: '*' }])
  const iam = iamClient(t, server, nobody.credentials)
  for (const UserName of ['administrator', 'absent']) {
    await assert.rejects(iam.send(new GetUserCommand({ UserName })), {
      name: 'AccessDenied',
      message: `User: ${nobody.arn} is not authorized to perform: iam:GetUser on resource: user ${UserName} with an explicit deny in an identity-based policy`,
    })
  }
  await assert.rejects(iamClient(t, server).send(new GetUserCommand({ UserName: 'absent' })), {
    name: 'NoSuchEntityException',
    message: 'The user with name absent cannot be found.',
  })
})

test('a policy may name the user, by the ARN that a missing one would have', async (t) => {
  const server = await startTestServer(t)
  const Resource = `arn:aws:iam::${server.accountId}:user/a*`
  const reader = await createCaller(server, 'reader', [{ Effect: 'Allow', Action: 'iam:GetUser', Resource }])
  const iam = iamClient(t, server, reader.credentials)
  assert.ok((await iam.send(new GetUserCommand({ UserName: 'administrator' }))).User)
  await assert.rejects(iam.send(new GetUserCommand({ UserName: 'absent' })), { name: 'NoSuchEntityException' })
  await assert.rejects(iam.send(new GetUserCommand({ UserName: 'reader' })), { name: 'AccessDenied' })
})
