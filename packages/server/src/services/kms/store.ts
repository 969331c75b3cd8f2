// The rows of keys, aliases, material, grants and last uses. Those that decide anything are under a MAC; the key's row vouches for its
// aliases, its material and its grants.

import { hash, type KeyObject } from 'node:crypto'
import type { App } from '../../app.ts'
import type { PrivateKey } from '../../crypto/kms/key-material.ts'
import { IntegrityError } from '../../errors.ts'
import { type Keyring, sealedVersion } from '../../seal/keyring.ts'
import type { SealedTable } from '../../seal/rotate.ts'
import { SnapshotCache } from '../../storage/cache.ts'
import { DatabaseError, type Transaction } from '../../storage/database.ts'
import type { Rows, SealedColumns } from '../../storage/sealed.ts'
import type { Grant } from './grant.ts'
import { KeyCache } from './key-cache.ts'
import { MATERIAL_PURPOSE, openMaterial, wrapMaterial } from './material.ts'
import type { KmsAlias, KmsKey, KmsMaterial } from './model.ts'

/** What a call needs of App and of its own to reach rows; jobs have no Call but the same two. */
export type Store = { readonly app: Pick<App, 'partition' | 'rows' | 'keyring' | 'kmsRows'>; readonly tx: Transaction }

export type StoredKey = { readonly rev: number; readonly key: KmsKey }

/** The grants of one bucket of a key. */
export type GrantBucket = { readonly rev: number; readonly digest: string; readonly grants: readonly Grant[] }

/** What was read in the current snapshot, bounded; material in it is wrapped. And what was opened of it. */
export type KmsRows = {
  readonly keys: SnapshotCache<StoredKey>
  readonly aliases: SnapshotCache<KmsAlias>
  readonly materials: SnapshotCache<KmsMaterial>
  readonly grants: SnapshotCache<GrantBucket>
  /** Opened material and private keys, for a minute. */
  readonly unwrapped: KeyCache<KeyObject>
  readonly privateKeys: KeyCache<PrivateKey>
}

const ROWS_REMEMBERED_MAX = 10_000
/** A bucket may have hundreds of grants. */
const BUCKETS_REMEMBERED_MAX = 1_000

const OPENED_MAX = 1_000
export const OPENED_AGE_MS_MAX = 60_000

export const createKmsRows = (wallNow: () => number): KmsRows => ({
  keys: new SnapshotCache(ROWS_REMEMBERED_MAX),
  aliases: new SnapshotCache(ROWS_REMEMBERED_MAX),
  materials: new SnapshotCache(ROWS_REMEMBERED_MAX),
  grants: new SnapshotCache(BUCKETS_REMEMBERED_MAX),
  unwrapped: new KeyCache(OPENED_MAX, OPENED_AGE_MS_MAX, wallNow),
  privateKeys: new KeyCache(OPENED_MAX, OPENED_AGE_MS_MAX, wallNow),
})

// Keys.

export async function findKey(
  { app, tx }: Store,
  account: string,
  region: string,
  keyId: string,
): Promise<StoredKey | undefined> {
  return app.kmsRows.keys.read(tx, `${account}/${region}/${keyId}`, async () => {
    const row = await tx.get<SealedColumns>(
      'SELECT rev, body, mac FROM kms_key WHERE account_id = $1 AND region = $2 AND key_id = $3',
      account,
      region,
      keyId,
    )
    return row && { rev: row.rev, key: app.rows.open<KmsKey>('kms_key', [account, region, keyId], row) }
  })
}

export async function insertKey({ app, tx }: Store, key: KmsKey): Promise<StoredKey> {
  const { accountId, region, keyId } = key
  const { rev, body, mac } = app.rows.seal('kms_key', [accountId, region, keyId], 1, key)
  await tx.run(
    'INSERT INTO kms_key (account_id, region, key_id, rev, body, mac) VALUES ($1, $2, $3, $4, $5, $6)',
    accountId,
    region,
    keyId,
    rev,
    body,
    mac,
  )
  return { rev, key }
}

