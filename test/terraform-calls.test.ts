// The calls that Terraform's provider hashicorp/aws makes for each of its resources: create, read, update, destroy, with what it waits for. The
// provider takes whatever a read answers for the state: an answer that differs from one read to the next, or from what was asked for, is a
// difference in every plan. Terraform itself runs in terraform.test.ts, where it is installed.
// https://github.com/hashicorp/terraform-provider-aws/tree/main/internal/service

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import {
  KMS,
  type KMSServiceException,
  paginateListAliases,
  paginateListGrants,
  paginateListResourceTags,
} from '@aws-sdk/client-kms'
import { waitUntilFunctionActiveV2, waitUntilFunctionUpdatedV2 } from '@aws-sdk/client-lambda'
import { paginateListSecretVersionIds, SecretsManager } from '@aws-sdk/client-secrets-manager'
import { SSM } from '@aws-sdk/client-ssm'
import { STS } from '@aws-sdk/client-sts'
import { iamClient, policyDocument, TRUSTS_LAMBDA, trusting } from '../packages/server/src/services/iam/testing.ts'
import { enabledAuthenticator } from '../packages/server/src/services/iam/testing-mfa.ts'
import { startLambda } from '../packages/server/src/services/lambda/testing.ts'
import { startTestServer, type TestServer } from '../packages/server/src/testing.ts'
import { rotationZip } from './terraform-rotation.ts'

type Resource = {
  readonly create: () => Promise<unknown>
  /** What the provider keeps of a read. Rejects where the thing is gone. */
  readonly read: () => Promise<object>
  /** What the configuration says, which the state must say too. */
  readonly wanted: object
  readonly update?: () => Promise<unknown>
  readonly updated?: object
  readonly destroy: () => Promise<unknown>
  /** What the provider takes for gone: an error by its name, or a state that it has no place for. */
  readonly gone: string | ((state: object) => boolean)
}

const ALL = { Effect: 'Allow', Action: 's3:*', Resource: '*' }
/** As the provider names its own requests. */
let requests = 0
const requestToken = (): string => `terraform-20261126${String(++requests).padStart(18, '0')}`
const document = (encoded: string | undefined): unknown => JSON.parse(decodeURIComponent(encoded!))
type GivenTag = { readonly Key?: string | undefined; readonly Value?: string | undefined }
const tagsOf = (tags: readonly GivenTag[] = []): object =>
  Object.fromEntries(tags.map(({ Key, Value }) => [Key, Value]))

async function all<Page, Item>(pages: AsyncIterable<Page>, items: (page: Page) => readonly Item[] | undefined) {
  const found: Item[] = []
  for await (const page of pages) found.push(...(items(page) ?? []))
  return found
}

/** The one that there is. */
function only<T>(items: readonly T[], what: string): T {
  if (items.length !== 1) throw Object.assign(new Error(`${items.length} of ${what}`), { name: 'NotFound' })
  return items[0]!
}

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 2_400; tries++) {
    if (await holds()) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  assert.fail(`waited for ${what}`)
}

/** Applied in their order, planned twice without a difference, changed, planned, destroyed in the opposite order. */
async function applyAndDestroy(resources: { readonly [name: string]: Resource }): Promise<void> {
  const plan = async (name: string, { read }: Resource, wanted: object): Promise<void> => {
    const state = await read()
    assert.deepEqual({ ...state, ...wanted }, state, `${name}: the configuration, after a refresh`)
    assert.deepEqual(await read(), state, `${name}: a second refresh`)
  }
  const named = Object.entries(resources)
  for (const [name, resource] of named) {
    await resource.create()
    await plan(name, resource, resource.wanted)
  }
  for (const [name, resource] of named) await plan(name, resource, resource.wanted)
  for (const [name, resource] of named) {
    if (resource.update === undefined) continue
    await resource.update()
    await plan(name, resource, { ...resource.wanted, ...resource.updated })
  }
  for (const [name, { destroy, read, gone }] of named.toReversed()) {
    await destroy()
    if (typeof gone === 'string') await assert.rejects(read(), { name: gone }, `${name}: after destroy`)
    else await until(`the end of ${name}`, async () => gone(await read()))
  }
}

function clients(t: TestContext, server: TestServer, region = server.region) {
  const options = { endpoint: server.url, region, credentials: { ...server.credentials }, maxAttempts: 1 }
  const [kms, secrets, ssm, sts] = [new KMS(options), new SecretsManager(options), new SSM(options), new STS(options)]
  t.after(() => {
    for (const client of [kms, secrets, ssm, sts]) client.destroy()
  })
  return { kms, secrets, ssm, sts, iam: iamClient(t, server) }
}

async function start(t: TestContext) {
  const server = await startTestServer(t)
  return { server, account: server.accountId, ...clients(t, server) }
}

test('the provider finds the account at its start', async (t) => {
  const { sts, account } = await start(t)
  const { Account, Arn } = await sts.getCallerIdentity({})
  assert.deepEqual([Account, Arn], [account, `arn:aws:iam::${account}:user/administrator`])
})

