// The cache itself, of secrets and of parameters alike: what is held, how fresh it is, who fetches it, what is given while that fails, and what
// is wiped when. An entry is what a caller named; its slots are the stages and versions asked for.

import { copyOf } from './bytes.ts'
import { type FailureKind, kindOf, mayServeStale } from './failure.ts'
import type { Activity, Limits } from './options.ts'
import { elapsedSince, jittered, type Moment, momentOf, type Surroundings } from './surroundings.ts'

/** A value as it was fetched. Whoever holds it last wipes `bytes`. */
export type Loaded<About> = {
  /** What may be told of it; it can be written as JSON. */
  readonly about: About
  readonly isText: boolean
  readonly bytes: Buffer
}

export type Source<About> = (id: string, slot: string, signal: AbortSignal) => Promise<Loaded<About>>

/** Where values outlive the process. None of these rejects or throws. */
export type Fallback<About> = {
  /** @returns undefined where nothing is kept that may be given. `staleForMs`: for how long from now it may be */
  load(id: string, slot: string): Promise<{ readonly loaded: Loaded<About>; readonly staleForMs: number } | undefined>
  /** Copies before it returns. */
  save(id: string, slot: string, loaded: Loaded<About>): void
  remove(id: string, slot: string): void
  /** When all that was begun is done. */
  settled(): Promise<void>
}

export type Parts<About> = {
  readonly source: Source<About>
  readonly limits: Limits
  readonly surroundings: Surroundings
  readonly fallback?: Fallback<About> | undefined
  /** After a fetch. */
  readonly onStored?: (id: string, slot: string, about: About) => void
  readonly report: (error: unknown, what: { readonly id?: string; readonly during: Activity }) => void
}

export type GetOptions = { readonly refreshNow?: boolean | undefined; readonly signal?: AbortSignal | undefined }

/** How often each has happened since the cache was made, and how many entries it has. */
export type CacheMetrics = {
  readonly entries: number
  /** Given as it was. */
  readonly hits: number
  /** The caller had to wait for a fetch, its own or another's. */
  readonly misses: number
  /** Given though older than its TTL: while it is fetched, or because that fails. */
  readonly stale: number
  /** Calls of the service. */
  readonly fetches: number
  readonly failures: { readonly [Kind in FailureKind]: number }
  /** Answered by a failure that was remembered. */
  readonly failuresGiven: number
  /** Pushed out by others. */
  readonly evictions: number
  /** Expired or dropped by an event. */
  readonly invalidations: number
  /** Read from the disk. */
  readonly fromDisk: number
}

/** What becomes of a slot: nothing; fetched anew while the old value is given; fetched before anything is given; forgotten. */
export type Verdict = 'keep' | 'revalidate' | 'expire' | 'drop'

export class CacheClosedError extends Error {
  override readonly name = 'CacheClosedError'
  constructor() {
    super('The cache is closed.')
  }
}

type Held<About> = {
  readonly loaded: Loaded<About>
  /** When the fetch that it is from began. */
  readonly confirmed: Moment
  freshForMs: number
  readonly staleForMs: number
}

type Failure = {
  readonly error: unknown
  readonly kind: FailureKind
  readonly at: Moment
  readonly count: number
  readonly waitMs: number
}

type Flight<About> = {
  readonly promise: Promise<Loaded<About>>
  waiters: number
  loaded?: Loaded<About>
  /** The revision of its slot when its last fetch began. */
  revision: number
}

type Slot<About> = {
  readonly id: string
  readonly name: string
  readonly entry: Entry<About>
  held?: Held<About> | undefined
  /** Something newer is known to be there. */
  expired: boolean
  /** Raised by whatever makes a fetch that is under way too old. */
  revision: number
  flight?: Flight<About> | undefined
  failure?: Failure | undefined
}

type Entry<About> = { readonly slots: Map<string, Slot<About>>; gone: boolean }

/** Stages and versions of one secret. */
const SLOTS_MAX = 8
/** How often a fetch begins anew because the value changed under it. */
const FETCHES_MAX = 3

