// The known ways from a small right to all rights, each a call that must ask for a permission of its own: who may do everything but that is
// refused, by that name. https://rhinosecuritylabs.com/aws/aws-privilege-escalation-methods-mitigation/

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { IAM } from '@aws-sdk/client-iam'
import { CreateGrantCommand, KMSClient, PutKeyPolicyCommand } from '@aws-sdk/client-kms'
import type { Lambda } from '@aws-sdk/client-lambda'
import { CreateAccountCommand, OrganizationsClient } from '@aws-sdk/client-organizations'
import type { RDS } from '@aws-sdk/client-rds'
import { PutResourcePolicyCommand, RotateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import {
  AddTagsToResourceCommand,
  PutResourcePolicyCommand as PutParameterPolicyCommand,
  SSMClient,
} from '@aws-sdk/client-ssm'
import { AssumeRoleCommand, GetFederationTokenCommand, type STSClient } from '@aws-sdk/client-sts'
import {
  iamClient,
  policyDocument,
  startIam,
  TRUSTS_LAMBDA,
  trusting,
} from '../packages/server/src/services/iam/testing.ts'
import { ECHO, lambdaClient, startLambda } from '../packages/server/src/services/lambda/testing.ts'
import { askDatabases, rdsClient } from '../packages/server/src/services/rds/testing.ts'
import { newRole, newUser, stsClient } from '../packages/server/src/services/sts/testing.ts'

const ADMIN = 'arn:aws:iam::aws:policy/AdministratorAccess'
const PolicyDocument = policyDocument({ Effect: 'Allow', Action: '*', Resource: '*' })

const MasterUserPassword = 'known-to-the-climber'
const RESOURCE_POLICY = policyDocument({ Effect: 'Allow', Principal: '*', Action: '*', Resource: '*' })

type World = {
  readonly iam: IAM
  readonly sts: STSClient
  readonly kms: KMSClient
  readonly secrets: SecretsManagerClient
  readonly organizations: OrganizationsClient
  readonly ssm: SSMClient
  readonly lambda: Lambda
  readonly rds: RDS
  readonly account: string
  /** Of a KMS key. */
  readonly key: string
}

const PATHS: { readonly [action: string]: (world: World) => Promise<unknown> } = {
  'iam:CreatePolicyVersion': ({ iam, account }) =>
    iam.createPolicyVersion({ PolicyArn: `arn:aws:iam::${account}:policy/own`, PolicyDocument, SetAsDefault: true }),
  'iam:SetDefaultPolicyVersion': ({ iam, account }) =>
    iam.setDefaultPolicyVersion({ PolicyArn: `arn:aws:iam::${account}:policy/own`, VersionId: 'v1' }),
  'iam:CreateAccessKey': ({ iam }) => iam.createAccessKey({ UserName: 'other' }),
  'iam:UpdateAccessKey': ({ iam }) =>
    iam.updateAccessKey({ UserName: 'other', AccessKeyId: 'AKIAAAAAAAAAAAAAAAAA', Status: 'Active' }),
  'iam:AttachUserPolicy': ({ iam }) => iam.attachUserPolicy({ UserName: 'other', PolicyArn: ADMIN }),
  'iam:AttachGroupPolicy': ({ iam }) => iam.attachGroupPolicy({ GroupName: 'staff', PolicyArn: ADMIN }),
  'iam:AttachRolePolicy': ({ iam }) => iam.attachRolePolicy({ RoleName: 'worker', PolicyArn: ADMIN }),
  'iam:PutUserPolicy': ({ iam }) => iam.putUserPolicy({ UserName: 'other', PolicyName: 'p', PolicyDocument }),
  'iam:PutGroupPolicy': ({ iam }) => iam.putGroupPolicy({ GroupName: 'staff', PolicyName: 'p', PolicyDocument }),
  'iam:PutRolePolicy': ({ iam }) => iam.putRolePolicy({ RoleName: 'worker', PolicyName: 'p', PolicyDocument }),
  'iam:AddUserToGroup': ({ iam }) => iam.addUserToGroup({ UserName: 'other', GroupName: 'staff' }),
  'iam:UpdateAssumeRolePolicy': ({ iam, account }) =>
    iam.updateAssumeRolePolicy({ RoleName: 'worker', PolicyDocument: trusting({ AWS: account }) }),
  'iam:DeleteUserPolicy': ({ iam }) => iam.deleteUserPolicy({ UserName: 'other', PolicyName: 'p' }),
  'iam:DeleteRolePolicy': ({ iam }) => iam.deleteRolePolicy({ RoleName: 'worker', PolicyName: 'p' }),
  'iam:DetachUserPolicy': ({ iam }) => iam.detachUserPolicy({ UserName: 'other', PolicyArn: ADMIN }),
  'iam:DetachRolePolicy': ({ iam }) => iam.detachRolePolicy({ RoleName: 'worker', PolicyArn: ADMIN }),
  'iam:RemoveUserFromGroup': ({ iam }) => iam.removeUserFromGroup({ UserName: 'other', GroupName: 'staff' }),
  'iam:DeleteUserPermissionsBoundary': ({ iam }) => iam.deleteUserPermissionsBoundary({ UserName: 'other' }),
  'iam:DeleteRolePermissionsBoundary': ({ iam }) => iam.deleteRolePermissionsBoundary({ RoleName: 'worker' }),
  'iam:PutUserPermissionsBoundary': ({ iam }) =>
    iam.putUserPermissionsBoundary({ UserName: 'other', PermissionsBoundary: ADMIN }),
  'iam:PutRolePermissionsBoundary': ({ iam }) =>
    iam.putRolePermissionsBoundary({ RoleName: 'worker', PermissionsBoundary: ADMIN }),
  'iam:CreateOpenIDConnectProvider': ({ iam }) => iam.createOpenIDConnectProvider({ Url: 'https://evil.example.com' }),
  'iam:AddClientIDToOpenIDConnectProvider': ({ iam, account }) =>
    iam.addClientIDToOpenIDConnectProvider({
      OpenIDConnectProviderArn: `arn:aws:iam::${account}:oidc-provider/idp.example.com`,
      ClientID: 'evil',
    }),
  'iam:UpdateOpenIDConnectProviderThumbprint': ({ iam, account }) =>
    iam.updateOpenIDConnectProviderThumbprint({
      OpenIDConnectProviderArn: `arn:aws:iam::${account}:oidc-provider/idp.example.com`,
      ThumbprintList: ['0'.repeat(40)],
    }),
  'iam:CreateLoginProfile': ({ iam }) => iam.createLoginProfile({ UserName: 'other', Password: 'Correct-horse-1' }),
  'iam:UpdateLoginProfile': ({ iam }) => iam.updateLoginProfile({ UserName: 'other', Password: 'Correct-horse-1' }),
  'iam:ChangePassword': ({ iam }) => iam.changePassword({ OldPassword: 'Correct-horse-1', NewPassword: 'evil' }),
  'iam:UpdateAccountPasswordPolicy': ({ iam }) => iam.updateAccountPasswordPolicy({ AllowUsersToChangePassword: true }),
  'iam:DeleteAccountPasswordPolicy': ({ iam }) => iam.deleteAccountPasswordPolicy({}),
  'iam:CreateVirtualMFADevice': ({ iam }) => iam.createVirtualMFADevice({ VirtualMFADeviceName: 'other' }),
  'iam:EnableMFADevice': ({ iam, account }) => iam.enableMFADevice({ UserName: 'other', ...codesOf(account) }),
  'iam:ResyncMFADevice': ({ iam, account }) => iam.resyncMFADevice({ UserName: 'other', ...codesOf(account) }),
  'iam:DeactivateMFADevice': ({ iam, account }) =>
    iam.deactivateMFADevice({ UserName: 'other', SerialNumber: codesOf(account).SerialNumber }),
  'iam:DeleteVirtualMFADevice': ({ iam, account }) =>
    iam.deleteVirtualMFADevice({ SerialNumber: codesOf(account).SerialNumber }),
  'iam:TagMFADevice': ({ iam, account }) =>
    iam.tagMFADevice({ SerialNumber: codesOf(account).SerialNumber, Tags: [{ Key: 'owner', Value: 'me' }] }),
  'iam:TagUser': ({ iam }) => iam.tagUser({ UserName: 'other', Tags: [{ Key: 'role', Value: 'admin' }] }),
  'iam:TagRole': ({ iam }) => iam.tagRole({ RoleName: 'worker', Tags: [{ Key: 'role', Value: 'admin' }] }),
  'iam:CreateRole': ({ iam, account }) =>
    iam.createRole({ RoleName: 'new', AssumeRolePolicyDocument: trusting({ AWS: account }) }),
  'iam:CreateUser': ({ iam }) => iam.createUser({ UserName: 'new' }),
  'iam:CreateServiceLinkedRole': ({ iam }) =>
    iam.createServiceLinkedRole({ AWSServiceName: 'organizations.amazonaws.com' }),
  'iam:DeleteGroupPolicy': ({ iam }) => iam.deleteGroupPolicy({ GroupName: 'staff', PolicyName: 'p' }),
  'iam:DetachGroupPolicy': ({ iam }) => iam.detachGroupPolicy({ GroupName: 'staff', PolicyArn: ADMIN }),
  'iam:TagPolicy': ({ iam, account }) =>
    iam.tagPolicy({ PolicyArn: `arn:aws:iam::${account}:policy/own`, Tags: [{ Key: 'role', Value: 'admin' }] }),
  'iam:UntagUser': ({ iam }) => iam.untagUser({ UserName: 'other', TagKeys: ['limited'] }),
  'iam:UntagRole': ({ iam }) => iam.untagRole({ RoleName: 'worker', TagKeys: ['limited'] }),
  // A path, as a name, may be what a policy goes by.
  'iam:UpdateUser': ({ iam }) => iam.updateUser({ UserName: 'other', NewPath: '/admin/' }),
  'iam:UpdateGroup': ({ iam }) => iam.updateGroup({ GroupName: 'staff', NewPath: '/admin/' }),
  'iam:UpdateRole': ({ iam }) => iam.updateRole({ RoleName: 'worker', MaxSessionDuration: 43_200 }),
  'kms:CreateGrant': ({ kms, key, account }) =>
    kms.send(new CreateGrantCommand({ KeyId: key, GranteePrincipal: account, Operations: ['Decrypt'] })),
  'kms:PutKeyPolicy': ({ kms, key }) => kms.send(new PutKeyPolicyCommand({ KeyId: key, Policy: RESOURCE_POLICY })),
  // A role may be passed to a function, new or old, and to the pods of a service account (strongroom/operations/pod-identity-associations.test.ts).
  'iam:PassRole': ({ lambda, account }) => lambda.createFunction(newFunction(account)),
  'lambda:CreateFunction': ({ lambda, account }) => lambda.createFunction(newFunction(account)),
  'lambda:UpdateFunctionCode': ({ lambda }) => lambda.updateFunctionCode({ FunctionName: 'fn', ZipFile: ECHO }),
  'lambda:UpdateFunctionConfiguration': ({ lambda }) =>
    lambda.updateFunctionConfiguration({ FunctionName: 'fn', Handler: 'index.other' }),
  'lambda:AddPermission': ({ lambda, account }) =>
    lambda.addPermission({
      FunctionName: 'fn',
      StatementId: 'me',
      Action: 'lambda:InvokeFunction',
      Principal: account,
    }),
  'lambda:InvokeFunction': ({ lambda }) => lambda.invoke({ FunctionName: 'fn' }),
  // Who sets a master password is master of the database, and what it keeps.
  'rds:ModifyDBInstance': ({ rds }) => rds.modifyDBInstance({ DBInstanceIdentifier: 'orders', MasterUserPassword }),
  'rds:ModifyDBCluster': ({ rds }) => rds.modifyDBCluster({ DBClusterIdentifier: 'ledger', MasterUserPassword }),
  'rds:CreateDBInstance': ({ rds }) =>
    rds.createDBInstance({
      DBInstanceIdentifier: 'waiting',
      DBInstanceClass: 'db.external',
      Engine: 'postgres',
      MasterUserPassword,
    }),
  'rds:CreateDBCluster': ({ rds }) =>
    rds.createDBCluster({ DBClusterIdentifier: 'waiting', Engine: 'postgres', MasterUserPassword }),
  'rds:AddTagsToResource': ({ rds, account }) =>
    rds.addTagsToResource({ ResourceName: ordersOf(account), Tags: [{ Key: 'role', Value: 'admin' }] }),
  'rds:RemoveTagsFromResource': ({ rds, account }) =>
    rds.removeTagsFromResource({ ResourceName: ordersOf(account), TagKeys: ['limited'] }),
  // A managed password is a secret, which is made with the rights of the caller.
  'secretsmanager:CreateSecret': ({ rds }) =>
    rds.modifyDBInstance({ DBInstanceIdentifier: 'orders', ManageMasterUserPassword: true }),
  'secretsmanager:RotateSecret': ({ secrets, account }) => secrets.send(rotating(account)),
  'ssm:PutResourcePolicy': ({ ssm, account }) =>
    ssm.send(new PutParameterPolicyCommand({ ResourceArn: parameterArn(account), Policy: RESOURCE_POLICY })),
  // What a tag lets somebody do, putting it on does.
  'ssm:AddTagsToResource': ({ ssm }) =>
    ssm.send(
      new AddTagsToResourceCommand({
        ResourceType: 'Parameter',
        ResourceId: '/parameter',
        Tags: [{ Key: 'role', Value: 'admin' }],
      }),
    ),
  'organizations:CreateAccount': ({ organizations }) =>
    organizations.send(new CreateAccountCommand({ AccountName: 'new', Email: 'new@example.com' })),
  'secretsmanager:PutResourcePolicy': ({ secrets }) =>
    secrets.send(new PutResourcePolicyCommand({ SecretId: 'secret', ResourcePolicy: RESOURCE_POLICY })),
  'sts:TagSession': ({ sts, account }) =>
    sts.send(
      new AssumeRoleCommand({
        RoleArn: `arn:aws:iam::${account}:role/worker`,
        RoleSessionName: 'me',
        Tags: [{ Key: 'role', Value: 'admin' }],
      }),
    ),
  'sts:SetSourceIdentity': ({ sts, account }) =>
    sts.send(
      new AssumeRoleCommand({
        RoleArn: `arn:aws:iam::${account}:role/worker`,
        RoleSessionName: 'me',
        SourceIdentity: 'somebody-else',
      }),
    ),
  'sts:AssumeRole': ({ sts, account }) =>
    sts.send(new AssumeRoleCommand({ RoleArn: `arn:aws:iam::${account}:role/worker`, RoleSessionName: 'me' })),
  'sts:GetFederationToken': ({ sts }) =>
    sts.send(new GetFederationTokenCommand({ Name: 'me', Policy: PolicyDocument })),
}

const ordersOf = (account: string): string => `arn:aws:rds:eu-central-1:${account}:db:orders`
const parameterArn = (account: string): string => `arn:aws:ssm:eu-central-1:${account}:parameter/parameter`

const newFunction = (account: string) => ({
  FunctionName: 'new',
  Role: `arn:aws:iam::${account}:role/worker`,
  Runtime: 'nodejs24.x' as const,
  Handler: 'index.handler',
  Code: { ZipFile: ECHO },
})

const rotating = (account: string) =>
  new RotateSecretCommand({
    SecretId: 'secret',
    RotationLambdaARN: `arn:aws:lambda:eu-central-1:${account}:function:fn`,
  })

const codesOf = (account: string) => ({
  SerialNumber: `arn:aws:iam::${account}:mfa/phone`,
  AuthenticationCode1: '123456',
  AuthenticationCode2: '654321',
})

test('a role is passed to an old function only by who may pass it', async (t) => {
  const { server, lambda, create } = await startLambda(t)
  await create()
  const { arn } = await newRole(server, 'worker', { trustPolicy: TRUSTS_LAMBDA })
  const statements = [
    { Effect: 'Allow', Action: 'lambda:*', Resource: '*' },
    {
      Effect: 'Allow',
      Action: 'iam:PassRole',
      Resource: arn,
      Condition: { StringEquals: { 'iam:PassedToService': 'rds.amazonaws.com' } },
    },
  ]
  const user = await newUser(server, 'climber', { statements })
  await assert.rejects(lambdaClient(t, server, user).updateFunctionConfiguration({ FunctionName: 'fn', Role: arn }), {
    message: `User: ${user.arn} is not authorized to perform: iam:PassRole on resource: ${arn} because no identity-based policy allows the iam:PassRole action`,
  })
  await lambda.updateFunctionConfiguration({ FunctionName: 'fn', Role: arn })
})

test('every known way from a small right to all rights asks for its own permission', async (t) => {
  const { server, iam, account } = await startIam(t)
  await iam.createUser({ UserName: 'other' })
  await iam.createGroup({ GroupName: 'staff' })
  const Action = ['sts:AssumeRole', 'sts:TagSession', 'sts:SetSourceIdentity']
  const trust = policyDocument({ Effect: 'Allow', Principal: { AWS: account }, Action })
  await iam.createRole({ RoleName: 'worker', AssumeRolePolicyDocument: trust })
  await iam.createPolicy({ PolicyName: 'own', PolicyDocument })
  await iam.createOpenIDConnectProvider({ Url: 'https://idp.example.com', ClientIDList: ['app'] })
  await iam.createVirtualMFADevice({ VirtualMFADeviceName: 'phone' })
  await server.call('secretsmanager', 'CreateSecret', { Name: 'secret', ClientRequestToken: 'a'.repeat(32) })
  const key = (await server.call('kms', 'CreateKey', {})).body.KeyMetadata.KeyId
  for (const [Identifier, more] of [
    ['orders', {}],
    ['ledger', { Cluster: true }],
    ['waiting', { AwaitCreate: true }],
    ['waiting', { AwaitCreate: true, Cluster: true }],
  ] as const) {
    const endpoint = { Engine: 'postgres', Host: 'localhost', Port: 5_432, MasterUsername: 'master' }
    const registration = { Identifier, ...endpoint, MasterUserPassword: 'nobody-knows-it', SkipLogin: true, ...more }
    assert.equal((await askDatabases(server, 'register', registration)).status, 200)
  }
  for (const [at, [action, call]] of Object.entries(PATHS).entries()) {
    const statements = [
      { Effect: 'Allow', Action: '*', Resource: '*' },
      { Effect: 'Deny', Action: action, Resource: '*' },
    ]
    const user = await newUser(server, `climber-${at}`, { statements })
    const options = { endpoint: server.url, region: server.region, credentials: { ...user }, maxAttempts: 1 }
    const kms = new KMSClient(options)
    const secrets = new SecretsManagerClient(options)
    const organizations = new OrganizationsClient(options)
    const ssm = new SSMClient(options)
    t.after(() => {
      for (const client of [kms, secrets, organizations, ssm]) client.destroy()
    })
    const own = {
      iam: iamClient(t, server, user),
      sts: stsClient(t, server, user),
      lambda: lambdaClient(t, server, user),
      rds: rdsClient(t, server, user),
      kms,
      secrets,
      organizations,
      ssm,
    }
    const world = { ...own, account, key }
    await assert.rejects(
      call(world),
      (error: Error) => {
        assert.ok(
          error.message.startsWith(`User: ${user.arn} is not authorized to perform: ${action} on resource: `),
          error.message,
        )
        assert.ok(error.message.endsWith('with an explicit deny in an identity-based policy'), error.message)
        return true
      },
      action,
    )
  }
})
