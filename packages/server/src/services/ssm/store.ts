// The rows of parameters, of their versions and of the policies by which they are shared. Every row is opened under its MAC, and the row of a
// version or a policy must be the one that its parameter vouches for.

import { hash } from 'node:crypto'
import type { App } from '../../app.ts'
import { IntegrityError } from '../../errors.ts'
import { type Keyring, sealedVersion } from '../../seal/keyring.ts'
import type { SealedTable } from '../../seal/rotate.ts'
import { type Awaitable, andThen, SnapshotCache } from '../../storage/cache.ts'
import { DatabaseError, type Transaction } from '../../storage/database.ts'
import type { Rows, SealedColumns } from '../../storage/sealed.ts'
import type { NamingPolicy } from '../iam/port.ts'
import { KEY_PURPOSE, rewrapDataKey } from './data-key.ts'
import * as errors from './errors.ts'
import type { Parameter, Tier, Version, VersionEntry } from './model.ts'
import { type Place, parentOf } from './names.ts'

/** A parameter and where it is stored. */
export type StoredParameter = Place & { readonly rev: number; readonly parameter: Parameter }

/** What was read in the current snapshot, bounded. Values stay encrypted: nothing here is a value in plaintext. */
export type ParameterRows = {
  readonly parameters: SnapshotCache<StoredParameter>
  readonly versions: SnapshotCache<Version>
  readonly policies: SnapshotCache<NamingPolicy>
}

/** What a call needs of App and of its own to reach rows; jobs have no Call but the same two. */
export type Store = { readonly app: App; readonly tx: Transaction }

export const createParameterRows = (): ParameterRows => ({
  parameters: new SnapshotCache(4_096),
  // A version has up to 20 KiB.
  versions: new SnapshotCache(2_048),
  policies: new SnapshotCache(1_024),
})

type ParameterRow = SealedColumns & { readonly path: string; readonly parent: string }

const keyOf = ({ account, region, path }: Place) => [account, region, path] as const
const WHERE = 'account_id = $1 AND region = $2 AND path = $3'

// Parameters.

export function findParameter({ app, tx }: Store, place: Place): Awaitable<StoredParameter | undefined> {
  return app.parameterRows.parameters.read(tx, keyOf(place).join('\0'), async () => {
    const row = await tx.get<ParameterRow>(
      `SELECT path, parent, rev, body, mac FROM parameter WHERE ${WHERE}`,
      ...keyOf(place),
    )
    return row && open(app.rows, place, row)
  })
}

/** @throws IntegrityError if the row, or a lookup column of it, was altered. */
function open(rows: Rows, { account, region }: Omit<Place, 'path'>, row: ParameterRow): StoredParameter {
  const place = { account, region, path: row.path }
  const parameter = rows.open<Parameter>('parameter', keyOf(place), row)
  if (row.parent !== parentOf(row.path)) {
    throw new IntegrityError('parameter', keyOf(place), 'has a lookup column that differs from its path')
  }
  return { ...place, rev: row.rev, parameter }
}

