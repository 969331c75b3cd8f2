// The storage boundary: SQL text in, rows out, inside transactions. Every implementation passes the suite in conformance.ts.

/** What a column holds and a placeholder ($1, $2, ...) takes. Numbers are integers within ±2^53 or doubles; text has no NUL and no lone surrogate. */
export type Value = string | number | bigint | Uint8Array | null

export type Access = 'read' | 'write'

export type Transaction = {
  all<Row>(sql: string, ...values: readonly Value[]): Promise<readonly Row[]>
  get<Row>(sql: string, ...values: readonly Value[]): Promise<Row | undefined>
  run(sql: string, ...values: readonly Value[]): Promise<{ readonly changes: number }>

  /**
   * In a read: a number that equals an earlier one only if nothing was committed in between, by anybody, so that what was
   * read then still holds; undefined where the database cannot tell. Always undefined in a write.
   */
  readonly snapshot: number | undefined

  /** In a write: which of this process's serial writers runs it. Transactions of one lane never overlap. -1 in a read. */
  readonly lane: number

  /** In a write: calls back if this attempt was not or perhaps not committed, also where its work rejected or is run again. */
  onRollback(listener: () => void): void
}

export type Database = {
  readonly dialect: 'sqlite' | 'postgres'
  /**
   * Commits durably when work resolves, rolls back when it rejects. May run work again after a write conflict, so work touches
   * nothing but the transaction and its return value. Serializable. Rejects with DatabaseError where the storage itself failed.
   */
  transaction<T>(access: Access, work: (tx: Transaction) => Promise<T>): Promise<T>
  /**
   * The number that a read which begins now would have as its `snapshot`, where all that it could see is as durable as an answer asks for: what an
   * earlier read of that number found may be told again. Undefined where the database cannot tell. Never throws.
   */
  newest(): number | undefined
  close(): Promise<void>
}

/** `full` and `readonly` are only said where nothing was changed. */
export type DatabaseFailure = 'full' | 'readonly' | 'unavailable' | 'conflict' | 'constraint' | 'corrupt' | 'other'

/** The storage failed; `reason` is what the operator can act on. Never carries values. */
export class DatabaseError extends Error {
  readonly reason: DatabaseFailure

  constructor(reason: DatabaseFailure, message: string, cause?: unknown) {
    super(message, { cause })
    this.name = 'DatabaseError'
    this.reason = reason
  }
}
