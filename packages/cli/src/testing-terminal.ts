// For tests: a command on a pseudo-terminal, made by script(1), and somebody who types.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { TestContext } from 'node:test'

export type Terminal = {
  /** Waits until the terminal shows it, below what was waited for before. */
  readonly shows: (pattern: RegExp) => Promise<void>
  readonly type: (text: string) => void
  /** All that was shown, and the exit code. */
  readonly ended: Promise<{ readonly shown: string; readonly code: number | null }>
}

/** `command` is a line for the shell. */
export function openTerminal(
  t: TestContext,
  command: string,
  variables: { readonly [name: string]: string },
): Terminal {
  const child = spawn('script', ['-qec', command, '/dev/null'], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { PATH: process.env.PATH, TERM: 'xterm', ...variables },
  })
  t.after(() => child.kill('SIGKILL'))
  let shown = ''
  let seen = 0
  const look = Promise.withResolvers<void>()
  let next = look
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    shown += text
    next.resolve()
    next = Promise.withResolvers()
  })
  const ended = once(child, 'close').then(([code]) => ({ shown: shown.replaceAll('\r\n', '\n'), code: code as number }))
  return {
    async shows(pattern) {
      for (;;) {
        const found = pattern.exec(shown.slice(seen))
        if (found) {
          seen += found.index + found[0].length
          return
        }
        const over = await Promise.race([next.promise.then(() => false), ended.then(() => true)])
        if (over && !pattern.test(shown.slice(seen))) throw new Error(`${pattern} was not shown: ${shown}`)
      }
    },
    type: (text) => {
      child.stdin.write(text)
    },
    ended,
  }
}
