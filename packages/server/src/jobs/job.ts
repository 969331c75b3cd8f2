// A job: work that is due at a moment of the service clock, kept as a row of the transaction that asked for it.

import type { App } from '../app.ts'
import type { Transaction } from '../storage/database.ts'

export type Job = {
  /** Names the work. Scheduling the same id again replaces what stood there. */
  readonly id: string
  /** Which handler does it: `secretsmanager.PurgeSecret`. */
  readonly kind: string
  /** Milliseconds since the epoch, service clock. */
  readonly dueAt: number
  /** What the handler receives. At most 16,384 characters, and never a secret: the row is not encrypted and carries no MAC. */
  readonly payload: string
  /** Whose work it is: names of an account, and of a part of its work. Only for kinds whose handler is `shared`. */
  readonly share?: { readonly of: string; readonly part: string }
}

/**
 * Does the work of one kind of job, in the write transaction that also deletes the job. It may run again after a write conflict, so it
 * touches only the transaction. What it throws rolls everything back and has the job tried again later.
 */
export type InsideHandler = (app: App, tx: Transaction, payload: string) => Promise<void>

/**
 * Work with an effect outside the database: a webhook, a copy on another server, a function. The job's row is its journal: it stands until
 * `finish` committed, so after a crash the work is done again, and must come out the same when it is.
 */
export type OutsideHandler<R> = {
  /**
   * Runs outside any transaction, under the job's lease, beside the jobs of other kinds. Must end soon after `signal` aborts, which it does
   * after `timeoutMs` and when the server stops. What it throws has the job tried again later.
   */
  readonly work: (app: App, payload: string, signal: AbortSignal) => Promise<R>
  /**
   * In the write transaction that deletes the job; it may run again after a write conflict. Not called where the job was scheduled anew or
   * cancelled while the work ran: then the new one runs.
   */
  readonly finish: (app: App, tx: Transaction, payload: string, result: R) => Promise<void>
  /** In the transaction that puts the job off after `work` or `finish` failed for the `attempts`th time; for a status that users see. */
  readonly failed?: (app: App, tx: Transaction, payload: string, error: unknown, attempts: number) => Promise<void>
  readonly timeoutMs: number
  /** How long beyond `timeoutMs` the job stays with a server that does not finish it, such as one that crashed; a minute unless told. */
  readonly leaseMs?: number
  /**
   * The lease is `leaseMs` alone, and prolonged while the work runs: for long work that another server is to take over soon. The signal aborts
   * too where the lease is lost.
   */
  readonly renewed?: true
  /** The longest that a failed job waits for its next attempt. */
  readonly retryMsMax: number
  /** How many jobs of this kind one server works on at a time. */
  readonly concurrency: number | ((app: App) => number)
  /**
   * Jobs say whose work they are, and work that hangs cannot hold every place: a part has at most a quarter of them, and whoever has many leaves
   * as many free for others.
   */
  readonly shared?: true
}

// biome-ignore lint/suspicious/noExplicitAny: the engine passes to finish what work returned
export type JobHandler = InsideHandler | OutsideHandler<any>

/** Declares a handler with `finish` typed from `work`. */
export const outsideHandler = <R>(handler: OutsideHandler<R>): OutsideHandler<R> => handler

export const JOB_PAYLOAD_CHARACTERS_MAX = 16_384

/** When the first of the jobs is due that a transaction asked for. */
const firstDue = new WeakMap<Transaction, number>()

function noteDue(tx: Transaction, dueAt: number): void {
  firstDue.set(tx, Math.min(dueAt, firstDue.get(tx) ?? dueAt))
}

/** Whether a transaction asked for work that is due by now: once it has committed, whoever runs jobs need not wait for the next tick. */
export const asksForWork = (tx: Transaction, now: number): boolean => (firstDue.get(tx) ?? now + 1) <= now

/** Schedules a job, or moves it; it exists if and only if the transaction commits. A lease that somebody holds on it is void. */
export async function schedule(tx: Transaction, job: Job): Promise<void> {
  if (job.payload.length > JOB_PAYLOAD_CHARACTERS_MAX) throw new RangeError(`payload of a ${job.kind} job is too long`)
  noteDue(tx, job.dueAt)
  await tx.run(
    `INSERT INTO job (job_id, kind, due_at, payload, share, part) VALUES ($1, $2, $3, $4, $5, $6)
     ON CONFLICT (job_id) DO UPDATE SET kind = excluded.kind, due_at = excluded.due_at, payload = excluded.payload,
       share = excluded.share, part = excluded.part, attempts = 0, lease_until = 0, lease_owner = ''`,
    job.id,
    job.kind,
    job.dueAt,
    job.payload,
    job.share?.of ?? '',
    job.share?.part ?? '',
  )
}

/** Has a job that is there run at `dueAt`, if it is not due before. A lease on it holds. */
export async function hasten(tx: Transaction, id: string, dueAt: number): Promise<void> {
  noteDue(tx, dueAt)
  await tx.run('UPDATE job SET due_at = $1 WHERE job_id = $2 AND due_at > $1', dueAt, id)
}

/** Takes a job back; false where there is none, because it ran or was never scheduled. */
export async function cancel(tx: Transaction, id: string): Promise<boolean> {
  return (await tx.run('DELETE FROM job WHERE job_id = $1', id)).changes > 0
}

/** Whether a job does not run and is not due, or is not there. Times in milliseconds: of the service clock and of the wall clock. */
export async function isIdle(tx: Transaction, id: string, now: number, wallNow: number): Promise<boolean> {
  const row = await tx.get(
    'SELECT job_id FROM job WHERE job_id = $1 AND (due_at <= $2 OR lease_until > $3)',
    id,
    now,
    wallNow,
  )
  return row === undefined
}

/** Whether a job is due, or runs. Service clock. */
export async function isDue(tx: Transaction, id: string, now: number): Promise<boolean> {
  return (await tx.get('SELECT job_id FROM job WHERE job_id = $1 AND due_at <= $2', id, now)) !== undefined
}
