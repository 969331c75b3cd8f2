// One SQLite connection: portable SQL in, plain rows out, SQLite's errors translated. It is synchronous; who may block decides where it runs.

import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { DatabaseError, type DatabaseFailure, type Value } from './database.ts'
import { narrow } from './value.ts'

/** Statements kept prepared, the oldest dropped first. The program's SQL is a few hundred texts. */
const STATEMENTS_MAX = 512
/** The largest mmap_size that a build of SQLite accepts; more is cut down or, as a 32-bit zero, switches it off. */
const MMAP_BYTES = 2_147_418_112

type Prepared = {
  readonly statement: StatementSync
  readonly placeholders: number
  names: readonly string[]
  /** Integers are read as BigInt, since some did not fit in a number. */
  wide: boolean
  /** Not DDL or the like, whose count of changes would be that of an earlier statement. */
  readonly counts: boolean
}

export type ConnectionOptions = {
  readonly access: 'read' | 'write'
  /** How long a statement waits for a lock of another connection. */
  readonly busyTimeoutMs: number
  readonly synchronous?: 'FULL' | 'NORMAL' | 'OFF'
}

export class SqliteConnection {
  readonly raw: DatabaseSync
  readonly #prepared = new Map<string, Prepared>()

  /** @throws DatabaseError where the file cannot be opened or is not a database */
  constructor(path: string, options: ConnectionOptions) {
    const { access, busyTimeoutMs, synchronous = 'FULL' } = options
    try {
      this.raw = new DatabaseSync(path, { timeout: busyTimeoutMs, enableForeignKeyConstraints: true })
    } catch (error) {
      throw sqliteError(error)
    }
    try {
      this.exec('PRAGMA temp_store = MEMORY')
      this.exec('PRAGMA trusted_schema = OFF')
      if (access === 'read') {
        this.exec(`PRAGMA mmap_size = ${MMAP_BYTES}`)
        this.exec('PRAGMA query_only = ON')
      } else {
        this.exec(`PRAGMA synchronous = ${synchronous}`)
        this.exec('PRAGMA fullfsync = ON') // macOS alone: its fsync does not reach the disk
        this.exec('PRAGMA wal_autocheckpoint = 0')
        this.exec('PRAGMA cache_size = -16384')
      }
    } catch (error) {
      this.raw.close()
      throw error
    }
  }

  all(sql: string, values: readonly Value[]): object[] {
    const prepared = this.#prepare(sql, values)
    const rows = this.#read(prepared, () => prepared.statement.all(...bind(values)))
    return rows.map((row) => toRow(prepared, row as unknown as readonly unknown[]))
  }

  get(sql: string, values: readonly Value[]): object | undefined {
    const prepared = this.#prepare(sql, values)
    const row = this.#read(prepared, () => prepared.statement.get(...bind(values)))
    return row === undefined ? undefined : toRow(prepared, row as unknown as readonly unknown[])
  }

  run(sql: string, values: readonly Value[]): { readonly changes: number } {
    const prepared = this.#prepare(sql, values)
    try {
      const { changes } = prepared.statement.run(...bind(values))
      return { changes: prepared.counts ? Number(changes) : 0 }
    } catch (error) {
      throw sqliteError(error)
    }
  }

  /** A statement that is not kept, or several. */
  exec(sql: string): void {
    try {
      this.raw.exec(sql)
    } catch (error) {
      throw sqliteError(error)
    }
  }

  close(): void {
    this.#prepared.clear()
    this.raw.close()
  }

  /** Integers beyond 2^53 make node:sqlite throw; then, and from then on, the statement is read in BigInts. */
  #read<T>(prepared: Prepared, step: () => T): T {
    try {
      return step()
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ERR_OUT_OF_RANGE' || prepared.wide) throw sqliteError(error)
    }
    prepared.wide = true
    prepared.statement.setReadBigInts(true)
    try {
      return step()
    } catch (error) {
      throw sqliteError(error)
    }
  }

  #prepare(sql: string, values: readonly Value[]): Prepared {
    const prepared = this.#prepared.get(sql) ?? this.#compile(sql)
    if (values.length !== prepared.placeholders) {
      throw new DatabaseError('other', `the statement takes ${prepared.placeholders} values, not ${values.length}`)
    }
    return prepared
  }

  #compile(sql: string): Prepared {
    let placeholders = 0
    const text = sql.replaceAll(/\$(\d+)/g, (_, digits: string) => {
      placeholders = Math.max(placeholders, Number(digits))
      return `?${digits}`
    })
    try {
      const statement = this.raw.prepare(text)
      statement.setReturnArrays(true)
      // Running a statement again because an integer was too large would repeat what it changes.
      const wide = /\bRETURNING\b/i.test(text)
      if (wide) statement.setReadBigInts(true)
      const counts = /^\s*(?:INSERT|UPDATE|DELETE|WITH)\b/i.test(text)
      const prepared = { statement, placeholders, names: columnNames(statement), wide, counts }
      if (this.#prepared.size >= STATEMENTS_MAX) {
        for (const oldest of this.#prepared.keys()) {
          this.#prepared.delete(oldest)
          break
        }
      }
      this.#prepared.set(sql, prepared)
      return prepared
    } catch (error) {
      throw sqliteError(error)
    }
  }
}

const columnNames = (statement: StatementSync): string[] => statement.columns().map((column) => column.name)

function toRow(prepared: Prepared, values: readonly unknown[]): object {
  // A changed schema makes SQLite compile the statement again, with other columns where it selects them all.
  if (values.length !== prepared.names.length) prepared.names = columnNames(prepared.statement)
  const { names, wide } = prepared
  const row: Record<string, unknown> = {}
  for (let i = 0; i < names.length; i++) {
    const value = values[i]
    row[names[i]!] = wide && typeof value === 'bigint' ? narrow(value) : value
  }
  return row
}

/** node:sqlite binds every number as a double; whole ones are integers here, so that `$1 / 2` and `typeof($1)` mean the same on both databases. */
const bind = (values: readonly Value[]): Value[] =>
  values.map((value) => (typeof value === 'number' && Number.isSafeInteger(value) ? BigInt(value) : value))

const IOERR_WRITE = 778
const IOERR_SHMSIZE = 4874

const failures: Readonly<Record<number, DatabaseFailure>> = {
  5: 'conflict', // BUSY
  6: 'conflict', // LOCKED
  7: 'unavailable', // NOMEM
  8: 'readonly',
  10: 'unavailable', // IOERR
  11: 'corrupt',
  13: 'full',
  14: 'unavailable', // CANTOPEN
  18: 'constraint', // TOOBIG
  19: 'constraint',
  26: 'corrupt', // NOTADB
}

const extendedFailures: Readonly<Record<number, DatabaseFailure>> = {
  [IOERR_WRITE]: 'readonly', // files that are open say so when their file system becomes read-only
  [IOERR_SHMSIZE]: 'full', // the shared-memory file could not grow: it has no other cause worth telling apart
}

/** SQLite's messages name tables and columns, never values. What is not SQLite's passes as it is. */
export function sqliteError(error: unknown): unknown {
  const { code, errcode, message } = error as { code?: string; errcode?: number; message?: string }
  if (code !== 'ERR_SQLITE_ERROR' || errcode === undefined) return error
  const reason = extendedFailures[errcode] ?? failures[errcode & 0xff] ?? 'other'
  return new DatabaseError(reason, `SQLite: ${message} (${errcode})`)
}
