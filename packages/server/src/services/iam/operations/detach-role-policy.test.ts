import assert from 'node:assert/strict'
import { test } from 'node:test'
import { noSuchEntity, startIam, TRUSTS_LAMBDA } from '../testing.ts'

test('a policy is detached once', async (t) => {
  const { iam, clientOf } = await startIam(t)
  const RoleName = 'r'
  const PolicyArn = 'arn:aws:iam::aws:policy/ReadOnlyAccess'
  await iam.createRole({ RoleName, AssumeRolePolicyDocument: TRUSTS_LAMBDA })
  await iam.attachRolePolicy({ RoleName, PolicyArn })
  const Condition = { ArnNotEquals: { 'iam:PolicyARN': PolicyArn } }
  const other = await clientOf('other', { Effect: 'Allow', Action: 'iam:DetachRolePolicy', Resource: '*', Condition })
  await assert.rejects(other.detachRolePolicy({ RoleName, PolicyArn }), { name: 'AccessDenied' })
  await iam.detachRolePolicy({ RoleName, PolicyArn })
  assert.deepEqual((await iam.listAttachedRolePolicies({ RoleName })).AttachedPolicies, [])
  assert.equal((await iam.getPolicy({ PolicyArn })).Policy!.AttachmentCount, 0)
  await assert.rejects(
    iam.detachRolePolicy({ RoleName, PolicyArn }),
    noSuchEntity(`Policy ${PolicyArn} was not found.`),
  )
})