/** Replaces a key that was read in this transaction. */
export async function updateKey({ app, tx }: Store, stored: StoredKey, key: KmsKey): Promise<StoredKey> {
  const { accountId, region, keyId } = key
  const { rev, body, mac } = app.rows.seal('kms_key', [accountId, region, keyId], stored.rev + 1, key)
  const { changes } = await tx.run(
    `UPDATE kms_key SET rev = $1, body = $2, mac = $3
       WHERE account_id = $4 AND region = $5 AND key_id = $6 AND rev = $7`,
    rev,
    body,
    mac,
    accountId,
    region,
    keyId,
    stored.rev,
  )
  if (changes !== 1) throw new DatabaseError('conflict', 'a KMS key was changed by another transaction')
  return { rev, key }
}

/** Removes a key and everything that is its own, for good. */
export async function removeKey({ tx }: Store, { rev, key }: StoredKey): Promise<void> {
  const place = [key.accountId, key.region, key.keyId] as const
  for (const table of ['kms_material', 'kms_grant', 'kms_retirable_grant', 'kms_key_usage']) {
    await tx.run(`DELETE FROM ${table} WHERE account_id = $1 AND region = $2 AND key_id = $3`, ...place)
  }
  for (const aliasName of key.aliases ?? []) await removeAlias({ tx }, key.accountId, key.region, aliasName)
  const { changes } = await tx.run(
    'DELETE FROM kms_key WHERE account_id = $1 AND region = $2 AND key_id = $3 AND rev = $4',
    ...place,
    rev,
  )
  if (changes !== 1) throw new DatabaseError('conflict', 'a KMS key was changed by another transaction')
}

/** The ids of the keys of an account in a region that come after `after`, in byte order. */
export async function listKeyIds(
  { tx }: Store,
  account: string,
  region: string,
  after: string,
  limit: number,
): Promise<readonly string[]> {
  const rows = await tx.all<{ readonly key_id: string }>(
    'SELECT key_id FROM kms_key WHERE account_id = $1 AND region = $2 AND key_id > $3 ORDER BY key_id LIMIT $4',
    account,
    region,
    after,
    limit,
  )
  return rows.map(({ key_id }) => key_id)
}

/** Counts a key more or, with -1, less. @returns how many there are now. */
export async function countKeys({ tx }: Store, account: string, region: string, by: 1 | -1): Promise<number> {
  await tx.run(
    `INSERT INTO quota_usage (account_id, region, resource, used) VALUES ($1, $2, 'kms-key', $3)
       ON CONFLICT (account_id, region, resource) DO UPDATE SET used = quota_usage.used + $3`,
    account,
    region,
    by,
  )
  const row = await tx.get<{ readonly used: number }>(
    `SELECT used FROM quota_usage WHERE account_id = $1 AND region = $2 AND resource = 'kms-key'`,
    account,
    region,
  )
  return row!.used
}

// Aliases.

export async function findAlias(
  { app, tx }: Store,
  account: string,
  region: string,
  aliasName: string,
): Promise<KmsAlias | undefined> {
  return app.kmsRows.aliases.read(tx, `${account}/${region}/${aliasName}`, async () => {
    const row = await tx.get<SealedColumns>(
      'SELECT rev, body, mac FROM kms_alias WHERE account_id = $1 AND region = $2 AND alias_name = $3',
      account,
      region,
      aliasName,
    )
    return row && app.rows.open<KmsAlias>('kms_alias', [account, region, aliasName], row)
  })
}

