// What `--on-rotation` asks for, and when: a rotation is waited for, then a moment that differs from process to process, then new values that can be had.

import { constants } from 'node:os'
import { setTimeout as pause } from 'node:timers/promises'
import { UsageError } from '../usage-error.ts'

/** `ignore` is undefined. */
export type OnRotation = { readonly restart: true } | { readonly signal: NodeJS.Signals }

/** `signal=HUP` or `signal=SIGHUP`. @throws UsageError */
export function parseOnRotation(text: string): OnRotation | undefined {
  if (text === 'ignore') return undefined
  if (text === 'restart') return { restart: true }
  const name = /^signal=(?:SIG)?([A-Z0-9]+)$/.exec(text)?.[1]
  if (name !== undefined && Object.hasOwn(constants.signals, `SIG${name}`)) {
    return { signal: `SIG${name}` as NodeJS.Signals }
  }
  throw new UsageError(`--on-rotation ${text} is none of restart, signal=NAME (such as signal=HUP) and ignore`)
}

/** Seconds, with a fraction where wanted, as milliseconds. @throws UsageError */
export function parseSeconds(text: string, option: string): number {
  const seconds = /^\d{1,5}(\.\d{1,3})?$/.test(text) ? Number(text) : Number.NaN
  if (seconds <= 86_400) return seconds * 1000
  throw new UsageError(`${option} ${text} is no number of seconds from 0 to 86400`)
}

const RETRY_MS_MAX = 60_000
/** A command that ran for so long is started again at once. */
const STEADY_MS = 60_000
const GAP_MS_MIN = 1_000
const GAP_MS_MAX = 60_000

export type Pace<Values> = {
  /** Reads everything anew. What it throws but a UsageError ends it. */
  readonly read: () => Promise<Values>
  /** Whether it differs from what the command has. */
  readonly isNew: (values: Values) => boolean
  readonly jitterMs: number
  /** Is told each first failure after a rotation. */
  readonly report: (error: UsageError) => void
}

export type Rotations<Values> = {
  /** A secret has rotated. */
  noticed(): void
  /** New values, when the command is to have them. Rejects when `signal` aborts, and never else. */
  next(signal: AbortSignal): Promise<Values>
}

/** Several rotations at a time are one, and such as follow each other quickly are met after 1, 2, 4 … seconds, at most a minute. */
export function paceRotations<Values>({ read, isNew, jitterMs, report }: Pace<Values>): Rotations<Values> {
  let wake = Promise.withResolvers<void>()
  let given = performance.now()
  let gapMs = 0
  const readUntilHad = async (signal: AbortSignal): Promise<Values> => {
    for (let failures = 0; ; failures++) {
      try {
        return await read()
      } catch (error) {
        if (!(error instanceof UsageError)) throw error
        signal.throwIfAborted()
        if (failures === 0) report(error)
        await pause(Math.min(RETRY_MS_MAX, 1000 * 2 ** failures) * (0.5 + Math.random()), undefined, { signal })
      }
    }
  }
  return {
    noticed: () => wake.resolve(),
    next: async (signal) => {
      for (;;) {
        await until(wake.promise, signal)
        await pause(jitterMs * Math.random(), undefined, { signal })
        const ageMs = performance.now() - given
        gapMs = ageMs > STEADY_MS ? 0 : Math.min(GAP_MS_MAX, Math.max(GAP_MS_MIN, gapMs * 2))
        await pause(Math.max(0, gapMs - ageMs), undefined, { signal })
        // What rotates from here on is met by the next turn.
        wake = Promise.withResolvers<void>()
        const values = await readUntilHad(signal)
        signal.throwIfAborted()
        if (!isNew(values)) continue
        given = performance.now()
        return values
      }
    },
  }
}

async function until(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted()
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const abort = (): void => reject(signal.reason)
  signal.addEventListener('abort', abort, { once: true })
  await Promise.race([promise, aborted]).finally(() => signal.removeEventListener('abort', abort))
}