test('users, groups, roles, policies and what joins them', async (t) => {
  const { iam, account } = await start(t)
  const arn = `arn:aws:iam::${account}:policy/tf/app`
  const ofAws = 'arn:aws:iam::aws:policy/ReadOnlyAccess'
  const UserName = 'app'
  const GroupName = 'staff'
  const RoleName = 'worker'
  const PolicyName = 'inline'
  const Tags = [{ Key: 'Team', Value: 'blue' }]
  const inline = { Version: '2012-10-17', Statement: [ALL] }
  const trustOfAccount = trusting({ AWS: `arn:aws:iam::${account}:root` })
  const versions = async () => (await iam.listPolicyVersions({ PolicyArn: arn })).Versions!
  const attached = async () => (await iam.listAttachedRolePolicies({ RoleName })).AttachedPolicies!
  let AccessKeyId = ''

  await applyAndDestroy({
    aws_iam_account_alias: {
      create: () => iam.createAccountAlias({ AccountAlias: 'tf-account' }),
      read: async () => ({ alias: only((await iam.listAccountAliases({})).AccountAliases!, 'aliases') }),
      wanted: { alias: 'tf-account' },
      destroy: () => iam.deleteAccountAlias({ AccountAlias: 'tf-account' }),
      gone: 'NotFound',
    },
    aws_iam_policy: {
      create: () =>
        iam.createPolicy({
          PolicyName: 'app',
          Path: '/tf/',
          Description: '',
          PolicyDocument: JSON.stringify(inline),
          Tags,
        }),
      read: async () => {
        const { Policy } = await iam.getPolicy({ PolicyArn: arn })
        const { PolicyVersion } = await iam.getPolicyVersion({ PolicyArn: arn, VersionId: Policy!.DefaultVersionId })
        const { AttachmentCount: _, PermissionsBoundaryUsageCount: __, ...kept } = Policy!
        return { ...kept, Tags: tagsOf(Policy!.Tags), policy: document(PolicyVersion!.Document) }
      },
      wanted: { Arn: arn, Path: '/tf/', PolicyName: 'app', Description: '', policy: inline, Tags: { Team: 'blue' } },
      update: async () => {
        // Five versions at most: the provider deletes the oldest that is not in effect, then adds one and makes it the default.
        for (let at = 0; at < 6; at++) {
          const found = await versions()
          const old = found
            .filter(({ IsDefaultVersion }) => !IsDefaultVersion)
            .toSorted((a, b) => a.CreateDate!.getTime() - b.CreateDate!.getTime())
          if (found.length >= 5) await iam.deletePolicyVersion({ PolicyArn: arn, VersionId: old[0]!.VersionId })
          const { PolicyVersion } = await iam.createPolicyVersion({
            PolicyArn: arn,
            PolicyDocument: policyDocument({ ...ALL, Action: `s3:Get${at}` }),
            SetAsDefault: false,
          })
          await iam.setDefaultPolicyVersion({ PolicyArn: arn, VersionId: PolicyVersion!.VersionId })
        }
        await iam.untagPolicy({ PolicyArn: arn, TagKeys: ['Team'] })
        await iam.tagPolicy({ PolicyArn: arn, Tags: [{ Key: 'Owner', Value: '' }] })
      },
      updated: { policy: JSON.parse(policyDocument({ ...ALL, Action: 's3:Get5' })), Tags: { Owner: '' } },
      destroy: async () => {
        for (const { VersionId, IsDefaultVersion } of await versions()) {
          if (!IsDefaultVersion) await iam.deletePolicyVersion({ PolicyArn: arn, VersionId })
        }
        await iam.deletePolicy({ PolicyArn: arn })
      },
      gone: 'NoSuchEntityException',
    },
    aws_iam_user: {
      create: () => iam.createUser({ UserName, Path: '/', Tags, PermissionsBoundary: arn }),
      read: async () => {
        const { User } = await iam.getUser({ UserName })
        const { PermissionsBoundary, ...kept } = User!
        return { ...kept, Tags: tagsOf(kept.Tags), boundary: PermissionsBoundary?.PermissionsBoundaryArn }
      },
      wanted: { UserName, Path: '/', Tags: { Team: 'blue' }, boundary: arn },
      update: async () => {
        await iam.updateUser({ UserName, NewUserName: UserName, NewPath: '/tf/' })
        await iam.deleteUserPermissionsBoundary({ UserName })
        await iam.untagUser({ UserName, TagKeys: ['Team'] })
      },
      updated: { Path: '/tf/', Tags: {}, boundary: undefined },
      // As with force_destroy, of a user who got a password and a device otherwise.
      destroy: async () => {
        await iam.createLoginProfile({ UserName, Password: 'Correct-horse-1' })
        await enabledAuthenticator(iam, UserName)
        for (const group of (await iam.listGroupsForUser({ UserName })).Groups!) {
          await iam.removeUserFromGroup({ UserName, GroupName: group.GroupName })
        }
        for (const key of (await iam.listAccessKeys({ UserName })).AccessKeyMetadata!) {
          await iam.deleteAccessKey({ UserName, AccessKeyId: key.AccessKeyId })
        }
        const devices = await iam.listVirtualMFADevices({ AssignmentStatus: 'Assigned' })
        for (const { SerialNumber } of devices.VirtualMFADevices!.filter(({ User }) => User?.UserName === UserName)) {
          await iam.deactivateMFADevice({ UserName, SerialNumber })
          await iam.deleteVirtualMFADevice({ SerialNumber })
        }
        assert.deepEqual((await iam.listMFADevices({ UserName })).MFADevices, [])
        await iam.deleteLoginProfile({ UserName })
        await assert.rejects(iam.deleteLoginProfile({ UserName }), { name: 'NoSuchEntityException' })
        assert.deepEqual((await iam.listSSHPublicKeys({ UserName })).SSHPublicKeys, [])
        assert.deepEqual((await iam.listSigningCertificates({ UserName })).Certificates, [])
        assert.deepEqual((await iam.listServiceSpecificCredentials({ UserName })).ServiceSpecificCredentials, [])
        await iam.deleteUser({ UserName })
      },
      gone: 'NoSuchEntityException',
    },
    aws_iam_access_key: {
      create: async () => {
        AccessKeyId = (await iam.createAccessKey({ UserName })).AccessKey!.AccessKeyId!
      },
      read: async () => only((await iam.listAccessKeys({ UserName })).AccessKeyMetadata!, 'access keys'),
      wanted: { UserName, Status: 'Active' },
      update: async () => {
        await iam.updateAccessKey({ UserName, AccessKeyId, Status: 'Inactive' })
        // An import asks whose it is.
        assert.equal((await iam.getAccessKeyLastUsed({ AccessKeyId })).UserName, UserName)
      },
      updated: { Status: 'Inactive' },
      destroy: () => iam.deleteAccessKey({ UserName, AccessKeyId }),
      gone: 'NotFound',
    },
    aws_iam_group: {
      create: () => iam.createGroup({ GroupName, Path: '/' }),
      read: async () => (await iam.getGroup({ GroupName })).Group!,
      wanted: { GroupName, Path: '/' },
      update: () => iam.updateGroup({ GroupName, NewGroupName: GroupName, NewPath: '/tf/' }),
      updated: { Path: '/tf/' },
      destroy: () => iam.deleteGroup({ GroupName }),
      gone: 'NoSuchEntityException',
    },
    aws_iam_group_membership: {
      create: () => iam.addUserToGroup({ UserName, GroupName }),
      read: async () => only((await iam.getGroup({ GroupName })).Users!, 'members'),
      wanted: { UserName },
      destroy: () => iam.removeUserFromGroup({ UserName, GroupName }),
      gone: 'NotFound',
    },
    aws_iam_user_policy_attachment: {
      create: () => iam.attachUserPolicy({ UserName, PolicyArn: arn }),
      read: async () => only((await iam.listAttachedUserPolicies({ UserName })).AttachedPolicies!, 'attached'),
      wanted: { PolicyArn: arn, PolicyName: 'app' },
      destroy: () => iam.detachUserPolicy({ UserName, PolicyArn: arn }),
      gone: 'NotFound',
    },
    aws_iam_group_policy: {
      create: () => iam.putGroupPolicy({ GroupName, PolicyName, PolicyDocument: JSON.stringify(inline) }),
      read: async () => ({
        policy: document((await iam.getGroupPolicy({ GroupName, PolicyName })).PolicyDocument),
      }),
      wanted: { policy: inline },
      destroy: () => iam.deleteGroupPolicy({ GroupName, PolicyName }),
      gone: 'NoSuchEntityException',
    },
    aws_iam_role: {
      create: () =>
        iam.createRole({
          RoleName,
          Path: '/',
          AssumeRolePolicyDocument: TRUSTS_LAMBDA,
          MaxSessionDuration: 3_600,
          PermissionsBoundary: arn,
          Tags,
        }),
      read: async () => {
        const { Role } = await iam.getRole({ RoleName })
        const { RoleLastUsed: _, PermissionsBoundary, AssumeRolePolicyDocument, ...kept } = Role!
        const inlines = []
        for (const name of (await iam.listRolePolicies({ RoleName })).PolicyNames!) {
          const policy = await iam.getRolePolicy({ RoleName, PolicyName: name })
          inlines.push({ name, policy: document(policy.PolicyDocument) })
        }
        return {
          ...kept,
          Tags: tagsOf(kept.Tags),
          boundary: PermissionsBoundary?.PermissionsBoundaryArn,
          trust: document(AssumeRolePolicyDocument),
          inlines,
        }
      },
      wanted: {
        Arn: `arn:aws:iam::${account}:role/${RoleName}`,
        MaxSessionDuration: 3_600,
        Tags: { Team: 'blue' },
        boundary: arn,
        trust: JSON.parse(TRUSTS_LAMBDA),
        inlines: [],
      },
      update: async () => {
        await iam.updateAssumeRolePolicy({ RoleName, PolicyDocument: trustOfAccount })
        await iam.updateRoleDescription({ RoleName, Description: 'does the work' })
        await iam.updateRole({ RoleName, MaxSessionDuration: 7_200 })
        await iam.putRolePermissionsBoundary({ RoleName, PermissionsBoundary: ofAws })
        await iam.putRolePolicy({ RoleName, PolicyName, PolicyDocument: JSON.stringify(inline) })
        await iam.tagRole({ RoleName, Tags: [{ Key: 'Team', Value: 'red' }] })
      },
      updated: {
        trust: JSON.parse(trustOfAccount),
        Description: 'does the work',
        MaxSessionDuration: 7_200,
        boundary: ofAws,
        inlines: [{ name: PolicyName, policy: inline }],
        Tags: { Team: 'red' },
      },
      destroy: async () => {
        assert.deepEqual((await iam.listInstanceProfilesForRole({ RoleName })).InstanceProfiles, [])
        for (const policy of await attached()) await iam.detachRolePolicy({ RoleName, PolicyArn: policy.PolicyArn })
        for (const name of (await iam.listRolePolicies({ RoleName })).PolicyNames!) {
          await iam.deleteRolePolicy({ RoleName, PolicyName: name })
        }
        await iam.deleteRole({ RoleName })
      },
      gone: 'NoSuchEntityException',
    },
    aws_iam_role_policy_attachment: {
      create: () => iam.attachRolePolicy({ RoleName, PolicyArn: ofAws }),
      read: async () => only(await attached(), 'attached'),
      wanted: { PolicyArn: ofAws, PolicyName: 'ReadOnlyAccess' },
      destroy: () => iam.detachRolePolicy({ RoleName, PolicyArn: ofAws }),
      gone: 'NotFound',
    },
    aws_iam_policy_attachment: {
      create: () => iam.attachGroupPolicy({ GroupName, PolicyArn: ofAws }),
      read: async () => only((await iam.listEntitiesForPolicy({ PolicyArn: ofAws })).PolicyGroups!, 'groups'),
      wanted: { GroupName },
      destroy: () => iam.detachGroupPolicy({ GroupName, PolicyArn: ofAws }),
      gone: 'NotFound',
    },
    aws_iam_service_linked_role: {
      create: async () => {
        const { Role } = await iam.createServiceLinkedRole({ AWSServiceName: 'organizations.amazonaws.com' })
        // The provider takes the name of the service and of the role from the ARN.
        assert.equal(Role!.Arn!.split('/').length, 4)
        await iam.tagRole({ RoleName: Role!.RoleName, Tags })
      },
      read: async () => {
        const { Role } = await iam.getRole({ RoleName: 'AWSServiceRoleForOrganizations' })
        return { ...Role, Tags: tagsOf(Role!.Tags) }
      },
      wanted: { Path: '/aws-service-role/organizations.amazonaws.com/', Tags: { Team: 'blue' } },
      update: () => iam.updateRole({ RoleName: 'AWSServiceRoleForOrganizations', Description: 'described' }),
      updated: { Description: 'described' },
      destroy: async () => {
        const deleted = await iam.deleteServiceLinkedRole({ RoleName: 'AWSServiceRoleForOrganizations' })
        const { DeletionTaskId } = deleted
        await until(
          'the deletion',
          async () => (await iam.getServiceLinkedRoleDeletionStatus({ DeletionTaskId })).Status === 'SUCCEEDED',
        )
      },
      gone: 'NoSuchEntityException',
    },
    aws_iam_openid_connect_provider: {
      create: () =>
        iam.createOpenIDConnectProvider({ Url: 'https://idp.example.com/realm', ClientIDList: ['app'], Tags }),
      read: async () => {
        const { $metadata: _, ...found } = await iam.getOpenIDConnectProvider({
          OpenIDConnectProviderArn: `arn:aws:iam::${account}:oidc-provider/idp.example.com/realm`,
        })
        return { ...found, Tags: tagsOf(found.Tags) }
      },
      wanted: { Url: 'idp.example.com/realm', ClientIDList: ['app'], ThumbprintList: [], Tags: { Team: 'blue' } },
      update: async () => {
        const OpenIDConnectProviderArn = `arn:aws:iam::${account}:oidc-provider/idp.example.com/realm`
        const ThumbprintList = ['0123456789abcdef0123456789abcdef01234567']
        await iam.updateOpenIDConnectProviderThumbprint({ OpenIDConnectProviderArn, ThumbprintList })
        await iam.addClientIDToOpenIDConnectProvider({ OpenIDConnectProviderArn, ClientID: 'web' })
        await iam.removeClientIDFromOpenIDConnectProvider({ OpenIDConnectProviderArn, ClientID: 'app' })
      },
      updated: { ClientIDList: ['web'], ThumbprintList: ['0123456789abcdef0123456789abcdef01234567'] },
      destroy: () =>
        iam.deleteOpenIDConnectProvider({
          OpenIDConnectProviderArn: `arn:aws:iam::${account}:oidc-provider/idp.example.com/realm`,
        }),
      gone: 'NoSuchEntityException',
    },
  })
})

