// Identities as stored: rows under their MACs, and what a request asks of them: whose access key is this, and which policies hold now.
// A row whose MAC, lookup column or parent does not agree is never used.

import { createSecretKey, type KeyObject } from 'node:crypto'
import type { App } from '../../app.ts'
import { unrecognized } from '../../auth/errors.ts'
import type { Identity, Principal, SessionFacts } from '../../call.ts'
import { IntegrityError } from '../../errors.ts'
import { compilePolicy } from '../../policy/compile.ts'
import type { NamedPolicy, PolicyHolderName } from '../../policy/engine.ts'
import { sealedVersion } from '../../seal/keyring.ts'
import type { SealedTable } from '../../seal/rotate.ts'
import { type Awaitable, andThen } from '../../storage/cache.ts'
import type { Transaction, Value } from '../../storage/database.ts'
import type { Rows, SealedColumns } from '../../storage/sealed.ts'
import { findManagedPolicy, isManagedPolicyArn } from './managed-policies.ts'
import {
  type AccessKeyBody,
  type AccessKeyEntry,
  type AccountBody,
  type AttachedPolicy,
  type CredentialReportBody,
  emailKey,
  type GroupBody,
  type InlinePolicy,
  type MfaDeviceBody,
  nameKey,
  type OidcProviderBody,
  type PolicyBody,
  type PolicyVersionBody,
  type RoleBody,
  type RoleDeletionBody,
  rootArn,
  type UserBody,
  userArn,
} from './model.ts'
import { type Found, Remembered } from './remembered.ts'
import { accountOfAccessKeyId } from './unique-id.ts'

/** What reading needs of the App. */
export type IamReader = Pick<App, 'partition' | 'rows' | 'keyring'>
/** What writing needs of it. */
export type IamWriter = IamReader & Pick<App, 'randomBytes'>

/** The body is shared with other readers: treat it as frozen. */
export type Stored<Body extends object> = { readonly key: readonly string[]; readonly rev: number; readonly body: Body }

/** `lookup` gives the columns that stand outside the MAC, so that they can be compared with the body. */
type Table<Body extends object> = {
  readonly name: string
  readonly keyColumns: readonly string[]
  readonly lookupColumns: readonly string[]
  readonly lookup: (body: Body) => readonly (string | number | null)[]
}

/** Keyed by account and id (of a policy, its ARN); `nameColumn` is unique in the account: the name in lower case, but for devices and providers. */
export type NamedTable<Body extends object> = Table<Body> & { readonly nameColumn: string }

/** Of what policies are attached to. */
export type HolderTable<Body extends object> = NamedTable<Body> & { readonly kind: HolderKind }

export type HolderKind = 'user' | 'group' | 'role'

export const ACCOUNT: Table<AccountBody> = {
  name: 'account',
  keyColumns: ['account_id'],
  lookupColumns: ['email_key', 'alias'],
  lookup: ({ email, alias }) => [email === undefined ? null : emailKey(email), alias ?? null],
}

/** Keyed by account and user id. */
export const USER: HolderTable<UserBody> = {
  kind: 'user',
  name: 'iam_user',
  keyColumns: ['account_id', 'user_id'],
  nameColumn: 'user_name_key',
  lookupColumns: ['user_name_key'],
  lookup: ({ userName }) => [nameKey(userName)],
}

export const ACCESS_KEY: Table<AccessKeyBody> = {
  name: 'iam_access_key',
  keyColumns: ['access_key_id'],
  lookupColumns: ['account_id', 'domain_key_version'],
  lookup: ({ account, sealedSecret }) => [account, sealedVersion(Buffer.from(sealedSecret, 'base64'))],
}

/** Keyed by account and group id. */
export const GROUP: HolderTable<GroupBody> = {
  kind: 'group',
  name: 'iam_group',
  keyColumns: ['account_id', 'group_id'],
  nameColumn: 'group_name_key',
  lookupColumns: ['group_name_key'],
  lookup: ({ groupName }) => [nameKey(groupName)],
}

/** Keyed by account and role id. */
export const ROLE: HolderTable<RoleBody> = {
  kind: 'role',
  name: 'iam_role',
  keyColumns: ['account_id', 'role_id'],
  nameColumn: 'role_name_key',
  lookupColumns: ['role_name_key'],
  lookup: ({ roleName }) => [nameKey(roleName)],
}

/** Keyed by account and ARN. */
export const POLICY: NamedTable<PolicyBody> = {
  name: 'iam_policy',
  keyColumns: ['account_id', 'arn'],
  nameColumn: 'policy_name_key',
  lookupColumns: ['policy_name_key'],
  lookup: ({ policyName }) => [nameKey(policyName)],
}

/** Keyed by account, ARN and version id. */
export const POLICY_VERSION: Table<PolicyVersionBody> = {
  name: 'iam_policy_version',
  keyColumns: ['account_id', 'arn', 'version_id'],
  lookupColumns: [],
  lookup: () => [],
}

