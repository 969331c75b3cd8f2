// One worker of `--workers N`: the same server as a single process, told by its supervisor what to do and gone when it is gone.

import { ask, hear } from './ipc.ts'
import type { MetricValues } from './observe/metrics.ts'
import { crash, exitWith, type RunningServer, STOP_GRACE_MS, startServer } from './start.ts'
import type { Order, Report } from './supervisor.ts'

const report = (message: Report): void => {
  process.send?.(message)
}

/** Longer than the supervisor waits for the others. */
const OTHERS_MS = 2_000
const SHARE_MS = 10_000

let running: Promise<RunningServer> | undefined

const stop = async (): Promise<void> => {
  await (await running)?.close(STOP_GRACE_MS)
  process.exit(0)
}

let measuring: Promise<readonly MetricValues[]> | undefined

/** The numbers of the other workers, for whoever asks meanwhile too; none where the supervisor does not answer in time. */
const otherMetrics = (): Promise<readonly MetricValues[]> => {
  measuring ??= ask((question) => report({ report: 'otherMetrics', ...question }), OTHERS_MS)
    .then((values) => (values as readonly MetricValues[] | undefined) ?? [])
    .finally(() => {
      measuring = undefined
    })
  return measuring
}

const start = ({ config, slot }: Order & { readonly order: 'start' }): Promise<RunningServer> =>
  startServer(config, {
    slot,
    otherMetrics,
    onSealed: (url) => report({ report: 'sealed', url }),
    shareRootKeys: async (places) => {
      await ask((question) => report({ report: 'shareRootKeys', places, ...question }), SHARE_MS)
    },
  })

const obey = async (message: Order): Promise<void> => {
  if (message.order === 'answer') {
    hear(message)
    return
  }
  if (message.order === 'start') {
    running = start(message)
    const { url, firstStart } = await running.catch(exitWith)
    report({ report: 'ready', url, firstStart })
    return
  }
  const server = await running
  if (message.order === 'stop') await stop()
  if (message.order === 'reload') server?.reloadTls()
  if (message.order === 'measure')
    report({ report: 'answer', answers: message.question, answer: await server?.app.metrics.values() })
  if (message.order === 'useRootKeys') {
    server?.useRootKeys(message.places)
    report({ report: 'answer', answers: message.question, answer: true })
  }
}

process.on('message', (message: Order) => {
  obey(message).catch(crash)
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