test('keys with their policies, rotation, aliases, grants and replicas', async (t) => {
  const { server, kms, account } = await start(t)
  const elsewhere = clients(t, server, 'us-west-2').kms
  const policy = {
    Version: '2012-10-17',
    Statement: [
      {
        Sid: 'all of the account',
        Effect: 'Allow',
        Principal: { AWS: `arn:aws:iam::${account}:root` },
        Action: 'kms:*',
        Resource: '*',
      },
    ],
  }
  const described = { ...policy, Statement: [{ ...policy.Statement[0], Sid: 'described' }] }
  const AliasName = 'alias/tf/app'
  let [KeyId, ReplicatedId, GrantId] = ['', '', '']

  const readKey = (client: KMS, id: () => string) => async () => {
    const asked = { KeyId: id() }
    const { KeyMetadata } = await client.describeKey(asked)
    const { KeyState, DeletionDate: _, ...kept } = KeyMetadata!
    if (KeyState === 'PendingDeletion' || KeyState === 'PendingReplicaDeletion') {
      throw Object.assign(new Error(KeyState), { name: 'NotFound' })
    }
    const found = await client.getKeyPolicy({ ...asked, PolicyName: 'default' })
    const { $metadata: __, NextRotationDate: ___, ...rotation } = await client.getKeyRotationStatus(asked)
    const tags = await all(paginateListResourceTags({ client }, asked), ({ Tags }) => Tags)
    return {
      ...kept,
      policy: JSON.parse(found.Policy!),
      rotation: rotation.KeyRotationEnabled,
      period: rotation.RotationPeriodInDays,
      tags: Object.fromEntries(tags.map(({ TagKey, TagValue }) => [TagKey, TagValue])),
    }
  }
  const destroyKey = (client: KMS, id: () => string) => async () => {
    await client.scheduleKeyDeletion({ KeyId: id(), PendingWindowInDays: 7 })
    // Once more is what the provider takes for done.
    await assert.rejects(client.scheduleKeyDeletion({ KeyId: id(), PendingWindowInDays: 7 }), (error) => {
      assert.equal((error as KMSServiceException).name, 'KMSInvalidStateException')
      assert.match((error as Error).message, /is pending (?:replica )?deletion/)
      return true
    })
  }
  const create = (more: object) =>
    kms.createKey({
      BypassPolicyLockoutSafetyCheck: false,
      KeySpec: 'SYMMETRIC_DEFAULT',
      KeyUsage: 'ENCRYPT_DECRYPT',
      ...more,
    })

  await applyAndDestroy({
    aws_kms_key: {
      create: async () => {
        const Tags = [{ TagKey: 'Team', TagValue: 'blue' }]
        const { KeyMetadata } = await create({ Description: 'of the app', Policy: JSON.stringify(policy), Tags })
        KeyId = KeyMetadata!.KeyId!
        await kms.enableKeyRotation({ KeyId, RotationPeriodInDays: 180 })
      },
      read: readKey(kms, () => KeyId),
      wanted: {
        Description: 'of the app',
        Enabled: true,
        KeySpec: 'SYMMETRIC_DEFAULT',
        KeyUsage: 'ENCRYPT_DECRYPT',
        MultiRegion: false,
        policy,
        rotation: true,
        period: 180,
        tags: { Team: 'blue' },
      },
      update: async () => {
        await kms.enableKeyRotation({ KeyId, RotationPeriodInDays: 365 })
        await kms.updateKeyDescription({ KeyId, Description: '' })
        await kms.putKeyPolicy({
          KeyId,
          PolicyName: 'default',
          Policy: JSON.stringify(described),
          BypassPolicyLockoutSafetyCheck: false,
        })
        await kms.untagResource({ KeyId, TagKeys: ['Team'] })
        await kms.tagResource({ KeyId, Tags: [{ TagKey: 'Owner', TagValue: '' }] })
        await kms.disableKey({ KeyId })
      },
      updated: { Enabled: false, Description: '', policy: described, period: 365, tags: { Owner: '' } },
      destroy: destroyKey(kms, () => KeyId),
      gone: 'NotFound',
    },
    'aws_kms_key with nothing said': {
      create: async () => {
        ReplicatedId = (await create({ MultiRegion: true })).KeyMetadata!.KeyId!
      },
      read: readKey(kms, () => ReplicatedId),
      wanted: { Enabled: true, Description: '', rotation: false, tags: {} },
      destroy: destroyKey(kms, () => ReplicatedId),
      gone: 'NotFound',
    },
    aws_kms_replica_key: {
      create: async () => {
        await kms.replicateKey({
          KeyId: ReplicatedId,
          ReplicaRegion: 'us-west-2',
          Description: 'a replica',
          Tags: [],
          BypassPolicyLockoutSafetyCheck: false,
        })
        const enabled = async () =>
          (await elsewhere.describeKey({ KeyId: ReplicatedId })).KeyMetadata!.KeyState === 'Enabled'
        await until('the replica', enabled)
      },
      read: readKey(elsewhere, () => ReplicatedId),
      wanted: { Description: 'a replica', Enabled: true, MultiRegion: true, tags: {} },
      destroy: destroyKey(elsewhere, () => ReplicatedId),
      gone: 'NotFound',
    },
    aws_kms_alias: {
      create: () => kms.createAlias({ AliasName, TargetKeyId: KeyId }),
      read: async () => {
        const aliases = await all(paginateListAliases({ client: kms }, {}), ({ Aliases }) => Aliases)
        const { LastUpdatedDate: _, ...kept } = only(
          aliases.filter((alias) => alias.AliasName === AliasName),
          'aliases',
        )
        return { ...kept, onFirst: kept.TargetKeyId === KeyId }
      },
      wanted: { AliasName, onFirst: true },
      update: () => kms.updateAlias({ AliasName, TargetKeyId: ReplicatedId }),
      updated: { onFirst: false },
      destroy: () => kms.deleteAlias({ AliasName }),
      gone: 'NotFound',
    },
    aws_kms_grant: {
      create: async () => {
        const grant = { Name: 'tf', GranteePrincipal: `arn:aws:iam::${account}:user/administrator` }
        GrantId = (await kms.createGrant({ KeyId: ReplicatedId, Operations: ['Decrypt'], ...grant })).GrantId!
      },
      read: async () => {
        const asked = { KeyId: ReplicatedId, Limit: 100 }
        const grants = await all(paginateListGrants({ client: kms }, asked), (page) => page.Grants)
        return only(
          grants.filter((grant) => grant.GrantId === GrantId),
          'grants',
        )
      },
      wanted: { Name: 'tf', Operations: ['Decrypt'] },
      destroy: () => kms.revokeGrant({ KeyId: ReplicatedId, GrantId }),
      gone: 'NotFound',
    },
  })
})

