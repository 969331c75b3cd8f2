// The rows of secrets, of their encrypted values and of their resource policies. Every row is opened under its MAC, lookup columns are
// compared with what the body says, and the row of a value or a policy must be the one that its secret vouches for.

import { hash } from 'node:crypto'
import type { App } from '../../app.ts'
import type { Call } from '../../call.ts'
import { IntegrityError } from '../../errors.ts'
import { type Awaitable, andThen, Lru, SnapshotCache } from '../../storage/cache.ts'
import { DatabaseError, type Transaction } from '../../storage/database.ts'
import type { SealedColumns } from '../../storage/sealed.ts'
import type { NamingPolicy } from '../iam/port.ts'
import * as errors from './errors.ts'
import { prunedVersions, replicaEvents, secretChanges, tellServiceEvents } from './events.ts'
import type { Secret, SecretVersion, ValuedVersion } from './model.ts'
import { forgetRotation } from './rotation/jobs.ts'

/** A secret and where it is stored. */
export type StoredSecret = {
  readonly account: string
  readonly region: string
  readonly rev: number
  /** Midnight UTC of the last day on which it was read; 0 where it never was. Not under the MAC. */
  readonly accessedDay: number
  readonly secret: Secret
}

/** The encrypted value of a version: bytes that value.ts frames. */
export type StoredValue = { readonly rev: number; readonly accessedDay: number; readonly bytes: Uint8Array }

type SecretRow = SealedColumns & {
  readonly account_id: string
  readonly region: string
  readonly name: string
  readonly created_at: number
  readonly changed_at: number
  readonly accessed_day: number
}

type VersionRow = SealedColumns & { readonly accessed_day: number }

const SECRET_COLUMNS = 'account_id, region, name, created_at, changed_at, accessed_day, rev, body, mac'

/** One reading of a version of a secret. */
export type Access = {
  readonly account: string
  readonly region: string
  readonly name: string
  /** Tells the secret from a later one of the same name. */
  readonly createdAt: number
  readonly arn: string
  readonly versionId: string
  /** Midnight UTC, in milliseconds since the epoch. */
  readonly day: number
}

/** What was read in the current snapshot, bounded. Values stay encrypted: nothing here is a secret in plaintext. */
export type SecretRows = {
  readonly secrets: SnapshotCache<StoredSecret>
  readonly values: SnapshotCache<StoredValue>
  readonly policies: SnapshotCache<NamingPolicy>
  /** By digest: the same object for the same row, so that a policy is compiled once. */
  readonly policiesByDigest: Lru<string, NamingPolicy>
}

/** What a call needs of App and of its own to reach rows; jobs have no Call but the same two. */
export type Store = { readonly app: App; readonly tx: Transaction; readonly also?: Call['also'] }

export const createSecretRows = (): SecretRows => ({
  secrets: new SnapshotCache(4_096),
  // Values have up to 64 KiB.
  values: new SnapshotCache(1_024),
  // The worst policy of 20 KiB has 850 KiB when it is compiled.
  policies: new SnapshotCache(256),
  policiesByDigest: new Lru(256),
})

// Secrets.

export function findSecret(
  { app, tx }: Store,
  account: string,
  region: string,
  name: string,
): Awaitable<StoredSecret | undefined> {
  return app.secretRows.secrets.read(tx, `${account}\0${region}\0${name}`, async () => {
    const row = await tx.get<SecretRow>(
      `SELECT ${SECRET_COLUMNS} FROM secret WHERE account_id = $1 AND region = $2 AND name = $3`,
      account,
      region,
      name,
    )
    return row && openSecret(app, row)
  })
}

/** @throws IntegrityError if the row, or a lookup column of it, was altered. */
function openSecret(app: App, row: SecretRow): StoredSecret {
  const key = secretKey(row.account_id, row.region, row.name)
  const secret = app.rows.open<Secret>('secret', key, row)
  if (secret.name !== row.name || secret.createdAt !== row.created_at || secret.changedAt !== row.changed_at) {
    throw new IntegrityError('secret', key, 'has lookup columns that differ from its body')
  }
  return { account: row.account_id, region: row.region, rev: row.rev, accessedDay: row.accessed_day, secret }
}

const secretKey = (account: string, region: string, name: string) => [account, region, name] as const

