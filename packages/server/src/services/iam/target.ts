// What a call is about: a user, group, role or managed policy of the caller's account, and what policies and refusals may see of it.
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagementiam.html

import type { Call, Identity } from '../../call.ts'
import type { Target } from '../../operation.ts'
import type { Permission } from '../../policy/engine.ts'
import { isPolicyArn } from './attachments.ts'
import * as errors from './errors.ts'
import { isManagedPolicyArn, storedManagedPolicy } from './managed-policies.ts'
import {
  type GroupBody,
  groupArn,
  type MfaDeviceBody,
  mfaDeviceArn,
  type OidcProviderBody,
  oidcProviderArn,
  type PolicyBody,
  type RoleBody,
  roleArn,
  rootArn,
  type Tag,
  type UserBody,
  userArn,
} from './model.ts'
import { isServiceLinked } from './service-linked-roles.ts'
import {
  findAccessKey,
  findByName,
  findRow,
  GROUP,
  type HolderKind,
  MFA_DEVICE,
  OIDC_PROVIDER,
  POLICY,
  ROLE,
  type Stored,
  USER,
} from './store.ts'
import { resourceTagContext } from './tags.ts'

export type EntityTarget<Body extends object> = Target & {
  /** As the caller wrote it. */
  readonly name: string
  /** Undefined where there is none: known to `run`, but not told before authorization. */
  readonly stored: Stored<Body> | undefined
}

export type UserTarget = EntityTarget<UserBody>
export type GroupTarget = EntityTarget<GroupBody>
export type RoleTarget = EntityTarget<RoleBody>
export type PolicyTarget = Target & { readonly arn: string; readonly stored: Stored<PolicyBody> | undefined }

type Caller = Pick<Call, 'app' | 'tx' | 'partition' | 'account'>

/** The target of every operation that takes the name of a user. */
export const userTarget = (call: Call<{ readonly UserName: string }>): Promise<UserTarget> =>
  resolveUser(call, call.input.UserName)

/** The same, where policies may ask for the boundary that the user has. */
export async function boundedUserTarget(call: Call<{ readonly UserName: string }>): Promise<UserTarget> {
  const target = await userTarget(call)
  return { ...target, context: { ...target.context, 'iam:PermissionsBoundary': target.stored?.body.boundary?.arn } }
}

export const groupTarget = (call: Call<{ readonly GroupName: string }>): Promise<GroupTarget> =>
  resolveGroup(call, call.input.GroupName)

export const roleTarget = (call: Call<{ readonly RoleName: string }>): Promise<RoleTarget> =>
  resolveRole(call, call.input.RoleName)

export async function boundedRoleTarget(call: Call<{ readonly RoleName: string }>): Promise<RoleTarget> {
  const target = await roleTarget(call)
  return { ...target, context: { ...target.context, 'iam:PermissionsBoundary': target.stored?.body.boundary?.arn } }
}

/** A managed policy by its ARN, to change it: those of AWS are nobody's here. */
export async function ownPolicyTarget(call: Call<{ readonly PolicyArn: string }>): Promise<PolicyTarget> {
  const { app, tx, account, input } = call
  const arn = input.PolicyArn
  const owner = /^arn:[a-z-]+:iam::(aws|\d{12}):/.exec(arn)?.[1] ?? account
  const stored = owner === account ? await findRow(app, tx, POLICY, [account, arn]) : undefined
  return {
    resource: arn,
    shown: `policy ${arn}`,
    account: owner,
    ...(stored && { resourceType: RESOURCE_TYPES.policy, context: resourceTagContext(stored.body.tags) }),
    arn,
    stored,
  }
}

/** The same, to look at it: those of AWS are everybody's. */
export async function policyTarget(call: Call<{ readonly PolicyArn: string }>): Promise<PolicyTarget> {
  const { PolicyArn: arn } = call.input
  if (!isManagedPolicyArn(call.partition, arn)) return ownPolicyTarget(call)
  const stored = storedManagedPolicy(call.partition, arn)
  const resourceType = RESOURCE_TYPES.policy
  return { resource: arn, shown: `policy ${arn}`, account: call.account, resourceType, arn, stored }
}

export type OidcProviderTarget = Target & {
  readonly arn: string
  readonly stored: Stored<OidcProviderBody> | undefined
}

/** A provider of the caller's account by its ARN; of other accounts none is found. */
export async function oidcProviderTarget(
  call: Call<{ readonly OpenIDConnectProviderArn: string }>,
): Promise<OidcProviderTarget> {
  const { app, tx, partition, account, input } = call
  const arn = input.OpenIDConnectProviderArn
  const owner = /^arn:[a-z-]+:iam::(\d{12}):/.exec(arn)?.[1] ?? account
  const own = arn.startsWith(oidcProviderArn(partition, account, ''))
  const stored = own ? await findRow(app, tx, OIDC_PROVIDER, [account, arn]) : undefined
  return {
    resource: arn,
    shown: arn,
    account: owner,
    ...(stored && { resourceType: RESOURCE_TYPES['oidc-provider'], context: resourceTagContext(stored.body.tags) }),
    arn,
    stored,
  }
}