/** Keyed by account and ARN; listed by URL. */
export const OIDC_PROVIDER: NamedTable<OidcProviderBody> = {
  name: 'iam_oidc_provider',
  keyColumns: ['account_id', 'arn'],
  nameColumn: 'url',
  lookupColumns: ['url'],
  lookup: ({ url }) => [url],
}

/** Keyed by account and serial number, and listed by it. */
export const MFA_DEVICE: NamedTable<MfaDeviceBody> = {
  name: 'iam_mfa_device',
  keyColumns: ['account_id', 'serial_number'],
  nameColumn: 'serial_number',
  lookupColumns: ['user_id', 'domain_key_version'],
  lookup: ({ userId, sealedSeed }) => [userId ?? null, sealedVersion(Buffer.from(sealedSeed, 'base64'))],
}

/** Keyed by account and the id of the deletion task. */
export const ROLE_DELETION: Table<RoleDeletionBody> = {
  name: 'iam_role_deletion',
  keyColumns: ['account_id', 'task_id'],
  lookupColumns: ['deleted_at'],
  lookup: ({ deletedAt }) => [deletedAt],
}

/** Keyed by account. */
export const CREDENTIAL_REPORT: Table<CredentialReportBody> = {
  name: 'iam_credential_report',
  keyColumns: ['account_id'],
  lookupColumns: [],
  lookup: () => [],
}

const SETTING: Table<{ readonly accountId: string }> = {
  name: 'setting',
  keyColumns: ['name'],
  lookupColumns: [],
  lookup: () => [],
}

type Columns = SealedColumns & { readonly [column: string]: Value }

/** @throws IntegrityError where the row was altered. */
export async function findRow<Body extends object>(
  { rows }: IamReader,
  tx: Transaction,
  table: Table<Body>,
  key: readonly string[],
): Promise<Stored<Body> | undefined> {
  const columns = ['rev', 'body', 'mac', ...table.lookupColumns].join(', ')
  const row = await tx.get<Columns>(`SELECT ${columns} FROM ${table.name} WHERE ${keyIs(table)}`, ...key)
  return row && opened(rows, table, key, row)
}

function opened<Body extends object>(
  rows: Rows,
  table: Table<Body>,
  key: readonly string[],
  row: Columns,
): Stored<Body> {
  const body = rows.open<Body>(table.name, key, row)
  const lookup = table.lookup(body)
  if (!table.lookupColumns.every((column, i) => row[column] === lookup[i])) {
    throw new IntegrityError(table.name, key, 'has a lookup column that was altered outside the server')
  }
  return { key, rev: row.rev, body }
}

const keyIs = ({ keyColumns }: Table<never>): string =>
  keyColumns.map((column, i) => `${column} = $${i + 1}`).join(' AND ')

export async function insertRow<Body extends object>(
  { rows }: IamReader,
  tx: Transaction,
  table: Table<Body>,
  key: readonly string[],
  value: Body,
): Promise<Stored<Body>> {
  const { rev, body, mac } = rows.seal(table.name, key, 1, value)
  const columns = [...table.keyColumns, ...table.lookupColumns, 'rev', 'body', 'mac']
  const places = columns.map((_, i) => `$${i + 1}`).join(', ')
  await tx.run(
    `INSERT INTO ${table.name} (${columns.join(', ')}) VALUES (${places})`,
    ...key,
    ...table.lookup(value),
    rev,
    body,
    mac,
  )
  return { key, rev, body: value }
}

/** Writes the body that follows `stored`, under the next rev. */
export async function replaceRow<Body extends object>(
  { rows }: IamReader,
  tx: Transaction,
  table: Table<Body>,
  stored: Stored<Body>,
  value: Body,
): Promise<void> {
  const { rev, body, mac } = rows.seal(table.name, stored.key, stored.rev + 1, value)
  const columns = [...table.lookupColumns, 'rev', 'body', 'mac']
  const places = columns.map((column, i) => `${column} = $${stored.key.length + 1 + i}`).join(', ')
  const { changes } = await tx.run(
    `UPDATE ${table.name} SET ${places} WHERE ${keyIs(table)}`,
    ...stored.key,
    ...table.lookup(value),
    rev,
    body,
    mac,
  )
  if (changes !== 1) throw new IntegrityError(table.name, stored.key, 'is gone')
}

export async function deleteRow(tx: Transaction, table: Table<never>, key: readonly string[]): Promise<number> {
  return (await tx.run(`DELETE FROM ${table.name} WHERE ${keyIs(table)}`, ...key)).changes
}

