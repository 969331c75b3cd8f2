// LastAccessedDate is kept to the day, so that few readings write: outside the MAC and without an audit event of their own.

import type { Logger } from '../../observe/log.ts'
import type { Database } from '../../storage/database.ts'
import { createLateWrites } from '../../storage/late-writes.ts'
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

export function createAccessNotes(database: Database, log: Logger, afterMs?: number): AccessNotes {
  /** The latest day that is pending of any version, by ARN. */
  const days = new Map<string, number>()
  const pending = createLateWrites<Access>({
    database,
    log,
    what: 'dates of access',
    write: async (tx, accesses) => {
      await Promise.all(accesses.map((access) => recordAccess(tx, access)))
    },
    onGone: (accesses) => {
      for (const { arn, day } of accesses) if (days.get(arn) === day) days.delete(arn)
    },
    ...(afterMs !== undefined && { afterMs }),
  })

  return {
    note: ({ account, region, accessedDay, secret }, version, value, now) => {
      const day = dayOf(now)
      if (!pending.open || (accessedDay >= day && value.accessedDay >= day)) return
      const { arn, name, createdAt } = secret
      const key = keyOf(arn, version.id)
      if ((pending.get(key)?.day ?? 0) >= day) return
      pending.put(key, { account, region, name, createdAt, arn, versionId: version.id, day })
      days.set(arn, day)
    },
    dayOfSecret: ({ accessedDay, secret }) => Math.max(accessedDay, days.get(secret.arn) ?? 0) || undefined,
    dayOfVersion: (arn, versionId, written = 0) =>
      Math.max(written, pending.get(keyOf(arn, versionId))?.day ?? 0) || undefined,
    flush: pending.flush,
    close: pending.close,
  }
}

const keyOf = (arn: string, versionId: string): string => `${arn}\0${versionId}`
