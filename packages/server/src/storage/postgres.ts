// PostgreSQL: serializable writes that are run again after a conflict, repeatable reads, one connection for each transaction in progress.

import { setTimeout as sleep } from 'node:timers/promises'
import { Client, type CustomTypesConfig, type QueryResult } from 'pg'
import type { Logger } from '../observe/log.ts'
import { type Access, type Database, DatabaseError, type Transaction, type Value } from './database.ts'
import { type Exclusively, reentrant } from './exclusive.ts'
import { PostgresError, postgresError } from './postgres-error.ts'
import { checkValues, narrow } from './value.ts'

export type PostgresOptions = {
  /** postgres://user:password@host:port/database, with `sslmode=verify-full` and `sslrootcert` for TLS. */
  readonly url: string
  /** Transactions that can be open at once. */
  readonly poolSize?: number
  /** How long a transaction waits for a connection that others use. 10,000 unless told. */
  readonly waitMs?: number
  readonly log?: Logger
}

export type PostgresStats = { readonly retries: number; readonly waiting: number; readonly connections: number }

export type PostgresDatabase = Database & {
  readonly dialect: 'postgres'
  stats(): PostgresStats
  /** Runs work while no other process does so on this database: for migrations and bootstrap. */
  readonly exclusively: Exclusively
}

const POOL_SIZE = 10
const WAITING_MAX = 4_096
const WAIT_MS = 10_000
const TRIES_MAX = 40
/** Where a key is there already: it may be there for good. */
const DUPLICATE_TRIES_MAX = 10
/** After so many conflicts a transaction waits for its turn among those of this process that conflict as often: luck is not fair. */
const TURNS_FROM_TRY = 4
const RETRY_PAUSE_MAX_MS = 50
const CONNECT_TIMEOUT_MS = 5_000
/** The server ends a statement after this long; the client gives the connection up a little later. */
const STATEMENT_TIMEOUT_MS = 30_000
const QUERY_TIMEOUT_MS = STATEMENT_TIMEOUT_MS + 5_000
/** How long a process waits for the migrations of another. */
const EXCLUSIVE_WAIT_MS = 300_000
const EXCLUSIVE_LOCK = 7_305_526_834_121_003n
/** Statements prepared by name on each connection; a text beyond this number is parsed each time. */
const STATEMENTS_MAX = 512

/** @throws DatabaseError where the server cannot be reached, or the database is not in UTF-8 */
export async function openPostgres(options: PostgresOptions): Promise<PostgresDatabase> {
  const pool = new Pool(options)
  const first = await pool.take()
  try {
    const { rows } = await (await first.connect()).query('SHOW server_encoding')
    if (rows[0]?.server_encoding !== 'UTF8') {
      throw new DatabaseError('other', `the database must be in UTF8, not ${rows[0]?.server_encoding}`)
    }
  } catch (error) {
    await first.discard()
    throw error instanceof DatabaseError ? error : postgresError(error)
  }
  pool.release(first)

  let retries = 0
  let closing: Promise<void> | undefined
  const takeTurn = createTurns()

  async function run<T>(access: Access, work: (tx: Transaction) => Promise<T>): Promise<T> {
    if (closing !== undefined) throw new DatabaseError('unavailable', 'the database is closed')
    const slot = await pool.take()
    let endTurn: (() => void) | undefined
    try {
      for (let tries = 1; ; tries++) {
        const outcome = await attempt(slot, access, work)
        if ('value' in outcome) return outcome.value
        // Work itself gave up, or it is not known whether it was committed, or there is no use in trying again.
        if (tries >= outcome.triesMax || (outcome.lost && tries > 1)) throw outcome.error
        retries += 1
        if (tries === TURNS_FROM_TRY) endTurn = await takeTurn()
        else await sleep(Math.random() * Math.min(2 ** tries, RETRY_PAUSE_MAX_MS))
      }
    } finally {
      endTurn?.()
      pool.release(slot)
    }
  }

  return {
    dialect: 'postgres',
    transaction: run,
    newest: () => undefined,
    stats: () => ({ retries, waiting: pool.waiting, connections: pool.connections }),
    exclusively: reentrant((work) => holdingAdvisoryLock(options.url, work)),
    close() {
      closing ??= pool.close()
      return closing
    },
  }
}

