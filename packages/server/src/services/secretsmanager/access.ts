// LastAccessedDate is kept to the day, so that few readings write: they are gathered here and written together, outside the MAC and
// without an audit event of their own. What is lost with a crash is noted again by the next reading of that day.

import type { Logger } from '../../observe/log.ts'
import type { Database } from '../../storage/database.ts'
import { dayOf, type SecretVersion } from './model.ts'
import { type Access, recordAccess, type StoredSecret, type StoredValue } from './store.ts'

export type AccessNotes = {
  /** Remembers a reading on a day that the rows do not show yet. Returns at once. `now` is the service clock. */
  note(stored: StoredSecret, version: SecretVersion, value: StoredValue, now: number): void
  /** The later of the row's day and what is still to be written; undefined where the secret was never read. */
  dayOfSecret(stored: StoredSecret): number | undefined
  /** The same for a version, of whose row `written` is the day; 0 or undefined where it has none. */
  dayOfVersion(arn: string, versionId: string, written: number | undefined): number | undefined
  /** Writes what is pending. Never rejects: what could not be written is logged, and noted again by the next reading. */
  flush(): Promise<void>
  /** Flushes, and notes nothing any more. */
  close(): Promise<void>
}

const FLUSH_AFTER_MS = 1_000
/** Beyond this a reading is not noted until the next flush: memory stays bounded, and later readings of the day will do. */
const PENDING_MAX = 10_000

export function createAccessNotes(database: Database, log: Logger, flushAfterMs = FLUSH_AFTER_MS): AccessNotes {
  /** By ARN and version id. */
  const pending = new Map<string, Access>()
  /** The days of the secrets in `pending`, by ARN. */
  let pendingSecrets = new Map<string, number>()
  let timer: NodeJS.Timeout | undefined
  let closed = false
  let writing: Promise<void> = Promise.resolve()

  const write = async (): Promise<void> => {
    if (pending.size === 0) return
    const accesses = [...pending.values()]
    try {
      await database.transaction('write', async (tx) => {
        for (const access of accesses) await recordAccess(tx, access)
      })
    } catch (error) {
      log.warn({ accesses: accesses.length, err: error }, 'dates of access could not be written')
    }
    // Only now: until here a reader of the dates must find them in one of the two places.
    for (const access of accesses) if (pending.get(keyOf(access)) === access) pending.delete(keyOf(access))
    pendingSecrets = new Map([...pending.values()].map((access) => [access.arn, access.day]))
  }

  const flush = (): Promise<void> => {
    clearTimeout(timer)
    timer = undefined
    writing = writing.then(write)
    return writing
  }

  return {
    note: ({ account, region, accessedDay, secret }, version, value, now) => {
      const day = dayOf(now)
      if (closed || (accessedDay >= day && value.accessedDay >= day)) return
      const { arn, name, createdAt } = secret
      const access: Access = { account, region, name, createdAt, arn, versionId: version.id, day }
      const key = keyOf(access)
      if (pending.size >= PENDING_MAX || (pending.get(key)?.day ?? 0) >= day) return
      pending.set(key, access)
      pendingSecrets.set(arn, day)
      timer ??= setTimeout(flush, flushAfterMs).unref()
    },
    dayOfSecret: ({ accessedDay, secret }) => Math.max(accessedDay, pendingSecrets.get(secret.arn) ?? 0) || undefined,
    dayOfVersion: (arn, versionId, written = 0) =>
      Math.max(written, pending.get(keyOf({ arn, versionId }))?.day ?? 0) || undefined,
    flush,
    close: () => {
      closed = true
      return flush()
    },
  }
}

const keyOf = ({ arn, versionId }: Pick<Access, 'arn' | 'versionId'>): string => `${arn}\0${versionId}`
