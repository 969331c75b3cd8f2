// The escape battery, a program of its own so that it can run as another user: node testing-escape.ts LEVEL [greed]. It plays the server,
// lets programs try to get out at that level, with `greed` take more than their share too, and prints what came of each attempt as a line
// of JSON. Level `none` runs them without a sandbox: what is refused there too says nothing of ours.

import { type ChildProcess, spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { getPriority, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Launched, LaunchPlan } from '../launch.ts'
import { type ConfinedLevel, LAUNCHER, LAUNCHER_FLAGS } from './confined.ts'
import { plainSandbox } from './plain.ts'
import { probeSandbox } from './probe.ts'
import { type Architecture, numberOf, SYSTEM_CALLS } from './system-calls.ts'

export type Battery = {
  /** As the sandbox says of itself. */
  readonly open: readonly string[]
  /** What came of each attempt: `open`, or why it was refused. */
  readonly attempts: { readonly [name: string]: string }
}

export type Tried = ConfinedLevel | 'none'

export const PYTHON = '/usr/bin/python3'
const MARK = 'the-server-of-the-battery'
const PROGRAMS = join(import.meta.dirname, 'escapes')
const MIB = 1_048_576
const SCRATCH_BYTES = 4 * MIB
/** Machines that test much at once are slow. */
const PATIENCE_MS = 90_000
const X32_GETPID = 0x40000000 + 39

const reports: string[] = []
const level = process.argv[2] as Tried
async function runBattery(): Promise<Battery> {
  const sandbox =
    level === 'none'
      ? { ...plainSandbox, open: [] }
      : await probeSandbox({ levels: [level], report: (line) => reports.push(line) })
  const launch = (plan: LaunchPlan): Launched => sandbox.launch(plan)
  if (process.argv[3] === 'until-killed') return untilKilled(launch)
  const launcher = await startWaiting()
  const house = await buildHouse()
  try {
    const attempts: { [name: string]: string } = {}
    const add = (kind: string, results: { readonly [name: string]: string }): void => {
      for (const [name, result] of Object.entries(results)) attempts[`${kind}: ${name}`] = result
    }
    add('Node', await tryProgram(launch, house, 'escape.mjs', [process.execPath], 'node', launcher))
    add('Python', await tryProgram(launch, house, 'escape.py', [PYTHON], 'python', launcher))
    add('shell', await tryProgram(launch, house, 'escape.sh', ['/bin/sh'], 'other', launcher))
    if (process.argv[3] === 'greed') add('greed', await tryBombs(launch, house))
    return { open: sandbox.open, attempts }
  } finally {
    await house.demolish()
  }
}

type House = Awaited<ReturnType<typeof buildHouse>>

/** What a server has around it: files, ports, sockets, other functions. */
async function buildHouse() {
  const root = mkdtempSync(join(tmpdir(), 'strongroom-escape-'))
  chmodSync(root, 0o755)
  const path = (...names: readonly string[]): string => join(root, ...names)
  for (const [folder, mode] of [
    ['data', 0o700],
    ['open', 0o777],
    ['tools', 0o755],
    ['other-task', 0o755],
    ['other-scratch', 0o700],
  ] as const) {
    mkdirSync(path(folder))
    chmodSync(path(folder), mode)
  }
  for (const file of ['root.key', 'credentials', 'strongroom.db'])
    writeFileSync(path('data', file), 'x', { mode: 0o600 })
  writeFileSync(path('everybodys'), 'x', { mode: 0o644 })
  writeFileSync(path('other-task', 'code.mjs'), 'x', { mode: 0o644 })
  writeFileSync(path('other-scratch', 'private'), 'x', { mode: 0o600 })
  writeFileSync(path('open', 'movable'), 'x', { mode: 0o666 })
  copyFileSync('/usr/bin/id', path('tools', 'id'))
  chmodSync(path('tools', 'id'), 0o4755)

  const abstractSocket = `strongroom-escape-${process.pid}`
  const allowed = await listen({ port: 0, host: '0.0.0.0' })
  const other = await listen({ port: 0, host: '127.0.0.1' })
  const unix = await listen({ path: path('open', 'admin.sock') })
  chmodSync(path('open', 'admin.sock'), 0o777)
  const abstract = await listen({ path: `\0${abstractSocket}` })
  const udp = createSocket('udp4')
  let datagrams = 0
  udp.on('message', () => datagrams++)
  await new Promise<void>((resolve) => udp.bind(0, '127.0.0.1', resolve))
  const portOf = (server: typeof allowed): number => (server.address() as { readonly port: number }).port
  let count = 0
  return {
    path,
    abstractSocket,
    ports: { allowed: portOf(allowed), other: portOf(other), udp: udp.address().port },
    datagrams: () => datagrams,
    /** A plan to run one of our programs, with folders of its own. */
    plan(command: readonly string[], engine: LaunchPlan['engine'], memoryMb: number): LaunchPlan {
      const own = path(`instance-${count++}`)
      const [task, runtime, scratch] = ['task', 'runtime', 'scratch'].map((name) => join(own, name)) as [
        string,
        string,
        string,
      ]
      for (const folder of [own, task, runtime, scratch]) mkdirSync(folder, { mode: 0o755 })
      for (const program of readdirSync(PROGRAMS)) copyFileSync(join(PROGRAMS, program), join(task, program))
      writeFileSync(join(runtime, 'bootstrap.mjs'), 'x')
      return {
        command: command.map((part) => (existsSync(join(PROGRAMS, part)) ? join(task, part) : part)),
        environment: { PATH: '/usr/bin:/bin', SCRATCH: scratch, SCRATCH_BYTES: String(SCRATCH_BYTES) },
        taskDirectory: task,
        runtimeDirectory: runtime,
        scratchDirectory: scratch,
        scratchBytesMax: SCRATCH_BYTES,
        readable: [process.execPath, path('tools')],
        engine,
        memoryMb,
        tcpPorts: [portOf(allowed)],
      }
    },
    async demolish(): Promise<void> {
      for (const server of [allowed, other, unix, abstract]) server.close()
      udp.close()
      rmSync(root, { recursive: true, force: true })
    },
  }
}

const listen = (where: { readonly port: number; readonly host: string } | { readonly path: string }) =>
  new Promise<ReturnType<typeof createServer>>((resolve, reject) => {
    const server = createServer((socket) => socket.on('error', () => {}).end())
    server.once('error', reject).listen(where, () => resolve(server))
  })

/** A process of the server's user, which stands for the server: it may be hurt. */
async function startDecoy(): Promise<ChildProcess> {
  const decoy = spawn('sleep', ['600'], {
    argv0: `sleep-${MARK}`,
    env: { PATH: '/usr/bin:/bin', MARK },
    stdio: 'ignore',
  })
  await new Promise((resolve, reject) => decoy.once('spawn', resolve).once('error', reject))
  return decoy
}

async function tryProgram(
  launch: (plan: LaunchPlan) => Launched,
  house: House,
  program: string,
  interpreter: readonly string[],
  engine: LaunchPlan['engine'],
  launcher: number,
): Promise<{ readonly [name: string]: string }> {
  const decoy = await startDecoy()
  // Its attempts have processes of their own: on a slow machine many at once.
  const base = house.plan([...interpreter, program], engine, 1_024)
  const calls = Object.fromEntries(SYSTEM_CALLS.map((call) => [call, numberOf(call, process.arch as Architecture)]))
  const { path, ports } = house
  const aim = {
    calls: process.arch === 'x64' ? { ...calls, x32: X32_GETPID } : calls,
    server: decoy.pid,
    launcher,
    mark: MARK,
    program: '/sleep',
    ports,
    dataDirectory: path('data'),
    rootKey: path('data', 'root.key'),
    credentials: path('data', 'credentials'),
    database: path('data', 'strongroom.db'),
    everybodys: path('everybodys'),
    movable: path('open', 'movable'),
    open: path('open'),
    otherTask: path('other-task'),
    otherScratch: path('other-scratch'),
    unixSocket: path('open', 'admin.sock'),
    abstractSocket: house.abstractSocket,
  }
  const environment = {
    ...base.environment,
    TASK: base.taskDirectory,
    RUNTIME: base.runtimeDirectory,
    ROOT_KEY: aim.rootKey,
    DATABASE: aim.database,
    DATA_DIRECTORY: aim.dataDirectory,
    SETUID: path('tools', 'id'),
    SERVER: String(decoy.pid),
    MARK,
    OTHER_PORT: String(ports.other),
  }
  const variables = [...Object.keys(environment), 'ESCAPE', 'TMPDIR', 'PWD', 'LC_CTYPE'] // bubblewrap and Python set the last two
  const before = house.datagrams()
  const ESCAPE = Buffer.from(JSON.stringify({ ...aim, variables })).toString('base64')
  const ended = await finish(launch({ ...base, environment: { ...environment, ESCAPE } }))
  const end = `${program}: ${ended.status}: ${ended.stderr} ${reports.join('; ')}`
  if (ended.stdout === '') throw new Error(end)
  if (ended.status !== '0') console.error(`${end} after ${ended.stdout}`)
  const results: { [name: string]: string } = ended.stdout.startsWith('{')
    ? JSON.parse(ended.stdout)
    : Object.fromEntries(
        ended.stdout
          .trim()
          .split('\n')
          .map((line) => line.split('\t')),
      )
  if (results['send a datagram'] === 'open' && house.datagrams() === before)
    results['send a datagram'] = 'did not arrive'
  if (program === 'escape.mjs') {
    results['signal the server'] = decoy.signalCode === null ? 'did not arrive' : 'open'
    results['signal a launcher that waits'] = isLauncher(launcher) ? 'did not arrive' : 'open'
  }
  if (decoy.signalCode === null && getPriority(decoy.pid) !== getPriority()) results['change its priority'] = 'open'
  decoy.kill('SIGKILL')
  return results
}

/** The launcher of another function, which has not begun. */
async function startWaiting(): Promise<number> {
  if (level === 'none') {
    const child = spawn(process.execPath, [...LAUNCHER_FLAGS, LAUNCHER], {
      stdio: ['pipe', 'ignore', 'ignore'],
      env: {},
    })
    await until(() => isLauncher(child.pid!))
    return child.pid!
  }
  const other = await probeSandbox({ levels: [level] })
  other.prepare()
  const children = (): readonly number[] =>
    readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').split(' ').map(Number)
  await until(() => children().some(isLauncher))
  return children().find(isLauncher)!
}

function isLauncher(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(LAUNCHER)
  } catch {
    return false
  }
}

