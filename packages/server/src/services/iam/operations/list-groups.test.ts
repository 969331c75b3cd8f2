import assert from 'node:assert/strict'
import { test } from 'node:test'
import { paginateListGroups } from '@aws-sdk/client-iam'
import { notAllowed, startIam } from '../testing.ts'

test('groups are listed by name, in pages, by a prefix of their paths', async (t) => {
  const { iam } = await startIam(t)
  assert.deepEqual((await iam.listGroups({})).Groups, [])
  for (const GroupName of ['b', 'A', 'c']) {
    await iam.createGroup({ GroupName, Path: GroupName === 'c' ? '/team/' : '/' })
  }
  const names = async (input: object) => (await iam.listGroups(input)).Groups!.map(({ GroupName }) => GroupName)
  assert.deepEqual(await names({}), ['A', 'b', 'c'])
  assert.deepEqual(await names({ PathPrefix: '/team/' }), ['c'])
  const pages = []
  for await (const { Groups } of paginateListGroups({ client: iam, pageSize: 2 }, {})) pages.push(Groups!.length)
  assert.deepEqual(pages, [2, 1])
})

test('it asks for its permission on the groups of the path', async (t) => {
  const { account, clientOf } = await startIam(t)
  const arn = `arn:aws:iam::${account}`
  const lister = await clientOf('lister', { Effect: 'Allow', Action: 'iam:ListGroups', Resource: `${arn}:group/x/*` })
  assert.deepEqual((await lister.listGroups({ PathPrefix: '/x/' })).Groups, [])
  await assert.rejects(lister.listGroups({}), notAllowed(`${arn}:user/lister`, 'iam:ListGroups', `${arn}:group/`))
})
