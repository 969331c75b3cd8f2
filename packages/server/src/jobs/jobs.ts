// Runs jobs when they are due. The service clock says when, the wall clock bounds leases, and the transaction in which a
// handler works also deletes its job, so that a job has its effect exactly once however many servers share the database. Work outside
// the database is done before that transaction, at least once, and holds nothing else up.

import type { App } from '../app.ts'
import { IntegrityError, ServiceError } from '../errors.ts'
import { DatabaseError, type Transaction } from '../storage/database.ts'
import type { InsideHandler, JobHandler, OutsideHandler } from './job.ts'

export type Jobs = {
  /** Begins to poll. */
  start(): void
  /** Runs everything that is due by now, up to a bound, and waits for it. @returns how many jobs had their effect. */
  runDue(): Promise<number>
  /** Polls at once rather than at the next tick. */
  wake(): void
  /** Ends polling, aborts work outside and waits for what is running. What is leased and did not begin is given back. */
  stop(): Promise<void>
}

export type JobsOptions = {
  readonly app: App
  /**
   * Of the lock that this process holds, and after it whoever takes its place (storage/lock.ts): what it had leased when it died is free again at
   * the next start. Absent or empty: those leases run out by themselves.
   */
  readonly holder?: string
  /** By kind. Jobs of other kinds are left to the servers that know them. */
  readonly handlers: { readonly [kind: string]: JobHandler }
  readonly pollMs?: number
  readonly leaseMs?: number
  /** How many jobs are leased at a time. */
  readonly batchMax?: number
}

const POLL_MS = 1_000
const LEASE_MS = 60_000
const BATCH_MAX = 50
/** How many batches one runDue takes on, so that jobs that keep rescheduling themselves cannot hold it for ever. */
const BATCHES_PER_RUN_MAX = 200
const BACKOFF_FIRST_MS = 1_000
const BACKOFF_MAX_MS = 3_600_000

type JobRow = {
  readonly job_id: string
  readonly kind: string
  readonly payload: string
  readonly attempts: number
  readonly share: string
  readonly part: string
}
type Outcome = 'done' | 'failed' | 'lost'

