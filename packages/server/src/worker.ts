// One worker of `--workers N`: the same server as a single process, told by its supervisor what to do and gone when it is gone.

import { crash, exitWith, STOP_GRACE_MS, startServer } from './start.ts'
import type { Order, Report } from './supervisor.ts'

const report = (message: Report): void => {
  process.send?.(message)
}

let running: Promise<Awaited<ReturnType<typeof startServer>>> | undefined

const stop = async (): Promise<void> => {
  await (await running)?.close(STOP_GRACE_MS)
  process.exit(0)
}

process.on('message', (message: Order) => {
  if (message.order === 'start') {
    running = startServer(message.config, { slot: message.slot })
    running.then(
      (server) => {
        report({ report: 'ready', url: server.url, firstStart: server.firstStart })
      },
      (error: unknown) => exitWith(error),
    )
  } else if (message.order === 'stop') {
    stop().catch(crash)
  } else {
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