/** False where the alias exists. */
export async function insertAlias(
  { app, tx }: Store,
  account: string,
  region: string,
  alias: KmsAlias,
): Promise<boolean> {
  const { rev, body, mac } = app.rows.seal('kms_alias', [account, region, alias.aliasName], 1, alias)
  const { changes } = await tx.run(
    `INSERT INTO kms_alias (account_id, region, alias_name, rev, body, mac) VALUES ($1, $2, $3, $4, $5, $6)
       ON CONFLICT (account_id, region, alias_name) DO NOTHING`,
    account,
    region,
    alias.aliasName,
    rev,
    body,
    mac,
  )
  return changes === 1
}

export async function removeAlias(
  { tx }: Pick<Store, 'tx'>,
  account: string,
  region: string,
  aliasName: string,
): Promise<void> {
  await tx.run(
    'DELETE FROM kms_alias WHERE account_id = $1 AND region = $2 AND alias_name = $3',
    account,
    region,
    aliasName,
  )
}

/** The aliases of an account in a region that come after `after`, in byte order. */
export async function listAliases(
  { app, tx }: Store,
  account: string,
  region: string,
  after: string,
  limit: number,
): Promise<readonly KmsAlias[]> {
  const rows = await tx.all<SealedColumns & { readonly alias_name: string }>(
    `SELECT alias_name, rev, body, mac FROM kms_alias WHERE account_id = $1 AND region = $2 AND alias_name > $3
       ORDER BY alias_name LIMIT $4`,
    account,
    region,
    after,
    limit,
  )
  return rows.map((row) => app.rows.open<KmsAlias>('kms_alias', [account, region, row.alias_name], row))
}

// Material.

export async function findMaterial(
  { app, tx }: Store,
  materialId: string,
  region: string,
): Promise<KmsMaterial | undefined> {
  return app.kmsRows.materials.read(tx, `${materialId}/${region}`, async () => {
    const row = await tx.get<SealedColumns>(
      'SELECT rev, body, mac FROM kms_material WHERE material_id = $1 AND region = $2',
      materialId,
      region,
    )
    return row && app.rows.open<KmsMaterial>('kms_material', [materialId, region], row)
  })
}