export function createJobs(options: JobsOptions): Jobs {
  const { app, handlers } = options
  const pollMs = options.pollMs ?? POLL_MS
  const leaseMs = options.leaseMs ?? LEASE_MS
  const batchMax = options.batchMax ?? BATCH_MAX
  const holder = options.holder ? `${options.holder}.` : ''
  const newOwner = (): string => `${holder}${app.uuid()}`
  const inside = new Map<string, InsideHandler>()
  // biome-ignore lint/suspicious/noExplicitAny: finish is given what work returned
  const outside = new Map<string, OutsideHandler<any>>()
  for (const [kind, handler] of Object.entries(handlers)) {
    if (typeof handler === 'function') inside.set(kind, handler)
    else outside.set(kind, handler)
  }
  const insideKinds = [...inside.keys()].sort()
  /** Work outside that runs now, with its job. */
  const running = new Map<Promise<Outcome>, JobRow>()
  /** How much work outside has ended so far. */
  let ended = 0
  let stopped = new AbortController()

  let timer: NodeJS.Timeout | undefined
  let started = false
  let stopping = false
  let queue: Promise<unknown> = Promise.resolve()
  let polling: Promise<void> | undefined
  let wokenWhilePolling = false

  /** Passes of one engine run one after another: a second caller finds what the first left over. */
  const pass = (): Promise<number> => {
    const next = queue.then(runPass)
    queue = next.catch(() => undefined)
    return next
  }

  const runDue = async (): Promise<number> => {
    let seen = ended
    let done = await pass()
    // Work that ended meanwhile may have scheduled more.
    for (let passes = 0; passes < BATCHES_PER_RUN_MAX && (running.size > 0 || ended !== seen); passes++) {
      seen = ended
      const outcomes = await Promise.all(running.keys())
      done += outcomes.filter((outcome) => outcome === 'done').length
      done += await pass()
    }
    return done
  }

  const runPass = async (): Promise<number> => {
    await beginOutside()
    let done = 0
    for (let batches = 0; batches < BATCHES_PER_RUN_MAX && !stopping; batches++) {
      if (!(await anyDue(insideKinds))) break
      const owner = newOwner()
      const batch = await lease(owner, insideKinds, batchMax)
      if (batch.length === 0) break
      for (const [index, job] of batch.entries()) {
        if (stopping) {
          await release(owner, batch.slice(index))
          break
        }
        const outcome = await runInside(owner, job)
        app.metrics.jobs.inc({ kind: job.kind, outcome })
        if (outcome === 'done') done += 1
      }
    }
    // What jobs inside asked for need not wait for the next tick.
    if (done > 0) await beginOutside()
    return done
  }

  const placesOf = (kind: string): number => {
    const { concurrency } = outside.get(kind)!
    return typeof concurrency === 'number' ? concurrency : concurrency(app)
  }

  /** Begins what is due outside the database, as far as there is room, and waits for none of it. */
  const beginOutside = async (): Promise<void> => {
    const busy = [...running.values()]
    const ofKind = (kind: string) => busy.filter((job) => job.kind === kind)
    const kinds = [...outside.keys()].filter((kind) => placesOf(kind) > ofKind(kind).length)
    if (stopping || !(await anyDue(kinds))) return
    for (const kind of kinds) {
      const owner = newOwner()
      const places = placesOf(kind)
      const jobs = outside.get(kind)!.shared
        ? await leaseShared(owner, kind, places, ofKind(kind))
        : await lease(owner, [kind], places - ofKind(kind).length)
      for (const job of jobs) {
        const work: Promise<Outcome> = runOutside(owner, job, outside.get(kind)!).then((outcome) => {
          running.delete(work)
          ended += 1
          app.metrics.jobs.inc({ kind, outcome })
          wake()
          return outcome
        })
        running.set(work, job)
      }
    }
  }

  /** Of an earlier process in the place of this one, which is dead. Before this one leases anything. */
  const freeLeasesOfTheDead = async (): Promise<void> => {
    if (holder === '') return
    const { database } = app
    const leased = await database.transaction('read', (tx) =>
      tx.all<JobRow & { readonly lease_owner: string }>(
        'SELECT job_id, lease_owner FROM job WHERE lease_until > $1',
        app.wallNow(),
      ),
    )
    for (const { job_id, lease_owner } of leased)
      if (lease_owner.startsWith(holder)) await release(lease_owner, [{ job_id }])
  }

  const dueClause = (first: number, kinds: readonly string[]): string =>
    `due_at <= $${first} AND lease_until <= $${first + 1} AND kind IN (${kinds.map((_, index) => `$${first + 2 + index}`).join(', ')})`

  /** A look without the write lock, since nearly every poll finds nothing. */
  const anyDue = async (kinds: readonly string[]): Promise<boolean> => {
    if (kinds.length === 0) return false
    const sql = `SELECT job_id FROM job WHERE ${dueClause(1, kinds)} LIMIT 1`
    const row = await app.database.transaction('read', (tx) => tx.get(sql, app.now(), app.wallNow(), ...kinds))
    return row !== undefined
  }

  const lease = (owner: string, kinds: readonly string[], limit: number): Promise<readonly JobRow[]> =>
    app.database.transaction('write', async (tx) => {
      const rows = await findDue(tx, kinds, limit, '')
      await take(tx, owner, rows)
      return rows
    })

  /** The same, the first that are due of those who have room: who has none is not looked at, however much of theirs is due. */
  const leaseShared = (
    owner: string,
    kind: string,
    places: number,
    held: readonly JobRow[],
  ): Promise<readonly JobRow[]> =>
    app.database.transaction('write', async (tx) => {
      const shares = new Shares(places, held)
      const taken: JobRow[] = []
      // Each round takes something or rules somebody out.
      for (let rounds = 0; rounds < 4 * places && shares.free > 0; rounds++) {
        const { full, fullParts } = shares
        const not = (column: string, names: readonly string[], first: number): string =>
          names.length === 0 ? '' : ` AND ${column} NOT IN (${names.map((_, index) => `$${first + index}`).join(', ')})`
        const others = `${not('share', full, 5)}${not('part', fullParts, 5 + full.length)}`
        const limit = shares.free + taken.length
        const due = await findDue(tx, [kind], limit, others, [...full, ...fullParts])
        const fresh = due.filter(({ job_id }) => !taken.some((job) => job.job_id === job_id))
        if (fresh.length === 0) break
        taken.push(...fresh.filter((job) => shares.take(job)))
      }
      await take(tx, owner, taken)
      return taken
    })

  const findDue = (
    tx: Transaction,
    kinds: readonly string[],
    limit: number,
    more: string,
    values: readonly string[] = [],
  ): Promise<readonly JobRow[]> =>
    tx.all<JobRow>(
      `SELECT job_id, kind, payload, attempts, share, part FROM job WHERE ${dueClause(2, kinds)}${more}
       ORDER BY due_at, job_id LIMIT $1`,
      limit,
      app.now(),
      app.wallNow(),
      ...kinds,
      ...values,
    )

  const take = async (tx: Transaction, owner: string, rows: readonly JobRow[]): Promise<void> => {
    const wall = app.wallNow()
    for (const row of rows) {
      await tx.run(
        'UPDATE job SET lease_owner = $1, lease_until = $2 WHERE job_id = $3',
        owner,
        wall + leaseOf(row.kind),
        row.job_id,
      )
    }
  }

  const leaseOf = (kind: string): number => {
    const { leaseMs: own = leaseMs, timeoutMs = 0, renewed = false } = outside.get(kind) ?? {}
    return renewed ? own : own + timeoutMs
  }

  /** Prolongs the lease of work that goes on, until the returned function is called; aborts where it is another's by now. */
  const keepLease = (owner: string, job: JobRow, lost: AbortController): (() => void) => {
    const everyMs = leaseOf(job.kind) / 3
    let timer: NodeJS.Timeout
    let over = false
    const renew = async (): Promise<void> => {
      const kept = await app.database
        .transaction('write', (tx) =>
          tx.run(
            'UPDATE job SET lease_until = $1 WHERE job_id = $2 AND lease_owner = $3',
            app.wallNow() + leaseOf(job.kind),
            job.job_id,
            owner,
          ),
        )
        // A database that is away is asked again; meanwhile the lease may run out.
        .catch(() => ({ changes: 1 }))
      if (kept.changes === 0) lost.abort()
      else if (!over) timer = setTimeout(renew, everyMs)
    }
    timer = setTimeout(renew, everyMs)
    return () => {
      over = true
      clearTimeout(timer)
    }
  }

  const release = (owner: string, jobs: readonly Pick<JobRow, 'job_id'>[]): Promise<void> =>
    app.database.transaction('write', async (tx) => {
      for (const { job_id } of jobs) {
        await tx.run(
          "UPDATE job SET lease_owner = '', lease_until = 0 WHERE job_id = $1 AND lease_owner = $2",
          job_id,
          owner,
        )
      }
    })

  /** The transaction in which a job has its effect. Without it the job is another's, or gone: cancelled, moved, or taken over. */
  const takeEffect = (owner: string, job: JobRow, effect: (tx: Transaction) => Promise<void>): Promise<Outcome> =>
    app.database.transaction('write', async (tx): Promise<Outcome> => {
      const { changes } = await tx.run('DELETE FROM job WHERE job_id = $1 AND lease_owner = $2', job.job_id, owner)
      if (changes === 0) return 'lost'
      await effect(tx)
      return 'done'
    })

  const runInside = async (owner: string, job: JobRow): Promise<Outcome> => {
    try {
      const handler = inside.get(job.kind)
      if (handler === undefined) throw new RangeError('a job of an unknown kind was leased')
      return await takeEffect(owner, job, (tx) => handler(app, tx, job.payload))
    } catch (error) {
      await putOff(owner, job, error, BACKOFF_MAX_MS)
      return 'failed'
    }
  }

  // biome-ignore lint/suspicious/noExplicitAny: finish is given what work returned
  const runOutside = async (owner: string, job: JobRow, handler: OutsideHandler<any>): Promise<Outcome> => {
    const lost = new AbortController()
    const letGo = handler.renewed ? keepLease(owner, job, lost) : undefined
    try {
      const signal = AbortSignal.any([stopped.signal, lost.signal, AbortSignal.timeout(handler.timeoutMs)])
      const result = await handler.work(app, job.payload, signal)
      return await takeEffect(owner, job, (tx) => handler.finish(app, tx, job.payload, result))
    } catch (error) {
      if (lost.signal.aborted) return 'lost'
      try {
        if (stopping) await release(owner, [job])
        else await putOff(owner, job, error, handler.retryMsMax, handler.failed)
      } catch (failure) {
        // The database is away: the lease runs out by itself.
        app.log.warn({ job: job.job_id, kind: job.kind, error: describe(failure) }, 'putting a job off failed')
      }
      return 'failed'
    } finally {
      letGo?.()
    }
  }

  const putOff = async (
    owner: string,
    job: JobRow,
    error: unknown,
    retryMsMax: number,
    // biome-ignore lint/suspicious/noExplicitAny: -
    failed?: OutsideHandler<any>['failed'],
  ): Promise<void> => {
    if (error instanceof IntegrityError) app.metrics.integrityFailures.inc({ table: error.table })
    const attempts = Number(job.attempts) + 1
    const retryInMs = backoffMs(attempts, retryMsMax)
    app.log.error({ job: job.job_id, kind: job.kind, attempts, retryInMs, error: describe(error) }, 'a job failed')
    await app.database.transaction('write', async (tx) => {
      const { changes } = await tx.run(
        `UPDATE job SET attempts = $1, due_at = $2, lease_owner = '', lease_until = 0 WHERE job_id = $3 AND lease_owner = $4`,
        attempts,
        app.now() + retryInMs,
        job.job_id,
        owner,
      )
      if (changes > 0) await failed?.(app, tx, job.payload, error, attempts)
    })
  }

  /** The database is away. Leases run out by themselves, and the next tick tries again. */
  const notePollFailed = (error: unknown): void => {
    app.metrics.jobs.inc({ kind: 'poll', outcome: 'failed' })
    app.log.warn({ error: describe(error) }, 'looking for due jobs failed')
  }

  const poll = (): void => {
    timer = undefined
    wokenWhilePolling = false
    polling = pass()
      .then(() => undefined, notePollFailed)
      .then(() => {
        polling = undefined
        if (started) timer = setTimeout(poll, wokenWhilePolling ? 0 : pollMs).unref()
      })
  }

  const wake = (): void => {
    if (!started) return
    wokenWhilePolling = true
    if (polling !== undefined) return
    clearTimeout(timer)
    poll()
  }

  return {
    runDue,
    wake,
    start: () => {
      if (started) return
      started = true
      stopping = false
      stopped = new AbortController()
      queue = queue.then(freeLeasesOfTheDead).catch(notePollFailed)
      poll()
    },
    stop: async () => {
      started = false
      stopping = true
      clearTimeout(timer)
      timer = undefined
      stopped.abort()
      await polling
      await queue
      await Promise.all(running.keys())
    },
  }
}

