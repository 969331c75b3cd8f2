import assert from 'node:assert/strict'
import { test } from 'node:test'
import { noSuchEntity, notAllowed, refusal, startIam } from '../testing.ts'

test('a user gets another name and path and keeps its id and its keys, which act under the new name at once', async (t) => {
  const { account, iam, clientOf } = await startIam(t)
  const alice = await clientOf('alice', { Effect: 'Allow', Action: 'iam:*', Resource: '*' })
  const { User: before } = await alice.getUser({})
  await alice.updateUser({ UserName: 'alice', NewUserName: 'Bob', NewPath: '/team/' })
  const { User: after } = await alice.getUser({})
  assert.deepEqual(after, {
    ...before,
    UserName: 'Bob',
    Path: '/team/',
    Arn: `arn:aws:iam::${account}:user/team/Bob`,
  })
  await assert.rejects(iam.getUser({ UserName: 'alice' }), noSuchEntity('The user with name alice cannot be found.'))

  await iam.updateUser({ UserName: 'bob', NewUserName: 'BOB' })
  assert.equal((await iam.getUser({ UserName: 'bob' })).User!.UserName, 'BOB')
  await iam.updateUser({ UserName: 'bob' })
  assert.equal((await iam.getUser({ UserName: 'bob' })).User!.Path, '/team/')
})

test('a name that another user has, and a user that is not there, are refused', async (t) => {
  const { iam } = await startIam(t)
  await iam.createUser({ UserName: 'alice' })
  await assert.rejects(
    iam.updateUser({ UserName: 'alice', NewUserName: 'Administrator' }),
    refusal('EntityAlreadyExists', 409, 'User with name Administrator already exists.'),
  )
  await assert.rejects(
    iam.updateUser({ UserName: 'absent', NewUserName: 'present' }),
    noSuchEntity('The user with name absent cannot be found.'),
  )
})

test('it asks for its permission on what the user was and on what it becomes', async (t) => {
  const { account, iam, clientOf } = await startIam(t)
  const users = `arn:aws:iam::${account}:user`
  const Resource = [`${users}/a*`, `${users}/b*`]
  const renamer = await clientOf('renamer', { Effect: 'Allow', Action: 'iam:UpdateUser', Resource })
  const refused = (shown: string) => notAllowed(`${users}/renamer`, 'iam:UpdateUser', shown)
  await iam.createUser({ UserName: 'alice' })
  await iam.createUser({ UserName: 'carol' })
  await assert.rejects(renamer.updateUser({ UserName: 'carol', NewUserName: 'bob' }), refused('user carol'))
  await assert.rejects(renamer.updateUser({ UserName: 'alice', NewUserName: 'zoe' }), refused(`${users}/zoe`))
  await assert.rejects(renamer.updateUser({ UserName: 'alice', NewPath: '/x/' }), refused(`${users}/x/alice`))
  await renamer.updateUser({ UserName: 'alice', NewUserName: 'bob' })
})
