// For tests: the real command in a process of its own, on a data directory of its own, ended with the test.

import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { FLAGS } from '../bin/flags.js'
import { readCredentials } from './credentials.ts'

export const BIN = fileURLToPath(new URL('../bin/strongroom.js', import.meta.url))

type Variables = { readonly [name: string]: string }

/** What lasts as long as a test, or with `after` of node:test as long as its file. */
type Scope = { readonly after: (work: () => unknown) => void }

/** What a command did: it has ended. */
export type Outcome = { readonly code: number | null; readonly stdout: string; readonly stderr: string }

export type ServerProcess = {
  readonly child: ChildProcess
  readonly dataDir: string
  readonly url: string
  /** The lines of standard output so far. */
  readonly lines: () => readonly string[]
  readonly stderr: () => string
  /** Resolves with the exit code, or the name of the signal. */
  readonly ended: Promise<number | string | null>
  /** Sends a signal and waits for the end. */
  readonly end: (signal?: NodeJS.Signals) => Promise<number | string | null>
}

export function temporaryDirectory(t: Scope): string {
  const directory = mkdtempSync(join(tmpdir(), 'strongroom-'))
  t.after(() => rmSync(directory, { recursive: true, force: true, maxRetries: 5 }))
  return directory
}

function start(args: readonly string[], variables: Variables, stdin: 'ignore' | 'pipe' = 'ignore'): ChildProcess {
  // With its flags at once, the server need not start Node a second time.
  const flags = args[0] === 'serve' ? FLAGS.serve : []
  const child = spawn(process.execPath, [...flags, BIN, ...args], {
    stdio: [stdin, 'pipe', 'pipe'],
    env: { PATH: '/usr/bin:/bin', ...variables },
  })
  child.stdout?.setEncoding('utf8')
  child.stderr?.setEncoding('utf8')
  return child
}

/** Runs a command to its end; `input` is what it reads from standard input. */
export async function run(args: readonly string[], variables: Variables = {}, input?: string): Promise<Outcome> {
  const child = start(args, variables, input === undefined ? 'ignore' : 'pipe')
  child.stdin?.end(input)
  let stdout = ''
  let stderr = ''
  child.stdout?.on('data', (text: string) => {
    stdout += text
  })
  child.stderr?.on('data', (text: string) => {
    stderr += text
  })
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, stdout, stderr }
}

/** Starts `strongroom serve` on a free port without waiting for it. */
export function launch(
  t: Scope,
  dataDir: string,
  args: readonly string[] = [],
  variables: Variables = {},
): Omit<ServerProcess, 'url'> & { readonly ready: Promise<string> } {
  const child = start(['serve', '--data-dir', dataDir, '--port', '0', '--rates', 'off', ...args], variables)
  let stdout = ''
  let stderr = ''
  const ready = Promise.withResolvers<string>()
  ready.promise.catch(() => undefined)
  child.stdout?.on('data', (text: string) => {
    stdout += text
    const url = /^Strongroom ready on (\S+)\n[\s\S]*AWS_DEFAULT_REGION=/m.exec(stdout)?.[1]
    if (url !== undefined) ready.resolve(url)
  })
  child.stderr?.on('data', (text: string) => {
    stderr += text
  })
  const ended = once(child, 'close').then(([code, signal]) => {
    ready.reject(new Error(`the server ended with ${code ?? signal} before it was ready: ${stderr}`))
    return (code ?? signal) as number | string | null
  })
  t.after(async () => {
    child.kill('SIGKILL')
    await ended
  })
  return {
    child,
    dataDir,
    ready: ready.promise,
    ended,
    lines: () => stdout.split('\n').slice(0, -1),
    stderr: () => stderr,
    end: (signal = 'SIGTERM') => {
      child.kill(signal)
      return ended
    },
  }
}

/** Starts `strongroom serve` and waits until it is ready. */
export async function serve(
  t: Scope,
  dataDir: string = temporaryDirectory(t),
  args: readonly string[] = [],
  variables: Variables = {},
): Promise<ServerProcess> {
  const server = launch(t, dataDir, args, variables)
  return { ...server, url: await server.ready }
}

/** What the SDK's clients need to talk to the server as its first administrator. */
export const clientOptions = ({ url, dataDir }: Pick<ServerProcess, 'url' | 'dataDir'>) => ({
  endpoint: url,
  region: 'us-east-1',
  credentials: readCredentials(join(dataDir, 'credentials'), 'default'),
  maxAttempts: 1,
})

/** That a command was refused with exactly one line, and exit code 1. */
export function assertRefused({ code, stdout, stderr }: Outcome, line: RegExp): void {
  assert.match(stderr, line)
  assert.equal(stderr.split('\n').length, 2, stderr)
  assert.equal(stdout, '')
  assert.equal(code, 1)
}
