// The embedded database: node:sqlite with a write-ahead log. Reads run here, on connections of their own; writes in a thread (sqlite-group.ts).

import { close, closeSync, existsSync, fdatasync, open, openSync } from 'node:fs'
import { promisify } from 'node:util'
import type { Logger } from '../observe/log.ts'
import { type Access, type Database, DatabaseError, type Transaction, type Value } from './database.ts'
import { type Exclusively, reentrant } from './exclusive.ts'
import { lockFile } from './lock.ts'
import { checkpoint, checkpointDue, endCheckpoints } from './sqlite-checkpoint.ts'
import { SqliteConnection } from './sqlite-connection.ts'
import { GroupCommit } from './sqlite-group.ts'
import { startWriter } from './sqlite-thread.ts'
import type { CommitReply } from './sqlite-writer.ts'
import { checkValues } from './value.ts'

export type SqliteOptions = {
  readonly path: string
  /** Reads that can be open at once. The first connection numbers its snapshots, so it is used whenever it is free. */
  readonly readConnections?: number
  /**
   * commit: synced to disk before a write resolves. interval: written before it resolves, so that it survives kill -9, and synced within
   * 20 ms. none: never synced, for tests.
   */
  readonly durability: 'commit' | 'interval' | 'none'
  /** Where the writing connection lives: inline blocks the event loop at each commit, for tests and short commands. */
  readonly writer?: 'thread' | 'inline'
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
const SYNC_INTERVAL_MS = 20

/** @throws DatabaseError where the file cannot be opened, or is no database */
export async function openSqlite(options: SqliteOptions): Promise<SqliteDatabase> {
  const { path, durability, log } = options
  createFile(path)
  const reads = new ReadPool(path, options.readConnections ?? READ_CONNECTIONS)
  const walSync = durability === 'interval' ? new WalSync(path, log) : undefined
  const checkpoints = new Checkpoints(path, log)
  const synchronous = ({ commit: 'FULL', interval: 'NORMAL', none: 'OFF' } as const)[durability]
  const writes = new GroupCommit({
    start: () => startWriter(options.writer ?? 'thread', { path, synchronous }),
    beforeGroup: async () => {
      await walSync?.mustBeSound()
      await checkpoints.truncating
    },
    onCommit: (reply) => {
      walSync?.noteCommit()
      checkpoints.noteCommit(reply)
    },
  })
  let closing: Promise<void> | undefined

  return {
    dialect: 'sqlite',
    path,
    transaction<T>(access: Access, work: (tx: Transaction) => Promise<T>): Promise<T> {
      if (closing !== undefined) return Promise.reject(new DatabaseError('unavailable', 'the database is closed'))
      return access === 'read' ? reads.transaction(work) : writes.transaction(work)
    },
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
        await reads.close()
        await writes.drained()
        await checkpoints.close()
        await walSync?.close()
        // What could not be copied stays in the log, and is found there at the next start.
        await writes.close().catch((error) => log?.warn({ path, error: String(error) }, 'checkpoint at close failed'))
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
  /** What the last commit during the one that runs said. */
  #next: CommitReply | undefined
  /** While it is set no group begins: against a writer that never pauses a checkpoint would wait for ever. */
  truncating: Promise<void> | undefined

  constructor(path: string, log: Logger | undefined) {
    this.#path = path
    this.#log = log
  }

  noteCommit(reply: CommitReply): void {
    if (this.#running !== undefined) {
      this.#next = reply
      return
    }
    const kind = checkpointDue(reply.walPages, reply.walPagesPending)
    if (kind === undefined) return
    this.#running = this.#checkpoint(kind).finally(() => {
      const next = this.#next
      this.#running = undefined
      this.#next = undefined
      if (next !== undefined) this.noteCommit(next)
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
    const error = await checkpoint(this.#path, kind)
    if (error !== undefined) this.#log?.warn({ path: this.#path, kind, error }, 'checkpoint failed')
  }
}

class ReadPool {
  readonly #path: string
  readonly #max: number
  readonly #connections: SqliteConnection[] = []
  /** Indexes of connections that no transaction uses. */
  readonly #free: number[] = []
  readonly #queue: ((index: number) => void)[] = []
  #open = 0
  #idle: (() => void) | undefined

  constructor(path: string, max: number) {
    this.#path = path
    this.#max = max
    const primary = this.#connect()
    try {
      primary.exec('PRAGMA query_only = OFF')
      primary.get('PRAGMA journal_mode = WAL', [])
    } catch (error) {
      // A database on a read-only disk can be read all the same.
      if (!(error instanceof DatabaseError) || error.reason !== 'readonly') {
        primary.close()
        throw error
      }
    }
    primary.exec('PRAGMA query_only = ON')
    this.#free.push(0)
  }

  get waiting(): number {
    return this.#queue.length
  }

  transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    if (this.#free.length > 0 || this.#connections.length < this.#max) return this.#run(undefined, work)
    if (this.#queue.length >= READS_WAITING_MAX) {
      return Promise.reject(new DatabaseError('unavailable', `${READS_WAITING_MAX} reads are waiting already`))
    }
    return new Promise<number>((resolve) => this.#queue.push(resolve)).then((index) => this.#run(index, work))
  }

  async close(): Promise<void> {
    while (this.#open > 0 || this.#queue.length > 0) {
      await new Promise<void>((resolve) => {
        this.#idle = resolve
      })
    }
    for (const connection of this.#connections) connection.close()
  }

  async #run<T>(handed: number | undefined, work: (tx: Transaction) => Promise<T>): Promise<T> {
    const index = handed ?? this.#take()
    this.#open += 1
    const tx = new ReadTransaction(this.#connections[index]!, index === 0)
    try {
      const value = await work(tx)
      tx.finish()
      return value
    } finally {
      tx.end()
      this.#open -= 1
      this.#release(index)
    }
  }

  #take(): number {
    if (this.#free.length === 0) {
      this.#connect()
      return this.#connections.length - 1
    }
    // Index 0 is put at the end, where it is found first.
    return this.#free.pop()!
  }

  #release(index: number): void {
    const next = this.#queue.shift()
    if (next !== undefined) next(index)
    else if (index === 0) this.#free.push(0)
    else this.#free.unshift(index)
    if (this.#open === 0) this.#idle?.()
  }

  #connect(): SqliteConnection {
    const connection = new SqliteConnection(this.#path, { access: 'read', busyTimeoutMs: READ_BUSY_TIMEOUT_MS })
    this.#connections.push(connection)
    return connection
  }
}

class ReadTransaction implements Transaction {
  readonly lane = -1
  readonly #connection: SqliteConnection
  readonly #numbered: boolean
  #listeners: (() => void)[] | undefined
  #failure: unknown
  #began = false
  #over = false

  constructor(connection: SqliteConnection, numbered: boolean) {
    this.#connection = connection
    this.#numbered = numbered
  }

  /** Asking takes the snapshot, if no statement has yet: the number and the rows belong together whichever comes first. */
  get snapshot(): number | undefined {
    if (!this.#numbered || this.#over) return undefined
    this.#begin()
    return (this.#connection.get('PRAGMA data_version', []) as { data_version: number }).data_version
  }

  async all<Row>(sql: string, ...values: readonly Value[]): Promise<readonly Row[]> {
    return this.#do('all', sql, values) as Row[]
  }

  async get<Row>(sql: string, ...values: readonly Value[]): Promise<Row | undefined> {
    return this.#do('get', sql, values) as Row | undefined
  }

  async run(sql: string, ...values: readonly Value[]): Promise<{ readonly changes: number }> {
    return this.#do('run', sql, values) as { changes: number }
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
    this.#over = true
    if (this.#began) this.#connection.run('COMMIT', [])
    const listeners = this.#listeners
    if (listeners !== undefined) for (const listener of listeners.toReversed()) listener()
  }

  #begin(): void {
    if (this.#began) return
    this.#connection.run('BEGIN', [])
    this.#began = true
  }

  #do(kind: 'all' | 'get' | 'run', sql: string, values: readonly Value[]): unknown {
    if (this.#over) throw new Error('the transaction is over')
    if (this.#failure !== undefined) throw this.#failure
    try {
      checkValues(values)
      this.#begin()
      return this.#connection[kind](sql, values)
    } catch (error) {
      this.#failure = error
      throw error
    }
  }
}

/** Syncs the log to disk some milliseconds after a commit. Only the log: closing a second descriptor of the database itself would drop SQLite's locks. */
class WalSync {
  readonly #path: string
  readonly #log: Logger | undefined
  #descriptor: number | undefined
  #timer: NodeJS.Timeout | undefined
  #syncing: Promise<void> | undefined
  #dirty = false
  #failure: DatabaseError | undefined

  constructor(path: string, log: Logger | undefined) {
    this.#path = `${path}-wal`
    this.#log = log
  }

  noteCommit(): void {
    this.#dirty = true
    this.#timer ??= setTimeout(() => void this.#sync(), SYNC_INTERVAL_MS).unref()
  }

  /** After a failed sync nothing more is accepted until one succeeds. @throws DatabaseError */
  async mustBeSound(): Promise<void> {
    if (this.#failure === undefined) return
    await this.#sync()
    if (this.#failure !== undefined) throw this.#failure
  }

  async close(): Promise<void> {
    clearTimeout(this.#timer)
    if (this.#dirty) await this.#sync()
    await this.#syncing
    if (this.#descriptor !== undefined) await promisify(close)(this.#descriptor)
  }

  async #sync(): Promise<void> {
    this.#timer = undefined
    await this.#syncing
    this.#dirty = false
    this.#syncing = this.#fdatasync()
    await this.#syncing
  }

  async #fdatasync(): Promise<void> {
    try {
      this.#descriptor ??= await promisify(open)(this.#path, 'r')
      await promisify(fdatasync)(this.#descriptor)
      this.#failure = undefined
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      this.#failure = new DatabaseError(
        code === 'ENOSPC' ? 'full' : 'unavailable',
        `cannot sync ${this.#path}: ${code}`,
      )
      this.#log?.error({ path: this.#path, code }, 'sync of the write-ahead log failed')
    }
  }
}
