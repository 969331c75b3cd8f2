// One share of a root key from standard input: typed without being shown, or piped.

import { readHidden } from './terminal.ts'
import { UsageError } from './usage-error.ts'

const SHARE_BYTES_MAX = 256

/** The line that was given. @throws UsageError where there is none, or it is too long. */
export async function readShare(): Promise<string> {
  const text = process.stdin.isTTY ? await readHidden('Share (not shown): ', SHARE_BYTES_MAX) : await readPiped()
  if (text.trim() === '') throw new UsageError('a share is missing: type it, or give it on standard input')
  return text.trim()
}

async function readPiped(): Promise<string> {
  let text = ''
  for await (const chunk of process.stdin) {
    text += String(chunk)
    const end = text.search(/[\r\n]/)
    if (end >= 0) text = text.slice(0, end)
    if (text.length > SHARE_BYTES_MAX) throw new UsageError('that is too long for a share')
    if (end >= 0) break
  }
  return text
}
