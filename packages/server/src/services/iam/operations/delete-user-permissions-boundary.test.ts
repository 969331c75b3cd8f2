import assert from 'node:assert/strict'
import { test } from 'node:test'
import { noSuchEntity, startIam } from '../testing.ts'

const managed = (name: string) => `arn:aws:iam::aws:policy/${name}`

test('without its boundary a user has all that its policies allow; where there is none, none is taken off', async (t) => {
  const { iam, clientOf } = await startIam(t)
  const UserName = 'alice'
  const alice = await clientOf(UserName, { Effect: 'Allow', Action: 'iam:CreateGroup', Resource: '*' })
  await iam.putUserPermissionsBoundary({ UserName, PermissionsBoundary: managed('ReadOnlyAccess') })
  await assert.rejects(alice.createGroup({ GroupName: 'a' }), { name: 'AccessDenied' })
  await iam.deleteUserPermissionsBoundary({ UserName })
  await alice.createGroup({ GroupName: 'a' })
  assert.equal((await iam.getUser({ UserName })).User!.PermissionsBoundary, undefined)
  await iam.deleteUserPermissionsBoundary({ UserName })
  const none = noSuchEntity('The user with name absent cannot be found.')
  await assert.rejects(iam.deleteUserPermissionsBoundary({ UserName: 'absent' }), none)
})

test('a user under a boundary cannot take it off where a policy denies that', async (t) => {
  const { iam, clientOf } = await startIam(t)
  const PermissionsBoundary = managed('IAMFullAccess')
  const alice = await clientOf(
    'alice',
    { Effect: 'Allow', Action: 'iam:*', Resource: '*' },
    {
      Effect: 'Deny',
      Action: 'iam:DeleteUserPermissionsBoundary',
      Resource: '*',
      Condition: { StringEquals: { 'iam:PermissionsBoundary': PermissionsBoundary } },
    },
  )
  await iam.putUserPermissionsBoundary({ UserName: 'alice', PermissionsBoundary })
  await assert.rejects(alice.deleteUserPermissionsBoundary({ UserName: 'alice' }), { name: 'AccessDenied' })
  await iam.createUser({ UserName: 'bob', PermissionsBoundary: managed('ReadOnlyAccess') })
  await alice.deleteUserPermissionsBoundary({ UserName: 'bob' })
})
