// Every operation of IAM, each once with success, in an order in which that can be.

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { IAM } from '@aws-sdk/client-iam'
import { type Authenticator, authenticator } from '../packages/server/src/services/iam/testing-mfa.ts'
import { REGION, type ServerProcess } from './server-process.ts'

const UserName = 'alice'
const GroupName = 'team'
const AccountAlias = 'canary-account'
const PolicyName = 'inline'
const PolicyArn = 'arn:aws:iam::aws:policy/IAMReadOnlyAccess'
const PolicyDocument = JSON.stringify({
  Version: '2012-10-17',
  Statement: { Effect: 'Allow', Action: 'iam:Get*', Resource: '*' },
})

/**
 * By `service operation`; each resolves with what was answered, as text, but for the secret access key, which `know` gets. The client is
 * there until `after` is run.
 */
export function userJourneys(
  { url, credentials }: Pick<ServerProcess, 'url' | 'credentials'>,
  know: (secretAccessKey: string) => void,
  after: (end: () => void) => void,
): { readonly [operation: string]: () => Promise<string> } {
  const iam = new IAM({ endpoint: url, region: REGION, credentials: { ...credentials }, maxAttempts: 1 })
  after(() => iam.destroy())
  let AccessKeyId = ''
  const calls: { readonly [operation: string]: () => Promise<object> } = {
    CreateUser: () => iam.createUser({ UserName, Tags: [{ Key: 'a', Value: 'b' }] }),
    GetUser: () => iam.getUser({ UserName }),
    UpdateUser: () => iam.updateUser({ UserName, NewPath: '/team/' }),
    ListUsers: () => iam.listUsers({}),
    TagUser: () => iam.tagUser({ UserName, Tags: [{ Key: 'c', Value: 'd' }] }),
    ListUserTags: () => iam.listUserTags({ UserName }),
    UntagUser: () => iam.untagUser({ UserName, TagKeys: ['c'] }),
    CreateAccessKey: async () => {
      const { SecretAccessKey, ...shown } = (await iam.createAccessKey({ UserName })).AccessKey!
      know(SecretAccessKey!)
      AccessKeyId = shown.AccessKeyId!
      return shown
    },
    UpdateAccessKey: () => iam.updateAccessKey({ UserName, AccessKeyId, Status: 'Inactive' }),
    ListAccessKeys: () => iam.listAccessKeys({ UserName }),
    GetAccessKeyLastUsed: () => iam.getAccessKeyLastUsed({ AccessKeyId: credentials.accessKeyId }),
    CreateGroup: () => iam.createGroup({ GroupName }),
    UpdateGroup: () => iam.updateGroup({ GroupName, NewPath: '/team/' }),
    ListGroups: () => iam.listGroups({}),
    AddUserToGroup: () => iam.addUserToGroup({ GroupName, UserName }),
    GetGroup: () => iam.getGroup({ GroupName }),
    ListGroupsForUser: () => iam.listGroupsForUser({ UserName }),
    PutUserPolicy: () => iam.putUserPolicy({ UserName, PolicyName, PolicyDocument }),
    GetUserPolicy: () => iam.getUserPolicy({ UserName, PolicyName }),
    ListUserPolicies: () => iam.listUserPolicies({ UserName }),
    PutGroupPolicy: () => iam.putGroupPolicy({ GroupName, PolicyName, PolicyDocument }),
    GetGroupPolicy: () => iam.getGroupPolicy({ GroupName, PolicyName }),
    ListGroupPolicies: () => iam.listGroupPolicies({ GroupName }),
    AttachUserPolicy: () => iam.attachUserPolicy({ UserName, PolicyArn }),
    ListAttachedUserPolicies: () => iam.listAttachedUserPolicies({ UserName }),
    AttachGroupPolicy: () => iam.attachGroupPolicy({ GroupName, PolicyArn }),
    ListAttachedGroupPolicies: () => iam.listAttachedGroupPolicies({ GroupName }),
    PutUserPermissionsBoundary: () => iam.putUserPermissionsBoundary({ UserName, PermissionsBoundary: PolicyArn }),
    DeleteUserPermissionsBoundary: () => iam.deleteUserPermissionsBoundary({ UserName }),
    DetachGroupPolicy: () => iam.detachGroupPolicy({ GroupName, PolicyArn }),
    DetachUserPolicy: () => iam.detachUserPolicy({ UserName, PolicyArn }),
    DeleteGroupPolicy: () => iam.deleteGroupPolicy({ GroupName, PolicyName }),
    DeleteUserPolicy: () => iam.deleteUserPolicy({ UserName, PolicyName }),
    RemoveUserFromGroup: () => iam.removeUserFromGroup({ GroupName, UserName }),
    DeleteGroup: () => iam.deleteGroup({ GroupName }),
    DeleteAccessKey: () => iam.deleteAccessKey({ UserName, AccessKeyId }),
    ListSSHPublicKeys: () => iam.listSSHPublicKeys({ UserName }),
    ListSigningCertificates: () => iam.listSigningCertificates({ UserName }),
    ListServiceSpecificCredentials: () => iam.listServiceSpecificCredentials({ UserName }),
    DeleteUser: () => iam.deleteUser({ UserName }),
    GenerateCredentialReport: () => iam.generateCredentialReport({}),
    GetCredentialReport: async () => {
      for (;;) {
        const { State } = await iam.generateCredentialReport({})
        if (State === 'COMPLETE') break
        await new Promise((resolve) => setTimeout(resolve, 100))
      }
      const { Content, ...told } = await iam.getCredentialReport({})
      return { ...told, Content: Buffer.from(Content!).toString() }
    },
    GetAccountSummary: () => iam.getAccountSummary({}),
    GetAccountAuthorizationDetails: () => iam.getAccountAuthorizationDetails({}),
    GetContextKeysForCustomPolicy: () => iam.getContextKeysForCustomPolicy({ PolicyInputList: [PolicyDocument] }),
    GetContextKeysForPrincipalPolicy: async () => {
      const { User } = await iam.getUser({})
      return iam.getContextKeysForPrincipalPolicy({ PolicySourceArn: User!.Arn! })
    },
    CreateAccountAlias: () => iam.createAccountAlias({ AccountAlias }),
    ListAccountAliases: () => iam.listAccountAliases({}),
    DeleteAccountAlias: () => iam.deleteAccountAlias({ AccountAlias }),
  }
  return journeysOf(calls)
}