/** One after another: resolves when those that asked before have ended their turns, with what ends this one. */
function createTurns(): () => Promise<() => void> {
  let last: Promise<void> = Promise.resolve()
  return async () => {
    const before = last
    const { promise, resolve } = Promise.withResolvers<void>()
    last = promise
    await before
    return resolve
  }
}

/** `triesMax`: 0 where it is not to be tried again. */
type Outcome<T> = { readonly value: T } | { readonly error: unknown; readonly triesMax: number; readonly lost: boolean }

async function attempt<T>(slot: Slot, access: Access, work: (tx: Transaction) => Promise<T>): Promise<Outcome<T>> {
  const tx = new PostgresTransaction(slot, access)
  let committing = false
  try {
    const value = await work(tx)
    committing = true
    await tx.commit()
    return { value }
  } catch (thrown) {
    const uncertain = committing && tx.failure === undefined
    const failure = tx.failure ?? (thrown instanceof PostgresError ? thrown : undefined)
    await tx.rollBack()
    if (failure instanceof PostgresError && failure.lost) await slot.discard()
    if (!(failure instanceof PostgresError)) return { error: thrown, triesMax: 0, lost: false }
    const { lost, retryable, duplicate } = failure
    // COMMIT was sent and the connection broke: the answer may have been lost with it, so nothing may be run again.
    if (uncertain && lost && access === 'write') return { error: thrown, triesMax: 0, lost }
    if (retryable) return { error: failure, triesMax: TRIES_MAX, lost }
    return { error: thrown, triesMax: duplicate && tx.hasRead ? DUPLICATE_TRIES_MAX : 0, lost }
  }
}

const ignore = () => {}

/** BEGIN travels with the first statement, and statements issued without waiting travel together. One that failed dooms the transaction. */
class PostgresTransaction implements Transaction {
  readonly snapshot = undefined
  readonly lane: number
  /** The first failure of a statement. */
  failure: unknown
  hasRead = false
  readonly #slot: Slot
  readonly #access: Access
  #client: Client | Promise<Client> | undefined
  #listeners: (() => void)[] = []
  #over = false

  constructor(slot: Slot, access: Access) {
    this.#slot = slot
    this.#access = access
    this.lane = access === 'write' ? slot.index : -1
  }

  all<Row>(sql: string, ...values: readonly Value[]): Promise<readonly Row[]> {
    this.hasRead = true
    return this.#do(sql, values, (result) => result.rows as Row[])
  }

  get<Row>(sql: string, ...values: readonly Value[]): Promise<Row | undefined> {
    this.hasRead = true
    return this.#do(sql, values, (result) => result.rows[0] as Row | undefined)
  }

  run(sql: string, ...values: readonly Value[]): Promise<{ readonly changes: number }> {
    return this.#do(sql, values, ({ command, rowCount }) => ({ changes: CHANGING.has(command) ? (rowCount ?? 0) : 0 }))
  }

  onRollback(listener: () => void): void {
    this.#listeners.push(listener)
  }

  /** @throws what doomed the transaction, or why it could not be committed */
  async commit(): Promise<void> {
    this.#over = true
    if (this.#client === undefined) {
      if (this.failure !== undefined) throw this.failure
      return
    }
    try {
      const client = await this.#client
      const committed = client.query('COMMIT')
      // Nothing hangs on the end of a read, and the connection keeps the order.
      if (this.#access === 'read' && this.failure === undefined) {
        committed.catch(ignore)
        return
      }
      const { command } = await committed
      if (this.failure !== undefined) throw this.failure
      if (command !== 'COMMIT') throw new DatabaseError('other', `PostgreSQL: COMMIT was answered ${command}`)
    } catch (error) {
      if (error === this.failure || error instanceof DatabaseError) throw error
      throw postgresError(error)
    }
  }

