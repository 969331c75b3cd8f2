// The rows of registered databases, each under a MAC.

import type { App } from '../../app.ts'
import { DatabaseError, type Transaction } from '../../storage/database.ts'
import type { SealedColumns } from '../../storage/sealed.ts'
import type { Kind, RegisteredDatabase } from './model.ts'

export type Store = { readonly app: App; readonly tx: Transaction }

export type StoredDatabase = { readonly rev: number; readonly database: RegisteredDatabase }

export type Place = Pick<RegisteredDatabase, 'account' | 'region' | 'kind' | 'identifier'>

const keyOf = ({ account, region, kind, identifier }: Place) => [account, region, kind, identifier] as const
const WHERE = 'account_id = $1 AND region = $2 AND kind = $3 AND identifier = $4'

export async function findDatabase({ app, tx }: Store, place: Place): Promise<StoredDatabase | undefined> {
  const key = keyOf(place)
  const row = await tx.get<SealedColumns>(`SELECT rev, body, mac FROM rds_database WHERE ${WHERE}`, ...key)
  return row && { rev: row.rev, database: app.rows.open<RegisteredDatabase>('rds_database', key, row) }
}

/** The database whose managed secret has the name, as its own row says. */
export async function findDatabaseOfSecret(
  { app, tx }: Store,
  account: string,
  region: string,
  secret: { readonly name: string; readonly arn: string },
): Promise<RegisteredDatabase | undefined> {
  const rows = await tx.all<SealedColumns & { readonly kind: Kind; readonly identifier: string }>(
    `SELECT kind, identifier, rev, body, mac FROM rds_database
       WHERE account_id = $1 AND region = $2 AND secret_name = $3 LIMIT 2`,
    account,
    region,
    secret.name,
  )
  return rows
    .map(({ kind, identifier, ...row }) =>
      app.rows.open<RegisteredDatabase>('rds_database', keyOf({ account, region, kind, identifier }), row),
    )
    .find((database) => database.secret?.arn === secret.arn)
}

export async function insertDatabase({ app, tx }: Store, database: RegisteredDatabase): Promise<void> {
  const key = keyOf(database)
  const { rev, body, mac } = app.rows.seal('rds_database', key, 1, database)
  await tx.run(
    `INSERT INTO rds_database (account_id, region, kind, identifier, secret_name, rev, body, mac)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
    ...key,
    database.secret?.name ?? '',
    rev,
    body,
    mac,
  )
}

/** Replaces a database that was read in this transaction. */
export async function updateDatabase(
  { app, tx }: Store,
  { rev: before }: StoredDatabase,
  database: RegisteredDatabase,
) {
  const key = keyOf(database)
  const { rev, body, mac } = app.rows.seal('rds_database', key, before + 1, database)
  const { changes } = await tx.run(
    `UPDATE rds_database SET secret_name = $5, rev = $6, body = $7, mac = $8 WHERE ${WHERE} AND rev = $9`,
    ...key,
    database.secret?.name ?? '',
    rev,
    body,
    mac,
    before,
  )
  if (changes !== 1) throw changedMeanwhile()
}

export async function removeDatabase({ tx }: Store, { rev, database }: StoredDatabase): Promise<void> {
  const { changes } = await tx.run(`DELETE FROM rds_database WHERE ${WHERE} AND rev = $5`, ...keyOf(database), rev)
  if (changes !== 1) throw changedMeanwhile()
}

const changedMeanwhile = () => new DatabaseError('conflict', 'a database was changed by another transaction')

/** By identifier, those after `after`. */
export async function listDatabases(
  { app, tx }: Store,
  { account, region, kind }: Omit<Place, 'identifier'>,
  after: string,
  limit: number,
): Promise<readonly RegisteredDatabase[]> {
  const rows = await tx.all<SealedColumns & { readonly identifier: string }>(
    `SELECT identifier, rev, body, mac FROM rds_database
       WHERE account_id = $1 AND region = $2 AND kind = $3 AND identifier > $4 ORDER BY identifier LIMIT $5`,
    account,
    region,
    kind,
    after,
    limit,
  )
  return rows.map(({ identifier, ...row }) =>
    app.rows.open<RegisteredDatabase>('rds_database', keyOf({ account, region, kind, identifier }), row),
  )
}

export async function countDatabases({ tx }: Store, account: string, region: string): Promise<number> {
  const row = await tx.get<{ readonly count: number }>(
    'SELECT COUNT(*) AS count FROM rds_database WHERE account_id = $1 AND region = $2',
    account,
    region,
  )
  return Number(row?.count ?? 0)
}
