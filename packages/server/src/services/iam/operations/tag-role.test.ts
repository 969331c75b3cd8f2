import assert from 'node:assert/strict'
import { test } from 'node:test'
import { noSuchEntity, refusal, startIam, TRUSTS_LAMBDA } from '../testing.ts'

test('tags are added, and take the place of those whose keys differ in case only', async (t) => {
  const { iam } = await startIam(t)
  const RoleName = 'r'
  await iam.createRole({ RoleName, AssumeRolePolicyDocument: TRUSTS_LAMBDA, Tags: [{ Key: 'Team', Value: 'blue' }] })
  await iam.tagRole({
    RoleName,
    Tags: [
      { Key: 'team', Value: 'red' },
      { Key: 'Cost', Value: '' },
    ],
  })
  assert.deepEqual((await iam.getRole({ RoleName })).Role!.Tags, [
    { Key: 'team', Value: 'red' },
    { Key: 'Cost', Value: '' },
  ])
  const many = Array.from({ length: 49 }, (_, i) => ({ Key: `k${i}`, Value: '' }))
  await assert.rejects(
    iam.tagRole({ RoleName, Tags: many }),
    refusal('LimitExceeded', 409, 'Cannot exceed quota for TagsPerRole: 50'),
  )
  const none = noSuchEntity('The role with name none cannot be found.')
  await assert.rejects(iam.tagRole({ RoleName: 'none', Tags: many }), none)
})

test('a policy may ask for the tags that are put, and for those that the role has', async (t) => {
  const { iam, clientOf } = await startIam(t)
  const RoleName = 'r'
  await iam.createRole({ RoleName, AssumeRolePolicyDocument: TRUSTS_LAMBDA })
  const tagger = await clientOf('tagger', {
    Effect: 'Allow',
    Action: 'iam:TagRole',
    Resource: '*',
    Condition: {
      StringEquals: { 'aws:RequestTag/Team': ['blue', 'red'] },
      'ForAllValues:StringEquals': { 'aws:TagKeys': 'Team' },
      StringNotEquals: { 'aws:ResourceTag/Team': 'red' },
    },
  })
  const put = (...Tags: { Key: string; Value: string }[]) => tagger.tagRole({ RoleName, Tags })
  await assert.rejects(put({ Key: 'Team', Value: 'green' }), { name: 'AccessDenied' })
  await assert.rejects(put({ Key: 'Team', Value: 'blue' }, { Key: 'More', Value: '' }), { name: 'AccessDenied' })
  await put({ Key: 'Team', Value: 'blue' })
  await put({ Key: 'Team', Value: 'red' })
  await assert.rejects(put({ Key: 'Team', Value: 'blue' }), { name: 'AccessDenied' })
})
