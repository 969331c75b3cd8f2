import assert from 'node:assert/strict'
import { test } from 'node:test'
import { noSuchEntity, notAllowed, refusal, startIam } from '../testing.ts'

test('a group gets another name and path and keeps its id, its users and what they may', async (t) => {
  const { account, iam, clientOf } = await startIam(t)
  const alice = await clientOf('alice', { Effect: 'Deny', Action: 'iam:CreateUser', Resource: '*' })
  const { Group: before } = await iam.createGroup({ GroupName: 'team' })
  await iam.attachGroupPolicy({ GroupName: 'team', PolicyArn: 'arn:aws:iam::aws:policy/IAMReadOnlyAccess' })
  await iam.addUserToGroup({ GroupName: 'team', UserName: 'alice' })
  await iam.updateGroup({ GroupName: 'team', NewGroupName: 'Crew', NewPath: '/x/' })
  const { Group: after, Users } = await alice.getGroup({ GroupName: 'crew' })
  const Arn = `arn:aws:iam::${account}:group/x/Crew`
  assert.deepEqual(after, { ...before, GroupName: 'Crew', Path: '/x/', Arn })
  assert.deepEqual(
    Users!.map(({ UserName }) => UserName),
    ['alice'],
  )
  const none = noSuchEntity('The group with name team cannot be found.')
  await assert.rejects(iam.getGroup({ GroupName: 'team' }), none)
  await iam.updateGroup({ GroupName: 'crew', NewGroupName: 'CREW' })
  assert.equal((await iam.getGroup({ GroupName: 'crew' })).Group!.GroupName, 'CREW')
})

test('a name that another group has, and a group that is not there, are refused', async (t) => {
  const { iam } = await startIam(t)
  await iam.createGroup({ GroupName: 'a' })
  await iam.createGroup({ GroupName: 'b' })
  const exists = refusal('EntityAlreadyExists', 409, 'Group with name B already exists.')
  await assert.rejects(iam.updateGroup({ GroupName: 'a', NewGroupName: 'B' }), exists)
  const none = noSuchEntity('The group with name absent cannot be found.')
  await assert.rejects(iam.updateGroup({ GroupName: 'absent', NewGroupName: 'c' }), none)
})

test('it asks for its permission on what the group was and on what it becomes', async (t) => {
  const { account, iam, clientOf } = await startIam(t)
  const arn = `arn:aws:iam::${account}`
  const Resource = [`${arn}:group/a`, `${arn}:group/b`]
  const renamer = await clientOf('renamer', { Effect: 'Allow', Action: 'iam:UpdateGroup', Resource })
  await iam.createGroup({ GroupName: 'a' })
  const refused = (shown: string) => notAllowed(`${arn}:user/renamer`, 'iam:UpdateGroup', shown)
  await assert.rejects(renamer.updateGroup({ GroupName: 'c', NewGroupName: 'a' }), refused('group c'))
  await assert.rejects(renamer.updateGroup({ GroupName: 'a', NewGroupName: 'c' }), refused(`${arn}:group/c`))
  await renamer.updateGroup({ GroupName: 'a', NewGroupName: 'b' })
})
