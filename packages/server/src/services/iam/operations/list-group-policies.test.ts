import assert from 'node:assert/strict'
import { test } from 'node:test'
import { paginateListGroupPolicies } from '@aws-sdk/client-iam'
import { noSuchEntity, startIam } from '../testing.ts'

const PolicyDocument = JSON.stringify({
  Version: '2012-10-17',
  Statement: { Effect: 'Allow', Action: 's3:*', Resource: '*' },
})

test('the names of inline policies are listed in order, in pages; managed policies are not among them', async (t) => {
  const { iam } = await startIam(t)
  await iam.createGroup({ GroupName: 'team' })
  const { PolicyNames: none, IsTruncated } = await iam.listGroupPolicies({ GroupName: 'team' })
  assert.deepEqual([none, IsTruncated], [[], false])
  await iam.attachGroupPolicy({ GroupName: 'team', PolicyArn: 'arn:aws:iam::aws:policy/ReadOnlyAccess' })
  for (const PolicyName of ['c', 'a', 'b']) await iam.putGroupPolicy({ GroupName: 'team', PolicyName, PolicyDocument })
  assert.deepEqual((await iam.listGroupPolicies({ GroupName: 'team' })).PolicyNames, ['a', 'b', 'c'])
  const pages = []
  for await (const { PolicyNames } of paginateListGroupPolicies({ client: iam, pageSize: 2 }, { GroupName: 'team' })) {
    pages.push(PolicyNames)
  }
  assert.deepEqual(pages, [['a', 'b'], ['c']])
  const absent = noSuchEntity('The group with name absent cannot be found.')
  await assert.rejects(iam.listGroupPolicies({ GroupName: 'absent' }), absent)
})
