import assert from 'node:assert/strict'
import { test } from 'node:test'
import { noSuchEntity, notAllowed, refusal, startIam } from '../testing.ts'

const conflict = (first: string) => refusal('DeleteConflict', 409, `Cannot delete entity, must ${first} first.`)
const PolicyDocument = JSON.stringify({
  Version: '2012-10-17',
  Statement: { Effect: 'Allow', Action: 's3:*', Resource: '*' },
})

test('a group is deleted once it has neither users nor policies', async (t) => {
  const { iam } = await startIam(t)
  const GroupName = 'team'
  const PolicyArn = 'arn:aws:iam::aws:policy/ReadOnlyAccess'
  const { Group: first } = await iam.createGroup({ GroupName })
  await iam.addUserToGroup({ GroupName, UserName: 'administrator' })
  await iam.attachGroupPolicy({ GroupName, PolicyArn })
  await iam.putGroupPolicy({ GroupName, PolicyName: 'p', PolicyDocument })
  await assert.rejects(iam.deleteGroup({ GroupName }), conflict('remove users from group'))
  await iam.removeUserFromGroup({ GroupName, UserName: 'administrator' })
  await assert.rejects(iam.deleteGroup({ GroupName }), conflict('detach all policies'))
  await iam.detachGroupPolicy({ GroupName, PolicyArn })
  await assert.rejects(iam.deleteGroup({ GroupName }), conflict('delete policies'))
  await iam.deleteGroupPolicy({ GroupName, PolicyName: 'p' })
  await iam.deleteGroup({ GroupName })
  await assert.rejects(iam.deleteGroup({ GroupName }), noSuchEntity('The group with name team cannot be found.'))
  const { Group: second } = await iam.createGroup({ GroupName })
  assert.notEqual(second!.GroupId, first!.GroupId)
})

test('it asks for iam:DeleteGroup on the group', async (t) => {
  const { account, iam, clientOf } = await startIam(t)
  const arn = `arn:aws:iam::${account}`
  const deleter = await clientOf('deleter', { Effect: 'Allow', Action: 'iam:DeleteGroup', Resource: `${arn}:group/a` })
  await iam.createGroup({ GroupName: 'a' })
  await iam.createGroup({ GroupName: 'b' })
  await deleter.deleteGroup({ GroupName: 'a' })
  const refused = notAllowed(`${arn}:user/deleter`, 'iam:DeleteGroup', 'group b')
  await assert.rejects(deleter.deleteGroup({ GroupName: 'b' }), refused)
})
