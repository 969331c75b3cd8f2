// Finds the best level of this machine at start, by running at each level a small program that tries to get out. Versions prove nothing:
// containers, distributions and administrators switch parts off.

import { type ChildProcess, execFile, spawn } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { LaunchPlan, Sandbox } from '../launch.ts'
import { type ConfinedLevel, confinedSandbox, LAUNCHER, LAUNCHER_FLAGS, levelLacks, type Machine } from './confined.ts'
import { LANDLOCK_ABI_PORTS, LANDLOCK_ABI_SCOPES } from './instructions.ts'
import { ARCHITECTURES, type Architecture } from './system-calls.ts'
import { findSystemFiles, isBelow } from './system-files.ts'
import { createUids, UIDS_COUNT, UIDS_FIRST } from './uids.ts'

export type ProbeOptions = {
  /** The levels that will do, best first. Default: A, B, B-. Level C is no sandbox and is never chosen here. */
  readonly levels?: readonly ConfinedLevel[]
  /** For a server that runs as root: the first of 65,536 user ids for functions. Default 1,900,000,000. */
  readonly uidsFirst?: number
  /** A folder under which code and scratch folders of functions will lie, so that their user's way there is probed too. Default: the system's for temporary files. */
  readonly directory?: string
  /** What no function may see, the server's data and keys: not below a folder that every function reads, such as /usr. */
  readonly hidden?: readonly string[]
  /** Told, in one line, of each process that was killed for going beyond a bound. */
  readonly report?: (line: string) => void
}

export type ProbedSandbox = Sandbox & {
  /** Why each better level that was asked for is not here. */
  readonly missing: readonly { readonly level: ConfinedLevel; readonly reason: string }[]
}

/** No level that was asked for holds on this machine. The message says why, level by level. */
export class NoSandboxError extends Error {}

const PROGRAM = fileURLToPath(new URL('./probe-program.mjs', import.meta.url))
const PROGRAM_MS = 30_000
const BUBBLEWRAP = ['/usr/bin/bwrap', '/usr/local/bin/bwrap', '/bin/bwrap']
const MEMORY_MB = 128
const SCRATCH_BYTES = 1_048_576

/**
 * The best of the levels that holds here.
 *
 * @throws NoSandboxError where none does
 */
export async function probeSandbox(options: ProbeOptions = {}): Promise<ProbedSandbox> {
  const { levels = ['A', 'B', 'B-'], report = () => {} } = options
  const missing: { readonly level: ConfinedLevel; readonly reason: string }[] = []
  const machine = await lookAround(options)
  for (const level of levels) {
    const reason =
      typeof machine === 'string'
        ? machine
        : (levelLacks(level, machine) ?? (await tryToEscape(level, machine, options.directory ?? tmpdir())))
    if (typeof machine !== 'string' && reason === undefined)
      return { ...confinedSandbox(level, machine, report), missing }
    missing.push({ level, reason: reason! })
  }
  throw new NoSandboxError(
    `functions cannot be confined here: ${missing.map(({ level, reason }) => `level ${level}: ${reason}`).join('; ')}`,
  )
}

/** @returns why nothing can be confined, where that is so. */
async function lookAround({ uidsFirst = UIDS_FIRST, hidden = [] }: ProbeOptions): Promise<Machine | string> {
  if (process.platform !== 'linux') return `there is no sandbox on ${process.platform}`
  if (!(process.arch in ARCHITECTURES)) return `there is no sandbox on ${process.arch}`
  const system = findSystemFiles()
  const paths = hidden.map(realPath)
  const shown = [...system.folders.map(({ path }) => path), ...system.settings].find((shared) =>
    paths.some((path) => isBelow(path, realPath(shared))),
  )
  if (shown !== undefined) return `every function reads ${shown}, and files of the server are in it`
  const isRoot = process.getuid!() === 0
  if (isRoot && !isMapped(uidsFirst, UIDS_COUNT, readFileSync('/proc/self/uid_map', 'utf8'))) {
    return `the user ids from ${uidsFirst} to ${uidsFirst + UIDS_COUNT - 1} do not exist in this container: name others`
  }
  const { stdout } = await promisify(execFile)(process.execPath, [...LAUNCHER_FLAGS, LAUNCHER, '--landlock-abi'], {
    env: {},
  })
  const bubblewrap = BUBBLEWRAP.find((path) => existsSync(path))
  return {
    architecture: process.arch as Architecture,
    node: process.execPath,
    landlockAbi: Number(stdout),
    system,
    ...(bubblewrap === undefined ? {} : { bubblewrap }),
    ...(isRoot ? { uids: createUids(uidsFirst, process.pid) } : {}),
  }
}

/** Without links, as far as it is there. */
const realPath = (path: string): string => (existsSync(path) ? realpathSync(path) : resolve(path))

/** Each line of uid_map (user_namespaces(7)): first id inside, first id outside, how many. */
export const isMapped = (first: number, count: number, uidMap: string): boolean =>
  uidMap
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
    .some(([inside, , length]) => first >= inside! && first + count <= inside! + length!)