test('secrets with their versions, policies and replicas', async (t) => {
  const { secrets, kms, account } = await start(t)
  const Name = 'tf/app'
  const resourcePolicy = (Action: string) => ({
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Principal: { AWS: `arn:aws:iam::${account}:root` }, Action, Resource: '*' }],
  })
  const { KeyMetadata } = await kms.createKey({})
  const KmsKeyId = KeyMetadata!.Arn!
  let SecretId = ''
  let VersionId = ''

  const readPolicy = async () => {
    const { ResourcePolicy } = await secrets.getResourcePolicy({ SecretId })
    return { policy: ResourcePolicy === undefined ? '' : JSON.parse(ResourcePolicy) }
  }

  await applyAndDestroy({
    aws_secretsmanager_secret: {
      create: async () => {
        const created = await secrets.createSecret({
          Name,
          ClientRequestToken: requestToken(),
          Description: '',
          ForceOverwriteReplicaSecret: false,
          Tags: [{ Key: 'Team', Value: 'blue' }],
          AddReplicaRegions: [{ Region: 'us-west-2' }],
        })
        SecretId = created.ARN!
        const inSync = async () =>
          (await secrets.describeSecret({ SecretId })).ReplicationStatus![0]!.Status === 'InSync'
        await until('the replica', inSync)
      },
      read: async () => {
        const found = await secrets.describeSecret({ SecretId })
        if (found.DeletedDate !== undefined) throw Object.assign(new Error('deleted'), { name: 'NotFound' })
        return {
          ARN: found.ARN,
          Description: found.Description ?? '',
          KmsKeyId: found.KmsKeyId ?? '',
          Name: found.Name,
          replica: (found.ReplicationStatus ?? []).map(({ Region, KmsKeyId }) => ({ Region, KmsKeyId })),
          tags: tagsOf(found.Tags),
        }
      },
      wanted: {
        Name,
        Description: '',
        KmsKeyId: '',
        tags: { Team: 'blue' },
        // A replica that names no key: AWS tells the alias, and the provider has it for what it computed.
        replica: [{ Region: 'us-west-2', KmsKeyId: 'alias/aws/secretsmanager' }],
      },
      update: async () => {
        await secrets.removeRegionsFromReplication({ SecretId, RemoveReplicaRegions: ['us-west-2'] })
        await secrets.replicateSecretToRegions({
          SecretId,
          AddReplicaRegions: [{ Region: 'eu-west-1' }],
          ForceOverwriteReplicaSecret: false,
        })
        await secrets.updateSecret({ SecretId, ClientRequestToken: requestToken(), Description: 'changed', KmsKeyId })
        await secrets.untagResource({ SecretId, TagKeys: ['Team'] })
        await secrets.tagResource({ SecretId, Tags: [{ Key: 'Owner', Value: '' }] })
      },
      updated: {
        Description: 'changed',
        KmsKeyId,
        tags: { Owner: '' },
        replica: [{ Region: 'eu-west-1', KmsKeyId: 'alias/aws/secretsmanager' }],
      },
      destroy: async () => {
        await secrets.removeRegionsFromReplication({ SecretId, RemoveReplicaRegions: ['eu-west-1'] })
        await secrets.deleteSecret({ SecretId, RecoveryWindowInDays: 30 })
        // The provider tries again to make a secret whose name is not free yet, by these words.
        await assert.rejects(
          secrets.createSecret({ Name, ClientRequestToken: requestToken() }),
          (error: Error) =>
            error.name === 'InvalidRequestException' && error.message.includes('scheduled for deletion'),
        )
      },
      gone: 'NotFound',
    },
    aws_secretsmanager_secret_policy: {
      create: () =>
        secrets.putResourcePolicy({
          SecretId,
          ResourcePolicy: JSON.stringify(resourcePolicy('secretsmanager:GetSecretValue')),
        }),
      read: readPolicy,
      wanted: { policy: resourcePolicy('secretsmanager:GetSecretValue') },
      update: () =>
        secrets.putResourcePolicy({
          SecretId,
          ResourcePolicy: JSON.stringify(resourcePolicy('secretsmanager:DescribeSecret')),
          BlockPublicPolicy: true,
        }),
      updated: { policy: resourcePolicy('secretsmanager:DescribeSecret') },
      destroy: () => secrets.deleteResourcePolicy({ SecretId }),
      gone: (state) => (state as { readonly policy: unknown }).policy === '',
    },
    aws_secretsmanager_secret_version: {
      create: async () => {
        const put = await secrets.putSecretValue({
          SecretId,
          ClientRequestToken: requestToken(),
          SecretString: '{"password":"of the test"}',
        })
        VersionId = put.VersionId!
      },
      read: async () => {
        const found = await secrets.getSecretValue({ SecretId, VersionId })
        return {
          ARN: found.ARN,
          VersionId: found.VersionId,
          SecretString: found.SecretString,
          stages: found.VersionStages?.toSorted(),
        }
      },
      wanted: { SecretString: '{"password":"of the test"}', stages: ['AWSCURRENT'] },
      update: async () => {
        await secrets.updateSecretVersionStage({ SecretId, VersionStage: 'blue', MoveToVersionId: VersionId })
        const listed = await all(
          paginateListSecretVersionIds({ client: secrets }, { SecretId }),
          (page) => page.Versions,
        )
        assert.deepEqual(
          listed.filter(({ VersionStages }) => VersionStages?.includes('AWSCURRENT')).map((one) => one.VersionId),
          [VersionId],
        )
      },
      updated: { stages: ['AWSCURRENT', 'blue'] },
      destroy: async () => {
        // AWSCURRENT cannot be taken off: a version that has nothing else is as good as gone.
        await secrets.updateSecretVersionStage({ SecretId, VersionStage: 'blue', RemoveFromVersionId: VersionId })
      },
      gone: (state) => (state as { readonly stages: readonly string[] }).stages.join() === 'AWSCURRENT',
    },
  })
  await assert.rejects(
    secrets.getSecretValue({ SecretId, VersionId }),
    (error: Error) =>
      error.name === 'InvalidRequestException' && /because it was (?:deleted|marked for deletion)/.test(error.message),
  )
})

