// Time and chance, the only ones of this package.

export type Surroundings = {
  /** Milliseconds since the epoch, by the wall clock: for what outlives the process. */
  readonly wallNow: () => number
  /** Milliseconds of a clock that is never set. */
  readonly monotonicNow: () => number
  /** From 0 to 1, without 1. */
  readonly random: () => number
  /** Calls `work` after `ms`, and keeps no process alive for it. @returns what cancels it */
  readonly after: (ms: number, work: () => void) => () => void
}

/** The longest that a timer of Node.js can wait. */
const TIMER_MS_MAX = 2 ** 31 - 1

export const system: Surroundings = {
  wallNow: () => Date.now(),
  monotonicNow: () => performance.now(),
  random: () => Math.random(),
  after: (ms, work) => {
    const timer = setTimeout(work, Math.min(ms, TIMER_MS_MAX))
    timer.unref()
    return () => clearTimeout(timer)
  },
}

/** A moment, by both clocks. */
export type Moment = { readonly wall: number; readonly monotonic: number }

export const momentOf = ({ wallNow, monotonicNow }: Surroundings): Moment => ({
  wall: wallNow(),
  monotonic: monotonicNow(),
})

/**
 * Milliseconds since then. Where the machine slept, or the function was frozen between two invocations, the monotonic clock may have stood still;
 * where the wall clock was set back it is the other one that tells. The longer time is taken: what is too old is fetched again.
 */
export const elapsedSince = (then: Moment, { wallNow, monotonicNow }: Surroundings): number =>
  Math.max(monotonicNow() - then.monotonic, wallNow() - then.wall)

/** Somewhat less than `ms`: by up to a tenth, so that many processes do not fetch at one moment. */
export const jittered = (ms: number, { random }: Surroundings): number => ms * (1 - random() / 10)
