// The change events of a process: written in the transaction of their change, published soon after its commit, read by streams and sinks.
// Every process on the database publishes and looks for what others published, several times a second.

import type { Logger } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { Database, Transaction } from '../storage/database.ts'
import { type Change, type Changed, encodeChange, type PublishedEvent } from './event.ts'
import {
  findId,
  findSeq,
  hasUnpublished,
  insertEvents,
  type LogRange,
  listEvents,
  prune,
  publish,
  readRange,
} from './store.ts'

export type Events = {
  /** Writes what changed, in the transaction of the change. It is published if and only if that commits. */
  emit(tx: Transaction, changed: Changed, changes: readonly Change[]): Promise<void>
  /** A transaction that may have emitted has committed: looks at once rather than at the next tick. */
  committed(): void
  /** Where a reader stands that begins now, or that has seen the event of an id. */
  findPlace(tx: Transaction, lastId: string | undefined): Promise<Place | undefined>
  /** The events after a number, at most EVENTS_PER_READ; undefined where some of them are no longer kept. */
  after(seq: number): Promise<readonly PublishedEvent[] | undefined>
  /** Resolves when there may be events after a number, when `ms` have passed, or when the signal aborts. */
  waitFor(seq: number, ms: number, signal: AbortSignal): Promise<void>
  /** Publishes what is committed, and learns what others published. @returns how far the log reaches */
  look(): Promise<LogRange>
  /** Takes a place among the streams, which the returned function gives back; undefined where there is none left. */
  openStream(account: string): (() => void) | undefined
  /** Called after each look that succeeded. */
  onLook(listener: (range: LogRange) => void): void
  /** Removes what need no longer be kept. */
  prune(): Promise<void>
  start(): void
  stop(): Promise<void>
}

/** `seq` is the number of the last event that the reader knows, `id` how it says so. */
export type Place = { readonly seq: number; readonly id: string }

export type EventsOptions = {
  readonly database: Database
  readonly log: Logger
  readonly metrics: Metrics
  readonly wallNow: () => number
  readonly uuid: () => string
  readonly retentionDays: number
  readonly retentionCount: number
  readonly streamsMax: number
  readonly streamsPerAccountMax: number
  readonly lookMs?: number
}

export const EVENTS_PER_READ = 100
/** The id of the place before the first event. */
const BEGINNING = 'beginning'
const LOOK_MS = 200
/** How long after an event was written its transaction may commit and still be looked for at once. */
const WRITE_MS_MAX = 1_000
const PRUNE_MS = 60_000
const PRUNE_ROWS = 1_000
const PRUNES_PER_RUN_MAX = 50
/** The latest events, which many streams read at once. */
const RECENT_MAX = 1_000
const DAY_MS = 86_400_000

