// `--workers N`: N processes that share one address and one data directory, under a supervisor that holds the directory's lock and
// no keys of its own. A worker that dies is replaced; when the supervisor dies, its workers exit at once.

import cluster, { type Worker } from 'node:cluster'
import { once } from 'node:events'
import { getCompileCacheDir } from 'node:module'
import { createServer } from 'node:net'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Config, RootKeyPlace } from './config.ts'
import { type Answer, ask, hear, type Question } from './ipc.ts'
import type { Logger } from './observe/log.ts'

/** From the supervisor to a worker. */
export type Order =
  | { readonly order: 'start'; readonly config: Config; readonly slot: number }
  | { readonly order: 'stop' | 'reload' }
  | ({ readonly order: 'measure' } & Question)
  | ({ readonly order: 'useRootKeys'; readonly places: readonly RootKeyPlace[] } & Question)
  | ({ readonly order: 'answer' } & Answer)

/** From a worker to its supervisor. */
export type Report =
  | { readonly report: 'waiting' }
  | { readonly report: 'ready'; readonly url: string; readonly firstStart: boolean }
  | { readonly report: 'sealed'; readonly url: string }
  /** For the numbers of the other workers. */
  | ({ readonly report: 'otherMetrics' } & Question)
  /** For all other workers to use it, those too that come later. */
  | ({ readonly report: 'shareRootKeys'; readonly places: readonly RootKeyPlace[] } & Question)
  | ({ readonly report: 'answer' } & Answer)

export type Started = { readonly url: string; readonly firstStart: boolean }

/** A worker ended during the start. It has said why itself. */
export class WorkerEndedError extends Error {
  constructor(slot: number) {
    super(`worker ${slot} ended before it listened`)
    this.name = 'WorkerEndedError'
  }
}

export type Supervisor = {
  /** Resolves when every worker listens; rejects when one ended before, having said why. */
  readonly ready: Promise<Started>
  /** Every worker reads the certificate again. */
  reload(): void
  /** Workers finish their requests and end; those that have not after graceMs are killed. */
  stop(graceMs: number): Promise<void>
}

const BACKOFF_FIRST_MS = 100
const BACKOFF_MAX_MS = 10_000
/** A worker that lived this long was healthy: its replacement comes without delay. */
const HEALTHY_MS = 60_000
/** The numbers of a worker that takes longer are left out. */
const MEASURE_MS = 1_000
/** A worker that hangs for longer takes the new root keys when it goes on. */
const SHARE_MS = 5_000

/** `onSealed`: as of startServer. */
export function supervise(config: Config, log: Logger, onSealed: (url: string) => void): Supervisor {
  const slots = Array.from({ length: config.workers }, () => ({
    worker: undefined as Worker | undefined,
    ready: false,
    failures: 0,
    timer: undefined as NodeJS.Timeout | undefined,
  }))
  let allReady = false
  let stopping = false
  let shared = config
  const cacheDirectory = getCompileCacheDir()
  const compileCache = cacheDirectory === undefined ? {} : { NODE_COMPILE_CACHE: dirname(cacheDirectory) }
  cluster.setupPrimary({ exec: fileURLToPath(new URL('./worker.ts', import.meta.url)), args: [] })

  /** Resolves when the worker listens, rejects when it ends before that. */
  const start = (slot: number): Promise<Started> =>
    new Promise((resolve, reject) => {
      const place = slots[slot]!
      const startedAt = performance.now()
      const worker = cluster.fork(compileCache)
      place.worker = worker
      worker.on('message', (message: Report) => {
        if (message.report === 'waiting') order(worker, { order: 'start', config: shared, slot })
        if (message.report === 'otherMetrics') tell(worker, message, measureOthers(worker))
        if (message.report === 'shareRootKeys') tell(worker, message, shareRootKeys(worker, message.places))
        if (message.report === 'sealed') onSealed(message.url)
        if (message.report === 'answer') hear(message)
        if (message.report !== 'ready') return
        place.ready = true
        resolve({ url: message.url, firstStart: message.firstStart })
      })
      worker.on('error', (error) => log.warn({ slot, err: error }, 'a worker cannot be reached'))
      worker.on('exit', (code, signal) => {
        place.worker = undefined
        place.ready = false
        reject(new WorkerEndedError(slot))
        if (!stopping && allReady) replace(slot, code, signal, performance.now() - startedAt)
      })
    })

  const tell = async (worker: Worker, { question }: Question, answer: Promise<unknown>): Promise<void> => {
    order(worker, { order: 'answer', answers: question, answer: await answer })
  }

  const others = (asking: Worker) =>
    slots.flatMap(({ worker, ready }) => (worker?.isConnected() && worker !== asking ? [{ worker, ready }] : []))

  const measureOthers = async (asking: Worker): Promise<readonly unknown[]> => {
    const answers = others(asking)
      .filter(({ ready }) => ready)
      .map(({ worker }) => ask((question) => order(worker, { order: 'measure', ...question }), MEASURE_MS))
    return (await Promise.all(answers)).filter((values) => values !== undefined)
  }

  /** A worker that is just starting takes it when it has started. */
  const shareRootKeys = (asking: Worker, rootKeys: readonly RootKeyPlace[]): Promise<unknown> => {
    shared = { ...shared, rootKeys }
    const answers = others(asking).map(({ worker }) =>
      ask((question) => order(worker, { order: 'useRootKeys', places: rootKeys, ...question }), SHARE_MS),
    )
    return Promise.all(answers)
  }

  const replace = (slot: number, code: number, signal: string, livedMs: number): void => {
    const place = slots[slot]!
    place.failures = livedMs > HEALTHY_MS ? 0 : place.failures + 1
    const delayMs = place.failures === 0 ? 0 : Math.min(BACKOFF_FIRST_MS * 2 ** (place.failures - 1), BACKOFF_MAX_MS)
    log.error({ slot, code, signal, delayMs }, 'a worker ended and is replaced')
    place.timer = setTimeout(() => {
      start(slot).then(
        () => log.info({ slot }, 'the worker was replaced'),
        () => undefined, // Its exit has already asked for the next one.
      )
    }, delayMs)
  }

  const startAll = async (): Promise<Started> => {
    // Workers share one port, also where it was left to the system, and also the workers that come later.
    if (shared.port === 0) shared = { ...shared, port: await freePort(shared.host) }
    // The first one creates the data directory's content, so it runs alone.
    const first = await start(0)
    await Promise.all(slots.slice(1).map((_, index) => start(index + 1)))
    allReady = true
    return first
  }

  const send = (message: Order): void => {
    for (const { worker } of slots) if (worker) order(worker, message)
  }

  return {
    ready: startAll(),
    reload: () => send({ order: 'reload' }),
    stop: async (graceMs) => {
      stopping = true
      for (const { timer } of slots) clearTimeout(timer)
      const running = slots.flatMap(({ worker }) => (worker ? [worker] : []))
      send({ order: 'stop' })
      const killer = setTimeout(() => {
        for (const worker of running) worker.process.kill('SIGKILL')
      }, graceMs)
      await Promise.all(running.map((worker) => (worker.isDead() ? undefined : once(worker, 'exit'))))
      clearTimeout(killer)
    },
  }
}

function order(worker: Worker, message: Order): void {
  if (worker.isConnected()) worker.send(message)
}

async function freePort(host: string): Promise<number> {
  const probe = createServer()
  probe.listen({ host, port: 0 })
  await once(probe, 'listening')
  const address = probe.address()
  probe.close()
  await once(probe, 'close')
  if (typeof address !== 'object' || address === null) throw new TypeError('a TCP server has an address')
  return address.port
}
