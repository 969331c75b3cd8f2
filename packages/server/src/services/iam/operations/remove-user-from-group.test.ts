import assert from 'node:assert/strict'
import { test } from 'node:test'
import { noSuchEntity, notAllowed, startIam } from '../testing.ts'

test('a user leaves one group and stays in the others; who is not in a group stays out of it', async (t) => {
  const { iam } = await startIam(t)
  const UserName = 'alice'
  await iam.createUser({ UserName })
  for (const GroupName of ['a', 'b']) {
    await iam.createGroup({ GroupName })
    await iam.addUserToGroup({ GroupName, UserName })
  }
  await iam.removeUserFromGroup({ GroupName: 'A', UserName: 'ALICE' })
  await iam.removeUserFromGroup({ GroupName: 'a', UserName })
  const { Groups } = await iam.listGroupsForUser({ UserName })
  assert.deepEqual(
    Groups!.map(({ GroupName }) => GroupName),
    ['b'],
  )
  assert.deepEqual((await iam.getGroup({ GroupName: 'a' })).Users, [])
  const noUser = noSuchEntity('The user with name absent cannot be found.')
  await assert.rejects(iam.removeUserFromGroup({ GroupName: 'a', UserName: 'absent' }), noUser)
  const noGroup = noSuchEntity('The group with name absent cannot be found.')
  await assert.rejects(iam.removeUserFromGroup({ GroupName: 'absent', UserName }), noGroup)
})

test('the permission is asked for on the group', async (t) => {
  const { account, clientOf } = await startIam(t)
  const arn = `arn:aws:iam::${account}`
  const Resource = `${arn}:user/*`
  const remover = await clientOf('remover', { Effect: 'Allow', Action: 'iam:RemoveUserFromGroup', Resource })
  const refused = notAllowed(`${arn}:user/remover`, 'iam:RemoveUserFromGroup', 'group a')
  await assert.rejects(remover.removeUserFromGroup({ GroupName: 'a', UserName: 'remover' }), refused)
})
