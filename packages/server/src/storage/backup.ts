// Backup and restore. A backup is one SQLite file with every table, from whichever database it was taken, and can be restored into either.

import { existsSync } from 'node:fs'
import { link, open, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { backup as copyDatabase, DatabaseSync } from 'node:sqlite'
import type { Database, Transaction, Value } from './database.ts'
import { findApplied, hasTable, listMigrations, type MigrationSet, migrate, SchemaTooNewError } from './migrate.ts'
import { openSqlite } from './sqlite.ts'
import { SqliteConnection } from './sqlite-connection.ts'

/** A backup or a restore was refused before it changed anything; one line for the operator. */
export class BackupError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'BackupError'
  }
}

export type RestoreTarget = { readonly database: Database; readonly sets: readonly MigrationSet[] }

const SETS: readonly MigrationSet[] = ['main', 'audit']
const PAGE_ROWS = 200
/** More pages than any database has: one step, so that writes meanwhile do not make the copy start over. */
const ALL_PAGES = 2 ** 31 - 1

/**
 * Writes the databases of a server, which go on being used, into one file that must not exist yet (mode 0600, on disk when this resolves).
 * Each is copied as it was at one moment; a table that several of them have (the audit trail) holds the rows of all.
 * @throws BackupError
 */
export async function backup(sources: readonly Database[], destination: string): Promise<void> {
  await writeWhole(destination, async (file) => {
    const [first] = sources
    const copied = first !== undefined && 'path' in first
    await pin(copied ? sources.slice(1) : sources, async (pinned) => {
      if (copied) await copySqlite(first.path as string, file)
      const target = await openSqlite({ path: file, durability: 'none' })
      try {
        for (const { dialect, tx } of pinned) await addRows(tx, dialect, target, file)
      } finally {
        await target.close()
      }
    })
  })
}

type Pinned = { readonly dialect: Database['dialect']; readonly tx: Transaction }

/**
 * Takes a snapshot of each database before the first one is copied: what the audit files tell of the main database, the heads of its
 * chains, is then in its copy.
 */
async function pin(
  sources: readonly Database[],
  work: (pinned: readonly Pinned[]) => Promise<void>,
  pinned: readonly Pinned[] = [],
): Promise<void> {
  const [next, ...others] = sources
  if (next === undefined) return work(pinned)
  await next.transaction('read', async (tx) => {
    await tx.get('SELECT number FROM schema_migration LIMIT 1')
    await pin(others, work, [...pinned, { dialect: next.dialect, tx }])
  })
}

/** The same for the file of a SQLite database alone, which needs no server and no migrations. @throws BackupError */
export async function backupSqlite(source: string, destination: string): Promise<void> {
  if (!existsSync(source)) throw new BackupError(`there is no database at ${source}`)
  await writeWhole(destination, (file) => copySqlite(source, file))
}

/**
 * Fills empty databases from a backup, all or nothing in each, and brings them to the newest schema. A table goes to the first target that
 * has it. @throws BackupError where a target is not empty or the file is no backup, SchemaTooNewError where it is of a newer server
 */
export async function restore(source: string, targets: readonly RestoreTarget[]): Promise<void> {
  const file = openBackup(source)
  try {
    const numbers = readNumbers(file)
    for (const { database, sets } of targets) {
      await mustBeEmpty(database, sets, numbers)
      await migrate(database, sets, numbers)
    }
    const left = new Set(listTables(file).map(({ name }) => name))
    for (const { database } of targets) {
      const loaded = await database.transaction('write', async (tx) => {
        const tables: Table[] = []
        for (const table of listTables(file)) {
          if (left.has(table.name) && (await hasTable(tx, database.dialect, table.name))) tables.push(table)
        }
        for (const table of tables) await loadTable(tx, file, table)
        return tables
      })
      for (const { name } of loaded) left.delete(name)
    }
    if (left.size > 0) throw new BackupError(`the backup holds ${[...left].join(', ')}, for which there is no place`)
    for (const { database, sets } of targets) await migrate(database, sets)
  } finally {
    file.close()
  }
}

type Table = { readonly name: string; readonly columns: readonly string[]; readonly key: readonly string[] }

type Numbers = Partial<Record<MigrationSet, number>>

/** Parents before their children, since that is how they were created. The table of migrations is not among them. */
function listTables(file: SqliteConnection): readonly Table[] {
  const tables = file.all(
    "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name <> 'schema_migration' ORDER BY rowid",
    [],
  ) as { name: string }[]
  return tables.map(({ name }) => {
    const columns = file.all('SELECT name, pk FROM pragma_table_info($1) ORDER BY cid', [name]) as Column[]
    const key = columns.filter(({ pk }) => pk > 0).sort((a, b) => a.pk - b.pk)
    if (key.length === 0) throw new BackupError(`table ${name} has no primary key`)
    return { name, columns: columns.map((column) => column.name), key: key.map((column) => column.name) }
  })
}

type Column = { readonly name: string; readonly pk: number }

function readNumbers(file: SqliteConnection): Numbers {
  const rows = file.all('SELECT set_name, MAX(number) AS number FROM schema_migration GROUP BY set_name', [])
  const numbers: Numbers = {}
  for (const { set_name, number } of rows as { set_name: MigrationSet; number: number }[]) {
    const known = SETS.includes(set_name) ? listMigrations(set_name).length : 0
    if (number > known) throw new SchemaTooNewError(set_name, number, known)
    numbers[set_name] = number
  }
  return numbers
}

