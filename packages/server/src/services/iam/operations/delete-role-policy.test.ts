import assert from 'node:assert/strict'
import { test } from 'node:test'
import { noSuchEntity, policyDocument, startIam, TRUSTS_LAMBDA } from '../testing.ts'

test('one inline policy is deleted, the others stay', async (t) => {
  const { iam } = await startIam(t)
  const RoleName = 'r'
  const PolicyDocument = policyDocument({ Effect: 'Allow', Action: 's3:*', Resource: '*' })
  await iam.createRole({ RoleName, AssumeRolePolicyDocument: TRUSTS_LAMBDA })
  for (const PolicyName of ['a', 'b']) await iam.putRolePolicy({ RoleName, PolicyName, PolicyDocument })
  await iam.deleteRolePolicy({ RoleName, PolicyName: 'a' })
  assert.deepEqual((await iam.listRolePolicies({ RoleName })).PolicyNames, ['b'])
  const none = noSuchEntity('The role policy with name a cannot be found.')
  await assert.rejects(iam.deleteRolePolicy({ RoleName, PolicyName: 'a' }), none)
})
