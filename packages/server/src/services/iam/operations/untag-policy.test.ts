import assert from 'node:assert/strict'
import { test } from 'node:test'
import { policyDocument, startIam } from '../testing.ts'

test('tags are taken off by their very keys', async (t) => {
  const { iam } = await startIam(t)
  const PolicyDocument = policyDocument({ Effect: 'Allow', Action: 's3:*', Resource: '*' })
  const Tags = ['Team', 'team', 'Cost'].map((Key) => ({ Key, Value: 'v' }))
  const PolicyArn = (await iam.createPolicy({ PolicyName: 'p', PolicyDocument, Tags })).Policy!.Arn!
  await iam.untagPolicy({ PolicyArn, TagKeys: ['team', 'cost'] })
  assert.deepEqual(
    (await iam.getPolicy({ PolicyArn })).Policy!.Tags!.map(({ Key }) => Key),
    ['Team', 'Cost'],
  )
})
