import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AssumeRoleCommand } from '@aws-sdk/client-sts'
import { events } from '../../secretsmanager/testing.ts'
import { stsClient } from '../../sts/testing.ts'
import { noSuchEntity, notAllowed, policyDocument, refusal, startIam, TRUSTS_LAMBDA } from '../testing.ts'

const AWSServiceName = 'mrk.kms.amazonaws.com'
const RoleName = 'AWSServiceRoleForKeyManagementServiceMultiRegionKeys'
const POLICY = 'arn:aws:iam::aws:policy/aws-service-role/AWSKeyManagementServiceMultiRegionKeysServiceRolePolicy'
const PolicyDocument = policyDocument({ Effect: 'Allow', Action: 's3:*', Resource: '*' })
const CALLS = ['CreateServiceLinkedRole', 'DeleteServiceLinkedRole', 'GetServiceLinkedRoleDeletionStatus']

test('the role of a service is made once, told as any other, deleted, and the task of that told', async (t) => {
  const { server, iam, account } = await startIam(t)
  const { Role } = await iam.createServiceLinkedRole({ AWSServiceName })
  assert.equal(Role!.Arn, `arn:aws:iam::${account}:role/aws-service-role/${AWSServiceName}/${RoleName}`)
  assert.deepEqual(JSON.parse(decodeURIComponent(Role!.AssumeRolePolicyDocument!)).Statement, [
    { Effect: 'Allow', Principal: { Service: AWSServiceName }, Action: 'sts:AssumeRole' },
  ])
  assert.equal((await iam.getRole({ RoleName })).Role!.RoleId, Role!.RoleId)
  assert.deepEqual((await iam.listAttachedRolePolicies({ RoleName })).AttachedPolicies, [
    { PolicyName: POLICY.split('/').at(-1), PolicyArn: POLICY },
  ])
  assert.equal((await iam.getPolicy({ PolicyArn: POLICY })).Policy!.Path, '/aws-service-role/')
  const taken = `Service role name ${RoleName} has been taken in this account, please try a different suffix.`
  await assert.rejects(iam.createServiceLinkedRole({ AWSServiceName }), refusal('InvalidInput', 400, taken))

  const { DeletionTaskId } = await iam.deleteServiceLinkedRole({ RoleName })
  assert.match(DeletionTaskId!, new RegExp(`^task/aws-service-role/${AWSServiceName}/${RoleName}/[0-9a-f-]{36}$`))
  const status = async () => (await iam.getServiceLinkedRoleDeletionStatus({ DeletionTaskId })).Status
  assert.equal(await status(), 'SUCCEEDED')
  const gone = noSuchEntity(`The role with name ${RoleName} cannot be found.`)
  await assert.rejects(iam.getRole({ RoleName }), gone)
  await assert.rejects(iam.deleteServiceLinkedRole({ RoleName }), gone)
  assert.equal((await iam.getPolicy({ PolicyArn: POLICY })).Policy!.AttachmentCount, 0)
  const { Role: again } = await iam.createServiceLinkedRole({ AWSServiceName, Description: 'ours' })
  assert.equal(again!.Description, 'ours')
  assert.notEqual(again!.RoleId, Role!.RoleId)
  for (const name of CALLS.slice(0, 2)) assert.ok((await events(server, name)).length > 0, name)

  // A week later nobody asks any more, once another one is deleted.
  server.clock.advance(8 * 24 * 60 * 60_000)
  assert.equal(await status(), 'SUCCEEDED')
  await iam.deleteServiceLinkedRole({ RoleName })
  await assert.rejects(status(), noSuchEntity(`The deletion task ${DeletionTaskId} cannot be found.`))
})