type Ended = { readonly stdout: string; readonly stderr: string; readonly status: string; readonly ms: number }

async function finish({ child, kill }: Launched): Promise<Ended> {
  const began = performance.now()
  const timer = setTimeout(kill, PATIENCE_MS)
  const [out, error]: [string[], string[]] = [[], []]
  child.stdout?.setEncoding('utf8').on('data', (text: string) => out.push(text))
  child.stderr?.setEncoding('utf8').on('data', (text: string) => error.push(text))
  const status = await new Promise<string>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => resolve(String(code ?? signal)))
  })
  clearTimeout(timer)
  return { stdout: out.join(''), stderr: error.join(''), status, ms: performance.now() - began }
}

/** Attempts to take more than one's share, and to stay. */
async function tryBombs(
  launch: (plan: LaunchPlan) => Launched,
  house: House,
): Promise<{ readonly [name: string]: string }> {
  const results: { [name: string]: string } = {}
  const bomb = async (name: string, command: readonly string[], engine: LaunchPlan['engine'], memoryMb: number) => {
    reports.length = 0
    const { stdout, stderr, status, ms } = await finish(launch(house.plan(command, engine, memoryMb)))
    const refusal = reports[0] ?? stderr.trim().split('\n').at(-1) ?? status
    results[name] = stdout.includes('open') || ms > PATIENCE_MS ? 'open' : refusal
  }
  const python = (what: string): readonly string[] => [PYTHON, 'bombs.py', what]
  await bomb('memory, in Python', python('memory'), 'python', 128)
  const fill = 'const held = []; for (;;) held.push(Buffer.alloc(1e7, 1))'
  await bomb('memory, in Node', [process.execPath, '-e', fill], 'node', 128)
  await bomb('memory of page tables', python('page_tables'), 'python', 128)
  await bomb('memory of many processes', python('memory_of_many'), 'python', 256)
  await bomb(
    'processes',
    ['/bin/sh', '-c', 'mkfifo "$SCRATCH/f"; while :; do read _ <"$SCRATCH/f" & done'],
    'other',
    1024,
  )
  await bomb('one large file', python('one_file'), 'python', 256)
  await bomb('many files', python('many_files'), 'python', 256)
  await bomb('deleted files', python('deleted_files'), 'python', 256)
  await bomb('deleted files of a process that hides them', python('hidden_files'), 'python', 256)
  await bomb('empty files', python('empty_files'), 'python', 256)
  await bomb('folders too deep for a path', python('deep_folders'), 'python', 256)
  await bomb('a folder closed to the server', python('closed_folder'), 'python', 256)

  const staying = async (name: string, stay: string, end: (launched: Launched) => void): Promise<void> => {
    const plan = house.plan(python('leave_behind'), 'python', 256)
    const mark = `stays-${name.replaceAll(' ', '-')}-${process.pid}`
    const launched = launch({ ...plan, environment: { ...plan.environment, STAYS: mark, STAY_SECONDS: stay } })
    const ended = finish(launched)
    await until(() => processesWith(mark).length > 1)
    end(launched)
    await ended
    results[name] = (await until(() => processesWith(mark).length === 0)) ? 'gone' : 'open'
  }
  await staying('a process left behind by one that is killed', '300', ({ kill }) => kill())
  await staying('a process left behind by one that ends', '1', () => {})
  results['a process left behind by a server that is killed'] = await killTheServer()
  return results
}

