import assert from 'node:assert/strict'
import { test } from 'node:test'
import { paginateGetGroup, type User } from '@aws-sdk/client-iam'
import { insertMember } from '../store.ts'
import { noSuchEntity, notAllowed, startIam } from '../testing.ts'

test('a group tells its users, in pages, without their tags and boundaries', async (t) => {
  const { iam } = await startIam(t)
  const GroupName = 'team'
  const { Group } = await iam.createGroup({ GroupName })
  const made: object[] = []
  for (const UserName of ['alice', 'bob', 'carol', 'dora']) {
    const { User } = await iam.createUser({ UserName, Tags: [{ Key: 'a', Value: 'b' }] })
    const { Tags, ...listed } = User!
    made.push(listed)
    await iam.addUserToGroup({ GroupName, UserName })
  }
  for (const pageSize of [1, 3, 4]) {
    const pages: User[][] = []
    for await (const { Group: told, Users } of paginateGetGroup({ client: iam, pageSize }, { GroupName })) {
      assert.deepEqual(told, Group)
      pages.push(Users!)
    }
    assert.equal(pages.length, Math.ceil(4 / pageSize))
    const byName = pages.flat().sort((a, b) => (a.UserName! < b.UserName! ? -1 : 1))
    assert.deepEqual(byName, made)
  }
  await iam.removeUserFromGroup({ GroupName, UserName: 'bob' })
  const names = (await iam.getGroup({ GroupName })).Users!.map(({ UserName }) => UserName).sort()
  assert.deepEqual(names, ['alice', 'carol', 'dora'])
})

test('an index that was altered in the database makes nobody a member', async (t) => {
  const { server, account, iam } = await startIam(t)
  const { Group } = await iam.createGroup({ GroupName: 'team' })
  const { User } = await iam.createUser({ UserName: 'alice' })
  await server.app.database.transaction('write', (tx) => insertMember(tx, account, Group!.GroupId!, User!.UserId!))
  assert.deepEqual((await iam.getGroup({ GroupName: 'team' })).Users, [])
  assert.deepEqual((await iam.listGroupsForUser({ UserName: 'alice' })).Groups, [])
})

test('a group that is not there, and one that may not be seen', async (t) => {
  const { account, iam, clientOf } = await startIam(t)
  const none = noSuchEntity('The group with name absent cannot be found.')
  await assert.rejects(iam.getGroup({ GroupName: 'absent' }), none)
  const arn = `arn:aws:iam::${account}`
  const reader = await clientOf('reader', { Effect: 'Allow', Action: 'iam:GetGroup', Resource: `${arn}:group/a*` })
  await assert.rejects(reader.getGroup({ GroupName: 'absent' }), none)
  const refused = notAllowed(`${arn}:user/reader`, 'iam:GetGroup', 'group team')
  await assert.rejects(reader.getGroup({ GroupName: 'team' }), refused)
})