/** Without regard to case. @throws IntegrityError where the row was altered. */
export async function findByName<Body extends object>(
  { rows }: IamReader,
  tx: Transaction,
  table: NamedTable<Body>,
  account: string,
  name: string,
): Promise<Stored<Body> | undefined> {
  const id = table.keyColumns[1]!
  const row = await tx.get<Columns>(
    `SELECT ${id}, ${table.nameColumn}, rev, body, mac FROM ${table.name} WHERE account_id = $1 AND ${table.nameColumn} = $2`,
    account,
    nameKey(name),
  )
  return row && opened(rows, table, [account, row[id] as string], row)
}

/** The rows of an account whose names come after `after`, in the order of names in lower case. @throws IntegrityError */
export async function listByName<Body extends object>(
  { rows }: IamReader,
  tx: Transaction,
  table: NamedTable<Body>,
  account: string,
  after: string,
  limit: number,
): Promise<readonly Stored<Body>[]> {
  const id = table.keyColumns[1]!
  const found = await tx.all<Columns>(
    `SELECT ${[id, ...table.lookupColumns, 'rev', 'body', 'mac'].join(', ')} FROM ${table.name}
     WHERE account_id = $1 AND ${table.nameColumn} > $2 ORDER BY ${table.nameColumn} LIMIT $3`,
    account,
    after,
    limit,
  )
  return found.map((row) => opened(rows, table, [account, row[id] as string], row))
}

/** How many rows of an account there are, counted up to `max`. */
export async function countRows(tx: Transaction, table: Table<never>, account: string, max: number): Promise<number> {
  const counted = await tx.get<{ readonly count: number }>(
    `SELECT COUNT(*) AS count FROM (SELECT 1 FROM ${table.name} WHERE account_id = $1 LIMIT $2) AS found`,
    account,
    max,
  )
  return counted!.count
}

/** How many MFA devices an account has, and how many of them are enabled for a user. */
export async function countMfaDevices(
  tx: Transaction,
  account: string,
): Promise<{ readonly all: number; readonly inUse: number }> {
  const counted = await tx.get<{ readonly all_devices: number; readonly in_use: number }>(
    'SELECT COUNT(*) AS all_devices, COUNT(user_id) AS in_use FROM iam_mfa_device WHERE account_id = $1',
    account,
  )
  return { all: counted!.all_devices, inUse: counted!.in_use }
}

/** What a policy is to its holder. */
export type AttachedAs = 'policy' | 'boundary'

export async function insertAttachment(
  tx: Transaction,
  account: string,
  arn: string,
  usedAs: AttachedAs,
  kind: HolderKind,
  id: string,
): Promise<void> {
  await tx.run(
    `INSERT INTO iam_attachment (account_id, arn, used_as, entity_kind, entity_id) VALUES ($1, $2, $3, $4, $5)
     ON CONFLICT DO NOTHING`,
    account,
    arn,
    usedAs,
    kind,
    id,
  )
}

export async function deleteAttachment(
  tx: Transaction,
  account: string,
  arn: string,
  usedAs: AttachedAs,
  kind: HolderKind,
  id: string,
): Promise<void> {
  await tx.run(
    `DELETE FROM iam_attachment
     WHERE account_id = $1 AND arn = $2 AND used_as = $3 AND entity_kind = $4 AND entity_id = $5`,
    account,
    arn,
    usedAs,
    kind,
    id,
  )
}

/** How many users, groups and roles a policy is attached to, and of how many it is the boundary. */
export type Attachments = { readonly [usedAs in AttachedAs]: number }

/**
 * By ARN; policies that nothing has are absent. By the index, which has no MAC: to be shown, and to keep what is in use. A policy that was
 * deleted all the same is missed by its holders and refused to them.
 */
export async function countAttachments(
  tx: Transaction,
  account: string,
  arns: readonly string[],
): Promise<ReadonlyMap<string, Attachments>> {
  if (arns.length === 0) return new Map()
  const places = arns.map((_, i) => `$${i + 2}`).join(', ')
  const found = await tx.all<{ readonly arn: string; readonly used_as: AttachedAs; readonly count: number }>(
    `SELECT arn, used_as, COUNT(*) AS count FROM iam_attachment
     WHERE account_id = $1 AND arn IN (${places}) GROUP BY arn, used_as`,
    account,
    ...arns,
  )
  const counts = new Map<string, Attachments>()
  for (const { arn, used_as: usedAs, count } of found) {
    counts.set(arn, { policy: 0, boundary: 0, ...counts.get(arn), [usedAs]: count })
  }
  return counts
}

export type Holder = { readonly kind: HolderKind; readonly id: string }

