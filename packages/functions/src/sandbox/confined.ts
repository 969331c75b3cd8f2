// Starts processes at levels A, B and B-: our launcher confines itself and becomes the program, by way of bubblewrap at A. One launcher may
// be started ahead, since most of a launcher's time is the start of its Node: it waits for its instructions, and serves one process.

import { type ChildProcess, spawn } from 'node:child_process'
import { chmodSync, lchownSync } from 'node:fs'
import type { Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import type { Launched, LaunchPlan, Sandbox, SandboxLevel } from '../launch.ts'
import { bubblewrapOptions, seenInside } from './bubblewrap.ts'
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
/**
 * What the launcher is run with: ffi is still called experimental; and when no more memory is to be had, nothing may want some, neither a
 * thread nor the collection of garbage, which this much room puts off beyond the launcher's end.
 */
export const LAUNCHER_FLAGS = [
  '--no-warnings',
  '--v8-pool-size=0',
  '--min-semi-space-size=64',
  '--initial-heap-size=512',
  '--no-incremental-marking',
]

export type ConfinedLevel = Exclude<SandboxLevel, 'C'>

/** What this machine has, as the probe found it. */
export type Machine = {
  readonly architecture: Architecture
  /** The Node that runs the launcher. */
  readonly node: string
  /** The version of Landlock; 0 where there is none. */
  readonly landlockAbi: number
  readonly system: SystemFiles
  /** The program; absent where it is not installed. */
  readonly bubblewrap?: string
  /** Ids for the functions of a server that runs as root; without, functions have the server's own. */
  readonly uids?: Uids
}

const MIB = 1_048_576
/** After a start, before the next launcher is started ahead: the function comes first. */
const SPARE_AFTER_MS = 500
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
  const spares = createSpares(machine)

  const instruct = (plan: LaunchPlan): Instructions => {
    const { taskDirectory, runtimeDirectory, scratchDirectory, readable, tcpPorts: connectPorts } = plan
    const tasksNow = own ? 0 : countTasks(process.getuid!())
    const shared = { parent: process.pid, limits: limitsOf(plan, tasksNow), filter }
    if (level === 'A') {
      return {
        ...shared,
        ...seenInside(plan),
        landlock: { abi, connectPorts },
        bubblewrap: [machine.bubblewrap!, ...bubblewrapOptions(plan, machine.system)],
      }
    }
    return {
      ...shared,
      directory: taskDirectory,
      command: plan.command,
      environment: { TMPDIR: scratchDirectory, ...plan.environment },
      landlock: {
        abi,
        files: {
          read: [
            ...machine.system.folders.map(({ path }) => path),
            ...machine.system.settings,
            ...['/proc/self', '/proc/cpuinfo', '/proc/meminfo', '/proc/stat'],
            ...[taskDirectory, runtimeDirectory, ...readable],
          ],
          write: DEVICES,
          readWrite: [scratchDirectory],
        },
        connectPorts,
      },
    }
  }

  return {
    level,
    open: doorsOf(level, abi, own).map((door) => OPEN[door]),
    prepare: spares.prepare,
    close: spares.close,
    launch(plan): Launched {
      const instructions = JSON.stringify(instruct(plan))
      const { child, uid } = spares.take()
      chmodSync(plan.scratchDirectory, 0o700)
      if (uid !== undefined) lchownSync(plan.scratchDirectory, uid, uid)
      child.stdin!.end(instructions)

      let [over, reported] = [false, false]
      const kill = (): void => {
        if (over || child.pid === undefined) return
        try {
          process.kill(-child.pid, 'SIGKILL')
        } catch {
          // Nobody is left in the group.
        }
      }
      const watch =
        child.pid === undefined
          ? undefined
          : watchdog.watch({
              pid: child.pid,
              scratch: { directory: plan.scratchDirectory, bytesMax: plan.scratchBytesMax },
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
        watch?.stop()
        if (uid !== undefined) machine.uids?.giveBack(uid)
      }
      child.once('exit', end)
      child.once('error', end)
      return { child, kill, peakBytes: () => watch?.peakBytes() }
    },
  }
}

type Launcher = {
  readonly child: ChildProcess
  /** The id that it runs under and that is its own; undefined where it has the server's. */
  readonly uid: number | undefined
}

/**
 * Launchers, of which one may wait for its instructions. What waits has an empty environment, the user id of the function to come and nothing of
 * any function or of the server; it serves one process and is never taken back. It ends when its standard input does, with the server.
 */
function createSpares({ node, uids }: Machine) {
  let spare: Launcher | undefined
  let timer: NodeJS.Timeout | undefined
  let prepared = false

  const start = (): Launcher => {
    const uid = uids?.take()
    const child = spawn(node, [...LAUNCHER_FLAGS, LAUNCHER], {
      cwd: '/',
      env: {},
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true, // a process group of its own
      ...(uid === undefined ? {} : { uid, gid: uid }),
    })
    child.stdin?.on('error', () => {}) // ended before it read: its exit says so
    return { child, uid }
  }

  const begin = (): void => {
    timer = undefined
    if (spare !== undefined) return
    const launcher = start()
    const { child, uid } = launcher
    const gone = (): void => {
      if (spare !== launcher) return // its process has begun
      spare = undefined
      if (uid !== undefined) uids?.giveBack(uid)
    }
    child.once('exit', gone)
    child.once('error', gone)
    hold(child, 'unref')
    spare = launcher
  }

  return {
    prepare(): void {
      prepared = true
      if (timer === undefined) begin()
    },
    take(): Launcher {
      const taken = spare ?? start()
      if (spare !== undefined) hold(taken.child, 'ref')
      spare = undefined
      if (prepared) timer ??= setTimeout(begin, SPARE_AFTER_MS).unref()
      return taken
    },
    close(): void {
      prepared = false
      clearTimeout(timer)
      timer = undefined
      spare?.child.kill('SIGKILL')
    },
  }
}

/** Whether a process keeps the server from ending; its streams are handles of their own. */
function hold(child: ChildProcess, how: 'ref' | 'unref'): void {
  child[how]()
  for (const stream of child.stdio) (stream as Socket | null)?.[how]()
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

/** Why a level is out of the question on this machine. */
export function levelLacks(level: ConfinedLevel, { bubblewrap, landlockAbi }: Machine): string | undefined {
  if (level === 'A') return bubblewrap === undefined ? 'bubblewrap (bwrap) is not installed' : undefined
  const least = level === 'B' ? LANDLOCK_ABI_PORTS : LANDLOCK_ABI_LEAST
  return landlockAbi >= least ? undefined : `Landlock has version ${landlockAbi} here, and ${least} is needed`
}
