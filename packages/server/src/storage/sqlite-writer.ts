// The writing connection of a SQLite database, and the thread it lives in: fsync happens there, never on the event loop.

import { isMainThread, type MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import { DatabaseError, type DatabaseFailure, type Value } from './database.ts'
import { SqliteConnection } from './sqlite-connection.ts'

export type Step = readonly [kind: 'all' | 'get' | 'run' | 'exec', sql: string, values: readonly Value[]]
export type Failure = { readonly reason: DatabaseFailure; readonly message: string }

export type StepsReply = {
  /** One for each step, up to the one that failed. */
  readonly results: readonly unknown[]
  readonly failure: Failure | undefined
  /** False where the failure made SQLite roll back the whole transaction. */
  readonly open: boolean
}

export type CommitReply = {
  readonly failure: Failure | undefined
  /** Pages in the write-ahead log, and those of them that a checkpoint has yet to copy. */
  readonly walPages: number
  readonly walPagesPending: number
}

export type SessionOptions = { readonly path: string; readonly synchronous: 'FULL' | 'NORMAL' | 'OFF' }

/** What the thread is asked: statements are answered at once, to a caller that stands still for them; the rest by message. */
export type Request =
  | { readonly kind: 'begin' }
  | { readonly kind: 'steps'; readonly steps: readonly Step[] }
  | { readonly kind: 'rollback' }
  | { readonly kind: 'begin-waiting'; readonly waitMs: number }
  | { readonly kind: 'commit' }
  | { readonly kind: 'close' }

/** Indexes of the two counters that each side wakes the other with. */
export const REQUESTS = 0
export const REPLIES = 1

export type ThreadData = {
  readonly session: SessionOptions
  readonly port: MessagePort
  readonly counters: Int32Array<SharedArrayBuffer>
}

export class WriterSession {
  readonly #connection: SqliteConnection

  constructor(options: SessionOptions) {
    this.#connection = new SqliteConnection(options.path, {
      access: 'write',
      busyTimeoutMs: 0,
      synchronous: options.synchronous,
    })
  }

  /** A failure for reason 'conflict' says that another process is writing. */
  begin(): Failure | undefined {
    return attempt(() => this.#connection.exec('BEGIN IMMEDIATE'))
  }

  execute(steps: readonly Step[]): StepsReply {
    const results: unknown[] = []
    const failure = attempt(() => {
      for (const [kind, sql, values] of steps) {
        if (kind === 'exec') results.push(this.#connection.exec(sql))
        else results.push(this.#connection[kind](sql, values))
      }
    })
    return { results, failure, open: this.#connection.raw.isTransaction }
  }

  commit(): CommitReply {
    const failure = attempt(() => this.#connection.exec('COMMIT'))
    if (failure !== undefined) this.rollback()
    const wal = { log: 0, checkpointed: 0 }
    attempt(() => Object.assign(wal, this.#connection.get('PRAGMA wal_checkpoint(NOOP)', [])))
    return { failure, walPages: wal.log, walPagesPending: wal.log - wal.checkpointed }
  }

  rollback(): Failure | undefined {
    if (!this.#connection.raw.isTransaction) return undefined
    return attempt(() => this.#connection.exec('ROLLBACK'))
  }

  /** Copies the log into the database. The last connection of all to close removes the log. */
  close(): Failure | undefined {
    this.rollback()
    const failure = attempt(() => this.#connection.get('PRAGMA wal_checkpoint(TRUNCATE)', []))
    this.#connection.close()
    return failure
  }
}

function attempt(work: () => void): Failure | undefined {
  try {
    work()
    return undefined
  } catch (error) {
    if (error instanceof DatabaseError) return { reason: error.reason, message: error.message }
    return { reason: 'other', message: error instanceof Error ? error.message : String(error) }
  }
}

/** Between tries to get the lock of another process. SQLite's own waiting grows to 100 ms, longer than most transactions. */
const BEGIN_PAUSE_MIN_MS = 0.1
const BEGIN_PAUSE_MAX_MS = 2

function beginWaiting(session: WriterSession, waitMs: number): Failure | undefined {
  const cell = new Int32Array(new SharedArrayBuffer(4))
  const deadline = performance.now() + waitMs
  for (let pauseMs = BEGIN_PAUSE_MIN_MS; ; pauseMs = Math.min(pauseMs * 1.2, BEGIN_PAUSE_MAX_MS)) {
    const failure = session.begin()
    if (failure?.reason !== 'conflict' || performance.now() >= deadline) return failure
    Atomics.wait(cell, 0, 0, pauseMs * (0.5 + Math.random()))
  }
}

function answer(session: WriterSession, request: Request): unknown {
  switch (request.kind) {
    case 'begin':
      return session.begin()
    case 'steps':
      return session.execute(request.steps)
    case 'rollback':
      return session.rollback()
    case 'begin-waiting':
      return beginWaiting(session, request.waitMs)
    case 'commit':
      return session.commit()
    case 'close':
      return session.close()
  }
}

/** Never returns to its event loop before it is closed: waking from Atomics.wait is what makes a statement cheap. */
function serve({ session: options, port, counters }: ThreadData): void {
  let session: WriterSession
  try {
    session = new WriterSession(options)
  } catch (error) {
    const { reason, message } = error as DatabaseError
    parentPort!.postMessage({ reason: reason ?? 'other', message })
    return
  }
  parentPort!.postMessage(undefined)
  for (let seen = 0; ; ) {
    const received = receiveMessageOnPort(port)
    if (received === undefined) {
      Atomics.wait(counters, REQUESTS, seen)
      seen = Atomics.load(counters, REQUESTS)
      continue
    }
    const request = received.message as Request
    const reply = answer(session, request)
    if (request.kind === 'begin' || request.kind === 'steps' || request.kind === 'rollback') {
      port.postMessage(reply)
      Atomics.add(counters, REPLIES, 1)
      Atomics.notify(counters, REPLIES)
    } else {
      parentPort!.postMessage(reply)
      if (request.kind === 'close') return
    }
  }
}

if (!isMainThread && (workerData as { role?: string } | null)?.role === 'strongroom-sqlite-writer') {
  serve(workerData as ThreadData)
}
