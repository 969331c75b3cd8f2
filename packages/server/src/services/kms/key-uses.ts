// When and for what a key was used last. Kept to a quarter of an hour, so that few uses write: they are gathered here and written together,
// outside the MAC and without an audit event of their own. What is lost with a crash is noted again by a later use.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_GetKeyLastUsage.html

import type { Call } from '../../call.ts'
import type { Logger } from '../../observe/log.ts'
import { Lru } from '../../storage/cache.ts'
import type { Database } from '../../storage/database.ts'
import type { KmsKey } from './model.ts'
import { type KeyPlace, type KeyUse, recordKeyUse } from './store.ts'

export type KeyUses = {
  /** Remembers a use that the rows need to show. Returns at once. */
  note(key: KmsKey, use: KeyUse): void
  /** The last use that this process knows of, written or not. */
  last(key: KmsKey): KeyUse | undefined
  /** Writes what is pending. Never rejects: what could not be written is logged, and noted again by a later use. */
  flush(): Promise<void>
  /** Flushes, and notes nothing any more. */
  close(): Promise<void>
}

const NOTED_EVERY_MS = 15 * 60_000
const FLUSH_AFTER_MS = 1_000
const KNOWN_MAX = 10_000
/** Beyond this a use is not noted until the next flush. */
const PENDING_MAX = 10_000

type Noted = { readonly place: KeyPlace; readonly use: KeyUse }

export function createKeyUses(database: Database, log: Logger, flushAfterMs = FLUSH_AFTER_MS): KeyUses {
  const latest = new Lru<string, KeyUse>(KNOWN_MAX)
  const written = new Lru<string, number>(KNOWN_MAX)
  const pending = new Map<string, Noted>()
  let timer: NodeJS.Timeout | undefined
  let closed = false
  let writing: Promise<void> = Promise.resolve()

  const write = async (): Promise<void> => {
    if (pending.size === 0) return
    const uses = [...pending]
    pending.clear()
    try {
      await database.transaction('write', async (tx) => {
        for (const [, { place, use }] of uses) await recordKeyUse(tx, place, use)
      })
    } catch (error) {
      log.warn({ uses: uses.length, err: error }, 'uses of KMS keys could not be written')
      for (const [name] of uses) written.delete(name)
    }
  }

  const flush = (): Promise<void> => {
    clearTimeout(timer)
    timer = undefined
    writing = writing.then(write)
    return writing
  }

  return {
    note: ({ accountId, region, keyId }, use) => {
      const name = `${accountId}/${region}/${keyId}`
      latest.set(name, use)
      const last = written.get(name)
      if (last !== undefined && use.usedAt - last < NOTED_EVERY_MS) return
      if (closed || pending.size >= PENDING_MAX) return
      written.set(name, use.usedAt)
      pending.set(name, { place: { account: accountId, region, keyId }, use })
      timer ??= setTimeout(flush, flushAfterMs).unref()
    },
    last: ({ accountId, region, keyId }) => latest.get(`${accountId}/${region}/${keyId}`),
    flush,
    close: () => {
      closed = true
      return flush()
    },
  }
}

/** Notes that a call used a key. Its event stands in the trail of the key's account only where that is the caller's. */
export function noteUse({ app, now, account, requestId, eventId }: Call, key: KmsKey, operation: string): void {
  app.keyUses.note(key, { usedAt: now, operation, requestId, eventId: account === key.accountId ? eventId : '' })
}
