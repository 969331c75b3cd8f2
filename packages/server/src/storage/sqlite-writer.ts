// The writing connection of a SQLite database. Its commits reach the log but wait for no disk: sqlite-log.ts syncs the log.

import { setTimeout as sleep } from 'node:timers/promises'
import { DatabaseError, type DatabaseFailure, type Value } from './database.ts'
import { SqliteConnection } from './sqlite-connection.ts'

export type Step = readonly [kind: 'all' | 'get' | 'run', sql: string, values: readonly Value[]]
export type Failure = { readonly reason: DatabaseFailure; readonly message: string }

export type StepsReply = {
  /** One for each step, up to the one that failed. */
  readonly results: readonly unknown[]
  readonly failure: Failure | undefined
  /** False where the failure made SQLite roll back the whole transaction. */
  readonly open: boolean
}

export type CommitReply = {
  readonly failure: Failure | undefined
  /** Absent where it was not asked. */
  readonly wal?: LogSize
}

/** Pages in the write-ahead log, and those of them that a checkpoint has yet to copy. */
export type LogSize = { readonly pages: number; readonly pendingPages: number }

export type SessionOptions = { readonly path: string; readonly synchronous: 'NORMAL' | 'OFF' }

export const toError = ({ reason, message }: Failure): DatabaseError => new DatabaseError(reason, message)

/** Between tries to get the lock of another process. SQLite's own waiting would hold up the event loop. */
const PAUSE_MIN_MS = 0.5
const PAUSE_MAX_MS = 2

/** The size of the log is asked so often: it takes a quarter of the time of writing a group of events. */
const COMMITS_PER_LOOK = 8

export class WriterSession {
  readonly #connection: SqliteConnection
  #commits = 0

  constructor(options: SessionOptions) {
    this.#connection = new SqliteConnection(options.path, {
      access: 'write',
      busyTimeoutMs: 0,
      synchronous: options.synchronous,
    })
  }

  /**
   * Waits for the transactions of other processes.
   * @throws DatabaseError; 'conflict' where they took longer
   */
  async begin(waitMs: number): Promise<void> {
    const deadline = performance.now() + waitMs
    for (let pauseMs = PAUSE_MIN_MS; ; pauseMs = Math.min(pauseMs * 1.2, PAUSE_MAX_MS)) {
      const failure = attempt(() => this.#connection.run('BEGIN IMMEDIATE', []))
      if (failure === undefined) return
      if (failure.reason !== 'conflict' || performance.now() >= deadline) throw toError(failure)
      await sleep(pauseMs * (0.5 + Math.random()))
    }
  }

  execute(steps: readonly Step[]): StepsReply {
    const results: unknown[] = []
    const failure = attempt(() => {
      for (const [kind, sql, values] of steps) results.push(this.#connection[kind](sql, values))
    })
    return { results, failure, open: this.#connection.raw.isTransaction }
  }

  commit(): CommitReply {
    const failure = attempt(() => this.#connection.run('COMMIT', []))
    if (failure !== undefined) attempt(() => this.rollback())
    this.#commits += 1
    if (this.#commits % COMMITS_PER_LOOK !== 0) return { failure }
    const wal = { log: 0, checkpointed: 0 }
    attempt(() => Object.assign(wal, this.#connection.get('PRAGMA wal_checkpoint(NOOP)', [])))
    return { failure, wal: { pages: wal.log, pendingPages: wal.log - wal.checkpointed } }
  }

  rollback(): void {
    if (!this.#connection.raw.isTransaction) return
    const failure = attempt(() => this.#connection.exec('ROLLBACK'))
    if (failure !== undefined) throw toError(failure)
  }

  /** Copies the log into the database. The last connection of all to close removes the log. @throws DatabaseError */
  close(): void {
    attempt(() => this.rollback())
    const failure = attempt(() => this.#connection.get('PRAGMA wal_checkpoint(TRUNCATE)', []))
    this.#connection.close()
    if (failure !== undefined) throw toError(failure)
  }
}

function attempt(work: () => void): Failure | undefined {
  try {
    work()
    return undefined
  } catch (error) {
    if (error instanceof DatabaseError) return { reason: error.reason, message: error.message }
    return { reason: 'other', message: error instanceof Error ? error.message : String(error) }
  }
}
