// The command as a child: it has our terminal, our standard streams and our process group, and ends us with its exit code. Signals that reach us alone are
// passed on to it.

import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { constants } from 'node:os'
import { isatty } from 'node:tty'
import type { Variables } from './plan.ts'

export type Child = {
  /** The exit code, 128 more than the signal that ended it, or 126 or 127 where it could not be started: as env(1) and shells have it. */
  readonly ended: Promise<number>
  kill(signal: NodeJS.Signals): void
}

export function startChild(command: string, args: readonly string[], environment: Variables): Child {
  const { promise: ended, resolve } = Promise.withResolvers<number>()
  const fail = (error: NodeJS.ErrnoException): void => {
    const [code, why] = FAILURES[error.code ?? ''] ?? [126, `cannot be started (${error.code})`]
    process.stderr.write(`strongroom: ${command}: ${why}\n`)
    resolve(code)
  }
  try {
    const child = spawn(command, args, { stdio: 'inherit', env: environment })
    child.on('error', fail)
    child.on('exit', (code, signal) => resolve(code ?? exitCodeOf(signal!)))
    return { ended, kill: (signal) => void child.kill(signal) }
  } catch (error) {
    // E2BIG is thrown, and not told by the event.
    fail(error as NodeJS.ErrnoException)
    return { ended, kill: () => undefined }
  }
}

const FAILURES: { readonly [code: string]: readonly [exitCode: number, why: string] } = {
  ENOENT: [127, 'no such command'],
  EACCES: [126, 'may not be run'],
  E2BIG: [126, 'the values are too large for an environment: give large ones by --file'],
}

export const exitCodeOf = (signal: NodeJS.Signals): number => 128 + constants.signals[signal]

/** Sends SIGTERM, and SIGKILL where it has not ended then. @returns its exit code */
export async function stopChild(child: Child, killAfterMs: number): Promise<number> {
  const timer = setTimeout(() => child.kill('SIGKILL'), killAfterMs)
  child.kill('SIGTERM')
  return child.ended.finally(() => clearTimeout(timer))
}

/** What ends us where there is no command to pass it on to. */
const ENDING: readonly NodeJS.Signals[] = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT']
const PASSED_ON: readonly NodeJS.Signals[] = [...ENDING, 'SIGUSR1', 'SIGUSR2', 'SIGALRM', 'SIGWINCH']
/** A terminal sends them to every process of its foreground: the command has them already. */
const OF_TERMINAL: readonly NodeJS.Signals[] = ['SIGINT', 'SIGQUIT', 'SIGWINCH']

export type Signals = {
  /** The first signal that ends us while no command runs. */
  readonly ending: Promise<NodeJS.Signals>
  /** Who they are passed on to from now on; undefined: nobody runs. */
  passTo(child: Child | undefined): void
  /** Notes signals that end, also those that are passed on, until the next call. @returns the one of the time before; SIGTERM where it was among them */
  watch(): NodeJS.Signals | undefined
  close(): void
}

export function catchSignals(): Signals {
  const { promise: ending, resolve } = Promise.withResolvers<NodeJS.Signals>()
  let child: Child | undefined
  let noted: NodeJS.Signals | undefined
  const heard = (signal: NodeJS.Signals): void => {
    if (signal === 'SIGTERM') noted = signal
    else if (ENDING.includes(signal)) noted ??= signal
    if (child === undefined) {
      if (ENDING.includes(signal)) resolve(signal)
    } else if (!OF_TERMINAL.includes(signal) || !isInForeground()) child.kill(signal)
  }
  for (const signal of PASSED_ON) process.on(signal, heard)
  return {
    ending,
    passTo: (next) => {
      child = next
    },
    watch: () => {
      const before = noted
      noted = undefined
      return before
    },
    close: () => {
      for (const signal of PASSED_ON) process.off(signal, heard)
    },
  }
}

/** Whether a terminal's signals go to our process group. */
function isInForeground(): boolean {
  try {
    // After the name: state, parent, group, session, terminal, foreground group.
    const stat = readFileSync('/proc/self/stat', 'utf8')
    const [, , group, , terminal, foreground] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return terminal !== '0' && group === foreground
  } catch {
    return isatty(0)
  }
}