/** Who has a policy by the index, in the order of kinds and ids, after a holder. The holders' own rows decide. */
export async function listHolders(
  tx: Transaction,
  account: string,
  arn: string,
  filter: { readonly usedAs: AttachedAs | undefined; readonly kind: HolderKind | undefined },
  after: Holder | undefined,
  limit: number,
): Promise<readonly Holder[]> {
  const values: (string | number)[] = [account, arn]
  const bind = (value: string | number): string => `$${values.push(value)}`
  const where = ['account_id = $1', 'arn = $2']
  if (filter.usedAs !== undefined) where.push(`used_as = ${bind(filter.usedAs)}`)
  if (filter.kind !== undefined) where.push(`entity_kind = ${bind(filter.kind)}`)
  if (after !== undefined) where.push(`(entity_kind, entity_id) > (${bind(after.kind)}, ${bind(after.id)})`)
  return tx.all<Holder>(
    `SELECT DISTINCT entity_kind AS kind, entity_id AS id FROM iam_attachment WHERE ${where.join(' AND ')}
     ORDER BY kind, id LIMIT ${bind(limit)}`,
    ...values,
  )
}

/** Which customer managed policies are listed: `from <= ARN < to`, and those that something has as what `usedAs` names. */
export type PolicyRange = {
  readonly from: string
  readonly to: string
  /** Undefined: whether anything has them or not. */
  readonly usedAs: readonly AttachedAs[] | undefined
}

/** In the order of ARNs, after one. @throws IntegrityError */
export async function listPolicies(
  { rows }: IamReader,
  tx: Transaction,
  account: string,
  { from, to, usedAs }: PolicyRange,
  after: string,
  limit: number,
): Promise<readonly Stored<PolicyBody>[]> {
  const values: (string | number)[] = [account, from, to, after, limit]
  const uses = usedAs?.map((use) => `$${values.push(use)}`).join(', ')
  const used =
    uses === undefined
      ? ''
      : `AND EXISTS (SELECT 1 FROM iam_attachment AS held
         WHERE held.account_id = iam_policy.account_id AND held.arn = iam_policy.arn AND held.used_as IN (${uses}))`
  const found = await tx.all<Columns & { readonly arn: string }>(
    `SELECT arn, policy_name_key, rev, body, mac FROM iam_policy
     WHERE account_id = $1 AND arn >= $2 AND arn < $3 AND arn > $4 ${used} ORDER BY arn LIMIT $5`,
    ...values,
  )
  return found.map((row) => opened(rows, POLICY, [account, row.arn], row))
}

/** Whether a user (AIDA...) or a role (AROA...) of any account has this id. */
export async function holdsUniqueId(tx: Transaction, id: string): Promise<boolean> {
  const table = id.startsWith('AIDA') ? 'iam_user WHERE user_id' : 'iam_role WHERE role_id'
  return (await tx.get(`SELECT 1 AS present FROM ${table} = $1 LIMIT 1`, id)) !== undefined
}

/** Nobody asks for what became of a role that was deleted before `before`. */
export async function forgetRoleDeletions(tx: Transaction, account: string, before: number): Promise<void> {
  await tx.run('DELETE FROM iam_role_deletion WHERE account_id = $1 AND deleted_at < $2', account, before)
}

export async function findAccountByEmail(
  { rows }: IamReader,
  tx: Transaction,
  email: string,
): Promise<Stored<AccountBody> | undefined> {
  const row = await tx.get<Columns & { readonly account_id: string }>(
    'SELECT account_id, email_key, alias, rev, body, mac FROM account WHERE email_key = $1',
    emailKey(email),
  )
  return row && opened(rows, ACCOUNT, [row.account_id], row)
}

/** Of whatever account. @throws IntegrityError */
export async function findAccountByAlias(
  { rows }: IamReader,
  tx: Transaction,
  alias: string,
): Promise<Stored<AccountBody> | undefined> {
  const row = await tx.get<Columns & { readonly account_id: string }>(
    'SELECT account_id, email_key, alias, rev, body, mac FROM account WHERE alias = $1',
    alias,
  )
  return row && opened(rows, ACCOUNT, [row.account_id], row)
}

/** The accounts whose ids come after `after`, in the order of ids. @throws IntegrityError */
export async function listAccountRows(
  { rows }: IamReader,
  tx: Transaction,
  after: string,
  limit: number,
): Promise<readonly Stored<AccountBody>[]> {
  const found = await tx.all<Columns & { readonly account_id: string }>(
    'SELECT account_id, email_key, alias, rev, body, mac FROM account WHERE account_id > $1 ORDER BY account_id LIMIT $2',
    after,
    limit,
  )
  return found.map((row) => opened(rows, ACCOUNT, [row.account_id], row))
}

export async function countAccounts(tx: Transaction): Promise<number> {
  return (await tx.get<{ readonly count: number }>('SELECT COUNT(*) AS count FROM account'))!.count
}

export async function insertMember(tx: Transaction, account: string, groupId: string, userId: string): Promise<void> {
  await tx.run(
    'INSERT INTO iam_group_member (account_id, group_id, user_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING',
    account,
    groupId,
    userId,
  )
}

