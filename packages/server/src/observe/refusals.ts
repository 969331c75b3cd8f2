// Calls refused before an identity was known are not in the audit trail, where a stranger could fill the disk with them. They are counted,
// and logged at a bounded rate.

import type { Logger } from './log.ts'

export type Refusal = { readonly requestId: string; readonly code: string; readonly from: string }

const LINES_MAX = 10
const WINDOW_MS = 1_000

/** Logs the first ten refusals of a second; the next second's first line tells how many more there were. `wallNow` in milliseconds. */
export function createRefusalLog(log: Logger, wallNow: () => number): (refusal: Refusal) => void {
  let windowStart = 0
  let lines = 0
  let withheld = 0
  return (refusal) => {
    const now = wallNow()
    if (Math.abs(now - windowStart) >= WINDOW_MS) {
      windowStart = now
      lines = 0
    }
    if (lines >= LINES_MAX) {
      withheld++
      return
    }
    lines++
    log.warn(withheld > 0 ? { ...refusal, withheld } : refusal, 'refused before an identity was known')
    withheld = 0
  }
}
