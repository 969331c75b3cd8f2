// How answers show what is stored.

import { type AttachedPolicy, type GroupBody, groupArn, type UserBody, userArn } from './model.ts'
import type { Stored } from './store.ts'
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

export const shownBoundary = (boundary: AttachedPolicy | undefined) =>
  boundary && {
    PermissionsBoundary: {
      PermissionsBoundaryType: 'PermissionsBoundaryPolicy' as const,
      PermissionsBoundaryArn: boundary.arn,
    },
  }