/** A second server is killed while its function runs. */
async function killTheServer(): Promise<string> {
  const server = spawn(process.execPath, ['--no-warnings', import.meta.filename, level, 'until-killed'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const told = await new Promise<string>((resolve) => server.stdout.setEncoding('utf8').once('data', resolve))
  const [mark, root] = told.split(' ') as [string, string]
  const began = await until(() => processesWith(mark).length > 1)
  server.kill('SIGKILL')
  const gone = await until(() => processesWith(mark).length === 0)
  for (const pid of processesWith(mark)) process.kill(pid, 'SIGKILL')
  rmSync(root, { recursive: true, force: true })
  if (!began) return 'never began'
  return gone ? 'gone' : 'open'
}

async function untilKilled(launch: (plan: LaunchPlan) => Launched): Promise<never> {
  const house = await buildHouse()
  const plan = house.plan([PYTHON, 'bombs.py', 'leave_behind'], 'python', 256)
  const mark = `stays-without-a-server-${process.pid}`
  launch({ ...plan, environment: { ...plan.environment, STAYS: mark, STAY_SECONDS: '300' } })
  process.stdout.write(`${mark} ${house.path()}`)
  for (;;) await sleep(PATIENCE_MS)
}

/** Looks for up to ten seconds. */
async function until(holds: () => boolean): Promise<boolean> {
  for (let tries = 0; tries < 200; tries++) {
    if (holds()) return true
    await sleep(50)
  }
  return false
}

const processesWith = (mark: string): readonly number[] =>
  readdirSync('/proc')
    .map(Number)
    .filter((pid) => {
      try {
        return Number.isInteger(pid) && readFileSync(`/proc/${pid}/environ`, 'latin1').includes(mark)
      } catch {
        return false
      }
    })

if (import.meta.main) {
  const battery = await runBattery()
  process.stdout.write(`${JSON.stringify(battery)}\n`, () => process.exit(0))
}