  async rollBack(): Promise<void> {
    this.#over = true
    for (const listener of this.#listeners.splice(0).toReversed()) listener()
    if (this.#client === undefined) return
    try {
      const client = await this.#client
      await client.query('ROLLBACK')
    } catch {
      await this.#slot.discard() // what a connection is in the middle of is unknown when it does not even roll back
    }
  }

  #do<T>(sql: string, values: readonly Value[], pick: (result: QueryResult) => T): Promise<T> {
    const promise = this.#query(sql, values).then(pick)
    promise.catch(ignore) // what nobody awaited is told by the transaction as a whole
    return promise
  }

  async #query(sql: string, values: readonly Value[]): Promise<QueryResult> {
    if (this.#over) throw new Error('the transaction is over')
    if (this.failure !== undefined) throw this.failure
    try {
      checkValues(values)
      const client = this.#client instanceof Client ? this.#client : await this.#begin()
      return await client.query({ ...statementOf(sql), values: values as Value[] })
    } catch (error) {
      this.failure ??= error instanceof DatabaseError || error instanceof TypeError ? error : postgresError(error)
      throw this.failure
    }
  }

  #begin(): Promise<Client> | Client {
    this.#client ??= this.#slot.connect().then((client) => {
      client.query(BEGIN[this.#access]).catch((error) => {
        this.failure ??= postgresError(error)
      })
      this.#client = client
      return client
    })
    return this.#client
  }
}

const CHANGING = new Set(['INSERT', 'UPDATE', 'DELETE'])

const BEGIN: Readonly<Record<Access, string>> = {
  read: 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY',
  write: 'BEGIN ISOLATION LEVEL SERIALIZABLE',
}

const statementNames = new Map<string, string>()

function statementOf(sql: string): { readonly text: string; readonly name?: string } {
  let name = statementNames.get(sql)
  if (name === undefined) {
    if (statementNames.size >= STATEMENTS_MAX || !/^\s*(?:SELECT|INSERT|UPDATE|DELETE|WITH)\b/i.test(sql))
      return { text: sql }
    name = `s${statementNames.size}`
    statementNames.set(sql, name)
  }
  return { text: sql, name }
}

/** One place for a connection. Its index is the lane: two transactions on one connection cannot overlap. */
class Slot {
  readonly index: number
  readonly #url: string
  #client: Client | undefined

  constructor(index: number, url: string) {
    this.index = index
    this.#url = url
  }

  get connected(): boolean {
    return this.#client !== undefined
  }

