// One worker of `--workers N`: the same server as a single process, told by its supervisor what to do and gone when it is gone.

import type { MetricValues } from './observe/metrics.ts'
import { crash, exitWith, STOP_GRACE_MS, startServer } from './start.ts'
import type { Order, Report } from './supervisor.ts'

const report = (message: Report): void => {
  process.send?.(message)
}

/** Longer than the supervisor waits for the others. */
const OTHERS_MS = 2_000

let running: Promise<Awaited<ReturnType<typeof startServer>>> | undefined

const stop = async (): Promise<void> => {
  await (await running)?.close(STOP_GRACE_MS)
  process.exit(0)
}

const measure = async (measurement: number): Promise<void> => {
  const values = await (await running)?.app.metrics.values()
  if (values !== undefined) report({ report: 'measured', measurement, values })
}

let asking: Promise<readonly MetricValues[]> | undefined

/** The numbers of the other workers, for whoever asks meanwhile too; none where the supervisor does not answer in time. */
const otherMetrics = (): Promise<readonly MetricValues[]> => {
  asking ??= askSupervisor().finally(() => {
    asking = undefined
  })
  return asking
}

const askSupervisor = (): Promise<readonly MetricValues[]> =>
  new Promise((resolve) => {
    const end = (values: readonly MetricValues[]): void => {
      clearTimeout(timer)
      process.off('message', hear)
      resolve(values)
    }
    const hear = (message: Order): void => {
      if (message.order === 'otherMetrics') end(message.values)
    }
    const timer = setTimeout(end, OTHERS_MS, [])
    process.on('message', hear)
    report({ report: 'otherMetrics' })
  })

process.on('message', (message: Order) => {
  if (message.order === 'start') {
    running = startServer(message.config, { slot: message.slot, otherMetrics })
    running.then(
      (server) => {
        report({ report: 'ready', url: server.url, firstStart: server.firstStart })
      },
      (error: unknown) => exitWith(error),
    )
  } else if (message.order === 'stop') {
    stop().catch(crash)
  } else if (message.order === 'measure') {
    measure(message.measurement).catch(crash)
  } else if (message.order === 'reload') {
    running?.then((server) => server.reloadTls()).catch(() => undefined)
  }
})

// Ctrl-C reaches the whole process group; the supervisor decides.
process.on('SIGINT', () => undefined)
process.on('SIGHUP', () => undefined)
process.on('SIGTERM', () => {
  stop().catch(crash)
})
process.on('disconnect', () => process.exit(1))
process.on('uncaughtException', crash)
process.on('unhandledRejection', crash)

report({ report: 'waiting' })
