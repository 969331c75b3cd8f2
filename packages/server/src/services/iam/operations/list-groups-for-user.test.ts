import assert from 'node:assert/strict'
import { test } from 'node:test'
import { paginateListGroupsForUser } from '@aws-sdk/client-iam'
import { noSuchEntity, startIam } from '../testing.ts'

test('the groups of a user are listed by name, in pages', async (t) => {
  const { iam } = await startIam(t)
  const UserName = 'alice'
  await iam.createUser({ UserName })
  assert.deepEqual((await iam.listGroupsForUser({ UserName })).Groups, [])
  const made = new Map<string, object>()
  for (const GroupName of ['c', 'B', 'a', 'other']) {
    const { Group } = await iam.createGroup({ GroupName })
    made.set(GroupName, Group!)
    if (GroupName !== 'other') await iam.addUserToGroup({ GroupName, UserName })
  }
  const expected = ['a', 'B', 'c'].map((name) => made.get(name))
  assert.deepEqual((await iam.listGroupsForUser({ UserName })).Groups, expected)
  const pages = []
  for await (const { Groups } of paginateListGroupsForUser({ client: iam, pageSize: 2 }, { UserName }))
    pages.push(Groups)
  assert.deepEqual(pages, [expected.slice(0, 2), expected.slice(2)])
  const none = noSuchEntity('The user with name absent cannot be found.')
  await assert.rejects(iam.listGroupsForUser({ UserName: 'absent' }), none)
})
