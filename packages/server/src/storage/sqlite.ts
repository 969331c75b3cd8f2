// The embedded database: node:sqlite with a write-ahead log. Reads have connections of their own, writes are grouped (sqlite-group.ts), and
// what waits for the disk waits off the event loop (sqlite-log.ts, sqlite-checkpoint.ts).

import { closeSync, existsSync, openSync } from 'node:fs'
import type { Logger } from '../observe/log.ts'
import { type Access, type Database, DatabaseError, type Transaction, type Value } from './database.ts'
import { type Exclusively, reentrant } from './exclusive.ts'
import { lockFile } from './lock.ts'
import { checkpoint, checkpointDue, endCheckpoints } from './sqlite-checkpoint.ts'
import { SqliteConnection } from './sqlite-connection.ts'
import { GroupCommit } from './sqlite-group.ts'
import { LogSync } from './sqlite-log.ts'
import { type LogSize, WriterSession } from './sqlite-writer.ts'
import { checkValues } from './value.ts'

export type SqliteOptions = {
  readonly path: string
  /** Reads that can be in the database at once. */
  readonly readConnections?: number
  /**
   * commit: on disk before a write resolves, and before a read that saw it does. interval: written before it resolves, so that it survives
   * kill -9, and synced within 100 ms. none: never synced, for tests.
   */
  readonly durability: 'commit' | 'interval' | 'none'
  readonly log?: Logger
}

export type SqliteStats = {
  /** Commits of groups, and the write transactions in them. */
  readonly commits: number
  readonly transactions: number
  readonly waitingReads: number
  readonly waitingWrites: number
}

export type SqliteDatabase = Database & {
  readonly dialect: 'sqlite'
  readonly path: string
  stats(): SqliteStats
  /** Runs work while no other process does so on this database: for migrations and bootstrap. */
  readonly exclusively: Exclusively
}

const READ_CONNECTIONS = 4
const READS_WAITING_MAX = 4_096
/** Readers wait only for recovery after a crash, or for a process that is just closing the database. */
const READ_BUSY_TIMEOUT_MS = 5_000
const EXCLUSIVE_WAIT_MS = 60_000

/** @throws DatabaseError where the file cannot be opened, or is no database */
export async function openSqlite(options: SqliteOptions): Promise<SqliteDatabase> {
  const { path, durability, log } = options
  createFile(path)
  const reads = new ReadPool(path, options.readConnections ?? READ_CONNECTIONS)
  const logSync = durability === 'none' ? undefined : new LogSync(path, () => reads.version(), log)
  if (durability === 'commit') reads.durable = logSync
  const checkpoints = new Checkpoints(path, log)
  const writes = new GroupCommit({
    start: () => new WriterSession({ path, synchronous: durability === 'none' ? 'OFF' : 'NORMAL' }),
    beforeGroup: async () => {
      await logSync?.mustBeSound()
      await checkpoints.truncating
    },
    onCommit: (reply) => {
      if (durability === 'interval') logSync?.syncSoon()
      if (reply.wal !== undefined) checkpoints.noteSize(reply.wal)
    },
    durable: durability === 'commit' ? () => logSync!.sync() : undefined,
  })
  let closing: Promise<void> | undefined

  return {
    dialect: 'sqlite',
    path,
    transaction<T>(access: Access, work: (tx: Transaction) => Promise<T>): Promise<T> {
      if (closing !== undefined) return Promise.reject(new DatabaseError('unavailable', 'the database is closed'))
      return access === 'read' ? reads.transaction(work) : writes.transaction(work)
    },
    newest: () => (closing === undefined ? reads.newest() : undefined),
    stats: () => ({
      commits: writes.commits,
      transactions: writes.transactions,
      waitingReads: reads.waiting,
      waitingWrites: writes.waiting,
    }),
    exclusively: reentrant(async (work) => {
      const refusal = () => new DatabaseError('unavailable', `another process is preparing ${path}`)
      const lock = await lockFile(`${path}.lock`, EXCLUSIVE_WAIT_MS, refusal)
      try {
        return await work()
      } finally {
        lock.release()
      }
    }),
    close() {
      closing ??= (async () => {
        await writes.drained()
        await reads.close()
        await checkpoints.close()
        await logSync?.close()
        // What could not be copied stays in the log, and is found there at the next start.
        await writes
          .close()
          .catch((error: unknown) => log?.warn({ path, error: String(error) }, 'checkpoint at close failed'))
      })()
      return closing
    },
  }
}

