import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ListEntitiesForPolicyCommandInput } from '@aws-sdk/client-iam'
import { insertAttachment } from '../store.ts'
import { noSuchEntity, policyDocument, startIam, TRUSTS_LAMBDA } from '../testing.ts'

const PolicyDocument = policyDocument({ Effect: 'Allow', Action: 's3:*', Resource: '*' })

test('who has a policy is listed by kind, path and use, and by pages; who only the index names is not', async (t) => {
  const { server, iam, account } = await startIam(t)
  const PolicyArn = (await iam.createPolicy({ PolicyName: 'p', PolicyDocument })).Policy!.Arn!
  const PermissionsBoundary = PolicyArn
  const { User } = await iam.createUser({ UserName: 'Ann', Path: '/team/', PermissionsBoundary })
  await iam.createUser({ UserName: 'bob' })
  const { Group } = await iam.createGroup({ GroupName: 'g' })
  const role = { RoleName: 'r', Path: '/team/blue/', AssumeRolePolicyDocument: TRUSTS_LAMBDA }
  const { Role } = await iam.createRole({ ...role, PermissionsBoundary })
  await iam.attachUserPolicy({ UserName: 'Ann', PolicyArn })
  await iam.attachGroupPolicy({ GroupName: 'g', PolicyArn })
  await server.app.database.transaction('write', async (tx) => {
    await insertAttachment(tx, account, PolicyArn, 'policy', 'role', Role!.RoleId!)
    await insertAttachment(tx, account, PolicyArn, 'policy', 'user', 'AIDANOBODY')
  })

  const list = async (input: Partial<ListEntitiesForPolicyCommandInput>) => {
    const found: string[] = []
    for (let Marker: string | undefined; ; ) {
      const page = await iam.listEntitiesForPolicy({ PolicyArn, ...input, MaxItems: 1, ...(Marker && { Marker }) })
      for (const { UserName, UserId } of page.PolicyUsers!) found.push(`user ${UserName} ${UserId}`)
      for (const { GroupName, GroupId } of page.PolicyGroups!) found.push(`group ${GroupName} ${GroupId}`)
      for (const { RoleName, RoleId } of page.PolicyRoles!) found.push(`role ${RoleName} ${RoleId}`)
      if (!page.IsTruncated) return found.sort()
      Marker = page.Marker
    }
  }
  const ann = `user Ann ${User!.UserId}`
  const group = `group g ${Group!.GroupId}`
  const bounded = `role r ${Role!.RoleId}`
  assert.deepEqual(await list({}), [group, bounded, ann])
  assert.deepEqual(await list({ EntityFilter: 'User' }), [ann])
  assert.deepEqual(await list({ EntityFilter: 'Group' }), [group])
  assert.deepEqual(await list({ EntityFilter: 'LocalManagedPolicy' }), [])
  assert.deepEqual(await list({ PathPrefix: '/team/' }), [bounded, ann])
  assert.deepEqual(await list({ PolicyUsageFilter: 'PermissionsBoundary' }), [bounded, ann])
  assert.deepEqual(await list({ PolicyUsageFilter: 'PermissionsPolicy' }), [group, ann])
  assert.deepEqual(await list({ PolicyUsageFilter: 'PermissionsPolicy', EntityFilter: 'Role' }), [])

  const ofAws = await iam.listEntitiesForPolicy({ PolicyArn: 'arn:aws:iam::aws:policy/AdministratorAccess' })
  assert.deepEqual(
    ofAws.PolicyUsers!.map(({ UserName }) => UserName),
    ['administrator'],
  )
  const missing = `arn:aws:iam::${account}:policy/none`
  const none = noSuchEntity(`Policy ${missing} does not exist or is not attachable.`)
  await assert.rejects(iam.listEntitiesForPolicy({ PolicyArn: missing }), none)
})
