// The write-ahead log and the disk. A commit is written to the log and seen by readers at once; it is on disk when the log was synced,
// off the event loop, one sync for all that came meanwhile. Answers wait for that, those of readers too (docs/adr/0005).

import { close, fdatasync, open } from 'node:fs'
import { promisify } from 'node:util'
import type { Logger } from '../observe/log.ts'
import { DatabaseError } from './database.ts'
import { checkpoint } from './sqlite-checkpoint.ts'

const SYNC_INTERVAL_MS = 100

export class LogSync {
  readonly #database: string
  readonly #path: string
  readonly #version: () => number
  readonly #log: Logger | undefined
  readonly #syncFile: (descriptor: number) => Promise<void>
  #descriptor: number | undefined
  #timer: NodeJS.Timeout | undefined
  #running: Promise<void> | undefined
  #next: Promise<void> | undefined
  #synced: number | undefined
  #failure: DatabaseError | undefined

  /** `version` numbers the newest snapshot, as Transaction.snapshot does. `syncFile` is fdatasync, or a test's. */
  constructor(database: string, version: () => number, log: Logger | undefined, syncFile = promisify(fdatasync)) {
    this.#syncFile = syncFile
    this.#database = database
    // Only the log is opened here: closing a second descriptor of the database itself would drop SQLite's locks.
    this.#path = `${database}-wal`
    this.#version = version
    this.#log = log
  }

  /** Whether all that a snapshot of this number holds is known to be on disk. */
  holds(version: number): boolean {
    return version === this.#synced && this.#failure === undefined
  }

  /** Resolves when all that was committed before the call, by anybody, is on disk. @throws DatabaseError */
  sync(): Promise<void> {
    if (this.#running === undefined) return this.#start()
    // What runs may have begun before the last commit.
    this.#next ??= this.#running.catch(ignore).then(() => {
      this.#next = undefined
      return this.#start()
    })
    return this.#next
  }

  /** Syncs within 100 ms. */
  syncSoon(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      this.sync().catch(ignore)
    }, SYNC_INTERVAL_MS).unref()
  }

  /**
   * After a failed sync the system may have dropped what it could not write. Nothing more is accepted until all of the log was copied into
   * the database, and that was synced. @throws DatabaseError
   */
  async mustBeSound(): Promise<void> {
    if (this.#failure === undefined) return
    const { complete, error } = await checkpoint(this.#database, 'TRUNCATE')
    if (!complete) throw this.#failure
    this.#log?.warn({ path: this.#path, error }, 'the write-ahead log is sound again')
    this.#failure = undefined
  }

  async close(): Promise<void> {
    if (this.#timer !== undefined) {
      clearTimeout(this.#timer)
      this.#timer = undefined
      await this.sync().catch(ignore)
    }
    await this.#next?.catch(ignore)
    await this.#running?.catch(ignore)
    if (this.#descriptor !== undefined) await promisify(close)(this.#descriptor)
  }

  #start(): Promise<void> {
    this.#running = this.#fdatasync().finally(() => {
      this.#running = undefined
    })
    return this.#running
  }

  async #fdatasync(): Promise<void> {
    await this.mustBeSound()
    const version = this.#version()
    try {
      this.#descriptor ??= await promisify(open)(this.#path, 'r')
      await this.#syncFile(this.#descriptor)
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      // Whatever the cause: what was committed may be there all the same, and the other reasons say that nothing was changed.
      this.#failure = new DatabaseError('unavailable', `cannot sync ${this.#path}: ${code}`)
      this.#log?.error({ path: this.#path, code }, 'sync of the write-ahead log failed')
      throw this.#failure
    }
    this.#synced = version
  }
}

const ignore = (): void => {}
