// The two clocks. The wall clock is the machine's; the service clock of schedules, windows and expiry is the wall clock plus an
// offset that is zero for ever, unless the server was started with --test-clock.

export type Clock = {
  /** Milliseconds since the epoch: signatures, `Date`, tokens, TLS, leases and throttles. */
  readonly wallNow: () => number
  /** Milliseconds since the epoch: schedules, windows, expiry and deletion. */
  readonly now: () => number
}

/** A service clock that an administrator can advance. The offset is kept in the database and shared by all its servers. */
export type TestClock = Clock & {
  /** Milliseconds ahead of the wall clock. */
  readonly offsetMs: () => number
  readonly setOffset: (offsetMs: number) => void
}

export const systemClock: Clock = { wallNow: Date.now, now: Date.now }

export function createTestClock(offsetMs: number, wallNow: () => number = Date.now): TestClock {
  let offset = offsetMs
  return {
    wallNow,
    now: () => wallNow() + offset,
    offsetMs: () => offset,
    setOffset: (value) => {
      offset = value
    },
  }
}

/** How late one server may see that another advanced the clock. */
export const CLOCK_POLL_MS = 25

/** Follows the offset that other servers on the database store. @returns a function that stops it. */
export function followOffset(clock: TestClock, load: () => Promise<number>): () => void {
  let stopped = false
  let timer: NodeJS.Timeout
  const poll = async (): Promise<void> => {
    // A database that is away shows in every request; the clock keeps what it knows.
    const offset = await load().catch(() => undefined)
    if (stopped) return
    // The offset only grows, so a read that began before an advance here does not undo it.
    if (offset !== undefined && offset > clock.offsetMs()) clock.setOffset(offset)
    timer = setTimeout(poll, CLOCK_POLL_MS).unref()
  }
  timer = setTimeout(poll, CLOCK_POLL_MS).unref()
  return () => {
    stopped = true
    clearTimeout(timer)
  }
}

/** The latest instant that the clock may be advanced to: the end of the year 9999, which every client can still print. */
export const INSTANT_MAX_MS = Date.UTC(10_000, 0, 1) - 1

/**
 * The instant that lies an ISO 8601 duration after another, by the calendar of UTC: `P7D`, `PT5S`, `P1Y2M3W4DT5H6M7.5S`.
 * Undefined where the text is no duration, is negative, or leads beyond the year 9999.
 */
export function advanced(fromMs: number, duration: string): number | undefined {
  if (!/^[Pp][0-9.,YyMmWwDdTtHhSs]{2,60}$/.test(duration)) return undefined
  try {
    const start = Temporal.Instant.fromEpochMilliseconds(fromMs).toZonedDateTimeISO('UTC')
    const end = start.add(Temporal.Duration.from(duration)).epochMilliseconds
    return end <= INSTANT_MAX_MS ? end : undefined
  } catch (error) {
    if (error instanceof RangeError) return undefined
    throw error
  }
}
