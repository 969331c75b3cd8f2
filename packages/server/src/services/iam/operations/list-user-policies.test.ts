import assert from 'node:assert/strict'
import { test } from 'node:test'
import { paginateListUserPolicies } from '@aws-sdk/client-iam'
import { noSuchEntity, startIam } from '../testing.ts'

const PolicyDocument = JSON.stringify({
  Version: '2012-10-17',
  Statement: { Effect: 'Allow', Action: 's3:*', Resource: '*' },
})

test('the names of inline policies are listed in order, in pages; managed policies are not among them', async (t) => {
  const { iam } = await startIam(t)
  await iam.createUser({ UserName: 'alice' })
  const { PolicyNames: none, IsTruncated } = await iam.listUserPolicies({ UserName: 'alice' })
  assert.deepEqual([none, IsTruncated], [[], false])
  await iam.attachUserPolicy({ UserName: 'alice', PolicyArn: 'arn:aws:iam::aws:policy/ReadOnlyAccess' })
  for (const PolicyName of ['c', 'a', 'b']) await iam.putUserPolicy({ UserName: 'alice', PolicyName, PolicyDocument })
  assert.deepEqual((await iam.listUserPolicies({ UserName: 'alice' })).PolicyNames, ['a', 'b', 'c'])
  const pages = []
  for await (const { PolicyNames } of paginateListUserPolicies({ client: iam, pageSize: 2 }, { UserName: 'alice' })) {
    pages.push(PolicyNames)
  }
  assert.deepEqual(pages, [['a', 'b'], ['c']])
  const absent = noSuchEntity('The user with name absent cannot be found.')
  await assert.rejects(iam.listUserPolicies({ UserName: 'absent' }), absent)
})
