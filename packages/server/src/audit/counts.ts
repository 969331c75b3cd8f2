// How often secrets are read, by whom, and how many calls are made: counted as the events of the trail are written, gathered in memory, and added
// to rows by day once a minute. What a crash takes is at most that minute of counts; the events themselves are never counted late.
// docs/adr/0023-advice.md

import type { Logger } from '../observe/log.ts'
import type { Database, Transaction } from '../storage/database.ts'
import type { AuditEvent } from './event.ts'

/** What an event adds one to: keys of rows without their day. */
export type Uses = readonly string[]

export type CallCounts = {
  /** Returns at once. `time` in milliseconds since the epoch; -1 takes back what was not committed after all. */
  note(uses: Uses, time: number, change?: 1 | -1): void
  /** Writes what is pending. Never rejects: what could not be written is logged, and kept for the next time. */
  flush(): Promise<void>
  /** Flushes, and counts nothing any more. */
  close(): Promise<void>
}

export type CallCountsOptions = {
  readonly database: Database
  readonly log: Logger
  readonly wallNow: () => number
  /** How long events are kept; counts are kept no longer. */
  readonly retentionDays: number
  readonly everyMs?: number
  /** Rows of one day and process that name a caller. Beyond them callers are counted together, and beyond twice as many nothing is. */
  readonly pairsMax?: number
}

/** Days that advice looks at, and the one that is not over. */
const KEPT_DAYS_MAX = 32
const EVERY_MS = 60_000
const DAY_MS = 86_400_000
const PAIRS_MAX = 20_000
const ROWS_PER_STATEMENT = 50
const STATEMENTS_PER_TRANSACTION = 10
/** Who reads a secret, where there are too many to be told apart. */
export const OTHERS = 'others'

/** @param first whether it is the event of the call itself, and not of something else that the call did */
export function usesOf(event: AuditEvent, first: boolean): Uses {
  const { account, region, identity, service, eventName, errorCode, resources, ofService } = event
  if (service !== 'secretsmanager' || identity === undefined || ofService) return NONE
  const uses: string[] = []
  // A call is its caller's; the event of it in the owner's trail is the same call.
  if (first && account === identity.account) uses.push(keyOf(account, region, '', ''))
  const arn = resources?.[0]?.arn
  const isRead = eventName === 'GetSecretValue' && errorCode === undefined
  // Whose trail shows the caller by its account alone learns no more of it here.
  const caller = account === identity.account ? (identity.session?.role?.arn ?? identity.arn) : identity.account
  if (isRead && arn !== undefined && arn.split(':')[4] === account) uses.push(keyOf(account, region, arn, caller))
  return uses
}

const NONE: Uses = []

const keyOf = (...parts: readonly [account: string, region: string, arn: string, caller: string]): string =>
  parts.join('\0')

export function createCallCounts(options: CallCountsOptions): CallCounts {
  const { database, log, wallNow, everyMs = EVERY_MS, pairsMax = PAIRS_MAX } = options
  const keptMs = Math.min(options.retentionDays, KEPT_DAYS_MAX) * DAY_MS
  /** By day and key. */
  let pending = new Map<number, Map<string, number>>()
  /** The keys of a day so far, so that a day has a bounded number of rows. */
  let known = { day: 0, keys: new Set<string>(), byAccount: new Map<string, number>() }
  let prunedDay = 0
  let timer: NodeJS.Timeout | undefined
  let closed = false
  let writing: Promise<void> = Promise.resolve()

  function add(day: number, key: string, change: number): void {
    const counts = pending.get(day) ?? new Map<string, number>()
    pending.set(day, counts)
    counts.set(key, (counts.get(key) ?? 0) + change)
  }

  /** The key itself, or what it is counted under where there are too many. */
  function bounded(day: number, key: string): string | undefined {
    if (known.day !== day) known = { day, keys: new Set(), byAccount: new Map() }
    const { keys, byAccount } = known
    if (keys.has(key)) return key
    const account = key.slice(0, key.indexOf('\0'))
    const own = byAccount.get(account) ?? 0
    // Once half are taken, who has a quarter gets no more: one account cannot keep the others from being counted.
    const fits = (max: number): boolean => keys.size < max && (keys.size < max / 2 || own < max / 4)
    const told = fits(pairsMax) ? key : withoutCaller(key)
    if (keys.has(told)) return told
    if (!fits(2 * pairsMax)) return undefined
    keys.add(told)
    byAccount.set(account, own + 1)
    return told
  }

  async function write(): Promise<void> {
    const taken = pending
    pending = new Map()
    const rows = [...taken]
      .flatMap(([day, counts]) => [...counts].map(([key, calls]): Row => ({ day, key, calls })))
      .filter(({ calls }) => calls !== 0)
      // In one order, so that two servers wait for one another and never in a circle.
      .sort((a, b) => a.day - b.day || (a.key < b.key ? -1 : 1))
    const perTransaction = ROWS_PER_STATEMENT * STATEMENTS_PER_TRANSACTION
    for (let at = 0; at < rows.length; at += perTransaction) {
      const part = rows.slice(at, at + perTransaction)
      try {
        await database.transaction('write', (tx) => addRows(tx, part))
      } catch (error) {
        log.warn({ pending: rows.length - at, err: error }, 'counts of calls could not be written')
        for (const { day, key, calls } of rows.slice(at)) add(day, key, calls)
        return
      }
    }
    await prune()
  }

  async function prune(): Promise<void> {
    const today = dayOf(wallNow())
    if (prunedDay === today) return
    try {
      await database.transaction('write', (tx) => tx.run('DELETE FROM call_count WHERE day < $1', today - keptMs))
      prunedDay = today
    } catch (error) {
      log.warn({ err: error }, 'old counts of calls could not be removed')
    }
  }

  const flush = (): Promise<void> => {
    clearTimeout(timer)
    timer = undefined
    writing = writing.then(write)
    return writing
  }

  return {
    note: (uses, time, change = 1) => {
      if (closed || uses.length === 0) return
      const day = dayOf(time)
      for (const key of uses) {
        const told = bounded(day, key)
        if (told !== undefined) add(day, told, change)
      }
      timer ??= setTimeout(flush, everyMs).unref()
    },
    flush,
    close: () => {
      closed = true
      return flush()
    },
  }
}

