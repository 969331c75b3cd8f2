// Every option, its default and its bounds. Names are those of AWS's own caches where they have one; units come last.

import type { KeyObject } from 'node:crypto'

export type CacheOptions = {
  /** How many secrets are kept at most; the one not used for longest goes. 1024 where absent. */
  readonly maxCacheSize?: number
  /** For how long a value is taken as it is: the TTL, less up to a tenth. 5 minutes where absent; 0 caches nothing. */
  readonly secretRefreshIntervalMs?: number
  /** For how long after that the old value is still given at once, while it is fetched anew. 30 seconds where absent. */
  readonly staleWhileRevalidateMs?: number
  /** For how long after the TTL the old value is given where the service cannot be reached or throttles. An hour where absent. */
  readonly staleIfErrorMs?: number
  /** For how long it is believed that there is no such secret. 5 seconds where absent. */
  readonly notFoundMs?: number
  /** How long to wait after a failure before the next try. A second where absent. */
  readonly exceptionRetryDelayBaseMs?: number
  /** By what that grows with each further failure. 2 where absent. */
  readonly exceptionRetryGrowthFactor?: number
  /** How long it grows at most. A minute where absent. */
  readonly exceptionRetryDelayMaxMs?: number
  /** How long a call of the service may take, retries of the SDK included. 5 seconds where absent. */
  readonly requestTimeoutMs?: number
  /** Where values are kept, encrypted, for starting while the service is down. Nowhere where absent. */
  readonly disk?: DiskOptions
  /** Is told what fails in the background: refreshes, listeners, the disk, the event stream. What it throws is ignored. */
  readonly onError?: (error: unknown, what: { readonly id?: string; readonly during: Activity }) => void
}

export type Activity = 'refresh' | 'listener' | 'disk' | 'events'

export type DiskOptions = {
  /** Made where it is missing, mode 0700. */
  readonly directory: string
  /** 32 bytes, or a secret key of 32 bytes. Whoever has it and the directory has the values. */
  readonly key: Uint8Array | KeyObject
  /** How old a value may be that is given. 24 hours where absent. */
  readonly maxAgeMs?: number
  /** The AWS account that the values are of: 12 digits. They are bound to it, to the Region and to the endpoint. */
  readonly accountId: string
}

export type Limits = Required<Omit<CacheOptions, 'disk' | 'onError'>>

const DAY_MS = 86_400_000

const LIMITS: {
  readonly [Name in keyof Limits]: { readonly usual: number; readonly min: number; readonly max: number }
} = {
  maxCacheSize: { usual: 1024, min: 1, max: 1_000_000 },
  secretRefreshIntervalMs: { usual: 300_000, min: 0, max: DAY_MS },
  staleWhileRevalidateMs: { usual: 30_000, min: 0, max: DAY_MS },
  staleIfErrorMs: { usual: 3_600_000, min: 0, max: 30 * DAY_MS },
  notFoundMs: { usual: 5_000, min: 0, max: 300_000 },
  exceptionRetryDelayBaseMs: { usual: 1_000, min: 1, max: DAY_MS },
  exceptionRetryGrowthFactor: { usual: 2, min: 1, max: 100 },
  exceptionRetryDelayMaxMs: { usual: 60_000, min: 1, max: DAY_MS },
  requestTimeoutMs: { usual: 5_000, min: 1, max: 600_000 },
}

export const DISK_MAX_AGE = { usual: DAY_MS, min: 1, max: 30 * DAY_MS }

/** @throws RangeError that names the option */
export function readLimits(options: CacheOptions): Limits {
  const entries = Object.entries(LIMITS).map(([name, limit]) => [
    name,
    readNumber(name, options[name as keyof Limits], limit),
  ])
  return Object.fromEntries(entries) as Limits
}

export function readNumber(
  name: string,
  given: number | undefined,
  { usual, min, max }: { readonly usual: number; readonly min: number; readonly max: number },
): number {
  const value = given ?? usual
  if (typeof value === 'number' && value >= min && value <= max) return value
  throw new RangeError(`${name} must be a number from ${min} to ${max}`)
}

/** What it throws, and what its promise is rejected with, is ignored: there is nobody left to tell. */
export function tell(
  onError: CacheOptions['onError'],
  ...what: Parameters<NonNullable<CacheOptions['onError']>>
): void {
  new Promise<unknown>((resolve) => resolve(onError?.(...what))).catch(() => undefined)
}
