// Facts that may be written late, such as when something was used last: gathered for a moment and written together, so that a read costs no
// write of its own. What is lost with a crash is noted again by the next use.

import type { Logger } from '../observe/log.ts'
import type { Database, Transaction } from './database.ts'

export type LateWrites<T> = {
  /** Whether one more can be held: until the next flush memory stays bounded. */
  readonly open: boolean
  /** Returns at once. A later value under the same key takes the place of one that is still to be written. */
  put(key: string, value: T): void
  /** What is still to be written. Until it stands in its row, a reader finds it here. */
  get(key: string): T | undefined
  /** Writes what is pending. Never rejects: what could not be written is logged. */
  flush(): Promise<void>
  /** Flushes, and takes nothing any more. */
  close(): Promise<void>
}

export type LateWritesOptions<T> = {
  readonly database: Database
  readonly log: Logger
  /** For the log: `dates of access`. */
  readonly what: string
  /** In one write transaction; may run again after a conflict. */
  readonly write: (tx: Transaction, values: readonly T[]) => Promise<void>
  /** What is no longer pending: written, or lost with a failure. */
  readonly onGone?: (values: readonly T[], written: boolean) => void
  readonly afterMs?: number
}

const AFTER_MS = 1_000
const PENDING_MAX = 10_000
/** In one transaction, which on SQLite holds up every call for as long as it takes. */
const TOGETHER_MAX = 100

export function createLateWrites<T>(options: LateWritesOptions<T>): LateWrites<T> {
  const { database, log, what, afterMs = AFTER_MS } = options
  const pending = new Map<string, T>()
  let timer: NodeJS.Timeout | undefined
  let closed = false
  let writing: Promise<void> = Promise.resolve()

  const write = async (): Promise<void> => {
    const entries = [...pending]
    for (let at = 0; at < entries.length; at += TOGETHER_MAX) {
      const some = entries.slice(at, at + TOGETHER_MAX)
      const values = some.map(([, value]) => value)
      try {
        await database.transaction('write', (tx) => options.write(tx, values))
      } catch (error) {
        const lost = entries.slice(at)
        log.warn({ pending: lost.length, err: error }, `${what} could not be written`)
        end(lost, false)
        return
      }
      end(some, true)
    }
  }

  /** Only now: until here a reader must find them in one of the two places. What was put meanwhile stays. */
  const end = (entries: readonly (readonly [key: string, value: T])[], written: boolean): void => {
    const gone = entries.filter(([key, value]) => pending.get(key) === value)
    for (const [key] of gone) pending.delete(key)
    options.onGone?.(
      gone.map(([, value]) => value),
      written,
    )
  }

  const flush = (): Promise<void> => {
    clearTimeout(timer)
    timer = undefined
    writing = writing.then(write)
    return writing
  }

  return {
    get open() {
      return !closed && pending.size < PENDING_MAX
    },
    put: (key, value) => {
      if (closed) return
      pending.set(key, value)
      timer ??= setTimeout(flush, afterMs).unref()
    },
    get: (key) => pending.get(key),
    flush,
    close: () => {
      closed = true
      return flush()
    },
  }
}
