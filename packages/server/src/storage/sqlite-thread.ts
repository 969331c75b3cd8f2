// How the main thread speaks with the writing connection: in a thread of its own, or inline for tests and short commands.

import { setTimeout as sleep } from 'node:timers/promises'
import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads'
import { DatabaseError } from './database.ts'
import {
  type CommitReply,
  type Failure,
  REPLIES,
  REQUESTS,
  type Request,
  type SessionOptions,
  type Step,
  type StepsReply,
  type ThreadData,
  WriterSession,
} from './sqlite-writer.ts'

/** Statements stand still for their answer, as a read does; what waits for a disk or a lock is a promise. One call at a time. */
export type Writer = {
  /** @throws DatabaseError; 'conflict' where another process is writing: then beginWaiting */
  begin(): void
  beginWaiting(waitMs: number): Promise<void>
  execute(steps: readonly Step[]): StepsReply
  rollback(): void
  commit(): Promise<CommitReply>
  close(): Promise<void>
  /** False once its thread has died: make a new one. */
  readonly alive: boolean
}

/** A statement that takes longer is given up for lost, and its thread with it. */
const STATEMENT_TIMEOUT_MS = 60_000
/** Looks at the counter this often before it sleeps: most statements are answered within these few microseconds. */
const SPINS = 1_000

export const toError = ({ reason, message }: Failure): DatabaseError => new DatabaseError(reason, message)

function must(failure: Failure | undefined): void {
  if (failure !== undefined) throw toError(failure)
}

type Waiting = { readonly resolve: (reply: unknown) => void; readonly reject: (error: unknown) => void }

class ThreadWriter implements Writer {
  readonly #thread: Worker
  readonly #port: MessagePort
  readonly #counters: Int32Array<SharedArrayBuffer>
  #waiting: Waiting | undefined
  #lost: DatabaseError | undefined

  constructor(session: SessionOptions) {
    const { port1, port2 } = new MessageChannel()
    this.#port = port1
    this.#counters = new Int32Array(new SharedArrayBuffer(8))
    const data: ThreadData & { role: string } = {
      role: 'strongroom-sqlite-writer',
      session,
      port: port2,
      counters: this.#counters,
    }
    this.#thread = new Worker(new URL('./sqlite-writer.ts', import.meta.url), {
      workerData: data,
      transferList: [port2],
      name: 'sqlite-writer',
      execArgv: [],
      resourceLimits: { maxYoungGenerationSizeMb: 4, maxOldGenerationSizeMb: 256 },
    })
    this.#port.unref()
    this.#thread.unref()
    this.#thread.on('message', (reply: unknown) => this.#settle((waiting) => waiting.resolve(reply)))
    this.#thread.on('error', (error: Error) => this.#lose(`its thread failed: ${error.message}`))
    this.#thread.on('exit', () => this.#lose('its thread is gone'))
  }

  get alive(): boolean {
    return this.#lost === undefined
  }

  async ready(): Promise<this> {
    must((await this.#wait()) as Failure | undefined)
    return this
  }

  begin(): void {
    must(this.#ask({ kind: 'begin' }) as Failure | undefined)
  }

  async beginWaiting(waitMs: number): Promise<void> {
    must((await this.#send({ kind: 'begin-waiting', waitMs })) as Failure | undefined)
  }

  execute(steps: readonly Step[]): StepsReply {
    return this.#ask({ kind: 'steps', steps: steps.map(detach) }) as StepsReply
  }

  rollback(): void {
    must(this.#ask({ kind: 'rollback' }) as Failure | undefined)
  }

  commit(): Promise<CommitReply> {
    return this.#send({ kind: 'commit' }) as Promise<CommitReply>
  }

  async close(): Promise<void> {
    if (this.#lost !== undefined) return
    const failure = (await this.#send({ kind: 'close' })) as Failure | undefined
    await this.#thread.terminate()
    must(failure)
  }

  #ask(request: Request): unknown {
    if (this.#lost !== undefined) throw this.#lost
    const replies = Atomics.load(this.#counters, REPLIES)
    this.#post(request)
    for (let spins = 0; Atomics.load(this.#counters, REPLIES) === replies && spins < SPINS; spins++);
    // A late wake-up for the reply before this one is no reply: what counts is the counter.
    while (Atomics.load(this.#counters, REPLIES) === replies) {
      if (Atomics.wait(this.#counters, REPLIES, replies, STATEMENT_TIMEOUT_MS) === 'timed-out') {
        this.#lose('a statement took too long')
        void this.#thread.terminate()
        throw this.#lost
      }
    }
    return receiveMessageOnPort(this.#port)!.message
  }

  async #send(request: Request): Promise<unknown> {
    if (this.#lost !== undefined) throw this.#lost
    this.#post(request)
    return this.#wait()
  }

  #post(request: Request): void {
    this.#port.postMessage(request)
    Atomics.add(this.#counters, REQUESTS, 1)
    Atomics.notify(this.#counters, REQUESTS)
  }

  #wait(): Promise<unknown> {
    this.#thread.ref()
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject }
    })
  }

  #settle(how: (waiting: Waiting) => void): void {
    const waiting = this.#waiting
    this.#waiting = undefined
    this.#thread.unref()
    if (waiting !== undefined) how(waiting)
  }

  #lose(reason: string): void {
    const lost = new DatabaseError('unavailable', `the SQLite writer cannot go on: ${reason}`)
    this.#lost ??= lost
    this.#settle((waiting) => waiting.reject(lost))
  }
}

class InlineWriter implements Writer {
  readonly #session: WriterSession
  readonly alive = true

  constructor(session: SessionOptions) {
    this.#session = new WriterSession(session)
  }

  begin(): void {
    must(this.#session.begin())
  }

  async beginWaiting(waitMs: number): Promise<void> {
    const deadline = performance.now() + waitMs
    for (;;) {
      const failure = this.#session.begin()
      if (failure?.reason !== 'conflict' || performance.now() >= deadline) return must(failure)
      await sleep(1)
    }
  }

  execute(steps: readonly Step[]): StepsReply {
    return this.#session.execute(steps)
  }

  rollback(): void {
    must(this.#session.rollback())
  }

  async commit(): Promise<CommitReply> {
    return this.#session.commit()
  }

  async close(): Promise<void> {
    must(this.#session.close())
  }
}

/** @throws DatabaseError where the database cannot be opened */
export async function startWriter(where: 'thread' | 'inline', session: SessionOptions): Promise<Writer> {
  return where === 'thread' ? new ThreadWriter(session).ready() : new InlineWriter(session)
}

/** Bytes on their own: a view would take along all of the buffer under it, which may hold what others keep there. */
const detach = ([kind, sql, values]: Step): Step => [
  kind,
  sql,
  values.map((value) =>
    value instanceof Uint8Array && value.byteLength !== value.buffer.byteLength ? new Uint8Array(value) : value,
  ),
]