/** @throws NoSuchEntity */
export function existingOidcProvider({ stored, arn }: OidcProviderTarget): Stored<OidcProviderBody> {
  if (stored === undefined) throw errors.noSuchOidcProvider(arn)
  return stored
}

export type MfaDeviceTarget = Target & {
  readonly serialNumber: string
  readonly stored: Stored<MfaDeviceBody> | undefined
}

/** A virtual MFA device of the caller's account by its serial number; of other accounts none is found. */
export async function mfaDeviceTarget(call: Call<{ readonly SerialNumber: string }>): Promise<MfaDeviceTarget> {
  const { app, tx, partition, account, input } = call
  const serialNumber = input.SerialNumber
  const owner = /^arn:[a-z-]+:iam::(\d{12}):/.exec(serialNumber)?.[1] ?? account
  const stored = owner === account ? await findRow(app, tx, MFA_DEVICE, [account, serialNumber]) : undefined
  const arn = serialNumber.startsWith('arn:') ? serialNumber : mfaDeviceArn(partition, account, '/', serialNumber)
  return {
    resource: arn,
    shown: arn,
    account: owner,
    ...(stored && { resourceType: RESOURCE_TYPES.mfa, context: resourceTagContext(stored.body.tags) }),
    serialNumber,
    stored,
  }
}

/** @throws NoSuchEntity */
export function existingMfaDevice({ stored, serialNumber }: MfaDeviceTarget): Stored<MfaDeviceBody> {
  if (stored === undefined) throw errors.noSuchMfaDevice(serialNumber)
  return stored
}

/** A user, or whose request it is where no name is given: a user or the root user. */
export type OwnTarget = UserTarget & { readonly owner: { readonly userName: string } | 'root' }

/** @throws ValidationError where neither a name is given nor the caller is a user or a root user. */
export async function ownTarget(call: Call<{ readonly UserName?: string | undefined }>): Promise<OwnTarget> {
  const { identity } = call.principal
  const userName = call.input.UserName ?? (identity.kind === 'user' ? identity.userName : undefined)
  if (userName !== undefined) return { ...(await resolveUser(call, userName)), owner: { userName } }
  if (identity.kind !== 'root') throw errors.noUserOfOwn()
  const { partition, account } = call
  const arn = rootArn(partition, account)
  return {
    resource: arn,
    shown: arn,
    account,
    resourceType: RESOURCE_TYPES.user,
    name: 'root',
    stored: undefined,
    owner: 'root',
  }
}

/** A user that is named is there; whose request it is always is. @throws NoSuchEntity */
export function existingOwn(target: OwnTarget): void {
  if (target.owner !== 'root') existingUser(target)
}

/** What is about the whole account, for which policies have no ARN. */
export const accountTarget = async ({ account }: Pick<Call, 'account'>): Promise<Target> => ({
  resource: '*',
  shown: '*',
  account,
})

/** Whose an access key of the caller's account is; `identity` is undefined where there is none. */
export type AccessKeyTarget = Target & { readonly identity: Identity | undefined }

export async function accessKeyTarget(call: Call<{ readonly AccessKeyId: string }>): Promise<AccessKeyTarget> {
  const { app, tx, account, input } = call
  const shown = `access key ${input.AccessKeyId}`
  const identity = (await findAccessKey(app, tx, input.AccessKeyId))?.identity
  if (identity?.account !== account) return { resource: '*', shown, account, identity: undefined }
  const { userName, arn } = identity
  const { context } = userName === undefined ? {} : await resolveUser(call, userName)
  return { resource: arn, shown, account, resourceType: RESOURCE_TYPES.user, ...(context && { context }), identity }
}

export async function resolveUser({ app, tx, partition, account }: Caller, userName: string): Promise<UserTarget> {
  const stored = await findByName(app, tx, USER, account, userName)
  const arn = userArn(partition, account, stored?.body ?? { path: '/', userName })
  return entityTarget('user', userName, account, arn, stored, stored?.body.tags)
}

export async function resolveGroup({ app, tx, partition, account }: Caller, groupName: string): Promise<GroupTarget> {
  const stored = await findByName(app, tx, GROUP, account, groupName)
  const arn = groupArn(partition, account, stored?.body ?? { path: '/', groupName })
  return entityTarget('group', groupName, account, arn, stored)
}

export async function resolveRole({ app, tx, partition, account }: Caller, roleName: string): Promise<RoleTarget> {
  const stored = await findByName(app, tx, ROLE, account, roleName)
  const arn = roleArn(partition, account, stored?.body ?? { path: '/', roleName })
  return entityTarget('role', roleName, account, arn, stored, stored?.body.tags)
}

/** Whose policies a call asks about: a user, a group or a role of the caller's account by its very ARN. */
export type PolicySourceTarget = Target & { readonly found: Stored<UserBody | GroupBody | RoleBody> | undefined }

