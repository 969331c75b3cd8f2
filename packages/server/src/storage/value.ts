// What may be bound to a placeholder: one rule for every database, checked before anything is sent.

import { DatabaseError, type Value } from './database.ts'

const INT64_MAX = 2n ** 63n - 1n
const INT64_MIN = -(2n ** 63n)

/**
 * Refuses what one of the databases would refuse, round or alter in silence: text with NUL (PostgreSQL) or with lone surrogates (both
 * would store U+FFFD), NaN and infinities, and integers beyond 64 bits. @throws DatabaseError 'constraint'; it never carries the value.
 */
export function checkValues(values: readonly Value[]): void {
  for (let i = 0; i < values.length; i++) {
    const value = values[i]
    if (typeof value === 'string') {
      if (value.includes('\0')) throw refusal(i, 'text contains NUL')
      if (!value.isWellFormed()) throw refusal(i, 'text contains a lone surrogate')
    } else if (typeof value === 'number') {
      if (!Number.isFinite(value)) throw refusal(i, 'number is not finite')
    } else if (typeof value === 'bigint') {
      if (value > INT64_MAX || value < INT64_MIN) throw refusal(i, 'integer does not fit in 64 bits')
    } else if (value !== null && !(value instanceof Uint8Array)) {
      throw new TypeError(`the value of $${i + 1} is of type ${typeof value}, which no column holds`)
    }
  }
}

/** An int64 as a number where that is exact, else as a BigInt. */
export const narrow = (integer: bigint): number | bigint => {
  const number = Number(integer)
  return Number.isSafeInteger(number) ? number : integer
}

const refusal = (index: number, reason: string): DatabaseError =>
  new DatabaseError('constraint', `the value of $${index + 1} cannot be stored: ${reason}`)