/** The same for the operations on roles and managed policies. */
export function roleJourneys(
  { url, credentials }: Pick<ServerProcess, 'url' | 'credentials'>,
  after: (end: () => void) => void,
): { readonly [operation: string]: () => Promise<string> } {
  const iam = new IAM({ endpoint: url, region: REGION, credentials: { ...credentials }, maxAttempts: 1 })
  after(() => iam.destroy())
  const RoleName = 'night'
  const trusts = (Service: string): string =>
    JSON.stringify({ Statement: { Effect: 'Allow', Principal: { Service }, Action: 'sts:AssumeRole' } })
  const Tags = [{ Key: 'a', Value: 'b' }]
  const [Description, VersionId] = ['described', 'v2']
  let own = ''
  let DeletionTaskId = ''
  const calls: { readonly [operation: string]: () => Promise<object> } = {
    CreateRole: () => iam.createRole({ RoleName, AssumeRolePolicyDocument: trusts('lambda.amazonaws.com') }),
    GetRole: () => iam.getRole({ RoleName }),
    UpdateRole: () => iam.updateRole({ RoleName, MaxSessionDuration: 7_200 }),
    UpdateRoleDescription: () => iam.updateRoleDescription({ RoleName, Description }),
    UpdateAssumeRolePolicy: () => iam.updateAssumeRolePolicy({ RoleName, PolicyDocument: trusts('rds.amazonaws.com') }),
    ListRoles: () => iam.listRoles({}),
    TagRole: () => iam.tagRole({ RoleName, Tags }),
    ListRoleTags: () => iam.listRoleTags({ RoleName }),
    UntagRole: () => iam.untagRole({ RoleName, TagKeys: ['a'] }),
    ListInstanceProfilesForRole: () => iam.listInstanceProfilesForRole({ RoleName }),
    PutRolePolicy: () => iam.putRolePolicy({ RoleName, PolicyName, PolicyDocument }),
    GetRolePolicy: () => iam.getRolePolicy({ RoleName, PolicyName }),
    ListRolePolicies: () => iam.listRolePolicies({ RoleName }),
    CreatePolicy: async () => {
      const answer = await iam.createPolicy({ PolicyName: 'own', PolicyDocument, Description })
      own = answer.Policy!.Arn!
      return answer
    },
    GetPolicy: () => iam.getPolicy({ PolicyArn: own }),
    ListPolicies: () => iam.listPolicies({}),
    CreatePolicyVersion: () => iam.createPolicyVersion({ PolicyArn: own, PolicyDocument }),
    SetDefaultPolicyVersion: () => iam.setDefaultPolicyVersion({ PolicyArn: own, VersionId }),
    GetPolicyVersion: () => iam.getPolicyVersion({ PolicyArn: own, VersionId }),
    ListPolicyVersions: () => iam.listPolicyVersions({ PolicyArn: own }),
    DeletePolicyVersion: () => iam.deletePolicyVersion({ PolicyArn: own, VersionId: 'v1' }),
    TagPolicy: () => iam.tagPolicy({ PolicyArn: own, Tags }),
    ListPolicyTags: () => iam.listPolicyTags({ PolicyArn: own }),
    UntagPolicy: () => iam.untagPolicy({ PolicyArn: own, TagKeys: ['a'] }),
    AttachRolePolicy: () => iam.attachRolePolicy({ RoleName, PolicyArn: own }),
    ListAttachedRolePolicies: () => iam.listAttachedRolePolicies({ RoleName }),
    PutRolePermissionsBoundary: () => iam.putRolePermissionsBoundary({ RoleName, PermissionsBoundary: own }),
    ListEntitiesForPolicy: () => iam.listEntitiesForPolicy({ PolicyArn: own }),
    DeleteRolePermissionsBoundary: () => iam.deleteRolePermissionsBoundary({ RoleName }),
    DetachRolePolicy: () => iam.detachRolePolicy({ RoleName, PolicyArn: own }),
    DeleteRolePolicy: () => iam.deleteRolePolicy({ RoleName, PolicyName }),
    DeleteRole: () => iam.deleteRole({ RoleName }),
    DeletePolicy: () => iam.deletePolicy({ PolicyArn: own }),
    CreateServiceLinkedRole: () => iam.createServiceLinkedRole({ AWSServiceName: 'organizations.amazonaws.com' }),
    DeleteServiceLinkedRole: async () => {
      const answer = await iam.deleteServiceLinkedRole({ RoleName: 'AWSServiceRoleForOrganizations' })
      DeletionTaskId = answer.DeletionTaskId!
      return answer
    },
    GetServiceLinkedRoleDeletionStatus: () => iam.getServiceLinkedRoleDeletionStatus({ DeletionTaskId }),
  }
  return journeysOf(calls)
}

