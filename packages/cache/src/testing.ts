// Time that passes when a test says so, and a source of values that a test steers.

import type { Surroundings } from './surroundings.ts'
import type { Loaded } from './value-cache.ts'

export type TestTime = Surroundings & {
  /** By both clocks; timers that are due run. */
  pass(ms: number): void
  /** The machine sleeps: only the wall clock goes on. */
  sleep(ms: number): void
  /** Milliseconds until each timer that runs. */
  due(): readonly number[]
  /** What `random` gives. */
  chance: number
}

export function testTime(): TestTime {
  let wall = Date.UTC(2026, 0, 1)
  let monotonic = 1_000
  const timers = new Set<{ readonly at: number; readonly work: () => void }>()
  const time: TestTime = {
    wallNow: () => wall,
    monotonicNow: () => monotonic,
    random: () => time.chance,
    chance: 0,
    after: (ms, work) => {
      const timer = { at: monotonic + ms, work }
      timers.add(timer)
      return () => timers.delete(timer)
    },
    pass: (ms) => {
      wall += ms
      monotonic += ms
      for (const timer of [...timers].filter(({ at }) => at <= monotonic)) {
        timers.delete(timer)
        timer.work()
      }
    },
    sleep: (ms) => {
      wall += ms
    },
    due: () => [...timers].map(({ at }) => at - monotonic),
  }
  return time
}

export type TestAbout = { readonly VersionId: string }

/** A service with one answer at a time: a value, or an error. */
export type TestService = {
  answer: string | Error
  version: number
  /** The ids asked for, in order. */
  readonly asked: string[]
  /** Where it is set, answers wait for it. */
  gate: Promise<void> | undefined
  /** All that was handed out. */
  readonly handedOut: Buffer[]
  fetch(id: string, slot: string, signal: AbortSignal): Promise<Loaded<TestAbout>>
}

export function testService(): TestService {
  const service: TestService = {
    answer: 'value',
    version: 1,
    asked: [],
    gate: undefined,
    handedOut: [],
    fetch: async (id, slot) => {
      service.asked.push(`${id} ${slot}`)
      const { answer, version } = service
      await service.gate
      if (answer instanceof Error) throw answer
      const bytes = Buffer.from(Uint8Array.from(Buffer.from(answer)).buffer)
      service.handedOut.push(bytes)
      return { about: { VersionId: `v${version}` }, isText: true, bytes }
    },
  }
  return service
}

/** What the SDK throws. */
export const sdkError = (name: string, httpStatusCode?: number): Error =>
  Object.assign(new Error(`${name}!`), { name, $metadata: { ...(httpStatusCode !== undefined && { httpStatusCode }) } })