/** Stores a new secret and counts it. @throws LimitExceededException at the quota of secrets. */
export async function insertSecret(
  store: Store,
  account: string,
  region: string,
  secret: Secret,
): Promise<StoredSecret> {
  const { app, tx } = store
  await tx.run(
    `INSERT INTO quota_usage (account_id, region, resource, used) VALUES ($1, $2, 'secret', 1)
     ON CONFLICT (account_id, region, resource) DO UPDATE SET used = quota_usage.used + 1`,
    account,
    region,
  )
  const usage = await tx.get<{ readonly used: number }>(
    `SELECT used FROM quota_usage WHERE account_id = $1 AND region = $2 AND resource = 'secret'`,
    account,
    region,
  )
  if (usage!.used > app.limits.secretsPerRegion) throw errors.tooManySecrets(app.limits.secretsPerRegion)

  const { rev, body, mac } = app.rows.seal('secret', secretKey(account, region, secret.name), 1, secret)
  await tx.run(
    `INSERT INTO secret (${SECRET_COLUMNS}) VALUES ($1, $2, $3, $4, $5, 0, $6, $7, $8)`,
    account,
    region,
    secret.name,
    secret.createdAt,
    secret.changedAt,
    rev,
    body,
    mac,
  )
  await app.events.emit(tx, { account, region, arn: secret.arn, rev }, secretChanges(undefined, secret))
  const stored: StoredSecret = { account, region, rev, accessedDay: 0, secret }
  await tellServiceEvents(store, stored, replicaEvents(undefined, secret))
  return stored
}

async function notePublished(
  tx: Transaction,
  { account, region, secret: { name } }: StoredSecret,
  secret: Pick<Secret, 'published'> | undefined,
): Promise<void> {
  const sql =
    secret?.published === undefined
      ? 'DELETE FROM published_secret WHERE account_id = $1 AND region = $2 AND name = $3'
      : 'INSERT INTO published_secret (account_id, region, name) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING'
  await tx.run(sql, account, region, name)
}

/** Whether something of the secret is published, as far as this table goes: the secret's own row decides. */
export const isPublished = async (tx: Transaction, account: string, region: string, name: string): Promise<boolean> =>
  (await tx.get(
    'SELECT name FROM published_secret WHERE account_id = $1 AND region = $2 AND name = $3',
    account,
    region,
    name,
  )) !== undefined

/** How many secrets count against the quota of a region. */
export async function countSecrets({ tx }: Pick<Call, 'tx'>, account: string, region: string): Promise<number> {
  const row = await tx.get<{ readonly used: number }>(
    `SELECT used FROM quota_usage WHERE account_id = $1 AND region = $2 AND resource = 'secret'`,
    account,
    region,
  )
  return row?.used ?? 0
}

/** Replaces a secret that was read in this transaction. Name, account and region stay. */
export async function updateSecret(store: Store, stored: StoredSecret, secret: Secret): Promise<StoredSecret> {
  const { app, tx } = store
  const { account, region } = stored
  const { rev, body, mac } = app.rows.seal('secret', secretKey(account, region, secret.name), stored.rev + 1, secret)
  const { changes } = await tx.run(
    `UPDATE secret SET changed_at = $1, rev = $2, body = $3, mac = $4
     WHERE account_id = $5 AND region = $6 AND name = $7 AND rev = $8`,
    secret.changedAt,
    rev,
    body,
    mac,
    account,
    region,
    secret.name,
    stored.rev,
  )
  if (changes !== 1) throw new DatabaseError('conflict', 'a secret was changed by another transaction')
  const { published } = stored.secret
  if ((published === undefined) !== (secret.published === undefined)) await notePublished(tx, stored, secret)
  await app.events.emit(tx, { account, region, arn: secret.arn, rev }, secretChanges(stored.secret, secret))
  const changed = { ...stored, rev, secret }
  const told = [...prunedVersions(stored.secret, secret), ...replicaEvents(stored.secret, secret)]
  await tellServiceEvents(store, changed, told)
  return changed
}

/** Removes a secret, its values, its policy and its place in the quota, for good. */
export async function removeSecret(store: Store, stored: StoredSecret): Promise<void> {
  const { app, tx } = store
  const { account, region, rev, secret } = stored
  await tx.run('DELETE FROM secret_version WHERE secret_arn = $1', secret.arn)
  await removePolicy(store, secret.arn)
  if (secret.published !== undefined) await notePublished(tx, stored, undefined)
  if (secret.rotation !== undefined) await forgetRotation(tx, secret.arn)
  const { changes } = await tx.run(
    'DELETE FROM secret WHERE account_id = $1 AND region = $2 AND name = $3 AND rev = $4',
    account,
    region,
    secret.name,
    rev,
  )
  if (changes !== 1) throw new DatabaseError('conflict', 'a secret was changed by another transaction')
  await tx.run(
    `UPDATE quota_usage SET used = used - 1 WHERE account_id = $1 AND region = $2 AND resource = 'secret'`,
    account,
    region,
  )
  const changed = { account, region, arn: secret.arn, rev: rev + 1 }
  await app.events.emit(tx, changed, secretChanges(secret, undefined))
}

