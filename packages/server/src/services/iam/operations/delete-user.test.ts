import assert from 'node:assert/strict'
import { test } from 'node:test'
import { noSuchEntity, notAllowed, refusal, startIam } from '../testing.ts'

const conflict = (first: string) => refusal('DeleteConflict', 409, `Cannot delete entity, must ${first} first.`)
const document = JSON.stringify({
  Version: '2012-10-17',
  Statement: { Effect: 'Allow', Action: 's3:*', Resource: '*' },
})

test('a user is deleted once nothing hangs on it; its boundary goes with it, and its name is free', async (t) => {
  const { iam } = await startIam(t)
  const UserName = 'alice'
  const PolicyArn = 'arn:aws:iam::aws:policy/ReadOnlyAccess'
  const { User: first } = await iam.createUser({ UserName, PermissionsBoundary: PolicyArn })
  await iam.createGroup({ GroupName: 'team' })
  await iam.addUserToGroup({ GroupName: 'team', UserName })
  await iam.attachUserPolicy({ UserName, PolicyArn })
  await iam.putUserPolicy({ UserName, PolicyName: 'p', PolicyDocument: document })
  const { AccessKey } = await iam.createAccessKey({ UserName })

  await assert.rejects(iam.deleteUser({ UserName }), conflict('remove users from group'))
  await iam.removeUserFromGroup({ GroupName: 'team', UserName })
  await assert.rejects(iam.deleteUser({ UserName }), conflict('detach all policies'))
  await iam.detachUserPolicy({ UserName, PolicyArn })
  await assert.rejects(iam.deleteUser({ UserName }), conflict('delete policies'))
  await iam.deleteUserPolicy({ UserName, PolicyName: 'p' })
  await assert.rejects(iam.deleteUser({ UserName }), conflict('delete access keys'))
  await iam.deleteAccessKey({ UserName, AccessKeyId: AccessKey!.AccessKeyId })
  await iam.deleteUser({ UserName })

  const none = noSuchEntity('The user with name alice cannot be found.')
  await assert.rejects(iam.getUser({ UserName }), none)
  await assert.rejects(iam.deleteUser({ UserName }), none)
  const { User: second } = await iam.createUser({ UserName })
  assert.notEqual(second!.UserId, first!.UserId)
  assert.equal(second!.PermissionsBoundary, undefined)
})

test('it asks for iam:DeleteUser on the user', async (t) => {
  const { account, clientOf } = await startIam(t)
  const users = `arn:aws:iam::${account}:user`
  const deleter = await clientOf('deleter', { Effect: 'Allow', Action: 'iam:DeleteUser', Resource: `${users}/team/*` })
  const refused = notAllowed(`${users}/deleter`, 'iam:DeleteUser', 'user administrator')
  await assert.rejects(deleter.deleteUser({ UserName: 'administrator' }), refused)
})