test('a secret without a recovery window can be made again at once', async (t) => {
  const { secrets } = await start(t)
  const made = async () =>
    (await secrets.createSecret({ Name: 'again', ClientRequestToken: requestToken(), SecretString: 'value' })).ARN!
  const SecretId = await made()
  await secrets.deleteSecret({ SecretId, ForceDeleteWithoutRecovery: true })
  await assert.rejects(secrets.describeSecret({ SecretId }), { name: 'ResourceNotFoundException' })
  assert.notEqual(await made(), SecretId)
})

test('parameters of each type and tier', async (t) => {
  const { ssm, kms } = await start(t)
  const { KeyMetadata } = await kms.createKey({})
  const parameter = (
    Name: string,
    given: { readonly Type: 'SecureString' | 'String'; readonly KeyId?: string },
  ): Resource => {
    const read = async () => {
      const { Parameter } = await ssm.getParameter({ Name, WithDecryption: true })
      const filters = [{ Key: 'Name', Option: 'Equals', Values: [Name] }]
      const { Parameters } = await ssm.describeParameters({ ParameterFilters: filters })
      const detail = only(Parameters ?? [], Name)
      const { TagList } = await ssm.listTagsForResource({ ResourceType: 'Parameter', ResourceId: Name })
      return {
        arn: Parameter!.ARN,
        name: Parameter!.Name,
        type: Parameter!.Type,
        value: Parameter!.Value,
        version: Parameter!.Version,
        data_type: Parameter!.DataType,
        description: detail.Description ?? '',
        key_id: detail.KeyId ?? '',
        allowed_pattern: detail.AllowedPattern ?? '',
        tier: detail.Tier,
        tags: tagsOf(TagList),
      }
    }
    const asked = { Name, ...given, AllowedPattern: '^[a-z]+$', DataType: 'text', Description: 'made' }
    return {
      create: () =>
        ssm.putParameter({ ...asked, Value: 'one', Tier: 'Standard', Tags: [{ Key: 'Team', Value: 'blue' }] }),
      read,
      wanted: {
        name: Name,
        type: given.Type,
        value: 'one',
        version: 1,
        data_type: 'text',
        description: 'made',
        key_id: given.KeyId ?? '',
        allowed_pattern: '^[a-z]+$',
        tier: 'Standard',
        tags: { Team: 'blue' },
      },
      update: async () => {
        await ssm.putParameter({ ...asked, Value: 'two', Tier: 'Advanced', Description: 'changed', Overwrite: true })
        const resource = { ResourceType: 'Parameter', ResourceId: Name } as const
        await ssm.removeTagsFromResource({ ...resource, TagKeys: ['Team'] })
        await ssm.addTagsToResource({ ...resource, Tags: [{ Key: 'Owner', Value: '' }] })
      },
      updated: { value: 'two', version: 2, description: 'changed', tier: 'Advanced', tags: { Owner: '' } },
      destroy: () => ssm.deleteParameter({ Name }),
      gone: 'ParameterNotFound',
    }
  }
  await applyAndDestroy({
    'aws_ssm_parameter plain': parameter('/tf/plain', { Type: 'String' }),
    'aws_ssm_parameter secure': parameter('/tf/secure', { Type: 'SecureString', KeyId: KeyMetadata!.KeyId! }),
    'aws_ssm_parameter managed': parameter('/tf/managed', { Type: 'SecureString', KeyId: 'alias/aws/ssm' }),
  })
})