/** How a list is sorted. */
export type SecretOrder = {
  readonly by: 'created' | 'changed' | 'accessed' | 'name'
  readonly descending: boolean
}

/** A place in a list: the sort key (absent when sorted by name) and the name, which breaks ties. */
export type SecretPlace = { readonly key?: number; readonly name: string }

const ORDER_COLUMNS = { created: 'created_at', changed: 'changed_at', accessed: 'accessed_day' } as const

/**
 * The next secrets of a region in order, after a place, at most `limit`; scheduled ones too. `names` narrows them to
 * `from <= name < to` in byte order. A secret that was never read has the sort key 0.
 */
export async function listSecrets(
  { app, tx }: Store,
  account: string,
  region: string,
  order: SecretOrder,
  after: SecretPlace | undefined,
  limit: number,
  names?: { readonly from: string; readonly to: string },
): Promise<readonly StoredSecret[]> {
  const values: (string | number)[] = [account, region]
  const bind = (value: string | number): string => `$${values.push(value)}`
  const way = order.descending ? 'DESC' : 'ASC'
  const beyond = order.descending ? '<' : '>'
  const where = ['account_id = $1', 'region = $2']
  if (names) where.push(`name >= ${bind(names.from)}`, `name < ${bind(names.to)}`)

  let sort = `name ${way}`
  if (order.by === 'name') {
    if (after) where.push(`name ${beyond} ${bind(after.name)}`)
  } else {
    const column = ORDER_COLUMNS[order.by]
    sort = `${column} ${way}, name ${way}`
    if (after) where.push(`(${column}, name) ${beyond} (${bind(after.key ?? 0)}, ${bind(after.name)})`)
  }
  const rows = await tx.all<SecretRow>(
    `SELECT ${SECRET_COLUMNS} FROM secret WHERE ${where.join(' AND ')} ORDER BY ${sort} LIMIT ${bind(limit)}`,
    ...values,
  )
  return rows.map((row) => openSecret(app, row))
}

/** The place of a secret in a list. */
export const placeOf = ({ accessedDay, secret }: StoredSecret, { by }: SecretOrder): SecretPlace =>
  by === 'name'
    ? { name: secret.name }
    : { key: { created: secret.createdAt, changed: secret.changedAt, accessed: accessedDay }[by], name: secret.name }

// Values.

/** The encrypted value of a version. @throws IntegrityError if it is gone or is not the one that the secret vouches for. */
export function readValue({ app, tx }: Store, secret: Secret, version: ValuedVersion): Awaitable<StoredValue> {
  const value = app.secretRows.values.read(tx, `${secret.arn}\0${version.id}`, async () => {
    const row = await tx.get<VersionRow>(
      'SELECT accessed_day, rev, body, mac FROM secret_version WHERE secret_arn = $1 AND version_id = $2',
      secret.arn,
      version.id,
    )
    if (row === undefined) return undefined
    const key = versionKey(secret.arn, version.id)
    const bytes = app.rows.openBytes('secret_version', key, row)
    if (digestOf(row) !== version.value.digest) {
      throw new IntegrityError('secret_version', key, 'is not the row that its secret vouches for')
    }
    return { rev: row.rev, accessedDay: row.accessed_day, bytes }
  })
  return andThen(value, (found) => {
    if (found === undefined) throw new IntegrityError('secret_version', versionKey(secret.arn, version.id), 'is gone')
    return found
  })
}

const versionKey = (arn: string, id: string) => [arn, id] as const

/** Tells the row of a value from every other: values are encrypted under fresh data keys. Policies with one digest are the same policy. */
const digestOf = (row: SealedColumns): string => hash('sha256', row.body, 'base64')

/** Stores the encrypted value of a new version. @returns its digest, for the secret. */
export async function insertValue(
  { app, tx }: Store,
  arn: string,
  versionId: string,
  bytes: Uint8Array,
): Promise<string> {
  const row = app.rows.sealBytes('secret_version', versionKey(arn, versionId), 1, bytes)
  await tx.run(
    'INSERT INTO secret_version (secret_arn, version_id, rev, body, mac) VALUES ($1, $2, $3, $4, $5)',
    arn,
    versionId,
    row.rev,
    row.body,
    row.mac,
  )
  return digestOf(row)
}