  async connect(): Promise<Client> {
    if (this.#client !== undefined) return this.#client
    const client = await connect(this.#url, QUERY_TIMEOUT_MS)
    client.on('end', () => {
      if (this.#client === client) this.#client = undefined
    })
    try {
      await client.query(SESSION)
    } catch (error) {
      client.end().catch(ignore)
      throw postgresError(error)
    }
    this.#client = client
    return client
  }

  async discard(): Promise<void> {
    const client = this.#client
    this.#client = undefined
    await client?.end().catch(ignore)
  }
}

/**
 * Small tables would be read whole, and in serializable transactions a table read whole conflicts with every write to it. Where one has to be,
 * that looks so dear for this setting that PostgreSQL would first compile the statement, for longer than it takes.
 */
const SESSION = `SET enable_seqscan = off;
SET jit = off;
SET statement_timeout = ${STATEMENT_TIMEOUT_MS};
SET idle_in_transaction_session_timeout = ${QUERY_TIMEOUT_MS}`

async function connect(url: string, queryTimeoutMs: number | undefined): Promise<Client> {
  try {
    const client = new Client({
      connectionString: url,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      query_timeout: queryTimeoutMs,
      keepAlive: true,
      fallback_application_name: 'strongroom',
      pipeline: true,
      types,
    })
    client.on('error', ignore) // whoever uses it next learns of it from its statement
    await client.connect()
    return client
  } catch (error) {
    throw postgresError(error)
  }
}

async function holdingAdvisoryLock<T>(url: string, work: () => Promise<T>): Promise<T> {
  const client = await connect(url, undefined)
  try {
    await client.query(`SET lock_timeout = ${EXCLUSIVE_WAIT_MS}`)
    await client.query('SELECT pg_advisory_lock($1)', [EXCLUSIVE_LOCK])
  } catch (error) {
    client.end().catch(ignore)
    throw postgresError(error)
  }
  try {
    return await work()
  } finally {
    await client.end().catch(ignore) // which lets go of the lock
  }
}

class Pool {
  readonly #slots: readonly Slot[]
  readonly #free: Slot[]
  readonly #queue = new Set<(slot: Slot) => void>()
  readonly #waitMs: number
  #idle: (() => void) | undefined

  constructor({ url, poolSize = POOL_SIZE, waitMs = WAIT_MS }: PostgresOptions) {
    this.#waitMs = waitMs
    this.#slots = Array.from({ length: poolSize }, (_, index) => new Slot(index, url))
    this.#free = this.#slots.toReversed()
  }

  get waiting(): number {
    return this.#queue.size
  }

  get connections(): number {
    return this.#slots.filter((slot) => slot.connected).length
  }

  async take(): Promise<Slot> {
    const slot = this.#free.pop()
    if (slot !== undefined) return slot
    if (this.#queue.size >= WAITING_MAX) {
      throw new DatabaseError('unavailable', `${WAITING_MAX} transactions are waiting already`)
    }
    return new Promise((resolve, reject) => {
      const next = (free: Slot): void => {
        clearTimeout(timer)
        resolve(free)
      }
      // Where the server hangs, those at the end would wait for each of those before them to give up.
      const timer = setTimeout(() => {
        this.#queue.delete(next)
        reject(new DatabaseError('unavailable', `no connection was free for ${this.#waitMs} ms`))
      }, this.#waitMs)
      this.#queue.add(next)
    })
  }

  release(slot: Slot): void {
    const [next] = this.#queue
    if (next !== undefined) {
      this.#queue.delete(next)
      next(slot)
      return
    }
    this.#free.push(slot)
    if (this.#free.length === this.#slots.length) this.#idle?.()
  }

  async close(): Promise<void> {
    if (this.#free.length < this.#slots.length) {
      await new Promise<void>((resolve) => {
        this.#idle = resolve
      })
    }
    await Promise.all(this.#slots.map((slot) => slot.discard()))
  }
}

const asIs = (text: string): string => text

const integer = (text: string): number | bigint => (text.length < 16 ? Number(text) : narrow(BigInt(text)))

/** Sums of integers come as numeric: an integer where it is one, as on SQLite. */
const numeric = (text: string): number | bigint => (/^-?\d+$/.test(text) ? integer(text) : Number(text))

/** `\x` and hexadecimal digits. */
function bytes(text: string): Uint8Array {
  const buffer = Buffer.from(text.slice(2), 'hex')
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength)
}

/** By type id, as in pg_type. Truth is 1 or 0, as on SQLite; what is not listed stays text. */
const parsers: Readonly<Record<number, (text: string) => unknown>> = {
  16: (text) => (text === 't' ? 1 : 0),
  17: bytes,
  20: integer,
  21: Number,
  23: Number,
  26: Number,
  700: Number,
  701: Number,
  1700: numeric,
}

const types = { getTypeParser: (id: number) => parsers[id] ?? asIs } as unknown as CustomTypesConfig
