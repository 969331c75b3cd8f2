import assert from 'node:assert/strict'
import { test } from 'node:test'
import { noSuchEntity, startIam, TRUSTS_LAMBDA } from '../testing.ts'

test('the role is answered with its new description', async (t) => {
  const { iam } = await startIam(t)
  const RoleName = 'r'
  const { Role } = await iam.createRole({ RoleName, AssumeRolePolicyDocument: TRUSTS_LAMBDA })
  const { Role: updated } = await iam.updateRoleDescription({ RoleName, Description: 'for the nights' })
  assert.deepEqual(updated, { ...Role, Description: 'for the nights' })
  assert.equal((await iam.getRole({ RoleName })).Role!.Description, 'for the nights')
  const none = noSuchEntity('The role with name none cannot be found.')
  await assert.rejects(iam.updateRoleDescription({ RoleName: 'none', Description: 'x' }), none)
})