/** Replaces the encrypted value of a version, encrypted anew. @returns its digest, for the secret. */
export async function replaceValue(
  { app, tx }: Store,
  arn: string,
  versionId: string,
  previous: StoredValue,
  bytes: Uint8Array,
): Promise<string> {
  const row = app.rows.sealBytes('secret_version', versionKey(arn, versionId), previous.rev + 1, bytes)
  const { changes } = await tx.run(
    'UPDATE secret_version SET rev = $1, body = $2, mac = $3 WHERE secret_arn = $4 AND version_id = $5 AND rev = $6',
    row.rev,
    row.body,
    row.mac,
    arn,
    versionId,
    previous.rev,
  )
  if (changes !== 1) throw new DatabaseError('conflict', 'a secret value was changed by another transaction')
  return digestOf(row)
}

export async function removeValues({ tx }: Store, arn: string, versions: readonly SecretVersion[]): Promise<void> {
  for (const { id } of versions) {
    await tx.run('DELETE FROM secret_version WHERE secret_arn = $1 AND version_id = $2', arn, id)
  }
}

// Resource policies.

/** The policy of a secret; undefined where it has none. @throws IntegrityError if it is gone or is not the one that the secret vouches for. */
export async function readPolicy({ app, tx }: Store, secret: Secret): Promise<NamingPolicy | undefined> {
  const { arn, policyDigest } = secret
  if (policyDigest === undefined) return undefined
  const policy = await app.secretRows.policies.read(tx, arn, async () => {
    const row = await tx.get<SealedColumns>('SELECT rev, body, mac FROM secret_policy WHERE secret_arn = $1', arn)
    if (row === undefined) return undefined
    const opened = app.rows.open<NamingPolicy>('secret_policy', [arn], row)
    if (digestOf(row) !== policyDigest) {
      throw new IntegrityError('secret_policy', [arn], 'is not the row that its secret vouches for')
    }
    const known = app.secretRows.policiesByDigest.get(policyDigest)
    if (known === undefined) app.secretRows.policiesByDigest.set(policyDigest, opened)
    return known ?? opened
  })
  if (policy === undefined) throw new IntegrityError('secret_policy', [arn], 'is gone')
  return policy
}

/** Stores the policy of a secret in the place of the one that it may have. @returns its digest, for the secret. */
export async function writePolicy(
  { app, tx }: Store,
  { rev, secret }: Pick<StoredSecret, 'rev' | 'secret'>,
  policy: NamingPolicy,
): Promise<string> {
  const row = app.rows.seal('secret_policy', [secret.arn], rev + 1, policy)
  await tx.run(
    `INSERT INTO secret_policy (secret_arn, rev, body, mac) VALUES ($1, $2, $3, $4)
     ON CONFLICT (secret_arn) DO UPDATE SET rev = $2, body = $3, mac = $4`,
    secret.arn,
    row.rev,
    row.body,
    row.mac,
  )
  return digestOf(row)
}

export async function removePolicy({ tx }: Pick<Call, 'tx'>, arn: string): Promise<void> {
  await tx.run('DELETE FROM secret_policy WHERE secret_arn = $1', arn)
}

// Days of access, outside the MAC.

/** Midnight UTC of the last day on which each version was read, by version id; versions that never were are absent. */
export async function listVersionDays({ tx }: Pick<Call, 'tx'>, arn: string): Promise<ReadonlyMap<string, number>> {
  const rows = await tx.all<{ readonly version_id: string; readonly accessed_day: number }>(
    'SELECT version_id, accessed_day FROM secret_version WHERE secret_arn = $1 AND accessed_day > 0',
    arn,
  )
  return new Map(rows.map((row) => [row.version_id, row.accessed_day]))
}

/** Days only go forward. */
export async function recordAccess(tx: Transaction, access: Access): Promise<void> {
  const ofSecret = tx.run(
    `UPDATE secret SET accessed_day = $1
     WHERE account_id = $2 AND region = $3 AND name = $4 AND created_at = $5 AND accessed_day < $1`,
    access.day,
    access.account,
    access.region,
    access.name,
    access.createdAt,
  )
  const ofVersion = tx.run(
    'UPDATE secret_version SET accessed_day = $1 WHERE secret_arn = $2 AND version_id = $3 AND accessed_day < $1',
    access.day,
    access.arn,
    access.versionId,
  )
  await Promise.all([ofSecret, ofVersion])
}

/** Whether a region has more than `max` secrets with `from <= name < to`. Reads the index of names only, and at most `max` of it. */
export async function holdsMoreNames(
  { tx }: Store,
  account: string,
  region: string,
  names: { readonly from: string; readonly to: string },
  max: number,
): Promise<boolean> {
  const row = await tx.get(
    `SELECT name FROM secret WHERE account_id = $1 AND region = $2 AND name >= $3 AND name < $4
     ORDER BY name LIMIT 1 OFFSET $5`,
    account,
    region,
    names.from,
    names.to,
    max,
  )
  return row !== undefined
}
