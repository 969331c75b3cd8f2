// Rotations, one after another, while applications keep logging in with what the secret holds: what a strategy promises, counted.

import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Engine } from '../engine.ts'
import type { Io, PendingRun, Rotator, Run, SecretValue } from '../rotator.ts'
import { readLogin } from '../secret.ts'
import { isRefused, loggedIn } from '../strategies/shared.ts'

export type Rotating = {
  readonly rotator: Rotator
  readonly io: Io
  readonly value: SecretValue
  readonly previous?: SecretValue | undefined
  readonly master?: SecretValue | undefined
}

/** One rotation, step by step; `promoted` is called where AWSCURRENT moves. */
export async function rotate(
  { rotator, io, value, previous, master }: Rotating,
  { setting, promoted }: { readonly setting?: () => void; readonly promoted?: (pending: SecretValue) => void } = {},
): Promise<PendingRun> {
  rotator.check(value, {})
  const run: Run = {
    current: value,
    ...(previous && { previous }),
    ...(master && { master }),
    versionId: randomUUID(),
    options: {},
    resumed: false,
  }
  const pending = await rotator.create(run, io)
  const whole = { ...run, pending }
  setting?.()
  await rotator.set(whole, io)
  await rotator.test(whole, io)
  promoted?.(pending)
  return whole
}

export type GivenRun = Omit<Run, 'versionId' | 'options' | 'resumed'> & Partial<Run>

/** The four steps, and settle, of a run that says what is special about it. */
export async function rotateAndSettle(rotator: Rotator, run: GivenRun, io: Io) {
  const whole: Run = { versionId: 'a'.repeat(36), options: {}, resumed: false, ...run }
  const pending = await rotator.create(whole, io)
  const all: PendingRun = { ...whole, pending }
  await rotator.set(all, io)
  await rotator.test(all, io)
  const findings = (await rotator.settle?.(all, io)) ?? []
  return { pending, all, findings }
}

export type Count = { logins: number; refused: number }

export type UnderLoad = {
  readonly rotations: number
  /** Of what AWSCURRENT held when the login began. */
  readonly current: Count
  /** Of what AWSPREVIOUS held, while no rotation was setting the next one. */
  readonly previous: Count
  /** The longest time from the begin of setSecret to the promotion, ms. */
  readonly gapMs: number
  readonly value: SecretValue
  readonly before: SecretValue | undefined
}

/**
 * Both credentials are tried all the time by `workers` at once. The previous one is promised until the next rotation sets its password, so that
 * a login with it counts only where none began meanwhile.
 */
export async function rotateUnderLoad<C>(
  engine: Engine<C>,
  rotating: Rotating,
  {
    rotations,
    workers = 2,
    loginsBetween = 6,
  }: { readonly rotations: number; readonly workers?: number; readonly loginsBetween?: number },
): Promise<UnderLoad> {
  const { io } = rotating
  let [value, before] = [rotating.value, rotating.previous]
  let [sets, isSetting, running, gapMs] = [0, false, true, 0]
  const counts = { current: { logins: 0, refused: 0 }, previous: { logins: 0, refused: 0 } }

  const logIn = async (which: 'current' | 'previous'): Promise<void> => {
    const credential = which === 'current' ? value : before
    if (credential === undefined || (which === 'previous' && isSetting)) return sleep(5)
    const began = sets
    let refused = false
    try {
      await loggedIn(engine, readLogin(engine, credential), io, (connection) => engine.probe(connection))
    } catch (error) {
      if (!isRefused(error)) throw error
      refused = true
    }
    if (sets - began > (which === 'current' ? 1 : 0)) return
    counts[which].logins++
    if (refused) counts[which].refused++
  }
  const work = async (which: 'current' | 'previous'): Promise<void> => {
    while (running) await logIn(which)
  }
  /** However slow the machine is, each state between two rotations is seen by some logins. */
  const seen = async (): Promise<void> => {
    const [current, previous] = [counts.current.logins, counts.previous.logins]
    while (
      running &&
      (counts.current.logins < current + loginsBetween ||
        (before !== undefined && counts.previous.logins < previous + loginsBetween))
    ) {
      await sleep(5)
    }
  }
  const load = Promise.all(Array.from({ length: workers }, () => [work('current'), work('previous')]).flat())
  load.catch(() => {
    running = false
  })
  try {
    for (let rotation = 0; rotation < rotations && running; rotation++) {
      await seen()
      let began = 0
      await rotate(
        { ...rotating, value, previous: before },
        {
          setting: () => {
            sets++
            isSetting = true
            began = performance.now()
          },
          promoted: (pending) => {
            gapMs = Math.max(gapMs, performance.now() - began)
            ;[value, before, isSetting] = [pending, value, false]
          },
        },
      )
    }
    await seen()
  } finally {
    running = false
    await load
  }
  return { rotations, ...counts, gapMs, value, before }
}
