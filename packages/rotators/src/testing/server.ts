// What the test servers of all engines have in common: a folder, spare ports, a program that is ready when the test goes on and gone when it ends.

import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

export type Scope = { after(what: () => unknown): void }

/** Removed when the test ends. */
export function makeFolder(scope: Scope): string {
  const folder = mkdtempSync(join(tmpdir(), 'strongroom-rotators-'))
  scope.after(() => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }))
  return folder
}

export const isInstalled = (program: string): boolean => {
  try {
    execFileSync('sh', ['-c', 'command -v -- "$0"', program], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** For `test({ skip })`: false, or why not, loudly. */
export function skipWithout(program: string, debianPackage: string): false | string {
  if (isInstalled(program)) return false
  const reason = `${program} is not installed: apt-get install ${debianPackage}`
  process.stderr.write(`SKIPPED: ${reason}\n`)
  return reason
}

export type Program = {
  readonly process: ChildProcess
  /** Ends it and waits. */
  stop(signal?: NodeJS.Signals): Promise<void>
}

/** Waits until `ready`; what it wrote is in the error where it never is. */
export async function startProgram(
  scope: Scope,
  command: readonly [string, ...(readonly string[])],
  {
    env,
    cwd,
    ready,
    readyMs = 60_000,
  }: {
    readonly env?: NodeJS.ProcessEnv
    readonly cwd: string
    readonly ready: () => Promise<boolean>
    readonly readyMs?: number
  },
): Promise<Program> {
  const [file, ...words] = command
  const child = spawn(file, words, { cwd, env: env ?? process.env, stdio: ['ignore', 'pipe', 'pipe'], detached: true })
  let output = ''
  const keep = (chunk: Buffer): void => {
    output = (output + chunk.toString()).slice(-4_000)
  }
  child.stdout.on('data', keep)
  child.stderr.on('data', keep)
  const exited = new Promise<void>((resolve) => child.on('close', () => resolve()))
  child.on('error', () => {})
  // With whatever it started itself: it leads a group of its own.
  const signalAll = (signal: NodeJS.Signals): void => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, signal)
    } catch {} // gone already
  }
  const kill = () => signalAll('SIGKILL')
  process.on('exit', kill)
  const stop = async (signal: NodeJS.Signals = 'SIGTERM'): Promise<void> => {
    process.off('exit', kill)
    signalAll(signal)
    const impatient = setTimeout(kill, 20_000)
    await exited
    clearTimeout(impatient)
  }
  scope.after(() => stop())
  for (let waited = 0; !(await ready()); waited += 50) {
    if (child.exitCode !== null || waited >= readyMs) {
      await stop('SIGKILL')
      throw new Error(`${file} did not start: ${output}`)
    }
    await sleep(50)
  }
  return { process: child, stop }
}

/** A loopback port that is free now. */
export const sparePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer()
    server.on('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })

/** Whether somebody listens. */
export const listens = (port: number, host = '127.0.0.1'): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, host)
    socket.on('connect', () => resolve(true))
    socket.on('error', () => resolve(false))
    socket.on('connect', () => socket.destroy())
  })

/** A server of hostile answers: `talk` has each connection. */
export async function startTalker(scope: Scope, talk: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    talk(socket)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  scope.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return (server.address() as { readonly port: number }).port
}

/** A port that takes connections and says nothing. */
export const startBlackHole = (scope: Scope): Promise<number> => startTalker(scope, () => {})

/** Answers the first word with `beginning`, and then with `more` for as long as it is read. */
export const startFlood = (scope: Scope, beginning: Buffer, more: Buffer): Promise<number> =>
  startTalker(scope, (socket) => {
    const go = (): void => {
      while (!socket.destroyed && socket.write(more));
    }
    socket.once('data', () => {
      socket.write(beginning)
      go()
    })
    socket.on('data', () => {})
    socket.on('drain', go)
  })

/** Empty where there is none. */
export const readIfThere = (path: string): string => {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