export function createEvents(options: EventsOptions): Events {
  const { database, log, metrics, wallNow, uuid, lookMs = LOOK_MS } = options
  const { dialect } = database
  let parts = 0
  let emittedAt = Number.NEGATIVE_INFINITY
  let range: LogRange = { first: 1, last: 0 }
  /** Without gaps, up to `range.last`; empty where that is not known. */
  let recent: PublishedEvent[] = []
  const waiting = new Set<() => void>()
  const listeners: ((range: LogRange) => void)[] = []

  const emit = async (tx: Transaction, changed: Changed, changes: readonly Change[]): Promise<void> => {
    if (changes.length === 0) return
    const at = wallNow()
    const rows = changes.map((change) => {
      const id = uuid()
      const { arn, rev } = changed
      parts += 1
      return { id, at, arn, rev, part: parts, label: change.label ?? '', body: encodeChange(id, at, changed, change) }
    })
    await insertEvents(tx, rows)
    emittedAt = performance.now()
  }

  let looking: Promise<LogRange> | undefined
  let lookAgain = false
  const lookOnce = async (): Promise<LogRange> => {
    let { pending, found } = await database.transaction('read', async (tx) => ({
      pending: await hasUnpublished(tx),
      found: await readRange(tx),
    }))
    if (pending) {
      const last = await database.transaction('write', (tx) => publish(tx, dialect))
      found = { first: found.first, last }
    }
    await learn(found)
    return found
  }

  /** Looks of one process run one after another. Whoever asks while one runs waits for another one, which sees what was committed since. */
  const look = (): Promise<LogRange> => {
    if (looking !== undefined) {
      lookAgain = true
      return looking
    }
    looking = (async () => {
      try {
        let found: LogRange
        do {
          lookAgain = false
          found = await lookOnce()
        } while (lookAgain)
        return found
      } finally {
        looking = undefined
      }
    })()
    return looking
  }

  /** Takes over how far the log reaches, with the newest events where streams wait for them. */
  const learn = async (found: LogRange): Promise<void> => {
    if (found.last > range.last) {
      const known = recent.length > 0 ? range.last : found.last - Math.min(found.last - range.last, RECENT_MAX)
      const newest =
        waiting.size === 0 || found.last - known > RECENT_MAX
          ? []
          : await database.transaction('read', (tx) => listEvents(tx, known, found.last - known))
      recent = newest.length === 0 ? [] : [...recent, ...newest].slice(-RECENT_MAX)
    }
    range = found
    for (const wake of [...waiting]) wake()
    for (const listener of listeners) listener(found)
  }

  const after = async (seq: number): Promise<readonly PublishedEvent[] | undefined> => {
    const oldest = recent[0]?.seq
    if (oldest !== undefined && seq >= oldest - 1 && seq <= range.last) {
      return recent.slice(seq - oldest + 1, seq - oldest + 1 + EVENTS_PER_READ)
    }
    if (seq === range.last && recent.length === 0 && seq >= range.first - 1) return []
    return database.transaction('read', async (tx) => {
      const { first, last } = await readRange(tx)
      return seq < first - 1 || seq > last ? undefined : listEvents(tx, seq, EVENTS_PER_READ)
    })
  }

  const waitFor = (seq: number, ms: number, signal: AbortSignal): Promise<void> => {
    if (range.last > seq || signal.aborted) return Promise.resolve()
    return new Promise((resolve) => {
      const wake = (): void => {
        if (range.last > seq) end()
      }
      const end = (): void => {
        clearTimeout(timer)
        waiting.delete(wake)
        signal.removeEventListener('abort', end)
        resolve()
      }
      const timer = setTimeout(end, ms)
      waiting.add(wake)
      signal.addEventListener('abort', end)
    })
  }

  const findPlace = async (tx: Transaction, lastId: string | undefined): Promise<Place | undefined> => {
    const { first, last } = await readRange(tx)
    if (lastId === undefined) return { seq: last, id: (await findId(tx, last)) ?? BEGINNING }
    if (lastId === BEGINNING) return first === 1 ? { seq: 0, id: BEGINNING } : undefined
    const seq = await findSeq(tx, lastId)
    return seq === undefined ? undefined : { seq, id: lastId }
  }

  const streams = new Map<string, number>()
  let streamCount = 0
  const openStream = (account: string): (() => void) | undefined => {
    const ofAccount = streams.get(account) ?? 0
    if (streamCount >= options.streamsMax || ofAccount >= options.streamsPerAccountMax) return undefined
    const change = (by: number): void => {
      streamCount += by
      streams.set(account, (streams.get(account) ?? 0) + by)
      if (streams.get(account) === 0) streams.delete(account)
      metrics.eventStreams.set(streamCount)
    }
    change(1)
    return () => change(-1)
  }

  const pruneAll = async (): Promise<void> => {
    const retained = { count: options.retentionCount, since: wallNow() - options.retentionDays * DAY_MS }
    for (let runs = 0; runs < PRUNES_PER_RUN_MAX; runs++) {
      const { first, last } = await database.transaction('read', readRange)
      if (first > last) return
      const gone = await database.transaction('write', (tx) => prune(tx, dialect, retained, PRUNE_ROWS))
      if (gone < PRUNE_ROWS) return
    }
  }

  let timer: NodeJS.Timeout | undefined
  let pruneTimer: NodeJS.Timeout | undefined
  let started = false
  let failing = false
  let ticking: Promise<void> = Promise.resolve()
  const tick = (): void => {
    clearTimeout(timer)
    ticking = look().then(
      () => {
        failing = false
        clearTimeout(timer)
        if (started) timer = setTimeout(tick, lookMs).unref()
      },
      (error: unknown) => {
        // The database is away. What was committed is published when it is back.
        if (!failing) log.warn({ err: error }, 'change events cannot be published')
        failing = true
        clearTimeout(timer)
        if (started) timer = setTimeout(tick, lookMs * 5).unref()
      },
    )
  }
  let pruning: Promise<void> = Promise.resolve()
  const pruneTick = (): void => {
    pruning = pruneAll()
      .catch((error: unknown) => log.warn({ err: error }, 'old change events cannot be removed'))
      .then(() => {
        if (started) pruneTimer = setTimeout(pruneTick, PRUNE_MS).unref()
      })
  }

  return {
    emit,
    committed: () => {
      if (started && performance.now() - emittedAt < WRITE_MS_MAX) tick()
    },
    findPlace,
    after,
    waitFor,
    look,
    openStream,
    onLook: (listener) => void listeners.push(listener),
    prune: pruneAll,
    start: () => {
      if (started) return
      started = true
      tick()
      pruneTimer = setTimeout(pruneTick, PRUNE_MS).unref()
    },
    stop: async () => {
      started = false
      clearTimeout(timer)
      clearTimeout(pruneTimer)
      await Promise.all([ticking, pruning])
    },
  }
}
