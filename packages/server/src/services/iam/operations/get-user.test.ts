import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createAccessKey } from '../access-keys.ts'
import { iamClient, noSuchEntity, notAllowed, refusal, startIam } from '../testing.ts'

test('without a name it tells whose request it is: a user, or the root user', async (t) => {
  const { server, account, iam } = await startIam(t)
  const { User } = await iam.getUser({})
  assert.equal(User!.UserName, 'administrator')
  assert.equal(User!.Arn, `arn:aws:iam::${account}:user/administrator`)

  const { app } = server
  const key = await app.database.transaction('write', (tx) => createAccessKey(app, tx, account, 'root', app.now()))
  const root = await iamClient(t, server, key).getUser({})
  const CreateDate = root.User!.CreateDate
  assert.ok(CreateDate instanceof Date)
  assert.deepEqual(root.User, { UserId: account, Arn: `arn:aws:iam::${account}:root`, CreateDate })
})

test('a refusal does not tell whether the user exists; who may ask is told', async (t) => {
  const { account, iam, clientOf } = await startIam(t)
  const nobody = await clientOf('nobody', { Effect: 'Deny', Action: 'iam:*', Resource: '*' })
  const user = `User: arn:aws:iam::${account}:user/nobody`
  for (const UserName of ['administrator', 'absent']) {
    const message = `${user} is not authorized to perform: iam:GetUser on resource: user ${UserName} with an explicit deny in an identity-based policy`
    await assert.rejects(nobody.getUser({ UserName }), refusal('AccessDenied', 403, message))
  }
  await assert.rejects(iam.getUser({ UserName: 'absent' }), noSuchEntity('The user with name absent cannot be found.'))
})

test('a policy may name the user by ARN, a missing one by the ARN that it would have, and by its tags', async (t) => {
  const { account, iam, clientOf } = await startIam(t)
  const users = `arn:aws:iam::${account}:user`
  const allow = { Effect: 'Allow', Action: 'iam:GetUser' }
  const reader = await clientOf(
    'reader',
    { ...allow, Resource: `${users}/a*` },
    { ...allow, Resource: '*', Condition: { StringEquals: { 'iam:ResourceTag/Team': 'blue' } } },
    { ...allow, Resource: '*', Condition: { StringEquals: { 'aws:ResourceTag/Team': 'green' } } },
  )
  assert.ok((await reader.getUser({ UserName: 'administrator' })).User)
  await assert.rejects(
    reader.getUser({ UserName: 'absent' }),
    noSuchEntity('The user with name absent cannot be found.'),
  )
  for (const colour of ['blue', 'green', 'red']) {
    await iam.createUser({ UserName: colour, Tags: [{ Key: 'Team', Value: colour }] })
  }
  assert.ok((await reader.getUser({ UserName: 'blue' })).User)
  assert.ok((await reader.getUser({ UserName: 'green' })).User)
  for (const UserName of ['red', 'reader', 'zoe']) {
    await assert.rejects(reader.getUser({ UserName }), notAllowed(`${users}/reader`, 'iam:GetUser', `user ${UserName}`))
  }
})
