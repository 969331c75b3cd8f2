// One share of a root key from standard input: typed without being shown, or piped.

import { UsageError } from './usage-error.ts'

const SHARE_BYTES_MAX = 256
const ENTER = /[\r\n]/

/** The line that was given. @throws UsageError where there is none, or it is too long. */
export async function readShare(): Promise<string> {
  const { stdin, stderr } = process
  if (stdin.isTTY) {
    stderr.write('Share (not shown): ')
    stdin.setRawMode(true)
  }
  let text = ''
  try {
    for await (const chunk of stdin) {
      for (const character of String(chunk)) {
        if (character === '\x03' || character === '\x04') throw new UsageError('nothing was given')
        if (ENTER.test(character)) return mustShare(text)
        text = character === '\x7f' || character === '\b' ? text.slice(0, -1) : text + character
        if (text.length > SHARE_BYTES_MAX) throw new UsageError('that is too long for a share')
      }
    }
    return mustShare(text)
  } finally {
    if (stdin.isTTY) {
      stdin.setRawMode(false)
      stderr.write('\n')
    }
    stdin.destroy()
  }
}

function mustShare(text: string): string {
  if (text.trim() === '') throw new UsageError('a share is missing: type it, or give it on standard input')
  return text.trim()
}
