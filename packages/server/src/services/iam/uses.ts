// When, for which service and in which Region an access key was used last, or a role by one of its sessions. Kept to a quarter of an hour, so
// that few requests write: uses are gathered here and written together, outside the MAC and without an audit event of their own. What is lost
// with a crash is noted again by the next request.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/access-keys-admin-managed.html (Finding unused access keys)

import type { Identity } from '../../call.ts'
import type { Logger } from '../../observe/log.ts'
import { Lru } from '../../storage/cache.ts'
import type { Database } from '../../storage/database.ts'
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

type Noted = { readonly role: boolean; readonly account: string; readonly use: Use }

const NOTED_EVERY_MS = 15 * 60_000
const FLUSH_AFTER_MS = 1_000
/** Keys and roles in use beyond this are noted more often than they need be. */
const NOTED_MAX = 10_000
/** Beyond this a use is not noted until the next flush: memory stays bounded, and a later use will do. */
const PENDING_MAX = 10_000

export function createUses(database: Database, log: Logger, flushAfterMs = FLUSH_AFTER_MS): Uses {
  const noted = new Lru<string, number>(NOTED_MAX)
  const pending = new Map<string, Noted>()
  let timer: NodeJS.Timeout | undefined
  let closed = false
  let writing: Promise<void> = Promise.resolve()

  const write = async (): Promise<void> => {
    if (pending.size === 0) return
    const uses = [...pending]
    try {
      await database.transaction('write', async (tx) => {
        for (const [id, { role, account, use }] of uses) {
          if (role) await recordRoleUse(tx, account, id, use)
          else await recordKeyUse(tx, id, use)
        }
      })
    } catch (error) {
      log.warn({ uses: uses.length, err: error }, 'uses of access keys and roles could not be written')
      for (const [id] of uses) noted.delete(id)
    }
    // Only now: until here a reader of the uses must find them in one of the two places.
    for (const [id, one] of uses) if (pending.get(id) === one) pending.delete(id)
  }

  const flush = (): Promise<void> => {
    clearTimeout(timer)
    timer = undefined
    writing = writing.then(write)
    return writing
  }

  return {
    note: ({ accessKeyId, account, session }, use) => {
      const id = session === undefined ? accessKeyId : session.role?.roleId
      if (id === undefined) return
      const last = noted.get(id)
      if (last !== undefined && use.usedAt - last < NOTED_EVERY_MS) return
      if (closed || pending.size >= PENDING_MAX) return
      noted.set(id, use.usedAt)
      pending.set(id, { role: session !== undefined, account, use })
      timer ??= setTimeout(flush, flushAfterMs).unref()
    },
    pending: (id) => pending.get(id)?.use,
    flush,
    close: () => {
      closed = true
      return flush()
    },
  }
}