export async function insertMaterial({ app, tx }: Store, material: KmsMaterial): Promise<void> {
  const { materialId, region, accountId, keyId } = material
  const { rev, body, mac } = app.rows.seal('kms_material', [materialId, region], 1, material)
  await tx.run(
    `INSERT INTO kms_material (material_id, account_id, region, key_id, domain_key_version, rev, body, mac)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
    materialId,
    accountId,
    region,
    keyId,
    wrappedUnder(material),
    rev,
    body,
    mac,
  )
}

/** Replaces imported material: by nothing, or by itself again. Its row stays, so that ciphertext under it still finds its key. */
export async function replaceMaterial({ app, tx }: Store, material: KmsMaterial): Promise<void> {
  const { materialId, region } = material
  const row = await tx.get<SealedColumns>(
    'SELECT rev, body, mac FROM kms_material WHERE material_id = $1 AND region = $2',
    materialId,
    region,
  )
  if (row === undefined) throw new IntegrityError('kms_material', [materialId, region], 'is gone')
  const { rev, body, mac } = app.rows.seal('kms_material', [materialId, region], Number(row.rev) + 1, material)
  await tx.run(
    `UPDATE kms_material SET domain_key_version = $1, rev = $2, body = $3, mac = $4
       WHERE material_id = $5 AND region = $6`,
    wrappedUnder(material),
    rev,
    body,
    mac,
    materialId,
    region,
  )
}

/** Of material that was never rotated to and may be replaced by other. */
export async function removeMaterial({ tx }: Store, materialId: string, region: string): Promise<void> {
  await tx.run('DELETE FROM kms_material WHERE material_id = $1 AND region = $2', materialId, region)
}

// Grants.

/** Two hexadecimal digits. */
const BUCKETS = 256

/** Where the grants to a principal lie: by its unique id, its ARN or its account. A grant's id begins with it. */
export const bucketOf = (grantee: string): string =>
  (hash('sha256', grantee, 'buffer')[0]! % BUCKETS).toString(16).padStart(2, '0')

/** The grants of one bucket, those that the key's row vouches for. @throws IntegrityError where they are others or gone */
export async function readGrants({ app, tx }: Store, key: KmsKey, bucket: string): Promise<GrantBucket> {
  const digest = key.grants?.[bucket]
  if (digest === undefined) return { rev: 0, digest: '', grants: [] }
  const place = [key.accountId, key.region, key.keyId, bucket] as const
  const found = await app.kmsRows.grants.read(tx, place.join('/'), async () => {
    const row = await tx.get<SealedColumns>(
      `SELECT rev, body, mac FROM kms_grant WHERE account_id = $1 AND region = $2 AND key_id = $3 AND bucket = $4`,
      ...place,
    )
    if (row === undefined) return undefined
    const { grants } = app.rows.open<{ readonly grants: readonly Grant[] }>('kms_grant', place, row)
    return { rev: row.rev, digest: digestOf(row), grants }
  })
  if (found?.digest !== digest) throw new IntegrityError('kms_grant', place, 'is not what its key vouches for')
  return found
}

/** Replaces the grants of a bucket. @returns what the key's row is to say of its grants. */
export async function writeGrants(
  { app, tx }: Store,
  key: KmsKey,
  bucket: string,
  before: GrantBucket,
  grants: readonly Grant[],
): Promise<Pick<KmsKey, 'grants' | 'grantCount'>> {
  const place = [key.accountId, key.region, key.keyId, bucket] as const
  const { [bucket]: _, ...others } = key.grants ?? {}
  const grantCount = (key.grantCount ?? 0) + grants.length - before.grants.length
  if (grants.length === 0) {
    await tx.run(
      'DELETE FROM kms_grant WHERE account_id = $1 AND region = $2 AND key_id = $3 AND bucket = $4',
      ...place,
    )
    return { grants: others, grantCount }
  }
  const row = app.rows.seal('kms_grant', place, before.rev + 1, { grants })
  await tx.run(
    `INSERT INTO kms_grant (account_id, region, key_id, bucket, rev, body, mac) VALUES ($1, $2, $3, $4, $5, $6, $7)
       ON CONFLICT (account_id, region, key_id, bucket) DO UPDATE SET rev = $5, body = $6, mac = $7`,
    ...place,
    row.rev,
    row.body,
    row.mac,
  )
  return { grants: { ...others, [bucket]: digestOf(row) }, grantCount }
}

const digestOf = (row: SealedColumns): string => hash('sha256', row.body, 'base64')

/** A grant as the index of retirable grants names it. */
export type GrantPlace = { readonly account: string; readonly keyId: string; readonly grantId: string }

export async function insertRetirable({ tx }: Store, principal: string, key: KmsKey, grantId: string): Promise<void> {
  await tx.run(
    `INSERT INTO kms_retirable_grant (principal, region, account_id, key_id, grant_id) VALUES ($1, $2, $3, $4, $5)`,
    principal,
    key.region,
    key.accountId,
    key.keyId,
    grantId,
  )
}

export async function removeRetirable({ tx }: Store, principal: string, key: KmsKey, grantId: string): Promise<void> {
  await tx.run(
    `DELETE FROM kms_retirable_grant
       WHERE principal = $1 AND region = $2 AND account_id = $3 AND key_id = $4 AND grant_id = $5`,
    principal,
    key.region,
    key.accountId,
    key.keyId,
    grantId,
  )
}

/** Grants that a principal may retire, of any account, after a place, at most `limit`. The grants themselves decide. */
export async function listRetirable(
  { tx }: Store,
  principal: string,
  region: string,
  after: GrantPlace,
  limit: number,
): Promise<readonly GrantPlace[]> {
  const rows = await tx.all<{ readonly account_id: string; readonly key_id: string; readonly grant_id: string }>(
    `SELECT account_id, key_id, grant_id FROM kms_retirable_grant
       WHERE principal = $1 AND region = $2
         AND (account_id > $3 OR (account_id = $3 AND (key_id > $4 OR (key_id = $4 AND grant_id > $5))))
       ORDER BY account_id, key_id, grant_id LIMIT $6`,
    principal,
    region,
    after.account,
    after.keyId,
    after.grantId,
    limit,
  )
  return rows.map((row) => ({ account: row.account_id, keyId: row.key_id, grantId: row.grant_id }))
}

// Last uses, outside the MAC.

/** The last use of a key for cryptography. */
export type KeyUse = {
  readonly usedAt: number
  readonly operation: string
  readonly eventId: string
  readonly requestId: string
}

export type KeyPlace = { readonly account: string; readonly region: string; readonly keyId: string }

export async function findKeyUse({ tx }: Pick<Store, 'tx'>, place: KeyPlace): Promise<KeyUse | undefined> {
  const row = await tx.get<{
    readonly used_at: number
    readonly operation: string
    readonly event_id: string
    readonly request_id: string
  }>(
    `SELECT used_at, operation, event_id, request_id FROM kms_key_usage
       WHERE account_id = $1 AND region = $2 AND key_id = $3`,
    place.account,
    place.region,
    place.keyId,
  )
  return row && { usedAt: row.used_at, operation: row.operation, eventId: row.event_id, requestId: row.request_id }
}

/** Times only go forward. Nothing is written of a key that is gone. */
export async function recordKeyUse(tx: Transaction, { account, region, keyId }: KeyPlace, use: KeyUse): Promise<void> {
  await tx.run(
    `INSERT INTO kms_key_usage (account_id, region, key_id, used_at, operation, event_id, request_id)
       SELECT account_id, region, key_id, $4, $5, $6, $7 FROM kms_key
         WHERE account_id = $1 AND region = $2 AND key_id = $3
     ON CONFLICT (account_id, region, key_id) DO UPDATE
       SET used_at = excluded.used_at, operation = excluded.operation, event_id = excluded.event_id,
         request_id = excluded.request_id
       WHERE kms_key_usage.used_at <= excluded.used_at`,
    account,
    region,
    keyId,
    use.usedAt,
    use.operation,
    use.eventId,
    use.requestId,
  )
}

/** How domain key rotation finds wrapped material and wraps it anew. The column only finds; the bytes say which version they need. */
export const materialTable = (keyring: Keyring, rows: Rows): SealedTable => ({
  name: 'kms_material',
  purposes: [MATERIAL_PURPOSE],

  reseal: async (tx, version, limit) => {
    const found = await tx.all<SealedColumns & { readonly material_id: string; readonly region: string }>(
      'SELECT material_id, region, rev, body, mac FROM kms_material WHERE domain_key_version < $1 LIMIT $2',
      version,
      limit,
    )
    for (const { material_id, region, ...row } of found) {
      const key = [material_id, region]
      const material = rows.open<KmsMaterial>('kms_material', key, row)
      const rewrapped = wrapMaterial(keyring, material, openMaterial(keyring, material))
      const { rev, body, mac } = rows.seal('kms_material', key, Number(row.rev) + 1, rewrapped)
      await tx.run(
        `UPDATE kms_material SET domain_key_version = $1, rev = $2, body = $3, mac = $4
           WHERE material_id = $5 AND region = $6`,
        wrappedUnder(rewrapped),
        rev,
        body,
        mac,
        material_id,
        region,
      )
    }
    return found.length
  },

  refersTo: async (tx, version) => {
    const row = await tx.get('SELECT 1 AS present FROM kms_material WHERE domain_key_version = $1 LIMIT 1', version)
    return row !== undefined
  },
})

/** What is not there needs no domain key: no rotation finds it. */
const wrappedUnder = ({ wrapped }: KmsMaterial): number =>
  wrapped === '' ? Number.MAX_SAFE_INTEGER : sealedVersion(Buffer.from(wrapped, 'base64'))