export async function deleteMember(tx: Transaction, account: string, groupId: string, userId: string): Promise<void> {
  await tx.run(
    'DELETE FROM iam_group_member WHERE account_id = $1 AND group_id = $2 AND user_id = $3',
    account,
    groupId,
    userId,
  )
}

/** The users that the index has in a group, by id, after one of them. Their bodies decide. @throws IntegrityError */
export async function listMembers(
  { rows }: IamReader,
  tx: Transaction,
  groupKey: readonly string[],
  after: string,
  limit: number,
): Promise<readonly Stored<UserBody>[]> {
  const [account, groupId] = groupKey as [string, string]
  const found = await tx.all<Columns & { readonly user_id: string }>(
    `SELECT u.user_id, u.user_name_key, u.rev, u.body, u.mac
     FROM iam_group_member m JOIN iam_user u ON u.account_id = m.account_id AND u.user_id = m.user_id
     WHERE m.account_id = $1 AND m.group_id = $2 AND m.user_id > $3 ORDER BY m.user_id LIMIT $4`,
    account,
    groupId,
    after,
    limit,
  )
  return found.map((row) => opened(rows, USER, [account, row.user_id], row))
}

/** In the order of `ids`. @throws IntegrityError where one was altered or is gone. */
export async function readGroups(
  app: IamReader,
  tx: Transaction,
  account: string,
  ids: readonly string[] = [],
): Promise<readonly Stored<GroupBody>[]> {
  const groups: Stored<GroupBody>[] = []
  for (const id of ids) {
    const group = await findRow(app, tx, GROUP, [account, id])
    // It is refused and not left out: its policies may have been those that deny.
    if (group === undefined) throw new IntegrityError(GROUP.name, [account, id], 'has a user but is not there')
    groups.push(group)
  }
  return groups
}

const FIRST_ACCOUNT = ['iam.first-account']

/** The account that the first start made. @throws IntegrityError where accounts exist and none is known as the first. */
export async function findFirstAccount(app: IamReader, tx: Transaction): Promise<string | undefined> {
  const setting = await findRow(app, tx, SETTING, FIRST_ACCOUNT)
  if (setting !== undefined) return setting.body.accountId
  if ((await tx.get('SELECT 1 AS present FROM account LIMIT 1')) === undefined) return undefined
  throw new IntegrityError(SETTING.name, FIRST_ACCOUNT, 'is missing, though accounts exist')
}

export const insertFirstAccount = async (app: IamReader, tx: Transaction, accountId: string): Promise<void> => {
  await insertRow(app, tx, SETTING, FIRST_ACCOUNT, { accountId })
}

/** The last use of an access key or of a role. `usedAt` is in milliseconds; `service` is `secretsmanager`. */
export type Use = { readonly usedAt: number; readonly service: string; readonly region: string }

/** Undefined where the key was never used. */
export async function findKeyUse(tx: Transaction, accessKeyId: string): Promise<Use | undefined> {
  const row = await tx.get<{ readonly used_at: number; readonly used_service: string; readonly used_region: string }>(
    'SELECT used_at, used_service, used_region FROM iam_access_key WHERE access_key_id = $1 AND used_at > 0',
    accessKeyId,
  )
  return row && { usedAt: row.used_at, service: row.used_service, region: row.used_region }
}

/** Outside the MAC. A later use that another process wrote stays; so does nothing of a key that is gone. */
export async function recordKeyUse(
  tx: Transaction,
  accessKeyId: string,
  { usedAt, service, region }: Use,
): Promise<void> {
  await tx.run(
    'UPDATE iam_access_key SET used_at = $1, used_service = $2, used_region = $3 WHERE access_key_id = $4 AND used_at < $5',
    usedAt,
    service,
    region,
    accessKeyId,
    usedAt,
  )
}

/** The same of a role, of which the service is not kept. */
export type RoleUse = Omit<Use, 'service'>

/** Undefined where the role was never used. */
export async function findRoleUse(tx: Transaction, account: string, roleId: string): Promise<RoleUse | undefined> {
  const row = await tx.get<{ readonly used_at: number; readonly used_region: string }>(
    'SELECT used_at, used_region FROM iam_role WHERE account_id = $1 AND role_id = $2 AND used_at > 0',
    account,
    roleId,
  )
  return row && { usedAt: row.used_at, region: row.used_region }
}

/** Outside the MAC, and only forward. */
export async function recordRoleUse(
  tx: Transaction,
  account: string,
  roleId: string,
  { usedAt, region }: RoleUse,
): Promise<void> {
  await tx.run(
    'UPDATE iam_role SET used_at = $1, used_region = $2 WHERE account_id = $3 AND role_id = $4 AND used_at < $5',
    usedAt,
    region,
    account,
    roleId,
    usedAt,
  )
}

/** What findAccessKey tells: everything that a signature check needs. */
export type AccessKey = {
  readonly identity: Identity
  readonly secretAccessKey: KeyObject
  readonly active: boolean
}

