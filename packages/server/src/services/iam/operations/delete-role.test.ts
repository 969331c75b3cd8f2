import assert from 'node:assert/strict'
import { test } from 'node:test'
import { noSuchEntity, notAllowed, policyDocument, refusal, startIam, TRUSTS_LAMBDA } from '../testing.ts'

const conflict = (first: string) => refusal('DeleteConflict', 409, `Cannot delete entity, must ${first} first.`)
const PolicyDocument = policyDocument({ Effect: 'Allow', Action: 's3:*', Resource: '*' })

test('a role is deleted once it has no policies; its boundary goes with it, and its name is free', async (t) => {
  const { iam } = await startIam(t)
  const role = { RoleName: 'r', AssumeRolePolicyDocument: TRUSTS_LAMBDA }
  const { RoleName } = role
  const { Policy } = await iam.createPolicy({ PolicyName: 'p', PolicyDocument })
  const PolicyArn = Policy!.Arn!
  const { Role: first } = await iam.createRole({ ...role, PermissionsBoundary: PolicyArn })
  await iam.attachRolePolicy({ RoleName, PolicyArn: 'arn:aws:iam::aws:policy/ReadOnlyAccess' })
  await iam.putRolePolicy({ RoleName, PolicyName: 'p', PolicyDocument })

  await assert.rejects(iam.deleteRole({ RoleName }), conflict('detach all policies'))
  await iam.detachRolePolicy({ RoleName, PolicyArn: 'arn:aws:iam::aws:policy/ReadOnlyAccess' })
  await assert.rejects(iam.deleteRole({ RoleName }), conflict('delete policies'))
  await iam.deleteRolePolicy({ RoleName, PolicyName: 'p' })
  assert.equal((await iam.getPolicy({ PolicyArn })).Policy!.PermissionsBoundaryUsageCount, 1)
  await iam.deleteRole({ RoleName })
  assert.equal((await iam.getPolicy({ PolicyArn })).Policy!.PermissionsBoundaryUsageCount, 0)

  await assert.rejects(iam.deleteRole({ RoleName }), noSuchEntity('The role with name r cannot be found.'))
  const { Role: second } = await iam.createRole(role)
  assert.notEqual(second!.RoleId, first!.RoleId)
})

test('it asks for iam:DeleteRole on the role', async (t) => {
  const { iam, account, clientOf } = await startIam(t)
  await iam.createRole({ RoleName: 'r', Path: '/other/', AssumeRolePolicyDocument: TRUSTS_LAMBDA })
  const Resource = `arn:aws:iam::${account}:role/team/*`
  const deleter = await clientOf('deleter', { Effect: 'Allow', Action: 'iam:DeleteRole', Resource })
  const refused = notAllowed(`arn:aws:iam::${account}:user/deleter`, 'iam:DeleteRole', 'role r')
  await assert.rejects(deleter.deleteRole({ RoleName: 'r' }), refused)
})