test('a function, who may invoke it, and the rotation that it does', async (t) => {
  const {
    server,
    lambda,
    roleArn: Role,
  } = await startLambda(t, {
    statements: [{ Effect: 'Allow', Action: 'secretsmanager:*', Resource: '*' }],
  })
  const { secrets } = clients(t, server)
  const FunctionName = 'rotate-token'
  const SecretId = (
    await secrets.createSecret({ Name: 'token', ClientRequestToken: requestToken(), SecretString: 'first' })
  ).ARN!
  const RotationLambdaARN = `arn:aws:lambda:${server.region}:${server.accountId}:function:${FunctionName}`
  const RotationRules = { ScheduleExpression: 'cron(0 2 ? * SUN *)', Duration: '2h' }
  const rotate = (rules: object) =>
    secrets.rotateSecret({
      SecretId,
      ClientRequestToken: requestToken(),
      RotateImmediately: true,
      RotationLambdaARN,
      RotationRules: rules,
    })
  const isRotated = async () => (await secrets.getSecretValue({ SecretId })).SecretString !== 'first'

  await applyAndDestroy({
    aws_lambda_function: {
      create: async () => {
        await lambda.createFunction({
          FunctionName,
          Role,
          Runtime: 'nodejs24.x',
          Handler: 'index.handler',
          Code: { ZipFile: rotationZip() },
          Timeout: 30,
          MemorySize: 256,
          PackageType: 'Zip',
          Publish: false,
        })
        await waitUntilFunctionActiveV2({ client: lambda, maxWaitTime: 30 }, { FunctionName })
      },
      read: async () => {
        const { Configuration, Tags } = await lambda.getFunction({ FunctionName })
        const { Versions } = await lambda.listVersionsByFunction({ FunctionName })
        const { CodeSigningConfigArn } = await lambda.getFunctionCodeSigningConfig({ FunctionName })
        return { ...Configuration, Tags, versions: Versions!.map(({ Version }) => Version), CodeSigningConfigArn }
      },
      wanted: {
        FunctionArn: RotationLambdaARN,
        Role,
        Runtime: 'nodejs24.x',
        Timeout: 30,
        MemorySize: 256,
        CodeSha256: createHash('sha256').update(rotationZip()).digest('base64'),
        versions: ['$LATEST'],
        CodeSigningConfigArn: '',
      },
      update: async () => {
        await lambda.updateFunctionConfiguration({ FunctionName, Timeout: 60 })
        await waitUntilFunctionUpdatedV2({ client: lambda, maxWaitTime: 30 }, { FunctionName })
      },
      updated: { Timeout: 60 },
      destroy: () => lambda.deleteFunction({ FunctionName }),
      gone: 'ResourceNotFoundException',
    },
    aws_lambda_permission: {
      create: () =>
        lambda.addPermission({
          FunctionName,
          StatementId: 'rotation',
          Action: 'lambda:InvokeFunction',
          Principal: 'secretsmanager.amazonaws.com',
          SourceAccount: server.accountId,
        }),
      read: async () => {
        const { Statement } = JSON.parse((await lambda.getPolicy({ FunctionName })).Policy!)
        return only(Statement as readonly object[], 'statements')
      },
      wanted: {
        Sid: 'rotation',
        Action: 'lambda:InvokeFunction',
        Principal: { Service: 'secretsmanager.amazonaws.com' },
        Resource: RotationLambdaARN,
        Condition: { StringEquals: { 'AWS:SourceAccount': server.accountId } },
      },
      destroy: () => lambda.removePermission({ FunctionName, StatementId: 'rotation' }),
      gone: 'ResourceNotFoundException',
    },
    aws_secretsmanager_secret_rotation: {
      create: async () => {
        await rotate(RotationRules)
        await until('the first rotation', isRotated)
        await until('its end', async () => (await secrets.describeSecret({ SecretId })).LastRotatedDate !== undefined)
      },
      read: async () => {
        const {
          RotationEnabled,
          RotationLambdaARN: functionArn,
          RotationRules: rules,
        } = await secrets.describeSecret({
          SecretId,
        })
        return {
          RotationEnabled,
          functionArn,
          ScheduleExpression: rules?.ScheduleExpression,
          Duration: rules?.Duration,
        }
      },
      wanted: { RotationEnabled: true, functionArn: RotationLambdaARN, ...RotationRules },
      update: async () => {
        await rotate({ ...RotationRules, Duration: '3h' })
        await until('the second rotation', async () => {
          const { VersionIdsToStages } = await secrets.describeSecret({ SecretId })
          return Object.values(VersionIdsToStages!).every((stages) => !stages.includes('AWSPENDING'))
        })
      },
      updated: { Duration: '3h' },
      destroy: () => secrets.cancelRotateSecret({ SecretId }),
      gone: (state) => (state as { readonly RotationEnabled: unknown }).RotationEnabled !== true,
    },
  })
})
