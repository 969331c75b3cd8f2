import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EntityType, GetAccountAuthorizationDetailsResponse } from '@aws-sdk/client-iam'
import { notAllowed, policyDocument, refusal, startIam, TRUSTS_LAMBDA } from '../testing.ts'

const PolicyDocument = policyDocument({ Effect: 'Allow', Action: 's3:*', Resource: '*' })
const OF_AWS = 'arn:aws:iam::aws:policy/ReadOnlyAccess'
const encoded = encodeURIComponent(PolicyDocument).replaceAll('*', '%2A')

async function startWorld(t: Parameters<typeof startIam>[0]) {
  const started = await startIam(t)
  const { iam } = started
  const { Policy } = await iam.createPolicy({ PolicyName: 'own', PolicyDocument, Description: 'ours' })
  const PolicyArn = Policy!.Arn!
  await iam.createPolicyVersion({ PolicyArn, PolicyDocument })
  const Tags = [{ Key: 'Team', Value: 'blue' }]
  const { User } = await iam.createUser({ UserName: 'alice', Path: '/team/', Tags, PermissionsBoundary: PolicyArn })
  const { Group } = await iam.createGroup({ GroupName: 'Staff' })
  await iam.addUserToGroup({ UserName: 'alice', GroupName: 'Staff' })
  const { Role } = await iam.createRole({
    RoleName: 'r',
    AssumeRolePolicyDocument: TRUSTS_LAMBDA,
    Tags,
    Description: 'd',
  })
  await iam.putUserPolicy({ UserName: 'alice', PolicyName: 'inline', PolicyDocument })
  await iam.attachGroupPolicy({ GroupName: 'Staff', PolicyArn })
  await iam.attachRolePolicy({ RoleName: 'r', PolicyArn: OF_AWS })
  return { ...started, PolicyArn, User: User!, Group: Group!, Role: Role! }
}

test('all that decides what somebody may is told at once', async (t) => {
  const { iam, PolicyArn, User, Group, Role } = await startWorld(t)
  const details = await iam.getAccountAuthorizationDetails({})
  assert.equal(details.IsTruncated, false)
  assert.deepEqual(
    details.UserDetailList!.map(({ UserName }) => UserName),
    ['administrator', 'alice'],
  )
  assert.deepEqual(details.UserDetailList![1], {
    ...User,
    UserPolicyList: [{ PolicyName: 'inline', PolicyDocument: encoded }],
    GroupList: ['Staff'],
    AttachedManagedPolicies: [],
  })
  assert.deepEqual(details.GroupDetailList, [
    { ...Group, GroupPolicyList: [], AttachedManagedPolicies: [{ PolicyName: 'own', PolicyArn }] },
  ])
  const { Description: _, MaxSessionDuration: __, ...role } = Role
  assert.deepEqual(details.RoleDetailList, [
    {
      ...role,
      InstanceProfileList: [],
      RolePolicyList: [],
      AttachedManagedPolicies: [{ PolicyName: 'ReadOnlyAccess', PolicyArn: OF_AWS }],
      RoleLastUsed: {},
    },
  ])
  const [own, ...ofAws] = details.Policies!
  assert.deepEqual(
    ofAws.map(({ PolicyName }) => PolicyName),
    ['AdministratorAccess', 'ReadOnlyAccess'],
    'of the policies of AWS those that are in use',
  )
  const { Policy } = await iam.getPolicy({ PolicyArn })
  const { Tags: ___, ...shown } = Policy!
  assert.deepEqual(
    { ...own, PolicyVersionList: own!.PolicyVersionList!.map(({ CreateDate: _, ...version }) => version) },
    {
      ...shown,
      AttachmentCount: 1,
      PermissionsBoundaryUsageCount: 1,
      PolicyVersionList: [
        { VersionId: 'v2', IsDefaultVersion: false, Document: encoded },
        { VersionId: 'v1', IsDefaultVersion: true, Document: encoded },
      ],
    },
  )
})

test('pages of any size and any filter hold the same things, each once', async (t) => {
  const { iam } = await startWorld(t)
  const names = (page: GetAccountAuthorizationDetailsResponse): readonly string[] => [
    ...page.UserDetailList!.map(({ UserName }) => `user ${UserName}`),
    ...page.GroupDetailList!.map(({ GroupName }) => `group ${GroupName}`),
    ...page.RoleDetailList!.map(({ RoleName }) => `role ${RoleName}`),
    ...page.Policies!.map(({ PolicyName }) => `policy ${PolicyName}`),
  ]
  const all = async (MaxItems: number, ...Filter: readonly EntityType[]) => {
    const found: string[] = []
    for (let Marker: string | undefined; ; ) {
      const page = await iam.getAccountAuthorizationDetails({
        MaxItems,
        ...(Filter.length > 0 && { Filter: [...Filter] }),
        ...(Marker && { Marker }),
      })
      assert.ok(names(page).length <= MaxItems)
      found.push(...names(page))
      if (!page.IsTruncated) return found
      Marker = page.Marker
    }
  }
  const everything = [
    'user administrator',
    'user alice',
    'group Staff',
    'role r',
    'policy own',
    'policy AdministratorAccess',
    'policy ReadOnlyAccess',
  ]
  for (const size of [1, 2, 3, 6, 7, 100]) assert.deepEqual(await all(size), everything, `pages of ${size}`)
  assert.deepEqual(await all(1, 'Role', 'User'), ['user administrator', 'user alice', 'role r'])
  assert.deepEqual(await all(1, 'LocalManagedPolicy'), ['policy own'])
  assert.deepEqual(await all(9, 'AWSManagedPolicy', 'Group'), [
    'group Staff',
    'policy AdministratorAccess',
    'policy ReadOnlyAccess',
  ])
  await assert.rejects(
    iam.getAccountAuthorizationDetails({ Marker: 'none' }),
    refusal('ValidationError', 400, 'Invalid Marker.'),
  )
})

test('a page ends early where documents are long', async (t) => {
  const { iam } = await startIam(t)
  const long = `${PolicyDocument}${' '.repeat(60_000)}`
  for (let at = 0; at < 12; at++) await iam.createPolicy({ PolicyName: `p${at}`, PolicyDocument: long })
  const sizes: number[] = []
  for (let Marker: string | undefined; ; ) {
    const page = await iam.getAccountAuthorizationDetails({
      Filter: ['LocalManagedPolicy'],
      ...(Marker && { Marker }),
    })
    sizes.push(page.Policies!.length)
    if (!page.IsTruncated) break
    Marker = page.Marker
  }
  assert.deepEqual(sizes, [6, 6])
})

test('it asks for iam:GetAccountAuthorizationDetails on *', async (t) => {
  const { account, clientOf } = await startIam(t)
  const stranger = await clientOf('stranger')
  const refused = notAllowed(`arn:aws:iam::${account}:user/stranger`, 'iam:GetAccountAuthorizationDetails', '*')
  await assert.rejects(stranger.getAccountAuthorizationDetails({}), refused)
})
