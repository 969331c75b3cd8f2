// Sinks: where the operator has change events sent. One job for each works through the outbox in order, at least once, and remembers how far
// it came; a sink that fails waits and holds up no other. What a sink has not taken keeps nothing from being removed.

import type { App } from '../app.ts'
import type { SinkPlace } from '../config.ts'
import { isIdle as isJobIdle, type JobHandler, outsideHandler, schedule } from '../jobs/job.ts'
import type { Transaction } from '../storage/database.ts'
import { encodeChange, type PublishedEvent } from './event.ts'
import { appendLines } from './file-sink.ts'
import { postEvent, type Signing } from './https-sink.ts'
import { addSink, findOldestAfter, type LogRange, readRange, readSink, writeSink } from './store.ts'

/** Takes events in order. @returns how many it took before it failed, and why it did; `error` holds no secret and no value */
export type Sink = {
  readonly name: string
  readonly deliver: (events: readonly PublishedEvent[], signal: AbortSignal) => Promise<Delivery>
}

export type Delivery = { readonly taken: number; readonly error?: string }

export type Sinks = {
  /** By kind of job; one kind a sink, so that they work side by side. */
  readonly handlers: { readonly [kind: string]: JobHandler }
  /** Makes the sinks known to the database and begins to look after them; `wake` has due jobs done at once. */
  start(app: App, wake: () => void): Promise<void>
  /** Looks after them no more, and waits for what it began. */
  stop(): Promise<void>
  /** What an operator should know. */
  warnings(): readonly string[]
}

/** A run of the job: shorter than a lease, so that after a crash the work goes on soon. */
const RUN_MS = 4_000
const TIMEOUT_MS = 10_000
const RETRY_MS_MAX = 300_000
const RETRY_FIRST_MS = 1_000
/** When an idle job is due; it is brought forward when there is something to do. */
const IDLE_MS = 86_400_000
const WARN_AFTER_MS = 300_000
const MEASURE_MS = 1_000

export function createSinks(sinks: readonly Sink[]): Sinks {
  const lags = new Map<string, number>()
  let stopped = false
  let tending: Promise<void> | undefined

  const start = async (app: App, wake: () => void): Promise<void> => {
    if (sinks.length === 0) return
    await app.database.transaction('write', async (tx) => {
      for (const { name } of sinks) await addSink(tx, name)
    })
    let measuredAt = Number.NEGATIVE_INFINITY
    app.events.onLook((range) => {
      if (stopped || tending !== undefined) return
      const measures = performance.now() - measuredAt > MEASURE_MS
      if (measures) measuredAt = performance.now()
      tending = tend(app, range, measures)
        .then((woken) => {
          if (woken) wake()
        })
        .catch((error: unknown) => app.log.warn({ err: error }, 'sinks of change events cannot be looked after'))
        .finally(() => {
          tending = undefined
        })
    })
  }

  /** Brings the jobs forward that have something to do. @returns whether there are any */
  const tend = async (app: App, range: LogRange, measures: boolean): Promise<boolean> => {
    const due: string[] = []
    for (const { name } of sinks) {
      const { sink, idle, oldest } = await app.database.transaction('read', async (tx) => {
        const sink = await readSink(tx, name)
        const behind = sink.delivered < range.last
        return {
          sink,
          idle: behind && sink.failures === 0 && (await isIdle(app, tx, name)),
          oldest: behind && measures ? await findOldestAfter(tx, sink.delivered) : undefined,
        }
      })
      if (idle) due.push(name)
      if (!measures) continue
      const lagMs = oldest === undefined ? 0 : Math.max(0, app.wallNow() - oldest)
      lags.set(name, lagMs)
      app.metrics.sinkLag.set({ sink: name }, Math.max(0, range.last - sink.delivered))
      app.metrics.sinkLagSeconds.set({ sink: name }, lagMs / 1_000)
    }
    if (due.length === 0) return false
    await app.database.transaction('write', async (tx) => {
      for (const name of due) if (await isIdle(app, tx, name)) await scheduleRun(tx, name, app.now())
    })
    return true
  }

  return {
    handlers: Object.fromEntries(sinks.map((sink) => [kindOf(sink.name), handlerOf(sink)])),
    start,
    stop: async () => {
      stopped = true
      await tending
    },
    warnings: () =>
      [...lags]
        .filter(([, lagMs]) => lagMs >= WARN_AFTER_MS)
        .map(([name, lagMs]) => `the event sink ${name} is ${Math.floor(lagMs / 60_000)} minutes behind: is it there?`),
  }
}

const kindOf = (name: string): string => `events.DeliverTo.${name}`

