// Runs jobs when they are due. The service clock says when, the wall clock bounds leases, and the transaction in which a
// handler works also deletes its job, so that a job has its effect exactly once however many servers share the database.

import type { App } from '../app.ts'
import { IntegrityError, ServiceError } from '../errors.ts'
import { DatabaseError } from '../storage/database.ts'
import type { JobHandler } from './job.ts'

export type Jobs = {
  /** Begins to poll. */
  start(): void
  /** Runs everything that is due by now, up to a bound. @returns how many jobs had their effect. */
  runDue(): Promise<number>
  /** Polls at once rather than at the next tick. */
  wake(): void
  /** Ends polling and waits for the job that is running. What is leased and did not begin is given back. */
  stop(): Promise<void>
}

export type JobsOptions = {
  readonly app: App
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

type JobRow = { readonly job_id: string; readonly kind: string; readonly payload: string; readonly attempts: number }
type Outcome = 'done' | 'failed' | 'lost'

export function createJobs(options: JobsOptions): Jobs {
  const { app, handlers } = options
  const pollMs = options.pollMs ?? POLL_MS
  const leaseMs = options.leaseMs ?? LEASE_MS
  const batchMax = options.batchMax ?? BATCH_MAX
  const kinds = Object.keys(handlers).sort()

  let timer: NodeJS.Timeout | undefined
  let started = false
  let stopping = false
  let queue: Promise<unknown> = Promise.resolve()
  let polling: Promise<void> | undefined
  let wokenWhilePolling = false

  /** Passes of one engine run one after another: a second caller finds what the first left over. */
  const runDue = (): Promise<number> => {
    const pass = queue.then(runPass)
    queue = pass.catch(() => undefined)
    return pass
  }

  const runPass = async (): Promise<number> => {
    let done = 0
    for (let batches = 0; batches < BATCHES_PER_RUN_MAX && !stopping; batches++) {
      if (!(await anyDue())) break
      const owner = app.uuid()
      const batch = await lease(owner)
      if (batch.length === 0) break
      for (const job of batch) {
        if (stopping) break
        const outcome = await runJob(owner, job)
        app.metrics.jobs.inc({ kind: job.kind, outcome })
        if (outcome === 'done') done += 1
      }
      if (stopping) await release(owner)
    }
    return done
  }

  const dueClause = (first: number): string =>
    `due_at <= $${first} AND lease_until <= $${first + 1} AND kind IN (${kinds.map((_, index) => `$${first + 2 + index}`).join(', ')})`

  /** A look without the write lock, since nearly every poll finds nothing. */
  const anyDue = async (): Promise<boolean> => {
    if (kinds.length === 0) return false
    const sql = `SELECT job_id FROM job WHERE ${dueClause(1)} LIMIT 1`
    const row = await app.database.transaction('read', (tx) => tx.get(sql, app.now(), app.wallNow(), ...kinds))
    return row !== undefined
  }

  const lease = (owner: string): Promise<readonly JobRow[]> =>
    app.database.transaction('write', async (tx) => {
      const wall = app.wallNow()
      const rows = await tx.all<JobRow>(
        `SELECT job_id, kind, payload, attempts FROM job WHERE ${dueClause(2)} ORDER BY due_at, job_id LIMIT $1`,
        batchMax,
        app.now(),
        wall,
        ...kinds,
      )
      for (const row of rows) {
        await tx.run(
          'UPDATE job SET lease_owner = $1, lease_until = $2 WHERE job_id = $3',
          owner,
          wall + leaseMs,
          row.job_id,
        )
      }
      return rows
    })

  const release = (owner: string): Promise<unknown> =>
    app.database.transaction('write', (tx) =>
      tx.run("UPDATE job SET lease_owner = '', lease_until = 0 WHERE lease_owner = $1", owner),
    )

  const runJob = async (owner: string, job: JobRow): Promise<Outcome> => {
    try {
      return await app.database.transaction('write', async (tx): Promise<Outcome> => {
        // Gone or another's: cancelled, moved, or the lease ran out and another server took the job.
        const { changes } = await tx.run('DELETE FROM job WHERE job_id = $1 AND lease_owner = $2', job.job_id, owner)
        if (changes === 0) return 'lost'
        const handler = handlers[job.kind]
        if (handler === undefined) throw new RangeError('a job of an unknown kind was leased')
        await handler(app, tx, job.payload)
        return 'done'
      })
    } catch (error) {
      if (error instanceof IntegrityError) app.metrics.integrityFailures.inc({ table: error.table })
      const attempts = Number(job.attempts) + 1
      const retryInMs = backoffMs(attempts)
      app.log.error({ job: job.job_id, kind: job.kind, attempts, retryInMs, error: describe(error) }, 'a job failed')
      await app.database.transaction('write', (tx) =>
        tx.run(
          `UPDATE job SET attempts = $1, due_at = $2, lease_owner = '', lease_until = 0 WHERE job_id = $3 AND lease_owner = $4`,
          attempts,
          app.now() + retryInMs,
          job.job_id,
          owner,
        ),
      )
      return 'failed'
    }
  }

  const poll = (): void => {
    timer = undefined
    wokenWhilePolling = false
    polling = runDue()
      .then(
        () => undefined,
        (error: unknown) => {
          // The database is away. Leases run out by themselves, and the next tick tries again.
          app.metrics.jobs.inc({ kind: 'poll', outcome: 'failed' })
          app.log.warn({ error: describe(error) }, 'looking for due jobs failed')
        },
      )
      .then(() => {
        polling = undefined
        if (started) timer = setTimeout(poll, wokenWhilePolling ? 0 : pollMs).unref()
      })
  }

  return {
    runDue,
    start: () => {
      if (started) return
      started = true
      stopping = false
      poll()
    },
    wake: () => {
      if (!started) return
      wokenWhilePolling = true
      if (polling !== undefined) return
      clearTimeout(timer)
      poll()
    },
    stop: async () => {
      started = false
      stopping = true
      clearTimeout(timer)
      timer = undefined
      await polling
      await queue
    },
  }
}

/** 1 s, 2 s, 4 s, ... up to an hour: a job is never given up. */
export const backoffMs = (attempts: number): number =>
  Math.min(BACKOFF_FIRST_MS * 2 ** Math.min(attempts - 1, 30), BACKOFF_MAX_MS)

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
