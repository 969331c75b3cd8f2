// `strongroom run`: everything is fetched, then the command starts; it is restarted or signalled when a secret has rotated, where that is asked for.

import type { ClientOptions } from '../command-line.ts'
import { sdkConfigOf } from '../sdk.ts'
import { UsageError } from '../usage-error.ts'
import { type Child, catchSignals, exitCodeOf, type Signals, startChild, stopChild } from './child.ts'
import { type MemoryFiles, memoryPlaces, openMemoryFiles } from './memory-files.ts'
import { type Plan, type PlanOptions, readPlan, type Variables } from './plan.ts'
import { Reader } from './reader.ts'
import { type OnRotation, paceRotations, parseOnRotation, parseSeconds } from './rotation.ts'
import { type Resolved, resolve, sourcesOf } from './values.ts'

export type RunOptions = ClientOptions &
  PlanOptions & {
    readonly allowDisk?: true
    readonly onRotation: string
    /** Seconds. */
    readonly killAfter: string
    /** Seconds. */
    readonly jitter: string
  }

/** @returns the exit code of the command. @throws UsageError before it has started */
export async function runCommand(command: string, args: readonly string[], given: RunOptions): Promise<number> {
  const plan = readPlan(given, process.env)
  const onRotation = parseOnRotation(given.onRotation)
  const killAfterMs = parseSeconds(given.killAfter, '--kill-after')
  const jitterMs = parseSeconds(given.jitter, '--jitter')
  const isSecret = sourcesOf(plan).some(({ kind }) => kind === 'secret')
  if (onRotation !== undefined && !isSecret) throw new UsageError('--on-rotation watches secrets, and none is named')
  const reader = new Reader(sdkConfigOf(given), onRotation !== undefined)
  const signals = catchSignals()
  let files: MemoryFiles | undefined
  try {
    const reading = resolve(plan, reader)
    const first = await Promise.race([reading, signals.ending])
    if (typeof first === 'string') {
      reading.catch(() => undefined)
      return exitCodeOf(first)
    }
    if (plan.files.length > 0) files = openMemoryFiles(memoryPlaces(process.env), given.allowDisk === true)
    const write = (values: Resolved) => files?.write(values.files) ?? {}
    const start = ({ environment }: Resolved, paths: Variables): Child => {
      const child = startChild(command, args, { ...environment, ...paths })
      signals.passTo(child)
      return child
    }
    if (onRotation === undefined) {
      await reader.close()
      return await start(first, write(first)).ended
    }
    return await keepCurrent({ plan, reader, signals, write, start, onRotation, killAfterMs, jitterMs }, first)
  } finally {
    files?.close()
    signals.close()
    await reader.close()
  }
}

type Running = {
  readonly plan: Plan
  readonly reader: Reader
  readonly signals: Signals
  /** Writes the files. @returns their paths */
  readonly write: (values: Resolved) => Variables
  readonly start: (values: Resolved, paths: Variables) => Child
  readonly onRotation: OnRotation
  readonly killAfterMs: number
  readonly jitterMs: number
}

async function keepCurrent(running: Running, first: Resolved): Promise<number> {
  const { plan, reader, signals, write, start, onRotation, killAfterMs, jitterMs } = running
  let { versions } = first
  const rotations = paceRotations<{ readonly values: Resolved; readonly paths: Variables }>({
    read: async () => {
      const values = await resolve(plan, reader)
      return { values, paths: values.versions === versions ? {} : write(values) }
    },
    isNew: ({ values }) => values.versions !== versions,
    jitterMs,
    report: ({ message }) => {
      process.stderr.write(`strongroom: a secret has rotated, and the command keeps its old values: ${message}\n`)
    },
  })
  reader.onRotate(sourcesOf(plan), rotations.noticed)
  let child = start(first, write(first))
  for (;;) {
    const turn = new AbortController()
    const next = rotations.next(turn.signal)
    const what = await Promise.race([child.ended, next])
    turn.abort()
    if (typeof what === 'number') {
      next.catch(() => undefined)
      return what
    }
    versions = what.values.versions
    if ('signal' in onRotation) {
      child.kill(onRotation.signal)
      continue
    }
    // It is ending, if slowly. The others may mean something else to a command: reload, cancel.
    if (signals.watch() === 'SIGTERM') return child.ended
    const code = await stopChild(child, killAfterMs)
    // Who ends the command while it is being restarted means it to end.
    if (signals.watch() !== undefined) return code
    child = start(what.values, what.paths)
  }
}
