import assert from 'node:assert/strict'
import { test } from 'node:test'
import { policyDocument, startIam } from '../testing.ts'

test('tags are listed by key and by pages; the policies of AWS have none', async (t) => {
  const { iam } = await startIam(t)
  const PolicyDocument = policyDocument({ Effect: 'Allow', Action: 's3:*', Resource: '*' })
  const Tags = ['c', 'a', 'b'].map((Key) => ({ Key, Value: 'v' }))
  const PolicyArn = (await iam.createPolicy({ PolicyName: 'p', PolicyDocument, Tags })).Policy!.Arn!
  const first = await iam.listPolicyTags({ PolicyArn, MaxItems: 2 })
  const second = await iam.listPolicyTags({ PolicyArn, Marker: first.Marker })
  assert.deepEqual(
    [...first.Tags!, ...second.Tags!].map(({ Key }) => Key),
    ['a', 'b', 'c'],
  )
  assert.deepEqual([first.IsTruncated, second.IsTruncated], [true, false])
  assert.deepEqual((await iam.listPolicyTags({ PolicyArn: 'arn:aws:iam::aws:policy/ReadOnlyAccess' })).Tags, [])
})