test('nobody else changes it, takes it, or has its policy', async (t) => {
  const { server, iam } = await startIam(t)
  const { Role } = await iam.createServiceLinkedRole({ AWSServiceName })
  const boundary = 'arn:aws:iam::aws:policy/ReadOnlyAccess'
  const changes = [
    () => iam.attachRolePolicy({ RoleName, PolicyArn: boundary }),
    () => iam.detachRolePolicy({ RoleName, PolicyArn: POLICY }),
    () => iam.putRolePolicy({ RoleName, PolicyName: 'p', PolicyDocument }),
    () => iam.deleteRolePolicy({ RoleName, PolicyName: 'p' }),
    () => iam.putRolePermissionsBoundary({ RoleName, PermissionsBoundary: boundary }),
    () => iam.deleteRolePermissionsBoundary({ RoleName }),
    () => iam.updateAssumeRolePolicy({ RoleName, PolicyDocument: TRUSTS_LAMBDA }),
    () => iam.updateRole({ RoleName, MaxSessionDuration: 7_200 }),
    () => iam.deleteRole({ RoleName }),
  ]
  const words = `Cannot perform the operation on the protected role '${RoleName}' - this role is only modifiable by AWS`
  for (const change of changes) await assert.rejects(change(), refusal('UnmodifiableEntity', 400, words))
  await iam.updateRole({ RoleName, Description: 'of the keys' })
  await iam.tagRole({ RoleName, Tags: [{ Key: 'Team', Value: 'blue' }] })
  const { Role: after } = await iam.getRole({ RoleName })
  assert.deepEqual([after!.Description, after!.Tags!.length, after!.RoleId], ['of the keys', 1, Role!.RoleId])

  const sts = stsClient(t, server, server.credentials)
  const assume = sts.send(new AssumeRoleCommand({ RoleArn: Role!.Arn, RoleSessionName: 'me' }))
  await assert.rejects(assume, { name: 'AccessDenied' })
  const theirs = refusal('PolicyNotAttachable', 400, 'Cannot attach a Service Role Policy to a customer role.')
  await iam.createRole({ RoleName: 'r', AssumeRolePolicyDocument: TRUSTS_LAMBDA })
  await assert.rejects(iam.attachRolePolicy({ RoleName: 'r', PolicyArn: POLICY }), theirs)
  const UserName = 'administrator'
  await assert.rejects(iam.attachUserPolicy({ UserName, PolicyArn: POLICY }), theirs)
  await assert.rejects(iam.putUserPermissionsBoundary({ UserName, PermissionsBoundary: POLICY }), theirs)
})

test('services without such a role, suffixes, roles of others and tasks of nothing are refused', async (t) => {
  const { iam } = await startIam(t)
  const invalid = (words: string) => refusal('InvalidInput', 400, words)
  for (const unknown of ['s3.amazonaws.com', 'toString', 'MRK.kms.amazonaws.com']) {
    await assert.rejects(
      iam.createServiceLinkedRole({ AWSServiceName: unknown }),
      invalid(`${unknown} has no service-linked role on this server.`),
    )
  }
  await assert.rejects(
    iam.createServiceLinkedRole({ AWSServiceName, CustomSuffix: 'two' }),
    invalid(`Custom suffix is not allowed for ${AWSServiceName}`),
  )
  await iam.createRole({ RoleName: 'r', AssumeRolePolicyDocument: TRUSTS_LAMBDA })
  await assert.rejects(
    iam.deleteServiceLinkedRole({ RoleName: 'r' }),
    noSuchEntity('The role with name r cannot be found.'),
  )
  const task = `task/aws-service-role/${AWSServiceName}/${RoleName}/11111111-1111-4111-8111-111111111111`
  await assert.rejects(
    iam.getServiceLinkedRoleDeletionStatus({ DeletionTaskId: task }),
    noSuchEntity(`The deletion task ${task} cannot be found.`),
  )
  await assert.rejects(
    iam.getServiceLinkedRoleDeletionStatus({ DeletionTaskId: 'task/1' }),
    invalid('The DeletionTaskId is not valid.'),
  )
})

test('each asks for its own permission on the role, the making with the name of the service', async (t) => {
  const { iam, account, clientOf } = await startIam(t)
  const arn = `arn:aws:iam::${account}:role/aws-service-role/${AWSServiceName}/${RoleName}`
  const Condition = { StringEquals: { 'iam:AWSServiceName': 'organizations.amazonaws.com' } }
  const user = await clientOf('user', {
    Effect: 'Allow',
    Action: 'iam:CreateServiceLinkedRole',
    Resource: '*',
    Condition,
  })
  const refused = (call: string, shown: string) => notAllowed(`arn:aws:iam::${account}:user/user`, `iam:${call}`, shown)
  await assert.rejects(user.createServiceLinkedRole({ AWSServiceName }), refused(CALLS[0]!, arn))
  await user.createServiceLinkedRole({ AWSServiceName: 'organizations.amazonaws.com' })
  await iam.createServiceLinkedRole({ AWSServiceName })
  await assert.rejects(user.deleteServiceLinkedRole({ RoleName }), refused(CALLS[1]!, `role ${RoleName}`))
  const { DeletionTaskId } = await iam.deleteServiceLinkedRole({ RoleName })
  await assert.rejects(user.getServiceLinkedRoleDeletionStatus({ DeletionTaskId }), refused(CALLS[2]!, arn))
})
