import assert from 'node:assert/strict'
import { test } from 'node:test'
import { noSuchEntity, startIam, TRUSTS_LAMBDA } from '../testing.ts'

test('a role has no instance profiles, and must exist for that', async (t) => {
  const { iam } = await startIam(t)
  await iam.createRole({ RoleName: 'r', AssumeRolePolicyDocument: TRUSTS_LAMBDA })
  const { InstanceProfiles, IsTruncated } = await iam.listInstanceProfilesForRole({ RoleName: 'r' })
  assert.deepEqual([InstanceProfiles, IsTruncated], [[], false])
  const none = noSuchEntity('The role with name none cannot be found.')
  await assert.rejects(iam.listInstanceProfilesForRole({ RoleName: 'none' }), none)
})
