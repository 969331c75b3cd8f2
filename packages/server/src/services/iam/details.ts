// How answers show what is stored.

import type { Call } from '../../call.ts'
import { encodedDocument } from './documents.ts'
import {
  type AttachedPolicy,
  type GroupBody,
  groupArn,
  type PolicyBody,
  type RoleBody,
  roleArn,
  type UserBody,
  userArn,
} from './model.ts'
import { shownDocument } from './principals.ts'
import { type Attachments, findRoleUse, type Stored } from './store.ts'
import { shownTags } from './tags.ts'

/** Lists show neither tags nor the boundary, as on AWS. */
export function listedUser(partition: string, { key, body }: Stored<UserBody>) {
  const [account, UserId] = key as [string, string]
  return {
    Path: body.path,
    UserName: body.userName,
    UserId,
    Arn: userArn(partition, account, body),
    CreateDate: body.createdAt,
  }
}

export const shownUser = (partition: string, stored: Stored<UserBody>) => ({
  ...listedUser(partition, stored),
  ...shownBoundary(stored.body.boundary),
  ...(stored.body.tags?.length && { Tags: shownTags(stored.body.tags) }),
})

export function shownGroup(partition: string, { key, body }: Stored<GroupBody>) {
  const [account, GroupId] = key as [string, string]
  return {
    Path: body.path,
    GroupName: body.groupName,
    GroupId,
    Arn: groupArn(partition, account, body),
    CreateDate: body.createdAt,
  }
}

type Shower = Pick<Call, 'app' | 'tx' | 'partition'>

/** Lists show neither tags, nor the boundary, nor the last use, as on AWS. */
export async function listedRole({ app, tx, partition }: Shower, { key, body }: Stored<RoleBody>) {
  const [account, RoleId] = key as [string, string]
  const { description } = body
  return {
    Path: body.path,
    RoleName: body.roleName,
    RoleId,
    Arn: roleArn(partition, account, body),
    CreateDate: body.createdAt,
    AssumeRolePolicyDocument: encodedDocument(await shownDocument(app, tx, body.trustPolicy)),
    ...(description !== undefined && { Description: description }),
    MaxSessionDuration: body.maxSessionDuration,
  }
}

export const shownRole = async (shower: Shower, stored: Stored<RoleBody>) => ({
  ...(await listedRole(shower, stored)),
  ...shownBoundary(stored.body.boundary),
  ...(stored.body.tags.length > 0 && { Tags: shownTags(stored.body.tags) }),
})

const USE_SHOWN_MS = 400 * 24 * 60 * 60_000

/** To about 15 minutes, and of the last 400 days only, as on AWS. */
export async function shownRoleUse({ app, tx, now }: Pick<Call, 'app' | 'tx' | 'now'>, { key }: Stored<RoleBody>) {
  const [account, roleId] = key as [string, string]
  const use = app.uses.pending(roleId) ?? (await findRoleUse(tx, account, roleId))
  return use === undefined || now - use.usedAt > USE_SHOWN_MS ? {} : { LastUsedDate: use.usedAt, Region: use.region }
}

/** Lists show neither tags nor the description, as on AWS. Without `attachments` nothing has the policy. */
export const listedPolicy = ({ key, body }: Stored<PolicyBody>, attachments?: Attachments) => ({
  PolicyName: body.policyName,
  PolicyId: body.policyId,
  Arn: key[1]!,
  Path: body.path,
  DefaultVersionId: body.defaultVersionId,
  AttachmentCount: attachments?.policy ?? 0,
  PermissionsBoundaryUsageCount: attachments?.boundary ?? 0,
  IsAttachable: true,
  CreateDate: body.createdAt,
  UpdateDate: body.updatedAt,
})

export const shownPolicy = (stored: Stored<PolicyBody>, attachments?: Attachments) => ({
  ...listedPolicy(stored, attachments),
  ...(stored.body.description !== undefined && { Description: stored.body.description }),
  Tags: shownTags(stored.body.tags),
})

export const shownBoundary = (boundary: AttachedPolicy | undefined) =>
  boundary && {
    PermissionsBoundary: {
      PermissionsBoundaryType: 'PermissionsBoundaryPolicy' as const,
      PermissionsBoundaryArn: boundary.arn,
    },
  }
