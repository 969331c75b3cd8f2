import assert from 'node:assert/strict'
import { test } from 'node:test'
import { noSuchEntity, policyDocument, startIam, TRUSTS_LAMBDA } from '../testing.ts'

test('attached policies are listed by pages and under a path', async (t) => {
  const { iam, account } = await startIam(t)
  const RoleName = 'r'
  const PolicyDocument = policyDocument({ Effect: 'Allow', Action: 's3:*', Resource: '*' })
  await iam.createRole({ RoleName, AssumeRolePolicyDocument: TRUSTS_LAMBDA })
  const attached = [{ PolicyName: 'p', PolicyArn: `arn:aws:iam::${account}:policy/team/p` }]
  await iam.createPolicy({ PolicyName: 'p', Path: '/team/', PolicyDocument })
  attached.push({ PolicyName: 'ReadOnlyAccess', PolicyArn: 'arn:aws:iam::aws:policy/ReadOnlyAccess' })
  for (const { PolicyArn } of attached) await iam.attachRolePolicy({ RoleName, PolicyArn })
  const { AttachedPolicies, IsTruncated } = await iam.listAttachedRolePolicies({ RoleName })
  assert.deepEqual([AttachedPolicies, IsTruncated], [attached, false])
  const under = await iam.listAttachedRolePolicies({ RoleName, PathPrefix: '/team/' })
  assert.deepEqual(under.AttachedPolicies, attached.slice(0, 1))
  const first = await iam.listAttachedRolePolicies({ RoleName, MaxItems: 1 })
  const second = await iam.listAttachedRolePolicies({ RoleName, Marker: first.Marker })
  assert.deepEqual([...first.AttachedPolicies!, ...second.AttachedPolicies!], attached)
  const none = noSuchEntity('The role with name none cannot be found.')
  await assert.rejects(iam.listAttachedRolePolicies({ RoleName: 'none' }), none)
})
