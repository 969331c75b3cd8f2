import assert from 'node:assert/strict'
import { test } from 'node:test'
import { events } from '../../secretsmanager/testing.ts'
import { createAccessKey } from '../access-keys.ts'
import { iamClient, noSuchEntity, notAllowed, refusal, startIam } from '../testing.ts'

test('a key works at once, and its secret is in the answer and in no event', async (t) => {
  const { server, account, iam } = await startIam(t)
  await iam.createUser({ UserName: 'Alice' })
  const { AccessKey } = await iam.createAccessKey({ UserName: 'alice' })
  const { AccessKeyId, SecretAccessKey, CreateDate, ...rest } = AccessKey!
  assert.deepEqual(rest, { UserName: 'Alice', Status: 'Active' })
  assert.ok(CreateDate instanceof Date)
  assert.match(AccessKeyId!, /^AKIA[A-Z2-7]{16}$/)
  assert.match(SecretAccessKey!, /^[A-Za-z0-9+/]{40}$/)

  await iam.putUserPolicy({
    UserName: 'alice',
    PolicyName: 'own',
    PolicyDocument: JSON.stringify({
      Version: '2012-10-17',
      Statement: { Effect: 'Allow', Action: 'iam:GetUser', Resource: `arn:aws:iam::${account}:user/\${aws:username}` },
    }),
  })
  const alice = iamClient(t, server, { accessKeyId: AccessKeyId!, secretAccessKey: SecretAccessKey! })
  assert.equal((await alice.getUser({})).User!.UserName, 'Alice')

  const [event] = await events(server, 'CreateAccessKey')
  const { createDate, ...accessKey } = JSON.parse(JSON.stringify(event?.responseElements)).accessKey
  assert.deepEqual(accessKey, { userName: 'Alice', accessKeyId: AccessKeyId, status: 'Active' })
  assert.ok(createDate)
  assert.ok(!JSON.stringify(event).includes(SecretAccessKey!))
})

test('without a name the key is of whose request it is: a user, or the root user', async (t) => {
  const { server, account, iam, clientOf } = await startIam(t)
  const users = `arn:aws:iam::${account}:user`
  const alice = await clientOf('alice', { Effect: 'Allow', Action: 'iam:CreateAccessKey', Resource: `${users}/alice` })
  const { AccessKey: hers } = await alice.createAccessKey({})
  assert.equal(hers!.UserName, 'alice')
  const refused = notAllowed(`${users}/alice`, 'iam:CreateAccessKey', 'user administrator')
  await assert.rejects(alice.createAccessKey({ UserName: 'administrator' }), refused)

  const { app } = server
  const first = await app.database.transaction('write', (tx) => createAccessKey(app, tx, account, 'root', app.now()))
  const root = iamClient(t, server, first)
  const { AccessKey: second } = await root.createAccessKey({})
  assert.equal(second!.UserName, undefined)
  const asSecond = { accessKeyId: second!.AccessKeyId!, secretAccessKey: second!.SecretAccessKey! }
  assert.equal((await iamClient(t, server, asSecond).getUser({})).User!.Arn, `arn:aws:iam::${account}:root`)
  const { AccessKeyMetadata } = await root.listAccessKeys({})
  assert.deepEqual(
    AccessKeyMetadata!.map(({ AccessKeyId }) => AccessKeyId),
    [first.accessKeyId, second!.AccessKeyId],
  )
  await root.deleteAccessKey({ AccessKeyId: first.accessKeyId })
  await assert.rejects(root.getUser({}), { name: 'InvalidClientTokenId' })

  const none = noSuchEntity('The user with name absent cannot be found.')
  await assert.rejects(iam.createAccessKey({ UserName: 'absent' }), none)
})

test('a user has two keys at most', async (t) => {
  const { iam } = await startIam(t)
  await iam.createUser({ UserName: 'alice' })
  await iam.createAccessKey({ UserName: 'alice' })
  await iam.createAccessKey({ UserName: 'alice' })
  const quota = refusal('LimitExceeded', 409, 'Cannot exceed quota for AccessKeysPerUser: 2')
  await assert.rejects(iam.createAccessKey({ UserName: 'alice' }), quota)
})
