// Level C: a plain child process in a group of its own, with the server's own rights. It confines nothing; it only ends what it began.

import { spawn } from 'node:child_process'
import type { Launched, LaunchPlan, Sandbox } from '../launch.ts'
import { TELLS_OF_PROCESSES } from '../processes.ts'
import { createWatchdog } from './watchdog.ts'

const MIB = 1_048_576
const watchdog = createWatchdog()

export const plainSandbox: Sandbox = {
  level: 'C',
  open: [
    'files: everything that the user of the server may read and write, the root key and the database too',
    'processes: those of the same user can be signalled, traced and read',
    'network: every address and port',
    'disk: the scratch folder has no limit, and /tmp is the one of the machine',
    'processes that leave their group with a cleared environment outlive their function',
  ],
  launch,
  prepare() {},
  close() {},
}

function launch({ command, environment, taskDirectory, memoryMb }: LaunchPlan): Launched {
  const [program, ...args] = command
  const child = spawn(program!, args, {
    cwd: taskDirectory,
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  const kill = (): void => {
    if (child.pid === undefined) return
    try {
      process.kill(-child.pid, 'SIGKILL')
    } catch (error) {
      // Nobody is left in the group, or nobody of the server's own user.
      if (!['ESRCH', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
    }
  }
  const watch =
    child.pid === undefined || !TELLS_OF_PROCESSES
      ? undefined
      : watchdog.watch({
          pid: child.pid,
          memoryBytesMax: memoryMb * MIB,
          processesMax: Number.POSITIVE_INFINITY,
          kill,
        })
  child.once('exit', () => {
    kill()
    watch?.stop()
  })
  return { child, kill, peakBytes: () => watch?.peakBytes() }
}