export type Owner = Stored<UserBody> | Stored<AccountBody>

type Caches = {
  readonly accessKeys: Remembered<AccessKey>
  readonly principals: Remembered<Principal>
  /** Of sessions, whose facts stay the same object for as long as their token is remembered. */
  readonly sessions: Remembered<true, SessionFacts>
  readonly sessionPrincipals: Remembered<Principal, SessionFacts>
}

const REMEMBERED_MAX = 1_024
const cachesByRows = new WeakMap<Rows, Caches>()

/** One set for each App: its rows stand for it. */
export function cachesOf({ rows }: IamReader): Caches {
  const known = cachesByRows.get(rows)
  if (known !== undefined) return known
  const caches = {
    accessKeys: new Remembered<AccessKey>(REMEMBERED_MAX),
    principals: new Remembered<Principal>(REMEMBERED_MAX),
    sessions: new Remembered<true, SessionFacts>(REMEMBERED_MAX),
    sessionPrincipals: new Remembered<Principal, SessionFacts>(REMEMBERED_MAX),
  }
  cachesByRows.set(rows, caches)
  return caches
}

/**
 * The access key and its owner; undefined where there is none, or its account is suspended. The same object as long as nothing about it
 * changed.
 * @throws IntegrityError where the key or its owner was altered, or the owner does not list the key.
 */
export function findAccessKey(app: IamReader, tx: Transaction, accessKeyId: string): Awaitable<AccessKey | undefined> {
  return cachesOf(app).accessKeys.read(tx, accessKeyId, async () => {
    const key = await findRow(app, tx, ACCESS_KEY, [accessKeyId])
    if (key === undefined) return undefined
    const { account, userId } = key.body
    const [accountRow, owner] = await Promise.all([
      findRow(app, tx, ACCOUNT, [account]),
      findOwner(app, tx, account, userId),
    ])
    if (accountRow === undefined || owner === undefined)
      throw new IntegrityError(ACCESS_KEY.name, key.key, 'has no owner')
    if (isSuspended(accountRow)) return undefined
    const entry = entryOf(owner, accessKeyId)
    if (entry === undefined) throw new IntegrityError(ACCESS_KEY.name, key.key, 'is not among the keys of its owner')
    return {
      sources: [key.body, owner.body],
      make: () => ({
        identity: identityOf(app.partition, owner, accessKeyId),
        secretAccessKey: openSecret(app, accessKeyId, key.body),
        active: entry.status === 'Active',
      }),
    }
  })
}

/** Of a long-term access key its row tells, which may have been given an id of another account's form; of a session only the id. */
export async function findAccountOfAccessKey(
  app: IamReader,
  tx: Transaction,
  accessKeyId: string,
): Promise<string | undefined> {
  return (await findRow(app, tx, ACCESS_KEY, [accessKeyId]))?.body.account ?? accountOfAccessKeyId(accessKeyId)
}

/**
 * The identity of a long-term access key with the policies that hold in this transaction.
 * @throws SignatureError where its access key no longer holds.
 * @throws IntegrityError where its rows or the policies attached to it were altered or are missing.
 */
export function readPrincipal(app: IamReader, tx: Transaction, identity: Identity): Awaitable<Principal> {
  const { account, kind, userId, accessKeyId } = identity
  const principal = cachesOf(app).principals.read(tx, accessKeyId, async () => {
    const [accountRow, owner] = await Promise.all([
      findRow(app, tx, ACCOUNT, [account]),
      findOwner(app, tx, account, kind === 'user' ? userId : undefined),
    ])
    if (accountRow === undefined || isSuspended(accountRow)) return undefined
    if (owner === undefined || entryOf(owner, accessKeyId)?.status !== 'Active') return undefined
    return findOwnerPrincipal(app, tx, owner, accessKeyId)
  })
  return andThen(principal, (found) => {
    if (found?.account !== account || found.userId !== userId) throw unrecognized()
    return found
  })
}

/** A user or root user with the policies that hold in this transaction, whatever it signs with. @throws IntegrityError as findPolicies */
export async function findOwnerPrincipal(
  app: IamReader,
  tx: Transaction,
  owner: Owner,
  accessKeyId: string,
): Promise<Found<Principal>> {
  const account = owner.key[0]!
  const { sources, compile } = 'userName' in owner.body ? await findPolicies(app, tx, account, owner.body) : NONE
  return {
    sources: [owner.body, ...sources],
    make: () => {
      const identity = identityOf(app.partition, owner, accessKeyId)
      const { kind, arn, userId } = identity
      return { identity, kind, arn, account, userId, ...compile(), tags: tagsOf(owner) }
    },
  }
}

/** Nobody of a suspended account is let in. */
export const isSuspended = ({ body }: Stored<AccountBody>): boolean => body.status === 'SUSPENDED'

