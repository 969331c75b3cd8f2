import assert from 'node:assert/strict'
import { test } from 'node:test'
import { policyDocument, refusal, startIam } from '../testing.ts'

test('tags are added, and take the place of those with the very same keys', async (t) => {
  const { iam } = await startIam(t)
  const PolicyDocument = policyDocument({ Effect: 'Allow', Action: 's3:*', Resource: '*' })
  const tag = (Key: string, Value: string) => ({ Key, Value })
  const { Policy } = await iam.createPolicy({ PolicyName: 'p', PolicyDocument, Tags: [tag('Team', 'blue')] })
  const PolicyArn = Policy!.Arn!
  await iam.tagPolicy({ PolicyArn, Tags: [tag('team', 'red'), tag('Team', 'green')] })
  assert.deepEqual((await iam.getPolicy({ PolicyArn })).Policy!.Tags, [tag('team', 'red'), tag('Team', 'green')])
  const Tags = Array.from({ length: 49 }, (_, i) => tag(`k${i}`, ''))
  await assert.rejects(
    iam.tagPolicy({ PolicyArn, Tags }),
    refusal('LimitExceeded', 409, 'Cannot exceed quota for TagsPerPolicy: 50'),
  )
  await assert.rejects(iam.tagPolicy({ PolicyArn, Tags: [tag('AWS:x', '')] }), { name: 'InvalidInputException' })
})