/** @returns why the level does not hold, or undefined. */
async function tryToEscape(level: ConfinedLevel, machine: Machine, directory: string): Promise<string | undefined> {
  const ports = await Promise.all([listen(), listen()])
  let [folder, decoy]: [folder?: string, decoy?: ChildProcess] = []
  try {
    folder = mkdtempSync(join(directory, 'strongroom-probe-'))
    decoy = await startDecoy(folder)
    const plan = probePlan(folder, decoy.pid!, ports.map(portOf))
    const { stdout, stderr, status } = await run(
      confinedSandbox(level, machine, () => {}),
      plan,
    )
    if (status !== '0') return firstLine(stderr) ?? `the probe ended with ${status}`
    const answer = JSON.parse(stdout) as { readonly [attempt: string]: boolean }
    const abi = level === 'B-' ? LANDLOCK_ABI_PORTS - 1 : machine.landlockAbi
    const tolerated = [
      ...(abi < LANDLOCK_ABI_PORTS ? ['connect to a port of others'] : []),
      ...(level !== 'A' && machine.uids === undefined && abi < LANDLOCK_ABI_SCOPES ? ['signal the server'] : []),
    ]
    const done = Object.entries(answer).flatMap(([attempt, happened]) => (happened ? [attempt] : []))
    await setImmediate() // the end of the decoy may be told behind the program's
    if (decoy.signalCode !== null) done.push('signal the server')
    const escapes = done.filter((attempt) => !MUST.includes(attempt) && !tolerated.includes(attempt))
    if (escapes.length > 0) return `a program could ${escapes.join(', ')}`
    const failures = MUST.filter((attempt) => !done.includes(attempt))
    if (failures.length > 0) return `a program could not ${failures.join(', ')}`
    return undefined
  } catch (error) {
    return (error as Error).message
  } finally {
    decoy?.kill('SIGKILL')
    for (const server of ports) server.close()
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
  }
}

/** What a program must be able to do. */
const MUST = ['connect to an allowed port', 'write its scratch folder', 'read its code']

/** A process like the server's, of its user, whose environment and life are aimed at: numbers alone mean nothing where a program has its own. */
async function startDecoy(name: string): Promise<ChildProcess> {
  const decoy = spawn('sleep', ['60'], { env: { PATH: '/usr/bin:/bin', DECOY: name }, stdio: 'ignore' })
  await new Promise((resolve, reject) => decoy.once('spawn', resolve).once('error', reject))
  return decoy
}

function probePlan(folder: string, decoy: number, [allowed, other]: readonly number[]): LaunchPlan {
  chmodSync(folder, 0o755)
  const [task, runtime, scratch, secret] = ['task', 'runtime', 'scratch', 'secret'].map((name) => join(folder, name))
  copyTo(task!, runtime!, scratch!)
  writeFileSync(secret!, 'readable to everybody but a function')
  chmodSync(secret!, 0o644)
  return {
    command: [process.execPath, join(task!, 'probe.mjs')],
    environment: {
      PROBE_SECRET: Buffer.from(secret!).toString('base64'), // encoded, so that no sandbox moves the path
      PROBE_DECOY: String(decoy),
      PROBE_ALLOWED: String(allowed),
      PROBE_OTHER: String(other),
      PROBE_SCRATCH: scratch!,
      PROBE_TASK: task!,
    },
    taskDirectory: task!,
    runtimeDirectory: runtime!,
    scratchDirectory: scratch!,
    scratchBytesMax: SCRATCH_BYTES,
    readable: [process.execPath],
    engine: 'node',
    memoryMb: MEMORY_MB,
    tcpPorts: [allowed!],
  }
}

/** Whatever the umask of the server is. */
function copyTo(task: string, ...others: readonly string[]): void {
  for (const directory of [task, ...others]) {
    mkdirSync(directory)
    chmodSync(directory, 0o755)
  }
  copyFileSync(PROGRAM, join(task, 'probe.mjs'))
  chmodSync(join(task, 'probe.mjs'), 0o644)
}

async function run(
  sandbox: Sandbox,
  plan: LaunchPlan,
): Promise<{ readonly stdout: string; readonly stderr: string; readonly status: string }> {
  const { child, kill } = sandbox.launch(plan)
  const timer = setTimeout(kill, PROGRAM_MS)
  const [out, error]: string[][] = [[], []]
  child.stdout?.setEncoding('utf8').on('data', (text: string) => out!.push(text))
  child.stderr?.setEncoding('utf8').on('data', (text: string) => error!.push(text))
  try {
    return await new Promise((resolve, reject) => {
      child.once('error', reject)
      child.once('close', (code, signal) =>
        resolve({ stdout: out!.join(''), stderr: error!.join(''), status: String(code ?? signal) }),
      )
    })
  } finally {
    clearTimeout(timer)
  }
}

const firstLine = (text: string): string | undefined => text.split('\n').find((line) => line.trim() !== '')

const listen = (): Promise<Server> =>
  new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy())
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => resolve(server))
  })

const portOf = (server: Server): number => (server.address() as { readonly port: number }).port