/** Stores a new parameter. Its first revision is a time, so that one of the same name that was deleted before had lower ones. */
export async function insertParameter(
  { app, tx }: Store,
  place: Place,
  parameter: Parameter,
): Promise<StoredParameter> {
  const { rev, body, mac } = app.rows.seal('parameter', keyOf(place), app.wallNow(), parameter)
  await tx.run(
    `INSERT INTO parameter (account_id, region, path, parent, domain_key_version, rev, body, mac)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
    ...keyOf(place),
    parentOf(place.path),
    keyVersion(parameter),
    rev,
    body,
    mac,
  )
  return { ...place, rev, parameter }
}

/** Replaces a parameter that was read in this transaction. */
export async function updateParameter(
  { app, tx }: { readonly app: Pick<App, 'rows'>; readonly tx: Transaction },
  stored: StoredParameter,
  parameter: Parameter,
): Promise<StoredParameter> {
  const { rev, body, mac } = app.rows.seal('parameter', keyOf(stored), stored.rev + 1, parameter)
  const { changes } = await tx.run(
    `UPDATE parameter SET domain_key_version = $4, rev = $5, body = $6, mac = $7 WHERE ${WHERE} AND rev = $8`,
    ...keyOf(stored),
    keyVersion(parameter),
    rev,
    body,
    mac,
    stored.rev,
  )
  if (changes !== 1) throw changedMeanwhile()
  return { ...stored, rev, parameter }
}

/** Removes a parameter, its versions and its policy, for good. */
export async function removeParameter({ tx }: Store, stored: StoredParameter): Promise<void> {
  const { id } = stored.parameter
  await tx.run('DELETE FROM parameter_version WHERE parameter_id = $1', id)
  await tx.run('DELETE FROM parameter_sharing WHERE parameter_id = $1', id)
  const { changes } = await tx.run(`DELETE FROM parameter WHERE ${WHERE} AND rev = $4`, ...keyOf(stored), stored.rev)
  if (changes !== 1) throw changedMeanwhile()
}

const changedMeanwhile = () => new DatabaseError('conflict', 'a parameter was changed by another transaction')

/** Which parameters of a Region: those one level below `parent`, or all with `from <= path < to`. */
export type Range = { readonly parent: string } | { readonly from: string; readonly to: string }

/** The next parameters in the order of their paths, after one, at most `limit`. Reads what it answers and no more, however many there are. */
export async function listParameters(
  { app, tx }: Store,
  { account, region }: Omit<Place, 'path'>,
  range: Range,
  after: string,
  limit: number,
): Promise<readonly StoredParameter[]> {
  const [where, ...bounds] =
    'parent' in range
      ? ['parent = $5', range.parent]
      : after >= range.from
        ? ['path < $5', range.to]
        : ['path < $5 AND path >= $6', range.to, range.from]
  const rows = await tx.all<ParameterRow>(
    `SELECT path, parent, rev, body, mac FROM parameter WHERE account_id = $1 AND region = $2 AND path > $3 AND ${where}
     ORDER BY path LIMIT $4`,
    account,
    region,
    after,
    limit,
    ...bounds,
  )
  return rows.map((row) => open(app.rows, { account, region }, row))
}

const RESOURCES = { Standard: 'parameter-standard', Advanced: 'parameter-advanced' } as const

/**
 * Counts parameters of a tier, one more or one less.
 * @throws ServiceError ParameterLimitExceeded at the quota
 */
export async function countParameter(
  store: Store,
  { account, region }: Omit<Place, 'path'>,
  tier: Tier,
  by: 1 | -1,
): Promise<void> {
  await store.tx.run(
    `INSERT INTO quota_usage (account_id, region, resource, used) VALUES ($1, $2, $3, $4)
     ON CONFLICT (account_id, region, resource) DO UPDATE SET used = quota_usage.used + $4`,
    account,
    region,
    RESOURCES[tier],
    by,
  )
  const max = quotaOf(store, tier)
  if (by > 0 && (await readUsage(store, account, region, tier)) > max) throw errors.tooManyParameters(max, tier)
}

/** Whether there may be another one of a tier. */
export const hasRoom = async (store: Store, { account, region }: Omit<Place, 'path'>, tier: Tier): Promise<boolean> =>
  (await readUsage(store, account, region, tier)) < quotaOf(store, tier)

const quotaOf = ({ app: { limits } }: Store, tier: Tier): number =>
  tier === 'Standard' ? limits.standardParametersPerRegion : limits.advancedParametersPerRegion

async function readUsage({ tx }: Store, account: string, region: string, tier: Tier): Promise<number> {
  const row = await tx.get<{ readonly used: number }>(
    'SELECT used FROM quota_usage WHERE account_id = $1 AND region = $2 AND resource = $3',
    account,
    region,
    RESOURCES[tier],
  )
  return row?.used ?? 0
}

// Versions.

const versionKey = (id: string, version: number) => [id, String(version)] as const

/** @throws IntegrityError if it is gone or is not the one that the parameter vouches for. */
export function readVersion({ app, tx }: Store, { id }: Parameter, entry: VersionEntry): Awaitable<Version> {
  const key = versionKey(id, entry.version)
  const version = app.parameterRows.versions.read(tx, key.join('\0'), async () => {
    const row = await tx.get<SealedColumns>(
      'SELECT rev, body, mac FROM parameter_version WHERE parameter_id = $1 AND version = $2',
      id,
      entry.version,
    )
    if (row === undefined) return undefined
    const opened = app.rows.open<Version>('parameter_version', key, row)
    if (digestOf(row) !== entry.digest) {
      throw new IntegrityError('parameter_version', key, 'is not the row that its parameter vouches for')
    }
    return opened
  })
  return andThen(version, (found) => {
    if (found === undefined) throw new IntegrityError('parameter_version', key, 'is gone')
    return found
  })
}

const digestOf = (row: SealedColumns): string => hash('sha256', row.body, 'base64')

/** @returns its digest, for the parameter. */
export async function insertVersion({ app, tx }: Store, id: string, version: Version): Promise<string> {
  const row = app.rows.seal('parameter_version', versionKey(id, version.version), 1, version)
  await tx.run(
    'INSERT INTO parameter_version (parameter_id, version, rev, body, mac) VALUES ($1, $2, $3, $4, $5)',
    id,
    version.version,
    row.rev,
    row.body,
    row.mac,
  )
  return digestOf(row)
}

export async function removeVersions({ tx }: Store, id: string, entries: readonly VersionEntry[]): Promise<void> {
  for (const { version } of entries) {
    await tx.run('DELETE FROM parameter_version WHERE parameter_id = $1 AND version = $2', id, version)
  }
}

// The policies by which parameters are shared.

/** Undefined where it is not shared. @throws IntegrityError if the policy is gone or is not the one that the parameter vouches for. */
export function readSharing({ app, tx }: Store, { id, sharing }: Parameter): Awaitable<NamingPolicy | undefined> {
  if (sharing === undefined) return undefined
  const policy = app.parameterRows.policies.read(tx, id, async () => {
    const row = await tx.get<SealedColumns>('SELECT rev, body, mac FROM parameter_sharing WHERE parameter_id = $1', id)
    if (row === undefined) return undefined
    if (digestOf(row) !== sharing.digest) {
      throw new IntegrityError('parameter_sharing', [id], 'is not the row that its parameter vouches for')
    }
    return app.rows.open<NamingPolicy>('parameter_sharing', [id], row)
  })
  return andThen(policy, (found) => {
    if (found === undefined) throw new IntegrityError('parameter_sharing', [id], 'is gone')
    return found
  })
}

/** Stores the policy of a parameter in the place of the one that it may have. @returns its digest, for the parameter. */
export async function writeSharing(
  { app, tx }: Store,
  { rev, parameter: { id } }: StoredParameter,
  policy: NamingPolicy,
): Promise<string> {
  const row = app.rows.seal('parameter_sharing', [id], rev + 1, policy)
  await tx.run(
    `INSERT INTO parameter_sharing (parameter_id, rev, body, mac) VALUES ($1, $2, $3, $4)
     ON CONFLICT (parameter_id) DO UPDATE SET rev = $2, body = $3, mac = $4`,
    id,
    row.rev,
    row.body,
    row.mac,
  )
  return digestOf(row)
}

export const removeSharing = async ({ tx }: Store, { parameter: { id } }: StoredParameter): Promise<void> => {
  await tx.run('DELETE FROM parameter_sharing WHERE parameter_id = $1', id)
}

// Data keys.

/** How domain key rotation finds sealed data keys and seals them anew. The column only finds; the bytes say which version they need. */
export const parameterKeyTable = (keyring: Keyring, rows: Rows): SealedTable => ({
  name: 'parameter',
  purposes: [KEY_PURPOSE],

  reseal: async (tx, version, limit) => {
    const found = await tx.all<ParameterRow & { readonly account_id: string; readonly region: string }>(
      'SELECT account_id, region, path, parent, rev, body, mac FROM parameter WHERE domain_key_version < $1 LIMIT $2',
      version,
      limit,
    )
    for (const { account_id: account, region, ...row } of found) {
      const stored = open(rows, { account, region }, row)
      const { parameter } = stored
      await updateParameter({ app: { rows }, tx }, stored, { ...parameter, key: rewrapDataKey(keyring, parameter) })
    }
    return found.length
  },

  refersTo: async (tx, version) => {
    const row = await tx.get('SELECT 1 AS present FROM parameter WHERE domain_key_version = $1 LIMIT 1', version)
    return row !== undefined
  },
})

const keyVersion = ({ key }: Parameter): number => sealedVersion(Buffer.from(key, 'base64'))