type Shared = Pick<JobRow, 'share' | 'part'>

/** Who has which of the places of a kind. */
class Shares {
  readonly #places: number
  readonly #held: Shared[]

  constructor(places: number, held: readonly Shared[]) {
    this.#places = places
    this.#held = [...held]
  }

  get free(): number {
    return this.#places - this.#held.length
  }

  /** Whoever has as many places as are free gets no more. */
  get full(): readonly string[] {
    return this.#having('share', this.free)
  }

  get fullParts(): readonly string[] {
    return this.#having('part', Math.max(1, Math.floor(this.#places / 4)))
  }

  /** Whether it has got a place. */
  take(job: Shared): boolean {
    if (this.free <= 0 || this.full.includes(job.share) || this.fullParts.includes(job.part)) return false
    this.#held.push(job)
    return true
  }

  #having(name: keyof Shared, count: number): readonly string[] {
    const names = this.#held.map((job) => job[name])
    return [...new Set(names)].filter((each) => names.filter((other) => other === each).length >= count)
  }
}

/** 1 s, 2 s, 4 s, ... up to an hour unless told: a job is never given up. */
export const backoffMs = (attempts: number, max = BACKOFF_MAX_MS): number =>
  Math.min(BACKOFF_FIRST_MS * 2 ** Math.min(attempts - 1, 30), max)

/** What a log may say of an error. Only our own classes promise messages without values; of others, where it happened. */
function describe(error: unknown): { readonly [key: string]: string } {
  if (error instanceof ServiceError) return { name: error.code, message: error.message }
  if (error instanceof IntegrityError || error instanceof DatabaseError)
    return { name: error.name, message: error.message }
  if (!(error instanceof Error)) return { name: typeof error }
  const frames = (error.stack ?? '').split('\n').filter((line) => line.startsWith('    at '))
  return {
    name: error.name,
    at: frames
      .slice(0, 8)
      .map((line) => line.trim())
      .join(' < '),
  }
}
