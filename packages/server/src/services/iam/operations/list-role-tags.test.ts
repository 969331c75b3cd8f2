import assert from 'node:assert/strict'
import { test } from 'node:test'
import { noSuchEntity, startIam, TRUSTS_LAMBDA } from '../testing.ts'

test('tags are listed by key and by pages', async (t) => {
  const { iam } = await startIam(t)
  const RoleName = 'r'
  const Tags = ['c', 'a', 'b'].map((Key) => ({ Key, Value: `${Key}${Key}` }))
  await iam.createRole({ RoleName, AssumeRolePolicyDocument: TRUSTS_LAMBDA, Tags })
  const first = await iam.listRoleTags({ RoleName, MaxItems: 2 })
  assert.deepEqual([first.Tags!.map(({ Key }) => Key), first.IsTruncated], [['a', 'b'], true])
  const second = await iam.listRoleTags({ RoleName, Marker: first.Marker })
  assert.deepEqual([second.Tags, second.IsTruncated], [[{ Key: 'c', Value: 'cc' }], false])
  await iam.createRole({ RoleName: 'bare', AssumeRolePolicyDocument: TRUSTS_LAMBDA })
  assert.deepEqual((await iam.listRoleTags({ RoleName: 'bare' })).Tags, [])
  const none = noSuchEntity('The role with name none cannot be found.')
  await assert.rejects(iam.listRoleTags({ RoleName: 'none' }), none)
})