const findOwner = (
  app: IamReader,
  tx: Transaction,
  account: string,
  userId: string | undefined,
): Promise<Owner | undefined> =>
  userId === undefined ? findRow(app, tx, ACCOUNT, [account]) : findRow(app, tx, USER, [account, userId])

const entryOf = ({ body }: Owner, accessKeyId: string): AccessKeyEntry | undefined =>
  body.accessKeys.find((entry) => entry.accessKeyId === accessKeyId)

function identityOf(partition: string, { key, body }: Owner, accessKeyId: string): Identity {
  const account = key[0]!
  if (!('userName' in body)) {
    return { accessKeyId, account, kind: 'root', userId: account, arn: rootArn(partition, account) }
  }
  const arn = userArn(partition, account, body)
  return { accessKeyId, account, kind: 'user', userId: key[1]!, arn, userName: body.userName }
}

const tagsOf = ({ body }: Owner): Principal['tags'] =>
  'userName' in body ? Object.fromEntries((body.tags ?? []).map(({ key, value }) => [key, value])) : {}

/** Whatever policies are attached to. */
export type PolicyHolder = (
  | { readonly userName: string }
  | { readonly groupName: string }
  | { readonly roleName: string }
) & {
  readonly inlinePolicies: readonly InlinePolicy[]
  readonly attachedPolicies: readonly AttachedPolicy[]
  readonly groups?: readonly string[]
  readonly boundary?: AttachedPolicy
}

type HeldPolicies = {
  /** What they depend on; see Found. */
  readonly sources: readonly object[]
  readonly compile: () => Pick<Principal, 'policies' | 'boundary'>
}

const NONE: HeldPolicies = { sources: [], compile: () => ({ policies: [] }) }

/** The policies of a user or a role, of a user's groups too. @throws IntegrityError where one of them is missing or altered. */
export async function findPolicies(
  app: IamReader,
  tx: Transaction,
  account: string,
  holder: PolicyHolder,
): Promise<HeldPolicies> {
  const groups = await readGroups(app, tx, account, holder.groups)
  const holders: readonly PolicyHolder[] = [holder, ...groups.map(({ body }) => body)]
  const attached: (readonly NamedPolicy[])[] = []
  for (const { attachedPolicies } of holders) attached.push(await readAttached(app, tx, account, attachedPolicies))
  const [boundary] = await readAttached(app, tx, account, holder.boundary ? [holder.boundary] : [])
  return {
    sources: [...holders, ...attached.flat(), ...(boundary ? [boundary] : [])],
    compile: () => ({
      policies: [
        ...holders.flatMap(compileInline),
        ...holders.flatMap((each, at) => attached[at]!.map((policy) => ({ ...policy, holder: holderName(each) }))),
      ],
      ...(boundary && { boundary }),
    }),
  }
}

const holderName = (holder: PolicyHolder): PolicyHolderName =>
  'userName' in holder
    ? { kind: 'user', name: holder.userName }
    : 'groupName' in holder
      ? { kind: 'group', name: holder.groupName }
      : { kind: 'role', name: holder.roleName }

const compileInline = (holder: PolicyHolder): readonly NamedPolicy[] =>
  holder.inlinePolicies.map(({ policyName, document }) => ({
    name: policyName,
    holder: holderName(holder),
    policy: compilePolicy(document, 'identity'),
  }))

/** By the opened body, which stays the same object while its row does. */
const compiledPolicies = new WeakMap<PolicyBody, NamedPolicy & { readonly policyId: string }>()

/** Missing is refused and not left out: the policy may have been the one that denies. */
export async function readAttached(
  app: IamReader,
  tx: Transaction,
  account: string,
  attached: readonly AttachedPolicy[],
): Promise<readonly NamedPolicy[]> {
  const policies: NamedPolicy[] = []
  for (const { arn, policyId } of attached) {
    const policy = await findManagedOrOwn(app, tx, account, arn)
    if (policy === undefined || policy.policyId !== policyId)
      throw new IntegrityError(POLICY.name, [account, arn], 'is attached but is not there')
    policies.push(policy)
  }
  return policies
}

/** The policy of AWS, or of the account, that has the ARN now. The same object as long as it is the same. */
export async function findManagedOrOwn(
  app: IamReader,
  tx: Transaction,
  account: string,
  arn: string,
): Promise<(NamedPolicy & { readonly policyId?: string }) | undefined> {
  if (isManagedPolicyArn(app.partition, arn)) return findManagedPolicy(app.partition, arn)
  const stored = await findRow(app, tx, POLICY, [account, arn])
  if (stored === undefined) return undefined
  const known = compiledPolicies.get(stored.body)
  if (known !== undefined) return known
  const { document, policyId } = stored.body
  const policy = { name: arn, policy: compilePolicy(document, 'identity'), policyId }
  compiledPolicies.set(stored.body, policy)
  return policy
}

