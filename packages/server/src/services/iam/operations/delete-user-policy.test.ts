import assert from 'node:assert/strict'
import { test } from 'node:test'
import { noSuchEntity, notAllowed, startIam } from '../testing.ts'

const PolicyDocument = JSON.stringify({
  Version: '2012-10-17',
  Statement: { Effect: 'Allow', Action: 's3:*', Resource: '*' },
})

test('a policy is deleted, the others stay, and a second time there is none', async (t) => {
  const { iam } = await startIam(t)
  await iam.createUser({ UserName: 'alice' })
  for (const PolicyName of ['one', 'two']) await iam.putUserPolicy({ UserName: 'alice', PolicyName, PolicyDocument })
  await iam.deleteUserPolicy({ UserName: 'alice', PolicyName: 'one' })
  assert.deepEqual((await iam.listUserPolicies({ UserName: 'alice' })).PolicyNames, ['two'])
  const noPolicy = noSuchEntity('The user policy with name one cannot be found.')
  await assert.rejects(iam.deleteUserPolicy({ UserName: 'alice', PolicyName: 'one' }), noPolicy)
  const none = noSuchEntity('The user with name absent cannot be found.')
  await assert.rejects(iam.deleteUserPolicy({ UserName: 'absent', PolicyName: 'one' }), none)
})

test('the permission is asked for on the user', async (t) => {
  const { account, clientOf } = await startIam(t)
  const arn = `arn:aws:iam::${account}`
  const Resource = `${arn}:user/a`
  const deleter = await clientOf('deleter', { Effect: 'Allow', Action: 'iam:DeleteUserPolicy', Resource })
  const refused = notAllowed(`${arn}:user/deleter`, 'iam:DeleteUserPolicy', 'user b')
  await assert.rejects(deleter.deleteUserPolicy({ UserName: 'b', PolicyName: 'p' }), refused)
})
