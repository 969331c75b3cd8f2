// Accounts and users are made and changed here.

import type { Transaction } from '../../storage/database.ts'
import { attachPolicy, findBoundary } from './attachments.ts'
import * as errors from './errors.ts'
import type { Renamed } from './groups.ts'
import { putInlinePolicy } from './inline-policies.ts'
import { type AccountBody, nameKey, type Tag, USERS_PER_ACCOUNT_MAX, type UserBody } from './model.ts'
import {
  ACCOUNT,
  countRows,
  deleteAttachment,
  deleteRow,
  findByName,
  findRow,
  type IamReader,
  type IamWriter,
  insertAttachment,
  insertRow,
  replaceRow,
  type Stored,
  USER,
} from './store.ts'
import { newAccountId, newUniqueId } from './unique-id.ts'

export type NewAccount = {
  readonly name: string
  readonly now: number
  /** 12 digits; without it a free one is taken. */
  readonly accountId?: string
  readonly email?: string
  readonly tags?: readonly Tag[]
}

/** Makes an account without access keys. Returns its id. */
export async function createAccount(
  app: IamWriter,
  tx: Transaction,
  { name, now, accountId, email, tags = [] }: NewAccount,
): Promise<string> {
  const taken = async (id: string) => (await findRow(app, tx, ACCOUNT, [id])) !== undefined
  let id = accountId ?? newAccountId(app.randomBytes)
  while (await taken(id)) {
    if (accountId !== undefined) throw errors.accountExists(accountId)
    id = newAccountId(app.randomBytes)
  }
  await insertRow(app, tx, ACCOUNT, [id], {
    name,
    createdAt: now,
    accessKeys: [],
    ...(email !== undefined && { email }),
    ...(tags.length > 0 && { tags }),
  })
  return id
}

export async function findAccount(app: IamReader, tx: Transaction, account: string): Promise<AccountBody | undefined> {
  return (await findRow(app, tx, ACCOUNT, [account]))?.body
}

/** @throws NoSuchEntity */
export async function readAccount(app: IamReader, tx: Transaction, account: string): Promise<AccountBody> {
  const body = await findAccount(app, tx, account)
  if (body === undefined) throw errors.noSuchAccount(account)
  return body
}

export type NewUser = {
  readonly userName: string
  readonly now: number
  readonly path?: string | undefined
  /** The ARN of a managed policy. */
  readonly boundary?: string | undefined
  readonly tags?: readonly Tag[]
}

/** Names are unique in the account without regard to case. Returns the id of the user, AIDA.... */
export async function createUser(
  app: IamWriter,
  tx: Transaction,
  account: string,
  { userName, now, path = '/', boundary: boundaryArn, tags = [] }: NewUser,
): Promise<string> {
  await readAccount(app, tx, account)
  if ((await findByName(app, tx, USER, account, userName)) !== undefined) throw errors.userExists(userName)
  const boundary = boundaryArn === undefined ? undefined : await findBoundary(app, tx, account, boundaryArn)
  if ((await countRows(tx, USER, account, USERS_PER_ACCOUNT_MAX)) >= USERS_PER_ACCOUNT_MAX) {
    throw errors.quotaExceeded('UsersPerAccount', USERS_PER_ACCOUNT_MAX)
  }
  const userId = newUniqueId('AIDA', app.randomBytes)
  await insertRow(app, tx, USER, [account, userId], {
    userName,
    path,
    createdAt: now,
    accessKeys: [],
    inlinePolicies: [],
    attachedPolicies: [],
    ...(boundary && { boundary }),
    ...(tags.length > 0 && { tags }),
  })
  if (boundary) await insertAttachment(tx, account, boundary.arn, 'boundary', 'user', userId)
  return userId
}

export async function readUser(
  app: IamReader,
  tx: Transaction,
  account: string,
  userName: string,
): Promise<Stored<UserBody>> {
  const user = await findByName(app, tx, USER, account, userName)
  if (user === undefined) throw errors.noSuchUser(userName)
  return user
}

/** @throws EntityAlreadyExists where another user has the name. */
export async function updateUser(
  app: IamReader,
  tx: Transaction,
  user: Stored<UserBody>,
  { userName = user.body.userName, path = user.body.path }: Renamed<'userName'>,
): Promise<void> {
  if (nameKey(userName) !== nameKey(user.body.userName)) {
    if ((await findByName(app, tx, USER, user.key[0]!, userName)) !== undefined) throw errors.userExists(userName)
  }
  await replaceRow(app, tx, USER, user, { ...user.body, userName, path })
}

/**
 * A boundary goes with the user.
 * @throws DeleteConflict where the user has access keys, policies, a password or MFA devices, or is in a group.
 */
export async function deleteUser(tx: Transaction, { key, body }: Stored<UserBody>): Promise<void> {
  const { groups = [], attachedPolicies, inlinePolicies, accessKeys, boundary, loginProfile, mfaDevices = [] } = body
  if (groups.length > 0) throw errors.deleteConflict('remove users from group')
  if (attachedPolicies.length > 0) throw errors.deleteConflict('detach all policies')
  if (inlinePolicies.length > 0) throw errors.deleteConflict('delete policies')
  if (accessKeys.length > 0) throw errors.deleteConflict('delete access keys')
  if (loginProfile !== undefined) throw errors.deleteConflict('delete login profile')
  if (mfaDevices.length > 0) throw errors.deleteConflict('delete MFA device')
  const [account, userId] = key as [string, string]
  if (boundary) await deleteAttachment(tx, account, boundary.arn, 'boundary', 'user', userId)
  await deleteRow(tx, USER, key)
}

export async function putUserPolicy(
  app: IamWriter,
  tx: Transaction,
  account: string,
  userName: string,
  policyName: string,
  document: string,
): Promise<void> {
  const user = await readUser(app, tx, account, userName)
  await putInlinePolicy(app, tx, USER, user, user.body.userName, { policyName, document })
}

export async function attachUserPolicy(
  app: IamWriter,
  tx: Transaction,
  account: string,
  userName: string,
  arn: string,
): Promise<void> {
  await attachPolicy(app, tx, USER, await readUser(app, tx, account, userName), arn)
}
