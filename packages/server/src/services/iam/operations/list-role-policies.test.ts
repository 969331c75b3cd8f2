import assert from 'node:assert/strict'
import { test } from 'node:test'
import { noSuchEntity, policyDocument, startIam, TRUSTS_LAMBDA } from '../testing.ts'

test('the names of inline policies are listed by pages', async (t) => {
  const { iam } = await startIam(t)
  const RoleName = 'r'
  const PolicyDocument = policyDocument({ Effect: 'Allow', Action: 's3:*', Resource: '*' })
  await iam.createRole({ RoleName, AssumeRolePolicyDocument: TRUSTS_LAMBDA })
  assert.deepEqual((await iam.listRolePolicies({ RoleName })).PolicyNames, [])
  for (const PolicyName of ['c', 'a', 'b']) await iam.putRolePolicy({ RoleName, PolicyName, PolicyDocument })
  const first = await iam.listRolePolicies({ RoleName, MaxItems: 2 })
  const second = await iam.listRolePolicies({ RoleName, MaxItems: 2, Marker: first.Marker })
  assert.deepEqual([first.PolicyNames, first.IsTruncated], [['a', 'b'], true])
  assert.deepEqual([second.PolicyNames, second.IsTruncated], [['c'], false])
  const none = noSuchEntity('The role with name none cannot be found.')
  await assert.rejects(iam.listRolePolicies({ RoleName: 'none' }), none)
})
