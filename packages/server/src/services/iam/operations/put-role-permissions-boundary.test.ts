import assert from 'node:assert/strict'
import { test } from 'node:test'
import { noSuchEntity, policyDocument, refusal, startIam, TRUSTS_LAMBDA } from '../testing.ts'

test('a boundary is set, and replaced by the next', async (t) => {
  const { iam, account } = await startIam(t)
  const RoleName = 'r'
  await iam.createRole({ RoleName, AssumeRolePolicyDocument: TRUSTS_LAMBDA })
  const PolicyDocument = policyDocument({ Effect: 'Allow', Action: 's3:*', Resource: '*' })
  const own = (await iam.createPolicy({ PolicyName: 'p', PolicyDocument })).Policy!.Arn!
  const boundary = async () => (await iam.getRole({ RoleName })).Role!.PermissionsBoundary?.PermissionsBoundaryArn
  const uses = async () => (await iam.getPolicy({ PolicyArn: own })).Policy!.PermissionsBoundaryUsageCount
  await iam.putRolePermissionsBoundary({ RoleName, PermissionsBoundary: own })
  assert.deepEqual([await boundary(), await uses()], [own, 1])
  const ofAws = 'arn:aws:iam::aws:policy/ReadOnlyAccess'
  await iam.putRolePermissionsBoundary({ RoleName, PermissionsBoundary: ofAws })
  assert.deepEqual([await boundary(), await uses()], [ofAws, 0])

  const missing = `arn:aws:iam::${account}:policy/none`
  await assert.rejects(
    iam.putRolePermissionsBoundary({ RoleName, PermissionsBoundary: missing }),
    noSuchEntity(`Scope ARN: ${missing} does not exist or is not attachable.`),
  )
  await assert.rejects(
    iam.putRolePermissionsBoundary({ RoleName, PermissionsBoundary: 'arn:aws:s3:::no-policy' }),
    refusal('InvalidInput', 400, 'ARN arn:aws:s3:::no-policy is not valid.'),
  )
  const none = noSuchEntity('The role with name none cannot be found.')
  await assert.rejects(iam.putRolePermissionsBoundary({ RoleName: 'none', PermissionsBoundary: own }), none)
})

test('a policy may ask which boundary is set', async (t) => {
  const { iam, clientOf } = await startIam(t)
  const RoleName = 'r'
  await iam.createRole({ RoleName, AssumeRolePolicyDocument: TRUSTS_LAMBDA })
  const allowed = 'arn:aws:iam::aws:policy/ReadOnlyAccess'
  const Condition = { ArnEquals: { 'iam:PermissionsBoundary': allowed } }
  const Action = 'iam:PutRolePermissionsBoundary'
  const setter = await clientOf('setter', { Effect: 'Allow', Action, Resource: '*', Condition })
  const put = (PermissionsBoundary: string) => setter.putRolePermissionsBoundary({ RoleName, PermissionsBoundary })
  await assert.rejects(put('arn:aws:iam::aws:policy/AdministratorAccess'), { name: 'AccessDenied' })
  await put(allowed)
})