export class ValueCache<About> {
  readonly #parts: Parts<About>
  /** In the order of their last use. */
  readonly #entries = new Map<string, Entry<About>>()
  readonly #asking = new Set<(error: Error) => void>()
  #closed = false
  #counts = {
    ...{ hits: 0, misses: 0, stale: 0, fetches: 0, failuresGiven: 0, evictions: 0, invalidations: 0, fromDisk: 0 },
    failures: { outage: 0, throttled: 0, 'not-found': 0, refused: 0 },
  }

  constructor(parts: Parts<About>) {
    this.#parts = parts
  }

  /** `read` sees the value synchronously and keeps nothing of it. */
  async get<R>(id: string, name: string, read: (loaded: Loaded<About>) => R, options: GetOptions = {}): Promise<R> {
    if (this.#closed) throw new CacheClosedError()
    options.signal?.throwIfAborted()
    const slot = this.#slotOf(id, name)
    const held = options.refreshNow ? undefined : this.#atOnce(slot)
    if (held !== undefined) return read(held.loaded)
    this.#counts.misses++
    return this.#wait(slot, read, options)
  }

  /** What is held, however old; undefined where nothing is. */
  aboutHeld(id: string, name: string): About | undefined {
    return this.#entries.get(id)?.slots.get(name)?.held?.loaded.about
  }

  /** Whether the service did not answer when it was last asked for it, so that nobody knows if what is held is current. */
  isUnknown(id: string, name: string): boolean {
    const failure = this.#entries.get(id)?.slots.get(name)?.failure
    return failure !== undefined && mayServeStale(failure.kind)
  }

  /** @returns the names of the entries that were touched */
  review(judge: (slot: { id: string; name: string; about: About | undefined }) => Verdict): ReadonlySet<string> {
    const touched = new Set<string>()
    for (const [id, { slots }] of this.#entries) {
      for (const slot of slots.values()) {
        const verdict = judge({ id, name: slot.name, about: slot.held?.loaded.about })
        if (verdict === 'keep') continue
        touched.add(id)
        this.#apply(verdict, slot)
      }
    }
    return touched
  }

  metrics(): CacheMetrics {
    return { entries: this.#entries.size, ...this.#counts, failures: { ...this.#counts.failures } }
  }

  async close(): Promise<void> {
    this.#closed = true
    for (const id of [...this.#entries.keys()]) this.#forget(id)
    for (const end of [...this.#asking]) end(new CacheClosedError())
    await this.#parts.fallback?.settled()
  }

  #slotOf(id: string, name: string): Slot<About> {
    const entry = this.#entries.get(id) ?? { slots: new Map(), gone: false }
    this.#entries.delete(id)
    this.#entries.set(id, entry)
    if (this.#entries.size > this.#parts.limits.maxCacheSize) {
      this.#counts.evictions++
      this.#forget(this.#entries.keys().next().value!)
    }
    const known = entry.slots.get(name)
    if (known !== undefined) {
      if (entry.slots.size > 1) {
        entry.slots.delete(name)
        entry.slots.set(name, known)
      }
      return known
    }
    if (entry.slots.size >= SLOTS_MAX) {
      const [oldest, slot] = entry.slots.entries().next().value!
      entry.slots.delete(oldest)
      this.#wipe(slot)
    }
    const slot = { id, name, entry, expired: false, revision: 0 }
    entry.slots.set(name, slot)
    return slot
  }

  #forget(id: string): void {
    const entry = this.#entries.get(id)!
    this.#entries.delete(id)
    entry.gone = true
    for (const slot of entry.slots.values()) this.#wipe(slot)
  }

  #wipe(slot: Slot<About>): void {
    slot.held?.loaded.bytes.fill(0)
    slot.held = undefined
  }

  /** What can be given without waiting. @throws the failure that is remembered */
  #atOnce(slot: Slot<About>): Held<About> | undefined {
    const { held, failure, expired } = slot
    const { surroundings, limits } = this.#parts
    const age = held === undefined ? 0 : elapsedSince(held.confirmed, surroundings)
    if (held !== undefined && !expired && age < held.freshForMs) {
      this.#counts.hits++
      return held
    }
    const usable = held !== undefined && age < held.staleForMs
    if (failure !== undefined && elapsedSince(failure.at, surroundings) < this.#waitOf(failure, usable)) {
      if (usable && mayServeStale(failure.kind)) return this.#stale(held)
      this.#counts.failuresGiven++
      throw failure.error
    }
    if (usable && !expired && age < held.freshForMs + limits.staleWhileRevalidateMs) {
      this.#refreshBehind(slot)
      return this.#stale(held)
    }
    return undefined
  }

  /** Where nothing can be given, the wait does not grow: who asks has to hear soon that it is over. */
  #waitOf({ kind, waitMs }: Failure, usable: boolean): number {
    return usable || kind === 'not-found' ? waitMs : Math.min(waitMs, this.#parts.limits.exceptionRetryDelayBaseMs)
  }

  #stale(held: Held<About>): Held<About> {
    this.#counts.stale++
    return held
  }

  async #wait<R>(
    slot: Slot<About>,
    read: (loaded: Loaded<About>) => R,
    { refreshNow, signal }: GetOptions,
  ): Promise<R> {
    // What is under way may have begun before that which the caller knows of.
    const asked = refreshNow && slot.flight !== undefined ? ++slot.revision : 0
    for (;;) {
      const flight = slot.flight ?? this.#fly(slot)
      flight.waiters++
      try {
        const { loaded, error } = await settled(flight.promise, signal)
        if (loaded !== undefined && flight.revision >= asked) return read(loaded)
        if (loaded === undefined) {
          const { held, failure } = slot
          const age = held === undefined ? 0 : elapsedSince(held.confirmed, this.#parts.surroundings)
          const isOver = refreshNow || signal?.aborted || failure === undefined || !mayServeStale(failure.kind)
          if (isOver || held === undefined || age >= held.staleForMs) throw error
          return read(this.#stale(held).loaded)
        }
      } finally {
        flight.waiters--
        if (flight.waiters === 0) flight.loaded?.bytes.fill(0)
      }
    }
  }

  #refreshBehind(slot: Slot<About>): void {
    const { promise } = slot.flight ?? this.#fly(slot)
    promise.catch((error: unknown) => this.#parts.report(error, { id: slot.id, during: 'refresh' }))
  }

  /** One fetch for all who wait. Whoever calls it handles what it rejects with. */
  #fly(slot: Slot<About>): Flight<About> {
    const begun = { revision: slot.revision }
    const promise = this.#fetch(slot, begun).then(
      (loaded) => {
        slot.flight = undefined
        if (flight.waiters === 0) loaded.bytes.fill(0)
        else flight.loaded = loaded
        return loaded
      },
      (error: unknown) => {
        slot.flight = undefined
        throw error
      },
    )
    const flight: Flight<About> = Object.assign(begun, { promise, waiters: 0 })
    slot.flight = flight
    return flight
  }

  async #fetch(slot: Slot<About>, flight: Pick<Flight<About>, 'revision'>): Promise<Loaded<About>> {
    for (let fetches = 1; ; fetches++) {
      const { revision } = slot
      flight.revision = revision
      const began = momentOf(this.#parts.surroundings)
      let loaded: Loaded<About>
      try {
        loaded = await this.#ask(slot)
      } catch (error) {
        return this.#failed(slot, error)
      }
      const changed = slot.revision !== revision
      if (!changed || fetches === FETCHES_MAX) {
        this.#store(slot, loaded, began, changed)
        return loaded
      }
      loaded.bytes.fill(0)
    }
  }

  /** Ends in time, also where the source does not listen to its signal. */
  #ask({ id, name }: Slot<About>): Promise<Loaded<About>> {
    if (this.#closed) return Promise.reject(new CacheClosedError())
    const { source, limits, surroundings } = this.#parts
    this.#counts.fetches++
    return new Promise((resolve, reject) => {
      const controller = new AbortController()
      let over = false
      const end = (error: Error): void => {
        done()
        controller.abort(error)
        reject(error)
      }
      const cancel = surroundings.after(limits.requestTimeoutMs, () => end(timedOut(id, limits.requestTimeoutMs)))
      const done = (): void => {
        over = true
        cancel()
        this.#asking.delete(end)
      }
      this.#asking.add(end)
      source(id, name, controller.signal).then(
        (loaded) => {
          if (over) loaded.bytes.fill(0)
          else resolve(loaded)
          done()
        },
        (error: unknown) => {
          done()
          reject(error)
        },
      )
    })
  }

  #store(slot: Slot<About>, loaded: Loaded<About>, confirmed: Moment, expired: boolean): void {
    const { limits, surroundings, fallback, onStored } = this.#parts
    const { secretRefreshIntervalMs: ttl, staleIfErrorMs } = limits
    slot.failure = undefined
    if (ttl > 0) {
      const freshForMs = jittered(ttl, surroundings)
      this.#hold(slot, loaded, { confirmed, freshForMs, staleForMs: ttl + staleIfErrorMs })
      slot.expired = expired
    }
    fallback?.save(slot.id, slot.name, loaded)
    onStored?.(slot.id, slot.name, loaded.about)
  }

  #hold(slot: Slot<About>, loaded: Loaded<About>, times: Omit<Held<About>, 'loaded'>): void {
    this.#wipe(slot)
    if (slot.entry.gone || slot.entry.slots.get(slot.name) !== slot) return
    slot.held = { loaded: { ...loaded, bytes: copyOf(loaded.bytes) }, ...times }
  }

  /** @returns what the disk has, where that may be given; else throws the error */
  async #failed(slot: Slot<About>, error: unknown): Promise<Loaded<About>> {
    if (this.#closed) throw error
    const { limits, surroundings, fallback } = this.#parts
    const { exceptionRetryDelayBaseMs: base, exceptionRetryGrowthFactor: growth, exceptionRetryDelayMaxMs } = limits
    const kind = kindOf(error)
    this.#counts.failures[kind]++
    const count = (slot.failure?.count ?? 0) + 1
    const grown = Math.min(exceptionRetryDelayMaxMs, base * growth ** (count - 1))
    const waitMs = kind === 'not-found' ? limits.notFoundMs : jittered(grown, surroundings)
    const failure = { error, kind, at: momentOf(surroundings), count, waitMs }
    slot.failure = failure
    if (!mayServeStale(kind)) {
      this.#wipe(slot)
      fallback?.remove(slot.id, slot.name)
      throw error
    }
    const { held } = slot
    const isUsable = held !== undefined && elapsedSince(held.confirmed, surroundings) < held.staleForMs
    const found = isUsable ? undefined : await fallback?.load(slot.id, slot.name)
    if (found === undefined) throw error
    // An event said meanwhile that it is gone, or no longer current.
    if (slot.failure !== failure) {
      found.loaded.bytes.fill(0)
      throw error
    }
    this.#counts.fromDisk++
    const confirmed = momentOf(surroundings)
    this.#hold(slot, found.loaded, { confirmed, freshForMs: 0, staleForMs: found.staleForMs })
    return found.loaded
  }

  #apply(verdict: Exclude<Verdict, 'keep'>, slot: Slot<About>): void {
    const { held } = slot
    if (verdict === 'revalidate') {
      if (held !== undefined)
        held.freshForMs = Math.min(held.freshForMs, elapsedSince(held.confirmed, this.#parts.surroundings))
      return
    }
    this.#counts.invalidations++
    slot.revision++
    slot.failure = undefined
    slot.expired = true
    if (verdict === 'expire') return
    this.#wipe(slot)
    this.#parts.fallback?.remove(slot.id, slot.name)
  }
}

function timedOut(id: string, ms: number): Error {
  const error = new Error(`No answer about ${id} within ${ms} ms.`)
  error.name = 'TimeoutError'
  return error
}

type Settled<T> = { readonly loaded: T; readonly error?: undefined } | { readonly loaded?: undefined; error: unknown }

/** What became of it, or the reason of the signal where that comes first. */
function settled<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<Settled<T>> {
  return new Promise((resolve) => {
    const abort = (): void => resolve({ error: signal!.reason })
    const end = (result: Settled<T>): void => {
      signal?.removeEventListener('abort', abort)
      resolve(result)
    }
    signal?.addEventListener('abort', abort, { once: true })
    promise.then(
      (loaded) => end({ loaded }),
      (error: unknown) => end({ error }),
    )
  })
}
