import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createPolicy } from '../policies.ts'
import { deleteRow, POLICY } from '../store.ts'
import { noSuchEntity, refusal, startIam } from '../testing.ts'

const managed = (name: string) => `arn:aws:iam::aws:policy/${name}`

test('a user may at most what its boundary allows, from the next request on', async (t) => {
  const { account, iam, clientOf } = await startIam(t)
  const alice = await clientOf('alice', { Effect: 'Allow', Action: 'iam:*', Resource: '*' })
  await alice.createGroup({ GroupName: 'a' })
  const UserName = 'alice'
  await iam.putUserPermissionsBoundary({ UserName, PermissionsBoundary: managed('IAMReadOnlyAccess') })
  await alice.listUsers({})
  const message = `User: arn:aws:iam::${account}:user/alice is not authorized to perform: iam:CreateGroup on resource: arn:aws:iam::${account}:group/b because no permissions boundary allows the iam:CreateGroup action`
  await assert.rejects(alice.createGroup({ GroupName: 'b' }), refusal('AccessDenied', 403, message))
  assert.deepEqual((await iam.getUser({ UserName })).User!.PermissionsBoundary, {
    PermissionsBoundaryType: 'PermissionsBoundaryPolicy',
    PermissionsBoundaryArn: managed('IAMReadOnlyAccess'),
  })

  await iam.putUserPermissionsBoundary({ UserName, PermissionsBoundary: managed('IAMFullAccess') })
  await alice.createGroup({ GroupName: 'b' })
  await iam.deleteUserPermissionsBoundary({ UserName })
  await alice.createGroup({ GroupName: 'c' })
})

test('a boundary allows nothing by itself', async (t) => {
  const { iam, clientOf } = await startIam(t)
  const alice = await clientOf('alice', { Effect: 'Allow', Action: 'iam:ListGroups', Resource: '*' })
  await iam.putUserPermissionsBoundary({ UserName: 'alice', PermissionsBoundary: managed('AdministratorAccess') })
  await alice.listGroups({})
  await assert.rejects(alice.listUsers({}), { name: 'AccessDenied' })
})

test('a boundary whose policy is gone refuses everything', async (t) => {
  const { server, account, iam, clientOf } = await startIam(t)
  const alice = await clientOf('alice', { Effect: 'Allow', Action: 'iam:*', Resource: '*' })
  const { app } = server
  const document = JSON.stringify({ Version: '2012-10-17', Statement: { Effect: 'Allow', Action: '*', Resource: '*' } })
  const { database } = app
  const PermissionsBoundary = await database.transaction('write', (tx) =>
    createPolicy(app, tx, account, { policyName: 'limit', document, now: app.now() }),
  )
  await iam.putUserPermissionsBoundary({ UserName: 'alice', PermissionsBoundary })
  await alice.listUsers({})
  await database.transaction('write', (tx) => deleteRow(tx, POLICY, [account, PermissionsBoundary]))
  await assert.rejects(alice.listUsers({}), { name: 'ServiceFailureException' })
})

test('who may give users a certain boundary only gives them that', async (t) => {
  const { iam, clientOf } = await startIam(t)
  const Condition = { StringEquals: { 'iam:PermissionsBoundary': managed('ReadOnlyAccess') } }
  const Action = ['iam:PutUserPermissionsBoundary', 'iam:PutUserPolicy', 'iam:DeleteUserPolicy', 'iam:DetachUserPolicy']
  const setter = await clientOf('setter', { Effect: 'Allow', Action, Resource: '*', Condition })
  const UserName = 'alice'
  await iam.createUser({ UserName })
  const denied = { name: 'AccessDenied' }
  const other = { UserName, PermissionsBoundary: managed('AdministratorAccess') }
  await assert.rejects(setter.putUserPermissionsBoundary(other), denied)
  const PolicyName = 'p'
  const Statement = { Effect: 'Allow', Action: 's3:*', Resource: '*' }
  const PolicyDocument = JSON.stringify({ Version: '2012-10-17', Statement })
  const PolicyArn = managed('ReadOnlyAccess')
  await iam.attachUserPolicy({ UserName, PolicyArn })
  await assert.rejects(setter.putUserPolicy({ UserName, PolicyName, PolicyDocument }), denied)
  await assert.rejects(setter.detachUserPolicy({ UserName, PolicyArn }), denied)
  await setter.putUserPermissionsBoundary({ UserName, PermissionsBoundary: managed('ReadOnlyAccess') })
  await setter.putUserPolicy({ UserName, PolicyName, PolicyDocument })
  await setter.deleteUserPolicy({ UserName, PolicyName })
  await setter.detachUserPolicy({ UserName, PolicyArn })
})

test('a policy or a user that is not there is not found', async (t) => {
  const { iam } = await startIam(t)
  await iam.createUser({ UserName: 'alice' })
  const PermissionsBoundary = managed('Nothing')
  const noPolicy = noSuchEntity(`Scope ARN: ${PermissionsBoundary} does not exist or is not attachable.`)
  await assert.rejects(iam.putUserPermissionsBoundary({ UserName: 'alice', PermissionsBoundary }), noPolicy)
  const input = { UserName: 'absent', PermissionsBoundary: managed('ReadOnlyAccess') }
  await assert.rejects(
    iam.putUserPermissionsBoundary(input),
    noSuchEntity('The user with name absent cannot be found.'),
  )
})