/** Whether nothing works for a sink, and nothing will before long. */
const isIdle = (app: App, tx: Transaction, name: string): Promise<boolean> =>
  isJobIdle(tx, kindOf(name), app.now(), app.wallNow())

const scheduleRun = (tx: Transaction, name: string, dueAt: number): Promise<void> =>
  schedule(tx, { id: kindOf(name), kind: kindOf(name), dueAt, payload: name })

type Run = { readonly delivered: number; readonly moved: boolean; readonly error?: string }

const handlerOf = (sink: Sink): JobHandler =>
  outsideHandler<Run>({
    timeoutMs: TIMEOUT_MS,
    leaseMs: 5_000,
    retryMsMax: RETRY_MS_MAX,
    concurrency: 1,
    work: (app, _, signal) => run(app, sink, signal),
    finish: async (app, tx, _, { delivered, moved, error }) => {
      const { name } = sink
      const before = await readSink(tx, name)
      const failures = error === undefined ? 0 : (moved ? 0 : before.failures) + 1
      await writeSink(tx, { name, delivered, failures })
      const waitMs = Math.min(RETRY_FIRST_MS * 2 ** (failures - 1), RETRY_MS_MAX)
      const more = (await readRange(tx)).last > delivered
      await scheduleRun(tx, name, app.now() + (failures > 0 ? waitMs : more ? 0 : IDLE_MS))
    },
  })

/** Delivers what there is, for a few seconds at most. What was taken counts also where the next failed. */
async function run(app: App, { name, deliver }: Sink, signal: AbortSignal): Promise<Run> {
  const began = performance.now()
  const from = (await app.database.transaction('read', (tx) => readSink(tx, name))).delivered
  let delivered = from
  while (!signal.aborted && performance.now() - began < RUN_MS) {
    const next = await app.events.after(delivered)
    if (next === undefined) {
      const lost = await skipLost(app, name, delivered)
      const { taken, error } = await deliver([lost.notice], signal)
      if (taken === 0) return failed(app, name, { delivered, moved: delivered > from }, error, signal)
      delivered = lost.upTo
      continue
    }
    if (next.length === 0) break
    const { taken, error } = await deliver(next, signal)
    app.metrics.sinkDeliveries.inc({ sink: name, outcome: 'delivered' }, taken)
    if (taken > 0) delivered = next[taken - 1]!.seq
    if (taken < next.length) return failed(app, name, { delivered, moved: delivered > from }, error, signal)
  }
  return { delivered, moved: delivered > from }
}

function failed(app: App, name: string, run: Run, error: string | undefined, signal: AbortSignal): Run {
  if (signal.aborted) return run
  app.metrics.sinkDeliveries.inc({ sink: name, outcome: 'failed' })
  app.log.warn({ sink: name, error }, 'a sink did not take a change event')
  return { ...run, error: error ?? 'not taken' }
}

/** Events went before the sink took them: it is told how many, so that its reader can look for itself. */
async function skipLost(app: App, name: string, delivered: number) {
  const { first, last } = await app.database.transaction('read', readRange)
  // A cursor beyond the end is that of another database.
  const upTo = delivered > last ? last : first - 1
  const count = Math.max(0, upTo - delivered)
  app.metrics.sinkDeliveries.inc({ sink: name, outcome: 'lost' }, count)
  app.log.error({ sink: name, count }, 'change events were removed before a sink took them')
  const id = app.uuid()
  const at = app.wallNow()
  const nowhere = { account: '', region: '', arn: '', rev: 0 }
  const body = encodeChange(id, at, nowhere, { source: 'strongroom', detailType: 'Events Lost', detail: { count } })
  return { upTo, notice: { id, at, arn: '', label: '', body, seq: upTo } satisfies PublishedEvent }
}

/** The sinks of a configuration. `signings` by name, and what HTTPS certificates may be signed by besides the well-known. */
export const openSinks = (
  places: readonly SinkPlace[],
  signings: ReadonlyMap<string, Signing>,
  ca: readonly string[] | undefined,
  wallNow: () => number,
): readonly Sink[] =>
  places.map((place): Sink => {
    const { name } = place
    if (place.kind === 'file') return { name, deliver: (events) => appendLines(place.path, events) }
    const signing = signings.get(name)!
    return {
      name,
      deliver: async (events, signal) => {
        for (const [taken, event] of events.entries()) {
          if (signal.aborted) return { taken }
          const error = await postEvent(place.url, signing, ca, event, wallNow(), signal)
          if (error !== undefined) return { taken, error }
        }
        return { taken: events.length }
      },
    }
  })
