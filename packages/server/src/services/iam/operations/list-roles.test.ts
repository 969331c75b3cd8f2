import assert from 'node:assert/strict'
import { test } from 'node:test'
import { notAllowed, startIam, TRUSTS_LAMBDA } from '../testing.ts'

test('roles are listed by name and by pages, under a path, without tags, boundary and last use', async (t) => {
  const { iam, account } = await startIam(t)
  const role = (RoleName: string, Path: string) => ({ RoleName, Path, AssumeRolePolicyDocument: TRUSTS_LAMBDA })
  const PermissionsBoundary = 'arn:aws:iam::aws:policy/ReadOnlyAccess'
  const Tags = [{ Key: 'a', Value: 'b' }]
  const { Role } = await iam.createRole({ ...role('Beta', '/team/'), PermissionsBoundary, Tags, Description: 'd' })
  await iam.createRole(role('gamma', '/team/blue/'))
  await iam.createRole(role('alpha', '/'))

  const { Roles, IsTruncated } = await iam.listRoles({})
  assert.deepEqual(
    Roles!.map(({ RoleName }) => RoleName),
    ['alpha', 'Beta', 'gamma'],
  )
  assert.equal(IsTruncated, false)
  const { PermissionsBoundary: _, Tags: __, ...listed } = Role!
  assert.deepEqual(Roles![1], listed)

  const under = async (PathPrefix: string) =>
    (await iam.listRoles({ PathPrefix })).Roles!.map(({ RoleName }) => RoleName)
  assert.deepEqual(await under('/team/'), ['Beta', 'gamma'])
  assert.deepEqual(await under('/team/b'), ['gamma'])
  assert.deepEqual(await under('/none/'), [])

  const first = await iam.listRoles({ MaxItems: 2 })
  assert.equal(first.IsTruncated, true)
  const second = await iam.listRoles({ MaxItems: 2, Marker: first.Marker })
  assert.deepEqual([...first.Roles!, ...second.Roles!], Roles)
  assert.equal(second.IsTruncated, false)
  await assert.rejects(iam.listRoles({ Marker: 'x' }), { name: 'ValidationError', message: 'Invalid Marker.' })
  assert.match(Roles![0]!.Arn!, new RegExp(`^arn:aws:iam::${account}:role/alpha$`))
})

test('it asks for iam:ListRoles on the path', async (t) => {
  const { account, clientOf } = await startIam(t)
  const nobody = await clientOf('nobody', { Effect: 'Allow', Action: 'iam:GetRole', Resource: '*' })
  const shown = `arn:aws:iam::${account}:role/team/`
  const refused = notAllowed(`arn:aws:iam::${account}:user/nobody`, 'iam:ListRoles', shown)
  await assert.rejects(nobody.listRoles({ PathPrefix: '/team/' }), refused)
})
