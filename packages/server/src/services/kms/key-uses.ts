// When and for what a key was used last. Kept to a quarter of an hour, so that few uses write: outside the MAC and without an audit event of their own.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_GetKeyLastUsage.html

import type { Call, Moment } from '../../call.ts'
import type { Logger } from '../../observe/log.ts'
import { Lru } from '../../storage/cache.ts'
import type { Database } from '../../storage/database.ts'
import { createLateWrites } from '../../storage/late-writes.ts'
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
const KNOWN_MAX = 10_000

type Noted = { readonly place: KeyPlace; readonly use: KeyUse }

const nameOf = ({ account, region, keyId }: KeyPlace): string => `${account}/${region}/${keyId}`

/** Of keys that are remembered with what is decided of them. */
const names = new WeakMap<object, string>()

export function createKeyUses(database: Database, log: Logger, afterMs?: number): KeyUses {
  const latest = new Lru<string, KeyUse>(KNOWN_MAX)
  const noted = new Lru<string, number>(KNOWN_MAX)
  const pending = createLateWrites<Noted>({
    database,
    log,
    what: 'uses of KMS keys',
    write: async (tx, uses) => {
      for (const { place, use } of uses) await recordKeyUse(tx, place, use)
    },
    onGone: (uses, written) => {
      if (!written) for (const { place } of uses) noted.delete(nameOf(place))
    },
    ...(afterMs !== undefined && { afterMs }),
  })

  return {
    note: (key, use) => {
      const { accountId, region, keyId } = key
      const place: KeyPlace = { account: accountId, region, keyId }
      const name = names.get(key) ?? nameOf(place)
      names.set(key, name)
      latest.set(name, use)
      const last = noted.get(name)
      if (last !== undefined && use.usedAt - last < NOTED_EVERY_MS) return
      if (!pending.open) return
      noted.set(name, use.usedAt)
      pending.put(name, { place, use })
    },
    last: ({ accountId, region, keyId }) => latest.get(nameOf({ account: accountId, region, keyId })),
    flush: pending.flush,
    close: pending.close,
  }
}

/** Notes that a call used a key. Its event stands in the trail of the key's account only where that is the caller's. */
export function noteUse(
  { app, now, account, requestId, eventId }: Pick<Call, 'app' | 'account'> & Moment,
  key: KmsKey,
  operation: string,
): void {
  app.keyUses.note(key, { usedAt: now, operation, requestId, eventId: account === key.accountId ? eventId : '' })
}