/** Keyset pages, so that the whole of a table is never in memory. Row values compare the same way in both databases. */
async function* pages(
  table: Table,
  read: (sql: string, values: readonly Value[]) => Promise<readonly Row[]> | readonly Row[],
): AsyncGenerator<readonly Row[]> {
  const key = table.key.join(', ')
  const select = `SELECT ${table.columns.join(', ')} FROM ${table.name}`
  const after = `(${key}) > (${table.key.map((_, i) => `$${i + 1}`).join(', ')})`
  const end = `ORDER BY ${key} LIMIT ${PAGE_ROWS}`
  let rows = await read(`${select} ${end}`, [])
  while (rows.length > 0) {
    yield rows
    const last = rows.at(-1)!
    const values = table.key.map((column) => last[column]!)
    rows = rows.length < PAGE_ROWS ? [] : await read(`${select} WHERE ${after} ${end}`, values)
  }
}

type Row = Readonly<Record<string, Value>>

async function insert(tx: Transaction, table: Table, rows: readonly Row[]): Promise<void> {
  let next = 0
  const places = rows.map(() => `(${table.columns.map(() => `$${++next}`).join(', ')})`)
  const sql = `INSERT INTO ${table.name} (${table.columns.join(', ')}) VALUES ${places.join(', ')}`
  await tx.run(sql, ...rows.flatMap((row) => table.columns.map((column) => row[column]!)))
}

async function addRows(
  source: Transaction,
  dialect: Database['dialect'],
  target: Database,
  file: string,
): Promise<void> {
  const numbers: Numbers = {}
  for (const set of SETS) {
    const number = await findApplied(source, set)
    if (number > 0) numbers[set] = number
  }
  await migrate(target, Object.keys(numbers) as MigrationSet[], numbers)
  const catalog = new SqliteConnection(file, { access: 'read', busyTimeoutMs: 0 })
  try {
    for (const table of listTables(catalog)) {
      if (!(await hasTable(source, dialect, table.name))) continue
      for await (const rows of pages(table, (sql, values) => source.all<Row>(sql, ...values))) {
        await target.transaction('write', (tx) => insert(tx, table, rows))
        await new Promise(setImmediate)
      }
    }
  } finally {
    catalog.close()
  }
}

async function loadTable(tx: Transaction, file: SqliteConnection, table: Table): Promise<void> {
  if ((await tx.get(`SELECT 1 AS found FROM ${table.name} LIMIT 1`)) !== undefined) {
    throw new BackupError(`the database to restore into is not empty: it has rows in ${table.name}`)
  }
  for await (const rows of pages(table, (sql, values) => file.all(sql, values) as Row[])) await insert(tx, table, rows)
}

/** Before anything is changed: what a newer schema would make of old rows is not for this code to know. */
async function mustBeEmpty(database: Database, sets: readonly MigrationSet[], numbers: Numbers): Promise<void> {
  await database.transaction('read', async (tx) => {
    if (!(await hasTable(tx, database.dialect, 'schema_migration'))) return
    for (const set of sets) {
      const applied = await findApplied(tx, set)
      if (applied > (numbers[set] ?? 0)) {
        throw new BackupError(`the database to restore into is in use already: give one that is new and empty`)
      }
    }
  })
}

function openBackup(path: string): SqliteConnection {
  if (!existsSync(path)) throw new BackupError(`there is no backup at ${path}`)
  let file: SqliteConnection | undefined
  try {
    file = new SqliteConnection(path, { access: 'read', busyTimeoutMs: 0 })
    const { quick_check: verdict } = file.get('PRAGMA quick_check', []) as { quick_check: string }
    if (verdict !== 'ok') throw new BackupError(`${path} is damaged: ${verdict}`)
    const [found] = file.all("SELECT name FROM sqlite_schema WHERE name = 'schema_migration'", [])
    if (found === undefined) throw new BackupError(`${path} is not a backup`)
    return file
  } catch (error) {
    file?.close()
    throw error instanceof BackupError
      ? error
      : new BackupError(`${path} is not a backup (${(error as Error).message})`)
  }
}

/** A copy as of one moment, made in a thread of the pool, while others read and write. */
async function copySqlite(source: string, destination: string): Promise<void> {
  const from = new DatabaseSync(source, { readOnly: true, timeout: 5_000 })
  try {
    await copyDatabase(from, destination, { rate: ALL_PAGES })
  } finally {
    from.close()
  }
}

/** The file appears under its name when it is complete and on disk, or not at all. */
async function writeWhole(destination: string, write: (file: string) => Promise<void>): Promise<void> {
  if (existsSync(destination)) throw new BackupError(`${destination} exists already`)
  const partial = `${destination}.partial-${process.pid}`
  try {
    await (await open(partial, 'wx', 0o600)).close()
    await write(partial)
    const database = new DatabaseSync(partial)
    database.exec('PRAGMA journal_mode = DELETE')
    database.close()
    await sync(partial)
    await link(partial, destination)
    await rm(partial)
    await sync(dirname(destination))
  } catch (error) {
    for (const suffix of ['', '-wal', '-shm', '-journal', '.lock']) await rm(partial + suffix, { force: true })
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST') throw new BackupError(`${destination} exists already`)
    throw error
  }
  await rm(`${partial}.lock`, { force: true })
}

async function sync(path: string): Promise<void> {
  const file = await open(path, 'r')
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}
