// Level C: a plain child process in a group of its own, with the server's own rights. It confines nothing; it only ends what it began.

import { spawn } from 'node:child_process'
import type { Launched, LaunchPlan, Sandbox } from '../launch.ts'

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
}

function launch({ command, environment, taskDirectory }: LaunchPlan): Launched {
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
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
    }
  }
  child.once('exit', kill)
  return { child, kill }
}
