// When, for which service and in which Region an access key was used last, or a role by one of its sessions. Kept to a quarter of an hour, so
// that few requests write: outside the MAC and without an audit event of their own.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/access-keys-admin-managed.html (Finding unused access keys)

import type { Identity } from '../../call.ts'
import type { Logger } from '../../observe/log.ts'
import { Lru } from '../../storage/cache.ts'
import type { Database } from '../../storage/database.ts'
import { createLateWrites } from '../../storage/late-writes.ts'
import { recordKeyUse, recordRoleUse, type Use } from './store.ts'

export type Uses = {
  /**
   * Remembers a use of the access key, of a session one of its role, where none was noted for 15 minutes. Temporary keys themselves have no
   * row to write it to. Returns at once.
   */
  note(identity: Identity, use: Use): void
  /** A use that is still to be written, of an access key or of a role by its id (AROA...). */
  pending(id: string): Use | undefined
  /** Writes what is pending. Never rejects: what could not be written is logged, and noted again by the next request. */
  flush(): Promise<void>
  /** Flushes, and notes nothing any more. */
  close(): Promise<void>
}

type Noted = { readonly id: string; readonly role: boolean; readonly account: string; readonly use: Use }

const NOTED_EVERY_MS = 15 * 60_000
/** Keys and roles in use beyond this are noted more often than they need be. */
const NOTED_MAX = 10_000

export function createUses(database: Database, log: Logger, afterMs?: number): Uses {
  const noted = new Lru<string, number>(NOTED_MAX)
  const pending = createLateWrites<Noted>({
    database,
    log,
    what: 'uses of access keys and roles',
    write: async (tx, uses) => {
      for (const { id, role, account, use } of uses) {
        if (role) await recordRoleUse(tx, account, id, use)
        else await recordKeyUse(tx, id, use)
      }
    },
    onGone: (uses, written) => {
      if (!written) for (const { id } of uses) noted.delete(id)
    },
    ...(afterMs !== undefined && { afterMs }),
  })

  return {
    note: ({ accessKeyId, account, session }, use) => {
      const id = session === undefined ? accessKeyId : session.role?.roleId
      if (id === undefined) return
      const last = noted.get(id)
      if (last !== undefined && use.usedAt - last < NOTED_EVERY_MS) return
      if (!pending.open) return
      noted.set(id, use.usedAt)
      pending.put(id, { id, role: session !== undefined, account, use })
    },
    pending: (id) => pending.get(id)?.use,
    flush: pending.flush,
    close: pending.close,
  }
}
