// Starts processes at levels A, B and B-: bubblewrap where there is one, and our launcher, which confines itself and becomes the program.

import { spawn } from 'node:child_process'
import { chmodSync, lchownSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Launched, LaunchPlan, Sandbox, SandboxLevel } from '../launch.ts'
import { bubblewrapArguments, seenInside } from './bubblewrap.ts'
import {
  type Instructions,
  LANDLOCK_ABI_LEAST,
  LANDLOCK_ABI_PORTS,
  LANDLOCK_ABI_SCOPES,
  limitsOf,
  PROCESSES_MAX,
} from './instructions.ts'
import { OPEN, type OpenDoor } from './open-doors.ts'
import { assembleFilter } from './seccomp.ts'
import type { Architecture } from './system-calls.ts'
import { DEVICES, type SystemFiles } from './system-files.ts'
import type { Uids } from './uids.ts'
import { countTasks, createWatchdog } from './watchdog.ts'

export const LAUNCHER = fileURLToPath(new URL('./launcher.mjs', import.meta.url))
/** What the launcher is run with: ffi is still called experimental; and no thread beside it may want memory when none is left to be had. */
export const LAUNCHER_FLAGS = ['--no-warnings', '--v8-pool-size=0']

export type ConfinedLevel = Exclude<SandboxLevel, 'C'>

/** What this machine has, as the probe found it. */
export type Machine = {
  readonly architecture: Architecture
  /** The Node that runs the launcher. */
  readonly node: string
  /** The version of Landlock; 0 where there is none. */
  readonly landlockAbi: number
  readonly system: SystemFiles
  /** Ids for the functions of a server that runs as root; without, functions have the server's own. */
  readonly uids?: Uids
}

const MIB = 1_048_576
const B_MINUS_ABI = LANDLOCK_ABI_PORTS - 1

/** @param report told of each process that was killed for going beyond a bound, and why */
export function confinedSandbox(level: ConfinedLevel, machine: Machine, report: (line: string) => void): Sandbox {
  const abi = level === 'B-' ? Math.min(machine.landlockAbi, B_MINUS_ABI) : machine.landlockAbi
  const own = machine.uids !== undefined
  const filter = assembleFilter({
    architecture: machine.architecture,
    fileModes: level === 'A' || own,
  }).toString('base64')
  const watchdog = createWatchdog()
  const launcherReads = [machine.node, LAUNCHER]

  const instruct = (plan: LaunchPlan): Instructions => {
    const tasksNow = level === 'A' || own ? 0 : countTasks(process.getuid!())
    const shared = { limits: limitsOf(plan, tasksNow), filter }
    const connectPorts = plan.tcpPorts
    if (level === 'A') {
      // The mounts are the choice already; Landlock adds ports, signals, and that nothing but the scratch folder is written.
      const landlock = { abi, read: ['/'], write: DEVICES, readWrite: ['/tmp'], connectPorts }
      return { ...shared, ...seenInside(plan), landlock }
    }
    return {
      ...shared,
      parent: process.pid,
      command: plan.command,
      environment: { TMPDIR: plan.scratchDirectory, ...plan.environment },
      landlock: {
        abi,
        read: [
          ...machine.system.folders.map(({ path }) => path),
          ...machine.system.settings,
          ...['/proc/self', '/proc/cpuinfo', '/proc/meminfo', '/proc/stat'],
          ...[plan.taskDirectory, plan.runtimeDirectory, ...plan.readable],
        ],
        write: DEVICES,
        readWrite: [plan.scratchDirectory],
        connectPorts,
      },
    }
  }

  return {
    level,
    open: doorsOf(level, abi, own).map((door) => OPEN[door]),
    launch(plan): Launched {
      const uid = machine.uids?.take()
      const [program, ...leading] =
        level === 'A'
          ? ['bwrap', ...bubblewrapArguments(plan, machine.system, [...launcherReads, ...plan.readable]), machine.node]
          : [machine.node]
      if (uid !== undefined) lchownSync(plan.scratchDirectory, uid, uid)
      chmodSync(plan.scratchDirectory, 0o700)
      const child = spawn(program!, [...leading, ...LAUNCHER_FLAGS, LAUNCHER], {
        cwd: level === 'A' ? '/' : plan.taskDirectory,
        env: { PATH: '/usr/local/bin:/usr/bin:/bin' },
        stdio: ['pipe', 'pipe', 'pipe'],
        detached: true, // a process group of its own
        ...(uid === undefined ? {} : { uid, gid: uid }),
      })
      child.stdin.on('error', () => {}) // ended before it read: its exit says so
      child.stdin.end(JSON.stringify(instruct(plan)))

      let [over, reported] = [false, false]
      const kill = (): void => {
        if (over || child.pid === undefined) return
        try {
          process.kill(-child.pid, 'SIGKILL')
        } catch {
          // Nobody is left in the group.
        }
      }
      const stopWatch =
        child.pid === undefined
          ? () => {}
          : watchdog.watch({
              pid: child.pid,
              scratchDirectory: plan.scratchDirectory,
              scratchBytesMax: plan.scratchBytesMax,
              memoryBytesMax: plan.memoryMb * MIB,
              processesMax: PROCESSES_MAX,
              kill(reason) {
                if (!reported) report(`a function was killed: ${reason}`)
                reported = true
                kill()
              },
            })
      const end = (): void => {
        if (over) return
        kill() // what it left behind
        over = true
        stopWatch()
        if (uid !== undefined) machine.uids?.giveBack(uid)
      }
      child.once('exit', end)
      child.once('error', end)
      return { child, kill }
    },
  }
}

/** What stays open, by level, version of Landlock, and whether functions have user ids of their own. */
export function doorsOf(level: ConfinedLevel, abi: number, own: boolean): readonly OpenDoor[] {
  const doors: (readonly [OpenDoor, boolean])[] = [
    ['hosts', abi >= LANDLOCK_ABI_PORTS],
    ['ports', abi < LANDLOCK_ABI_PORTS],
    ['udp', true],
    ['sockets', true],
    ['machine', true],
    ['processor', true],
    ['metadata', level !== 'A'],
    ['signals', level !== 'A' && !own && abi < LANDLOCK_ABI_SCOPES],
    ['orphans', level !== 'A'],
  ]
  return doors.filter(([, isOpen]) => isOpen).map(([door]) => door)
}

/** Why a level is out of the question on a machine with this Landlock. */
export function landlockLacks(level: ConfinedLevel, abi: number): string | undefined {
  if (level === 'A') return undefined
  const least = level === 'B' ? LANDLOCK_ABI_PORTS : LANDLOCK_ABI_LEAST
  return abi >= least ? undefined : `Landlock has version ${abi} here, and ${least} is needed`
}

/** What must be reachable for the user of a function. */
export const launcherFolder = dirname(LAUNCHER)
