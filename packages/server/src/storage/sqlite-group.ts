// Group commit: write transactions run one after another as savepoints of one outer transaction, and their answers wait for its commit.

import { setImmediate as nextTurn } from 'node:timers/promises'
import { DatabaseError, type Transaction, type Value } from './database.ts'
import { type CommitReply, type Step, type StepsReply, toError, type WriterSession } from './sqlite-writer.ts'
import { checkValues } from './value.ts'

/** Write transactions that wait for their turn or for the disk. */
const QUEUE_MAX = 4_096
/** A group closes after so many transactions or so long, so that the first of them does not wait for the last of a crowd. */
const GROUP_MAX = 512
const GROUP_AGE_MAX_MS = 8
/** Bodies run this long before the event loop gets a turn. */
const SLICE_MS = 2
/** How long a group waits for the transactions of other processes. */
const BEGIN_WAIT_MS = 10_000

type Job = {
  readonly work: (tx: Transaction) => Promise<unknown>
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
}

type Finished = { readonly job: Job; readonly value: unknown; readonly tx: WriteTransaction }

export type GroupOptions = {
  /** Makes the writer, at first use. @throws DatabaseError */
  readonly start: () => WriterSession
  /** @throws DatabaseError to refuse the next group, before it began */
  readonly beforeGroup: () => Promise<void>
  readonly onCommit: (reply: CommitReply) => void
  /** Resolves when what was committed is on disk, so that it may be answered; undefined where answers do not wait for that. */
  readonly durable: (() => Promise<void>) | undefined
}

export class GroupCommit {
  readonly #options: GroupOptions
  readonly #queue: Job[] = []
  #writer: WriterSession | undefined
  #draining: Promise<void> | undefined
  /** Committed, and waiting for the disk. */
  readonly #unanswered = new Set<Promise<void>>()
  #committed = 0
  commits = 0
  transactions = 0

  constructor(options: GroupOptions) {
    this.#options = options
  }

  transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    if (this.waiting >= QUEUE_MAX) {
      return Promise.reject(new DatabaseError('unavailable', `${QUEUE_MAX} write transactions are waiting already`))
    }
    return new Promise<T>((resolve, reject) => {
      this.#queue.push({ work, resolve: resolve as (value: unknown) => void, reject })
      this.#draining ??= this.#drain()
    })
  }

  /** Transactions that wait for their turn or for the disk. */
  get waiting(): number {
    return this.#queue.length + this.#committed
  }

  /** Resolves when all work so far has been answered. */
  async drained(): Promise<void> {
    await this.#draining
    await Promise.all(this.#unanswered)
  }

  /** No transaction may be started any more. */
  async close(): Promise<void> {
    await this.drained()
    this.#writer?.close()
  }

  async #drain(): Promise<void> {
    while (this.#queue.length > 0) {
      let writer: WriterSession
      try {
        writer = await this.#open()
      } catch (error) {
        for (const { reject } of this.#queue.splice(0)) reject(error)
        continue
      }
      const finished: Finished[] = []
      try {
        await this.#group(writer, finished)
      } catch (error) {
        undo(finished, error)
      }
    }
    this.#draining = undefined
  }

  async #open(): Promise<WriterSession> {
    await this.#options.beforeGroup()
    this.#writer ??= this.#options.start()
    await this.#writer.begin(BEGIN_WAIT_MS)
    return this.#writer
  }

  /** @throws DatabaseError where none of `finished` is committed, as far as is known */
  async #group(writer: WriterSession, finished: Finished[]): Promise<void> {
    const group = new Group(writer)
    const started = performance.now()
    let turn = started
    while (this.#queue.length > 0 && finished.length < GROUP_MAX) {
      await this.#body(this.#queue.shift()!, group, finished)
      if (group.lost !== undefined) {
        if (finished.length === 0) return
        throw group.lost
      }
      const now = performance.now()
      if (now - started > GROUP_AGE_MAX_MS) break
      if (now - turn > SLICE_MS) {
        await nextTurn()
        turn = performance.now()
      }
    }
    if (!group.changed || finished.length === 0) {
      writer.rollback()
      for (const { job, value } of finished) job.resolve(value)
      return
    }
    group.settle()
    const reply = writer.commit()
    if (reply.failure !== undefined) throw toError(reply.failure)
    this.commits += 1
    this.transactions += finished.length
    this.#options.onCommit(reply)
    this.#answer([...finished])
  }

  /** The next group does not wait for the disk; the answers of this one do. */
  #answer(finished: readonly Finished[]): void {
    const answer = (): void => {
      for (const { job, value } of finished) job.resolve(value)
    }
    if (this.#options.durable === undefined) {
      answer()
      return
    }
    this.#committed += finished.length
    const answered = this.#options
      .durable()
      .then(answer, (error: unknown) => undo(finished, error))
      .finally(() => {
        this.#committed -= finished.length
        this.#unanswered.delete(answered)
      })
    this.#unanswered.add(answered)
  }

  async #body(job: Job, group: Group, finished: Finished[]): Promise<void> {
    const tx = new WriteTransaction(group)
    try {
      const value = await job.work(tx)
      tx.finish()
      finished.push({ job, value, tx })
    } catch (error) {
      tx.abandon()
      tx.rolledBack()
      job.reject(error)
    }
  }
}