/** Secrets lie in it, encrypted: nobody else need read it. SQLite gives the log the same mode. */
function createFile(path: string): void {
  if (existsSync(path)) return
  try {
    closeSync(openSync(path, 'wx', 0o600))
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST') return
    const reason = code === 'ENOSPC' ? 'full' : code === 'EROFS' ? 'readonly' : 'unavailable'
    throw new DatabaseError(reason, `cannot create ${path}: ${code}`)
  }
}

class Checkpoints {
  readonly #path: string
  readonly #log: Logger | undefined
  #running: Promise<void> | undefined
  /** What was said last during the one that runs. */
  #next: LogSize | undefined
  /** While it is set no group begins: against a writer that never pauses a checkpoint would wait for ever. */
  truncating: Promise<void> | undefined

  constructor(path: string, log: Logger | undefined) {
    this.#path = path
    this.#log = log
  }

  noteSize(size: LogSize): void {
    if (this.#running !== undefined) {
      this.#next = size
      return
    }
    const kind = checkpointDue(size)
    if (kind === undefined) return
    this.#running = this.#checkpoint(kind).finally(() => {
      const next = this.#next
      this.#running = undefined
      this.#next = undefined
      if (next !== undefined) this.noteSize(next)
    })
  }

  async close(): Promise<void> {
    while (this.#running !== undefined) await this.#running
    await endCheckpoints(this.#path)
  }

  async #checkpoint(kind: 'PASSIVE' | 'TRUNCATE'): Promise<void> {
    await this.#run('PASSIVE')
    if (kind === 'PASSIVE') return
    this.truncating = this.#run('TRUNCATE')
    await this.truncating
    this.truncating = undefined
  }

  async #run(kind: 'PASSIVE' | 'TRUNCATE'): Promise<void> {
    const { error } = await checkpoint(this.#path, kind)
    if (error !== undefined) this.#log?.warn({ path: this.#path, kind, error }, 'checkpoint failed')
  }
}

class ReadPool {
  readonly #path: string
  readonly #max: number
  /** Never in a transaction, so that it tells the newest number there is. */
  readonly #watcher: SqliteConnection
  readonly #connections: SqliteConnection[] = []
  readonly #free: SqliteConnection[] = []
  readonly #queue: ((connection: SqliteConnection) => void)[] = []
  #open = 0
  #idle: (() => void) | undefined
  #known: number | undefined
  /** Where it is set, a read resolves when what it saw is on disk: nobody acts on what a power failure could take back. */
  durable: LogSync | undefined

  constructor(path: string, max: number) {
    this.#path = path
    this.#max = max
    this.#watcher = new SqliteConnection(path, { access: 'read', busyTimeoutMs: READ_BUSY_TIMEOUT_MS })
    try {
      this.#watcher.exec('PRAGMA query_only = OFF')
      this.#watcher.get('PRAGMA journal_mode = WAL', [])
    } catch (error) {
      // A database on a read-only disk can be read all the same.
      if (!(error instanceof DatabaseError) || error.reason !== 'readonly') {
        this.#watcher.close()
        throw error
      }
    }
    this.#watcher.exec('PRAGMA query_only = ON')
  }

  get waiting(): number {
    return this.#queue.length
  }

  async transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    this.#open += 1
    try {
      for (;;) {
        const tx = new ReadTransaction(this)
        try {
          const value = await work(tx)
          tx.finish()
          const { seen } = tx
          tx.end()
          if (seen !== undefined && this.durable?.holds(seen) === false) await this.durable.sync()
          return value
        } catch (error) {
          if (!tx.outdated) throw error
        } finally {
          tx.end()
        }
      }
    } finally {
      this.#open -= 1
      if (this.#open === 0) this.#idle?.()
    }
  }