const PURPOSE = 'iam-access-key'

const binding = (account: string, userId: string | undefined, accessKeyId: string): readonly Uint8Array[] =>
  [account, userId ?? account, accessKeyId].map((part) => Buffer.from(part))

/** Base64 of the sealed secret, which opens only as this owner's key of this id. */
export function sealSecret(
  { keyring }: IamReader,
  account: string,
  userId: string | undefined,
  accessKeyId: string,
  secretAccessKey: string | Uint8Array,
): string {
  const plaintext = Buffer.from(secretAccessKey)
  const sealed = keyring.seal(PURPOSE, plaintext, binding(account, userId, accessKeyId))
  plaintext.fill(0)
  return Buffer.from(sealed).toString('base64')
}

/** The caller zeroes it. @throws IntegrityError */
function unsealSecret(
  { keyring }: IamReader,
  accessKeyId: string,
  { account, userId, sealedSecret }: AccessKeyBody,
): Buffer {
  const plaintext = keyring.open(PURPOSE, Buffer.from(sealedSecret, 'base64'), binding(account, userId, accessKeyId))
  if (plaintext === undefined)
    throw new IntegrityError(ACCESS_KEY.name, [accessKeyId], 'has a secret that does not open')
  return plaintext
}

function openSecret(app: IamReader, accessKeyId: string, body: AccessKeyBody): KeyObject {
  const plaintext = unsealSecret(app, accessKeyId, body)
  const secret = createSecretKey(plaintext)
  plaintext.fill(0)
  return secret
}

/** The secret access keys, for the rotation of domain keys. */
export const accessKeyTable = (app: IamReader): SealedTable => ({
  name: ACCESS_KEY.name,
  purposes: [PURPOSE],

  reseal: async (tx, version, limit) => {
    const found = await tx.all<{ readonly access_key_id: string }>(
      'SELECT access_key_id FROM iam_access_key WHERE domain_key_version < $1 LIMIT $2',
      version,
      limit,
    )
    for (const { access_key_id: accessKeyId } of found) {
      const stored = await findRow(app, tx, ACCESS_KEY, [accessKeyId])
      if (stored === undefined) continue
      const { account, userId } = stored.body
      const plaintext = unsealSecret(app, accessKeyId, stored.body)
      const sealedSecret = sealSecret(app, account, userId, accessKeyId, plaintext)
      plaintext.fill(0)
      await replaceRow(app, tx, ACCESS_KEY, stored, { ...stored.body, sealedSecret })
    }
    return found.length
  },

  refersTo: async (tx, version) =>
    (await tx.get('SELECT 1 AS present FROM iam_access_key WHERE domain_key_version = $1 LIMIT 1', version)) !==
    undefined,
})

const SEED_PURPOSE = 'iam-mfa-seed'

const seedBinding = (key: readonly string[]): readonly Uint8Array[] => key.map((part) => Buffer.from(part))

/** Base64 of a sealed seed, which opens only as that of the device of this key: account and serial number. */
export const sealSeed = ({ keyring }: IamReader, key: readonly string[], seed: Uint8Array): string =>
  Buffer.from(keyring.seal(SEED_PURPOSE, seed, seedBinding(key))).toString('base64')

/** The caller zeroes it. @throws IntegrityError */
export function openSeed({ keyring }: IamReader, { key, body }: Stored<MfaDeviceBody>): Buffer {
  const seed = keyring.open(SEED_PURPOSE, Buffer.from(body.sealedSeed, 'base64'), seedBinding(key))
  if (seed === undefined) throw new IntegrityError(MFA_DEVICE.name, key, 'has a seed that does not open')
  return seed
}

/** The seeds of MFA devices, for the rotation of domain keys. */
export const mfaDeviceTable = (app: IamReader): SealedTable => ({
  name: MFA_DEVICE.name,
  purposes: [SEED_PURPOSE],

  reseal: async (tx, version, limit) => {
    const found = await tx.all<{ readonly account_id: string; readonly serial_number: string }>(
      'SELECT account_id, serial_number FROM iam_mfa_device WHERE domain_key_version < $1 LIMIT $2',
      version,
      limit,
    )
    for (const { account_id: account, serial_number: serialNumber } of found) {
      const stored = await findRow(app, tx, MFA_DEVICE, [account, serialNumber])
      if (stored === undefined) continue
      const seed = openSeed(app, stored)
      const sealedSeed = sealSeed(app, stored.key, seed)
      seed.fill(0)
      await replaceRow(app, tx, MFA_DEVICE, stored, { ...stored.body, sealedSeed })
    }
    return found.length
  },

  refersTo: async (tx, version) =>
    (await tx.get('SELECT 1 AS present FROM iam_mfa_device WHERE domain_key_version = $1 LIMIT 1', version)) !==
    undefined,
})