function undo(finished: readonly Finished[], error: unknown): void {
  for (const { job, tx } of finished.toReversed()) {
    tx.rolledBack()
    job.reject(error)
  }
}

const SAVEPOINT: Step = ['run', 'SAVEPOINT body', []]
const RELEASE: Step = ['run', 'RELEASE body', []]
const ROLLBACK_TO: Step = ['run', 'ROLLBACK TO body', []]

/** The outer transaction. Savepoints begin and end together with the next statement, since each trip to the writer costs more than they do. */
class Group {
  readonly #writer: WriterSession
  #owed: Step[] = []
  /** Set once the outer transaction is gone, and with it the work of every body in it. */
  lost: DatabaseError | undefined
  changed = false

  constructor(writer: WriterSession) {
    this.#writer = writer
  }

  execute(steps: readonly Step[]): StepsReply {
    const owed = this.#owed
    this.#owed = []
    let reply: StepsReply
    try {
      reply = this.#writer.execute(owed.length === 0 ? steps : [...owed, ...steps])
    } catch (error) {
      this.lost = error instanceof DatabaseError ? error : new DatabaseError('other', String(error))
      return { results: [], failure: { reason: this.lost.reason, message: this.lost.message }, open: false }
    }
    const { results, failure, open } = reply
    if (failure !== undefined && (!open || results.length < owed.length)) {
      this.lost = toError(failure)
      if (open) this.#writer.rollback()
    }
    return { results: results.slice(owed.length), failure, open }
  }

  owe(...steps: Step[]): void {
    this.#owed.push(...steps)
  }

  /** Ends the last savepoint. @throws DatabaseError */
  settle(): void {
    if (this.#owed.length === 0) return
    const { failure } = this.execute([])
    if (failure !== undefined) throw this.lost ?? toError(failure)
  }
}

type Pending = {
  readonly step: Step
  readonly promise: Promise<unknown>
  readonly resolve: (result: unknown) => void
  readonly reject: (error: unknown) => void
}

const ignore = () => {}

/**
 * Statements issued without waiting travel together. One that failed dooms the transaction, even if its error was caught: so it is on
 * PostgreSQL.
 */
class WriteTransaction implements Transaction {
  readonly snapshot = undefined
  readonly lane = 0
  readonly #group: Group
  #pending: Pending[] = []
  #listeners: (() => void)[] = []
  #failure: unknown
  #began = false
  #over = false

  constructor(group: Group) {
    this.#group = group
  }

  all<Row>(sql: string, ...values: readonly Value[]): Promise<readonly Row[]> {
    return this.#add(['all', sql, values]) as Promise<readonly Row[]>
  }

  get<Row>(sql: string, ...values: readonly Value[]): Promise<Row | undefined> {
    return this.#add(['get', sql, values]) as Promise<Row | undefined>
  }

  run(sql: string, ...values: readonly Value[]): Promise<{ readonly changes: number }> {
    return this.#add(['run', sql, values]) as Promise<{ readonly changes: number }>
  }

  onRollback(listener: () => void): void {
    this.#listeners.push(listener)
  }

  rolledBack(): void {
    const listeners = this.#listeners
    this.#listeners = []
    for (const listener of listeners.toReversed()) listener()
  }

  /** The body resolved. @throws what doomed the transaction */
  finish(): void {
    this.#flush()
    if (this.#failure !== undefined) throw this.#failure
    this.#over = true
    if (this.#began) this.#group.owe(RELEASE)
  }

  /** The body rejected. */
  abandon(): void {
    this.#over = true
    this.#failure ??= new Error('the transaction was given up')
    this.#flush()
    if (this.#began && this.#group.lost === undefined) this.#group.owe(ROLLBACK_TO, RELEASE)
  }

  #add(step: Step): Promise<unknown> {
    if (this.#over) return Promise.reject(new Error('the transaction is over'))
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    if (this.#pending.push({ step, promise, resolve, reject }) === 1) queueMicrotask(() => this.#flush())
    return promise
  }

  #flush(): void {
    const pending = this.#pending
    if (pending.length === 0) return
    this.#pending = []
    let answered = 0
    if (this.#failure === undefined) {
      try {
        for (const { step } of pending) checkValues(step[2])
        answered = this.#execute(pending)
      } catch (error) {
        this.#failure = error
      }
    }
    for (const { promise, reject } of pending.slice(answered)) {
      promise.catch(ignore) // what nobody awaited is told by the transaction as a whole
      reject(this.#failure)
    }
  }

  #execute(pending: readonly Pending[]): number {
    const steps = pending.map(({ step }) => step)
    const begins = this.#began ? 0 : 1
    const { results, failure } = this.#group.execute(begins === 1 ? [SAVEPOINT, ...steps] : steps)
    this.#began ||= results.length > 0
    this.#group.changed = true
    const answered = Math.max(0, results.length - begins)
    for (let i = 0; i < answered; i++) pending[i]!.resolve(results[begins + i])
    if (failure !== undefined) this.#failure = this.#group.lost ?? toError(failure)
    return answered
  }
}
