// Migrations: numbered SQL files, applied once each, in order, each in a transaction. A server older than the schema refuses to start.

import { readdirSync, readFileSync } from 'node:fs'
import type { Database, Transaction } from './database.ts'
import type { Exclusively } from './exclusive.ts'

export type MigrationSet = 'main' | 'audit'

export type Migration = { readonly number: number; readonly name: string; readonly sql: string }

/** The database was migrated by a newer server: what its rows mean now is unknown here. */
export class SchemaTooNewError extends Error {
  constructor(set: MigrationSet, found: number, known: number) {
    super(
      `the schema "${set}" of the database is at ${found}, but this server knows it only up to ${known}: run a newer server`,
    )
    this.name = 'SchemaTooNewError'
  }
}

/** The database was not migrated yet by a server of this version. */
export class SchemaTooOldError extends Error {
  constructor() {
    super('the schema of the database is of an older server: start this one on it once, which brings it up to date')
    this.name = 'SchemaTooOldError'
  }
}

/** For who must not change it. @throws SchemaTooOldError, SchemaTooNewError where the database is not at the newest schema of each set */
export async function mustBeCurrent(database: Database, sets: readonly MigrationSet[]): Promise<void> {
  if (!(await isCurrent(database, sets, {}))) throw new SchemaTooOldError()
}

/**
 * Brings the database to the newest schema of each set, or to `upTo` of it. Any number of processes may do so at once.
 * @throws SchemaTooNewError
 */
export async function migrate(
  database: Database,
  sets: readonly MigrationSet[],
  upTo: Readonly<Partial<Record<MigrationSet, number>>> = {},
): Promise<void> {
  if (await isCurrent(database, sets, upTo)) return
  await underMigrationLock(database, async () => {
    await database.transaction('write', (tx) => runScript(tx, database.dialect, CREATE_TABLE))
    for (const set of sets) {
      const known = listMigrations(set)
      const last = upTo[set] ?? known.length
      const applied = await database.transaction('read', (tx) => findApplied(tx, set))
      if (applied > known.length) throw new SchemaTooNewError(set, applied, known.length)
      for (const migration of known.slice(applied, last)) {
        await database.transaction('write', (tx) => apply(tx, database.dialect, set, migration))
      }
    }
  })
}

/** Runs work while no other process is migrating or does this on the same database. For bootstrap. */
export function underMigrationLock<T>(database: Database, work: () => Promise<T>): Promise<T> {
  const { exclusively } = database as Partial<{ readonly exclusively: Exclusively }>
  if (exclusively === undefined) throw new TypeError('this database has no migration lock')
  return exclusively(work)
}

/** The migrations of a set, numbered from 1 without gaps. */
export function listMigrations(set: MigrationSet): readonly Migration[] {
  const folder = new URL(`./migrations/${set}/`, import.meta.url)
  const files = readdirSync(folder).filter((file) => file.endsWith('.sql'))
  return files.sort().map((file, index) => {
    const { number, name } = /^(?<number>\d{4})_(?<name>[a-z0-9_]+)\.sql$/.exec(file)?.groups ?? {}
    if (Number(number) !== index + 1) throw new Error(`migration ${set}/${file} is out of sequence`)
    return { number: index + 1, name: name!, sql: readFileSync(new URL(file, folder), 'utf8') }
  })
}

/** The number of the last migration applied; 0 where there is none. The table of migrations must exist. */
export async function findApplied(tx: Transaction, set: MigrationSet): Promise<number> {
  const row = await tx.get<{ number: number | null }>(
    'SELECT MAX(number) AS number FROM schema_migration WHERE set_name = $1',
    set,
  )
  return row?.number ?? 0
}

export async function hasTable(tx: Transaction, dialect: Database['dialect'], table: string): Promise<boolean> {
  const sql =
    dialect === 'sqlite'
      ? "SELECT 1 AS found FROM sqlite_schema WHERE type = 'table' AND name = $1"
      : 'SELECT 1 AS found FROM information_schema.tables WHERE table_schema = current_schema() AND table_name = $1'
  return (await tx.get(sql, table)) !== undefined
}

/** Runs statements that end in semicolons, in the dialect of the migrations: BLOB and TEXT are translated for PostgreSQL. */
export async function runScript(tx: Transaction, dialect: Database['dialect'], script: string): Promise<void> {
  for (const statement of splitScript(script)) {
    await tx.run(dialect === 'sqlite' ? statement : toPostgres(statement))
  }
}

const CREATE_TABLE = `CREATE TABLE IF NOT EXISTS schema_migration (
  set_name TEXT NOT NULL,
  number BIGINT NOT NULL,
  name TEXT NOT NULL,
  PRIMARY KEY (set_name, number)
);`

/** Most starts find nothing to do: one read, and no lock. */
function isCurrent(
  database: Database,
  sets: readonly MigrationSet[],
  upTo: Readonly<Partial<Record<MigrationSet, number>>>,
): Promise<boolean> {
  return database.transaction('read', async (tx) => {
    if (!(await hasTable(tx, database.dialect, 'schema_migration'))) return false
    for (const set of sets) {
      const known = listMigrations(set).length
      const applied = await findApplied(tx, set)
      if (applied > known) throw new SchemaTooNewError(set, applied, known)
      if (applied < (upTo[set] ?? known)) return false
    }
    return true
  })
}

async function apply(
  tx: Transaction,
  dialect: Database['dialect'],
  set: MigrationSet,
  { number, name, sql }: Migration,
): Promise<void> {
  await runScript(tx, dialect, sql)
  await tx.run('INSERT INTO schema_migration (set_name, number, name) VALUES ($1, $2, $3)', set, number, name)
}

/** Comments and quoted text may hold semicolons. Bodies of triggers and functions are not understood: migrations have none. */
export function splitScript(script: string): readonly string[] {
  const statements: string[] = []
  let statement = ''
  for (const [token] of script.matchAll(/--[^\n]*|'(?:[^']|'')*'|"[^"]*"|[^'";-]+|./gs)) {
    if (token.startsWith('--')) continue
    if (token !== ';') statement += token
    else {
      if (statement.trim() !== '') statements.push(statement.trim())
      statement = ''
    }
  }
  if (statement.trim() !== '') statements.push(statement.trim())
  return statements
}

const toPostgres = (statement: string): string =>
  statement.replaceAll(/\bBLOB\b/g, 'BYTEA').replaceAll(/\bTEXT\b/g, 'TEXT COLLATE "C"')
