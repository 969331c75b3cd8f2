// PostgreSQL's errors translated. Their own words are kept only where they cannot quote a value.

import { DatabaseError, type DatabaseFailure } from './database.ts'

const byCode: Readonly<Record<string, DatabaseFailure>> = {
  '40001': 'conflict',
  '40P01': 'conflict',
  '55P03': 'conflict',
  '25006': 'readonly',
  '53100': 'full',
  '58030': 'unavailable',
  XX001: 'corrupt',
  XX002: 'corrupt',
}

/** By the first two characters: https://www.postgresql.org/docs/current/errcodes-appendix.html */
const byClass: Readonly<Record<string, DatabaseFailure>> = {
  '08': 'unavailable', // connection
  '22': 'constraint', // data that the column does not take
  '23': 'constraint',
  '28': 'unavailable', // authorization
  '3D': 'unavailable', // no such database
  '53': 'unavailable', // resources
  '54': 'constraint', // program limits
  '57': 'unavailable', // operator intervention
}

/** The operator needs PostgreSQL's own words for these, and no value can stand in them. */
const QUOTABLE = new Set(['08', '28', '3D', '53', '57', '58'])

export class PostgresError extends DatabaseError {
  /** Work may be run again, on a connection that is new where `lost` is set. */
  readonly retryable: boolean
  /** The connection is of no more use. */
  readonly lost: boolean
  /**
   * A row of its key is there already. Where work chose the key by what it had read, another transaction came between, which the server cannot see:
   * https://www.postgresql.org/docs/current/mvcc-serialization-failure-handling.html
   */
  readonly duplicate: boolean

  constructor(
    reason: DatabaseFailure,
    message: string,
    flags: { readonly retryable: boolean; readonly lost: boolean; readonly duplicate?: boolean },
  ) {
    super(reason, message)
    this.retryable = flags.retryable
    this.lost = flags.lost
    this.duplicate = flags.duplicate ?? false
  }
}

export function postgresError(error: unknown): PostgresError {
  if (error instanceof PostgresError) return error
  const { code, message, constraint, table } = error as {
    readonly code?: string
    readonly message?: string
    readonly constraint?: string
    readonly table?: string
  }
  // An SQLSTATE has a digit; EPIPE is the system's word for a connection that is gone.
  if (code === undefined || !/^(?=.*\d)[0-9A-Z]{5}$/.test(code)) {
    return new PostgresError('unavailable', `PostgreSQL: ${message ?? code ?? 'connection lost'}`, {
      retryable: true,
      lost: true,
    })
  }
  const kind = code.slice(0, 2)
  const reason = byCode[code] ?? byClass[kind] ?? 'other'
  const where = constraint === undefined ? (table === undefined ? '' : ` on ${table}`) : ` by ${constraint} on ${table}`
  const words = QUOTABLE.has(kind) ? `: ${message}` : ''
  // After a schema change the server refuses statements that were prepared before it, on that connection.
  const stalePlan = code === '0A000' && message?.includes('cached plan') === true
  // 57P01 to 57P03: the server is stopping, crashed or starting. 25006: it has become a standby.
  const lost = kind === '08' || code.startsWith('57P') || code === '25006' || stalePlan
  return new PostgresError(reason, `PostgreSQL: ${code}${where}${words}`, {
    retryable: code === '40001' || code === '40P01' || code.startsWith('57P') || kind === '08' || stalePlan,
    lost,
    duplicate: code === '23505',
  })
}
