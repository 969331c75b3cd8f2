import assert from 'node:assert/strict'
import { test } from 'node:test'
import { noSuchEntity, startIam, TRUSTS_LAMBDA } from '../testing.ts'

test('tags are taken off by key, in any case; others are nothing to take off', async (t) => {
  const { iam, clientOf } = await startIam(t)
  const RoleName = 'r'
  const Tags = ['Team', 'Cost', 'Kept'].map((Key) => ({ Key, Value: 'v' }))
  await iam.createRole({ RoleName, AssumeRolePolicyDocument: TRUSTS_LAMBDA, Tags })
  await iam.untagRole({ RoleName, TagKeys: ['TEAM', 'none'] })
  const Condition = { 'ForAnyValue:StringEquals': { 'aws:TagKeys': 'Cost' } }
  const untagger = await clientOf('untagger', { Effect: 'Allow', Action: 'iam:UntagRole', Resource: '*', Condition })
  await assert.rejects(untagger.untagRole({ RoleName, TagKeys: ['Kept'] }), { name: 'AccessDenied' })
  await untagger.untagRole({ RoleName, TagKeys: ['Cost'] })
  assert.deepEqual((await iam.getRole({ RoleName })).Role!.Tags, [{ Key: 'Kept', Value: 'v' }])
  await iam.untagRole({ RoleName, TagKeys: ['Kept'] })
  assert.equal((await iam.getRole({ RoleName })).Role!.Tags, undefined)
  const none = noSuchEntity('The role with name none cannot be found.')
  await assert.rejects(iam.untagRole({ RoleName: 'none', TagKeys: ['a'] }), none)
})
