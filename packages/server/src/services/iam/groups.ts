// Groups are made, renamed and deleted here, and users put into them and taken out. The row of the user lists its groups; the index of
// members, written with it, is for looking up who is in a group.

import type { Transaction } from '../../storage/database.ts'
import * as errors from './errors.ts'
import { GROUPS_PER_ACCOUNT_MAX, GROUPS_PER_USER_MAX, type GroupBody, nameKey, type UserBody } from './model.ts'
import { listed, type Source } from './paging.ts'
import {
  countRows,
  deleteMember,
  deleteRow,
  findByName,
  GROUP,
  type IamReader,
  type IamWriter,
  insertMember,
  insertRow,
  listMembers,
  readGroups,
  replaceRow,
  type Stored,
  USER,
} from './store.ts'
import { newUniqueId } from './unique-id.ts'

export type NewGroup = { readonly groupName: string; readonly now: number; readonly path?: string | undefined }

/** Names are unique in the account without regard to case. @throws EntityAlreadyExists; LimitExceeded */
export async function createGroup(
  app: IamWriter,
  tx: Transaction,
  account: string,
  { groupName, now, path = '/' }: NewGroup,
): Promise<Stored<GroupBody>> {
  if ((await findByName(app, tx, GROUP, account, groupName)) !== undefined) throw errors.groupExists(groupName)
  if ((await countRows(tx, GROUP, account, GROUPS_PER_ACCOUNT_MAX)) >= GROUPS_PER_ACCOUNT_MAX) {
    throw errors.quotaExceeded('GroupsPerAccount', GROUPS_PER_ACCOUNT_MAX)
  }
  const body = { groupName, path, createdAt: now, inlinePolicies: [], attachedPolicies: [] }
  return insertRow(app, tx, GROUP, [account, newUniqueId('AGPA', app.randomBytes)], body)
}

/** @throws EntityAlreadyExists where another group has the name. */
export async function updateGroup(
  app: IamReader,
  tx: Transaction,
  group: Stored<GroupBody>,
  { groupName = group.body.groupName, path = group.body.path }: Renamed<'groupName'>,
): Promise<void> {
  if (nameKey(groupName) !== nameKey(group.body.groupName)) {
    if ((await findByName(app, tx, GROUP, group.key[0]!, groupName)) !== undefined) throw errors.groupExists(groupName)
  }
  await replaceRow(app, tx, GROUP, group, { ...group.body, groupName, path })
}

/** What a rename gives: the name, the path, both or neither. */
export type Renamed<Name extends string> = { readonly [name in 'path' | Name]?: string | undefined }

/** @throws DeleteConflict where users are in it, or policies on it. */
export async function deleteGroup(app: IamReader, tx: Transaction, group: Stored<GroupBody>): Promise<void> {
  const { attachedPolicies, inlinePolicies } = group.body
  if ((await listMembers(app, tx, group.key, '', 1)).length > 0) throw errors.deleteConflict('remove users from group')
  if (attachedPolicies.length > 0) throw errors.deleteConflict('detach all policies')
  if (inlinePolicies.length > 0) throw errors.deleteConflict('delete policies')
  await deleteRow(tx, GROUP, group.key)
}

/** Adding twice is adding once. @throws LimitExceeded beyond 10 groups. */
export async function addToGroup(
  app: IamReader,
  tx: Transaction,
  user: Stored<UserBody>,
  group: Stored<GroupBody>,
): Promise<void> {
  const [account, groupId] = group.key as [string, string]
  const { groups = [] } = user.body
  if (groups.includes(groupId)) return
  if (groups.length >= GROUPS_PER_USER_MAX) throw errors.quotaExceeded('GroupsPerUser', GROUPS_PER_USER_MAX)
  await replaceRow(app, tx, USER, user, { ...user.body, groups: [...groups, groupId] })
  await insertMember(tx, account, groupId, user.key[1]!)
}

/** A user who is not in it stays out of it. */
export async function removeFromGroup(
  app: IamReader,
  tx: Transaction,
  user: Stored<UserBody>,
  group: Stored<GroupBody>,
): Promise<void> {
  const [account, groupId] = group.key as [string, string]
  const { groups = [] } = user.body
  if (!groups.includes(groupId)) return
  await replaceRow(app, tx, USER, user, { ...user.body, groups: groups.filter((id) => id !== groupId) })
  await deleteMember(tx, account, groupId, user.key[1]!)
}

/** What GetGroup pages through: the users of a group, by id. */
export const membersOf = (app: IamReader, tx: Transaction, { key }: Stored<GroupBody>): Source<Stored<UserBody>> => ({
  read: (after, limit) => listMembers(app, tx, key, after, limit),
  place: (user) => user.key[1]!,
  passes: ({ body }) => body.groups?.includes(key[1]!) ?? false,
})

/** What ListGroupsForUser pages through, by name. @throws IntegrityError where one of them was altered or is gone. */
export const groupsOf = async (
  app: IamReader,
  tx: Transaction,
  user: Stored<UserBody>,
): Promise<Source<Stored<GroupBody>>> =>
  listed(await readGroups(app, tx, user.key[0]!, user.body.groups), ({ body }) => nameKey(body.groupName))