export async function policySourceTarget(
  call: Call<{ readonly PolicySourceArn: string }>,
): Promise<PolicySourceTarget> {
  const arn = call.input.PolicySourceArn
  const name = arn.slice(arn.lastIndexOf('/') + 1)
  const resolve = { user: resolveUser, group: resolveGroup, role: resolveRole }[arn.split(':')[5]?.split('/')[0] ?? '']
  const source: EntityTarget<UserBody | GroupBody | RoleBody> | undefined = await resolve?.(call, name)
  const account = /^arn:[a-z-]+:iam::(\d{12}):/.exec(arn)?.[1] ?? call.account
  return { resource: arn, shown: arn, account, found: source?.resource === arn ? source.stored : undefined }
}

/** @throws NoSuchEntity */
export function existingPolicySource({ resource, found }: PolicySourceTarget): Stored<UserBody | GroupBody | RoleBody> {
  if (found === undefined) throw errors.noSuchSource(resource)
  return found
}

const RESOURCE_TYPES = {
  user: 'AWS::IAM::User',
  group: 'AWS::IAM::Group',
  role: 'AWS::IAM::Role',
  policy: 'AWS::IAM::ManagedPolicy',
  'oidc-provider': 'AWS::IAM::OIDCProvider',
  mfa: 'AWS::IAM::VirtualMFADevice',
} as const

type Kind = keyof typeof RESOURCE_TYPES

/**
 * Where nothing has the name, `arn` is the one that it would have with the path `/`. A refusal shows what was asked for, as AWS does, and so
 * not whether it exists.
 */
const entityTarget = <Body extends object>(
  kind: HolderKind,
  name: string,
  account: string,
  arn: string,
  stored: Stored<Body> | undefined,
  tags?: readonly Tag[],
): EntityTarget<Body> => ({
  resource: arn,
  shown: `${kind} ${name}`,
  account,
  ...(stored && { resourceType: RESOURCE_TYPES[kind], context: resourceTagContext(tags) }),
  name,
  stored,
})

/** What is to be made: the ARN that it will have, whatever else has its name. */
export const newTarget = (account: string, kind: Kind, arn: string): Target => ({
  resource: arn,
  shown: arn,
  account,
  resourceType: RESOURCE_TYPES[kind],
})

/** The permissions of a call that asks for several actions on its target. */
export const permissionsOn = (
  { resource, shown, account }: Target,
  ...actions: readonly string[]
): readonly Permission[] =>
  actions.map((action) => ({ action, resource, ...(shown !== undefined && { shown }), resourceAccount: account }))

/** A change of name or path asks for its action on what was and on what will be. */
export const permissionsOnRenamed = (
  action: string,
  target: Target & { readonly renamed: string },
): readonly Permission[] => [
  ...permissionsOn(target, action),
  ...(target.renamed === target.resource
    ? []
    : permissionsOn({ ...target, resource: target.renamed, shown: target.renamed }, action)),
]

/** What a list of all of a kind is about: the part of its ARNs that the prefix of paths leaves. */
export const listTarget =
  (kind: Kind) =>
  async ({ partition, account, input }: Call<{ readonly PathPrefix?: string | undefined }>): Promise<Target> => {
    const resource = `arn:${partition}:iam::${account}:${kind}${input.PathPrefix ?? '/'}`
    return { resource, shown: resource, account }
  }

/** @throws NoSuchEntity */
export function existingUser({ stored, name }: UserTarget): Stored<UserBody> {
  if (stored === undefined) throw errors.noSuchUser(name)
  return stored
}

/** @throws NoSuchEntity; ValidationError where a root user names nobody: it has no password and no MFA device here. */
export function ownUser(target: OwnTarget): Stored<UserBody> {
  if (target.owner === 'root') throw errors.noUserOfOwn()
  return existingUser(target)
}

/** @throws NoSuchEntity */
export function existingGroup({ stored, name }: GroupTarget): Stored<GroupBody> {
  if (stored === undefined) throw errors.noSuchGroup(name)
  return stored
}

/** @throws NoSuchEntity */
export function existingRole({ stored, name }: RoleTarget): Stored<RoleBody> {
  if (stored === undefined) throw errors.noSuchRole(name)
  return stored
}

/** To change it. @throws NoSuchEntity; UnmodifiableEntity for one of a service. */
export function modifiableRole(target: RoleTarget): Stored<RoleBody> {
  const role = existingRole(target)
  if (isServiceLinked(role)) throw errors.protectedRole(role.body.roleName)
  return role
}

/** @throws NoSuchEntity; InvalidInput for what is no ARN of a policy. */
export function existingPolicy({ stored, arn }: PolicyTarget, missing = errors.noSuchPolicy): Stored<PolicyBody> {
  if (!isPolicyArn(arn)) throw errors.invalidArn(arn)
  if (stored === undefined) throw missing(arn)
  return stored
}