type Row = { readonly day: number; readonly key: string; readonly calls: number }

const dayOf = (time: number): number => Math.floor(time / DAY_MS) * DAY_MS

/** All calls have no caller in any case. */
const withoutCaller = (key: string): string => (key.endsWith('\0\0') ? key : key.replace(/[^\0]*$/, OTHERS))

async function addRows(tx: Transaction, rows: readonly Row[]): Promise<void> {
  for (let at = 0; at < rows.length; at += ROWS_PER_STATEMENT) {
    const part = rows.slice(at, at + ROWS_PER_STATEMENT)
    const places = part.map((_, row) => `(${[1, 2, 3, 4, 5, 6].map((column) => `$${row * 6 + column}`).join(', ')})`)
    await tx.run(
      `INSERT INTO call_count (day, calls, account_id, region, secret_arn, caller) VALUES ${places.join(', ')}
       ON CONFLICT (account_id, region, day, secret_arn, caller) DO UPDATE SET calls = call_count.calls + excluded.calls`,
      ...part.flatMap(({ day, key, calls }) => [day, calls, ...key.split('\0')]),
    )
  }
}

/** Whose calls, and from which day to which, both at midnight UTC. */
export type CountScope = {
  readonly account: string
  readonly region: string
  readonly from: number
  readonly to: number
}

/** All calls of an account in a Region, and since when they are counted; undefined where none are. */
export async function sumCalls(
  tx: Transaction,
  { account, region, from, to }: CountScope,
): Promise<{ readonly calls: number; readonly since: number } | undefined> {
  const rows = await tx.all<{ readonly day: number; readonly calls: number }>(
    `SELECT day, calls FROM call_count
     WHERE account_id = $1 AND region = $2 AND day >= $3 AND day <= $4 AND secret_arn = '' AND caller = '' ORDER BY day`,
    account,
    region,
    from,
    to,
  )
  const [first] = rows
  return first && { calls: rows.reduce((sum, { calls }) => sum + calls, 0), since: first.day }
}

export type Reading = { readonly arn: string; readonly caller: string; readonly calls: number }

/** The callers who read a secret at least `least` times on one day, at most `limit`, those who read most first. */
export async function listReadings(
  tx: Transaction,
  { account, region, day }: { readonly account: string; readonly region: string; readonly day: number },
  least: number,
  limit: number,
): Promise<readonly Reading[]> {
  const rows = await tx.all<{ readonly secret_arn: string; readonly caller: string; readonly calls: number }>(
    `SELECT secret_arn, caller, calls FROM call_count
     WHERE account_id = $1 AND region = $2 AND day = $3 AND secret_arn <> '' AND calls >= $4
     ORDER BY calls DESC, secret_arn, caller LIMIT $5`,
    account,
    region,
    day,
    least,
    limit,
  )
  return rows.map(({ secret_arn, caller, calls }) => ({ arn: secret_arn, caller, calls }))
}
