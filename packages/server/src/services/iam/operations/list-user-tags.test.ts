import assert from 'node:assert/strict'
import { test } from 'node:test'
import { paginateListUserTags } from '@aws-sdk/client-iam'
import { noSuchEntity, startIam } from '../testing.ts'

test('tags are listed by key, in pages, however long and foreign their keys are', async (t) => {
  const { iam } = await startIam(t)
  const UserName = 'alice'
  const Tags = ['a', 'b', '鍵'.repeat(128), 'ü'.repeat(128)].map((Key) => ({ Key, Value: 'v' }))
  await iam.createUser({ UserName, Tags: Tags.toReversed() })
  const all = [Tags[0], Tags[1], Tags[3], Tags[2]]
  assert.deepEqual((await iam.listUserTags({ UserName })).Tags, all)
  const pages = []
  for await (const { Tags } of paginateListUserTags({ client: iam, pageSize: 1 }, { UserName })) pages.push(Tags![0])
  assert.deepEqual(pages, all)

  await iam.createUser({ UserName: 'bob' })
  const { Tags: none, IsTruncated } = await iam.listUserTags({ UserName: 'bob' })
  assert.deepEqual([none, IsTruncated], [[], false])
  const absent = noSuchEntity('The user with name absent cannot be found.')
  await assert.rejects(iam.listUserTags({ UserName: 'absent' }), absent)
})