/**
 * The same for passwords and MFA devices. `know` gets the passwords and the text of the seed, `knowBytes` the seed itself and its picture.
 */
export function passwordJourneys(
  { url, credentials }: Pick<ServerProcess, 'url' | 'credentials'>,
  know: (secret: string) => string,
  knowBytes: (secret: Buffer) => void,
  after: (end: () => void) => void,
): { readonly [operation: string]: () => Promise<string> } {
  const iam = new IAM({ endpoint: url, region: REGION, credentials: { ...credentials }, maxAttempts: 1 })
  const [UserName, VirtualMFADeviceName, Tags] = ['carol', 'phone', [{ Key: 'a', Value: 'b' }]]
  const password = () => know(`Aa1-${randomBytes(24).toString('hex')}`)
  const first = password()
  let own: IAM | undefined
  after(() => {
    iam.destroy()
    own?.destroy()
  })
  let device: Authenticator | undefined
  const SerialNumber = () => ({ SerialNumber: device!.serialNumber })
  const calls: { readonly [operation: string]: () => Promise<object> } = {
    UpdateAccountPasswordPolicy: () => iam.updateAccountPasswordPolicy({ PasswordReusePrevention: 3 }),
    GetAccountPasswordPolicy: () => iam.getAccountPasswordPolicy({}),
    CreateLoginProfile: async () => {
      await iam.createUser({ UserName })
      await assert.rejects(iam.createLoginProfile({ UserName, Password: `\u0100${password()}` }))
      return iam.createLoginProfile({ UserName, Password: first })
    },
    GetLoginProfile: () => iam.getLoginProfile({ UserName }),
    ChangePassword: async () => {
      const document = JSON.stringify({ Statement: { Effect: 'Allow', Action: 'iam:*', Resource: '*' } })
      await iam.putUserPolicy({ UserName, PolicyName, PolicyDocument: document })
      const { AccessKey } = await iam.createAccessKey({ UserName })
      const { AccessKeyId, SecretAccessKey } = AccessKey!
      const credentials = { accessKeyId: AccessKeyId!, secretAccessKey: know(SecretAccessKey!) }
      own = new IAM({ endpoint: url, region: REGION, credentials, maxAttempts: 1 })
      await assert.rejects(own.changePassword({ OldPassword: password(), NewPassword: password() }))
      await assert.rejects(own.changePassword({ OldPassword: first, NewPassword: first }))
      return own.changePassword({ OldPassword: first, NewPassword: password() })
    },
    UpdateLoginProfile: () => iam.updateLoginProfile({ UserName, Password: password() }),
    DeleteLoginProfile: () => iam.deleteLoginProfile({ UserName }),
    DeleteAccountPasswordPolicy: () => iam.deleteAccountPasswordPolicy({}),
    CreateVirtualMFADevice: async () => {
      const { VirtualMFADevice: made } = await iam.createVirtualMFADevice({ VirtualMFADeviceName, Tags })
      const { Base32StringSeed, QRCodePNG, ...shown } = made!
      device = authenticator(shown.SerialNumber!, know(Buffer.from(Base32StringSeed!).toString()))
      knowBytes(device.seed)
      knowBytes(Buffer.from(QRCodePNG!))
      return shown
    },
    ListVirtualMFADevices: () => iam.listVirtualMFADevices({}),
    TagMFADevice: () => iam.tagMFADevice({ ...SerialNumber(), Tags }),
    ListMFADeviceTags: () => iam.listMFADeviceTags(SerialNumber()),
    UntagMFADevice: () => iam.untagMFADevice({ ...SerialNumber(), TagKeys: ['a'] }),
    EnableMFADevice: () => iam.enableMFADevice({ UserName, ...SerialNumber(), ...device!.lastTwo() }),
    GetMFADevice: () => iam.getMFADevice({ UserName, ...SerialNumber() }),
    ListMFADevices: () => iam.listMFADevices({ UserName }),
    ResyncMFADevice: () => {
      const [AuthenticationCode1, AuthenticationCode2] = [device!.code(4), device!.code(5)]
      return iam.resyncMFADevice({ UserName, ...SerialNumber(), AuthenticationCode1, AuthenticationCode2 })
    },
    DeactivateMFADevice: () => iam.deactivateMFADevice({ UserName, ...SerialNumber() }),
    DeleteVirtualMFADevice: async () => {
      // One that stays, for what is searched later.
      const { VirtualMFADevice: kept } = await iam.createVirtualMFADevice({ VirtualMFADeviceName, Path: '/kept/' })
      knowBytes(authenticator('', know(Buffer.from(kept!.Base32StringSeed!).toString())).seed)
      return iam.deleteVirtualMFADevice(SerialNumber())
    },
  }
  return journeysOf(calls)
}

const journeysOf = (calls: { readonly [operation: string]: () => Promise<object> }) =>
  Object.fromEntries(
    Object.entries(calls).map(([operation, call]) => [
      `iam ${operation}`,
      async () => `${operation} 200 ${JSON.stringify(await call())}`,
    ]),
  )
