// Plain SQL on a database of the server, past the server: what someone can do who reached the database and nothing else.

import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client, types } from 'pg'
import type { TestScope } from '../packages/server/src/storage/testing.ts'

export type Cell = string | number | bigint | Uint8Array | null
export type Row = { readonly [column: string]: Cell }
export type Statement = readonly [sql: string, ...values: Cell[]]
export type Table = { readonly columns: readonly string[]; readonly key: readonly string[] }

export type RawSql = {
  readonly dialect: 'sqlite' | 'postgres'
  query(sql: string, ...values: Cell[]): Promise<readonly Row[]>
  /** All in one transaction, or none. */
  batch(statements: readonly Statement[]): Promise<void>
  /** Tables with their columns and the columns of their primary keys, as the schema itself has them. */
  tables(): Promise<ReadonlyMap<string, Table>>
}

/** PostgreSQL's number of its type int8. */
const INT8 = 20
/** SQLite's number for a database that another connection writes to now. */
const SQLITE_BUSY = 5

export function openSqliteFile(t: TestScope, file: string): RawSql {
  // The server may be in this very thread: waiting inside SQLite would keep it from ending its transaction.
  const raw = new DatabaseSync(file, { timeout: 0, enableForeignKeyConstraints: false })
  t.after(() => raw.close())
  const run = ([sql, ...values]: Statement) =>
    raw.prepare(sql.replaceAll(/\$(\d+)/g, '?$1')).all(...values) as unknown as readonly Row[]
  const query: RawSql['query'] = async (...statement) => whenFree(() => run(statement))
  return {
    dialect: 'sqlite',
    query,
    batch: (statements) =>
      whenFree(() => {
        run(['BEGIN IMMEDIATE'])
        try {
          for (const statement of statements) run(statement)
          run(['COMMIT'])
        } catch (error) {
          if (raw.isTransaction) run(['ROLLBACK'])
          throw error
        }
      }),
    tables: async () => {
      const tables = new Map<string, Table>()
      const names = await query("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
      for (const { name } of names) {
        const info = await query(`PRAGMA table_info(${String(name)})`)
        tables.set(String(name), {
          columns: info.map((column) => String(column.name)),
          key: info.filter(({ pk }) => Number(pk) > 0).map((column) => String(column.name)),
        })
      }
      return tables
    },
  }
}

async function whenFree<T>(work: () => T): Promise<T> {
  for (;;) {
    try {
      return work()
    } catch (error) {
      if ((error as { readonly errcode?: number }).errcode !== SQLITE_BUSY) throw error
      await sleep(2)
    }
  }
}

export async function openPostgresUrl(t: TestScope, url: string): Promise<RawSql> {
  const getTypeParser = (oid: number) => (oid === INT8 ? Number : types.getTypeParser(oid))
  const client = new Client({ connectionString: url, types: { getTypeParser } })
  client.on('error', () => {})
  await client.connect()
  t.after(() => client.end())
  const query: RawSql['query'] = async (sql, ...values) => {
    const bound = values.map((value) => (value instanceof Uint8Array ? Buffer.from(value) : value))
    return (await client.query(sql, bound)).rows
  }
  return {
    dialect: 'postgres',
    query,
    batch: async (statements) => {
      await query('BEGIN')
      try {
        for (const statement of statements) await query(...statement)
        await query('COMMIT')
      } catch (error) {
        await query('ROLLBACK')
        throw error
      }
    },
    tables: async () => {
      const columns = await query(
        `SELECT c.table_name, c.column_name, k.column_name AS key FROM information_schema.columns c
         LEFT JOIN information_schema.table_constraints p
           ON p.table_name = c.table_name AND p.table_schema = c.table_schema AND p.constraint_type = 'PRIMARY KEY'
         LEFT JOIN information_schema.key_column_usage k
           ON k.constraint_name = p.constraint_name AND k.table_schema = c.table_schema AND k.column_name = c.column_name
         WHERE c.table_schema = 'public' ORDER BY c.ordinal_position`,
      )
      const tables = new Map<string, { columns: string[]; key: string[] }>()
      for (const { table_name, column_name, key } of columns) {
        const table = tables.get(String(table_name)) ?? { columns: [], key: [] }
        table.columns.push(String(column_name))
        if (key !== null) table.key.push(String(key))
        tables.set(String(table_name), table)
      }
      return tables
    },
  }
}