  /** Equal to an earlier one only if nothing was committed in between. */
  version(): number {
    return (this.#watcher.get('PRAGMA data_version', []) as { data_version: number }).data_version
  }

  /**
   * The same, asked for once by all that runs without a break: requests that start together were all received before, and none may expect
   * to see what was committed since. Whatever follows from a commit of this process runs in a later microtask than the one that forgets.
   */
  versionOfTurn(): number {
    if (this.#known === undefined) {
      this.#known = this.version()
      queueMicrotask(() => {
        this.#known = undefined
      })
    }
    return this.#known
  }

  /** Never throws: the read that follows tells what is wrong. */
  newest(): number | undefined {
    try {
      const version = this.versionOfTurn()
      return this.durable?.holds(version) === false ? undefined : version
    } catch {
      return undefined
    }
  }

  /** A connection for one transaction; a promise where all are in use. @throws DatabaseError where too many wait already. */
  take(): SqliteConnection | Promise<SqliteConnection> {
    const free = this.#free.pop()
    if (free !== undefined) return free
    if (this.#connections.length < this.#max) {
      const connection = new SqliteConnection(this.#path, { access: 'read', busyTimeoutMs: READ_BUSY_TIMEOUT_MS })
      this.#connections.push(connection)
      return connection
    }
    if (this.#queue.length >= READS_WAITING_MAX) {
      throw new DatabaseError('unavailable', `${READS_WAITING_MAX} reads are waiting already`)
    }
    return new Promise((resolve) => this.#queue.push(resolve))
  }

  release(connection: SqliteConnection): void {
    const next = this.#queue.shift()
    if (next !== undefined) next(connection)
    else this.#free.push(connection)
  }

  async close(): Promise<void> {
    while (this.#open > 0) {
      await new Promise<void>((resolve) => {
        this.#idle = resolve
      })
    }
    for (const connection of this.#connections) connection.close()
    this.#watcher.close()
  }
}

/**
 * Takes a connection, and its snapshot, with the first statement: whoever finds all he needs in his caches needs only the number.
 */
class ReadTransaction implements Transaction {
  readonly lane = -1
  /** Something was committed between asking for the number and the first statement: the work has to run again. */
  outdated = false
  readonly #pool: ReadPool
  #connection: SqliteConnection | Promise<SqliteConnection> | undefined
  #listeners: (() => void)[] | undefined
  #failure: unknown
  #snapshot: number | undefined
  #began = false
  #over = false

  constructor(pool: ReadPool) {
    this.#pool = pool
  }

  /** The number of what the work saw, or a later one; undefined where it saw nothing. */
  get seen(): number | undefined {
    return this.#snapshot ?? (this.#began ? this.#pool.version() : undefined)
  }

  /** Undefined where a statement came first: then no number is known to belong to the rows. */
  get snapshot(): number | undefined {
    if (this.#snapshot === undefined && this.#connection === undefined && !this.#over) {
      this.#snapshot = this.#pool.versionOfTurn()
    }
    return this.#snapshot
  }

  async all<Row>(sql: string, ...values: readonly Value[]): Promise<readonly Row[]> {
    return this.#do(await this.#ready(), 'all', sql, values) as Row[]
  }

  async get<Row>(sql: string, ...values: readonly Value[]): Promise<Row | undefined> {
    return this.#do(await this.#ready(), 'get', sql, values) as Row | undefined
  }

  async run(sql: string, ...values: readonly Value[]): Promise<{ readonly changes: number }> {
    return this.#do(await this.#ready(), 'run', sql, values) as { changes: number }
  }

  onRollback(listener: () => void): void {
    this.#listeners ??= []
    this.#listeners.push(listener)
  }

  /** The body resolved. @throws what doomed the transaction */
  finish(): void {
    if (this.#failure !== undefined) throw this.#failure
    this.#listeners = undefined
  }

  end(): void {
    if (this.#over) return
    this.#over = true
    const connection = this.#connection
    if (connection instanceof Promise) connection.then((late) => this.#pool.release(late))
    else if (connection !== undefined) {
      if (this.#began) connection.run('COMMIT', [])
      this.#pool.release(connection)
    }
    const listeners = this.#listeners
    if (listeners !== undefined) for (const listener of listeners.toReversed()) listener()
  }

  #ready(): SqliteConnection | Promise<SqliteConnection> {
    if (this.#over) throw new Error('the transaction is over')
    if (this.#connection === undefined) {
      const taken = this.#pool.take()
      this.#connection = taken
      if (taken instanceof Promise) {
        this.#connection = taken.then((connection) => {
          if (!this.#over) this.#connection = connection
          return connection
        })
      }
    }
    return this.#connection
  }

  #do(connection: SqliteConnection, kind: 'all' | 'get' | 'run', sql: string, values: readonly Value[]): unknown {
    if (this.#over) throw new Error('the transaction is over')
    if (this.#failure !== undefined) throw this.#failure
    try {
      checkValues(values)
      if (this.#began) return connection[kind](sql, values)
      connection.run('BEGIN', [])
      this.#began = true
      // The first statement takes the snapshot; the number asked for before it is that of the snapshot if it is still the newest.
      const result = connection[kind](sql, values)
      if (this.#snapshot !== undefined && this.#snapshot !== this.#pool.version()) {
        this.outdated = true
        throw new DatabaseError('conflict', 'the snapshot is outdated')
      }
      return result
    } catch (error) {
      this.#failure = error
      throw error
    }
  }
}
