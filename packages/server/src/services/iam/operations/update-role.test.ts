import assert from 'node:assert/strict'
import { test } from 'node:test'
import { noSuchEntity, startIam, TRUSTS_LAMBDA } from '../testing.ts'

test('description and session are changed where they are given, and kept where not', async (t) => {
  const { iam } = await startIam(t)
  const RoleName = 'r'
  const { Role } = await iam.createRole({ RoleName, AssumeRolePolicyDocument: TRUSTS_LAMBDA, Description: 'first' })
  const shown = async () => {
    const { Description, MaxSessionDuration, RoleId } = (await iam.getRole({ RoleName })).Role!
    assert.equal(RoleId, Role!.RoleId)
    return [Description, MaxSessionDuration]
  }
  await iam.updateRole({ RoleName, MaxSessionDuration: 7_200 })
  assert.deepEqual(await shown(), ['first', 7_200])
  await iam.updateRole({ RoleName, Description: '' })
  assert.deepEqual(await shown(), ['', 7_200])
  await iam.updateRole({ RoleName })
  assert.deepEqual(await shown(), ['', 7_200])
  await assert.rejects(iam.updateRole({ RoleName, MaxSessionDuration: 60 }), { name: 'ValidationError' })
  const none = noSuchEntity('The role with name none cannot be found.')
  await assert.rejects(iam.updateRole({ RoleName: 'none', Description: 'x' }), none)
})
