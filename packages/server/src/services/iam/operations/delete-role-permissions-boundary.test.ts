import assert from 'node:assert/strict'
import { test } from 'node:test'
import { noSuchEntity, startIam, TRUSTS_LAMBDA } from '../testing.ts'

test('the boundary is taken off, by who may take off just this one', async (t) => {
  const { iam, clientOf } = await startIam(t)
  const RoleName = 'r'
  const kept = 'arn:aws:iam::aws:policy/ReadOnlyAccess'
  await iam.createRole({ RoleName, AssumeRolePolicyDocument: TRUSTS_LAMBDA, PermissionsBoundary: kept })
  const remover = await clientOf('remover', {
    Effect: 'Allow',
    Action: 'iam:DeleteRolePermissionsBoundary',
    Resource: '*',
    Condition: { StringNotEquals: { 'iam:PermissionsBoundary': kept } },
  })
  await assert.rejects(remover.deleteRolePermissionsBoundary({ RoleName }), { name: 'AccessDenied' })
  await iam.putRolePermissionsBoundary({
    RoleName,
    PermissionsBoundary: 'arn:aws:iam::aws:policy/IAMReadOnlyAccess',
  })
  await remover.deleteRolePermissionsBoundary({ RoleName })
  assert.equal((await iam.getRole({ RoleName })).Role!.PermissionsBoundary, undefined)
  await iam.deleteRolePermissionsBoundary({ RoleName })
  const none = noSuchEntity('The role with name none cannot be found.')
  await assert.rejects(iam.deleteRolePermissionsBoundary({ RoleName: 'none' }), none)
})
