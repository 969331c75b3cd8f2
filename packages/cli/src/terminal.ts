// What is asked on a terminal: texts that are not shown while they are typed, and whether something is meant. Questions go to standard error.

import { createInterface } from 'node:readline/promises'
import { UsageError } from './usage-error.ts'

const ENTER = /[\r\n]/
const CTRL_C = '\x03'
const CTRL_D = '\x04'

/** What was typed after the last Enter, of somebody who pastes several lines. */
let ahead = ''

/**
 * One line without its end; with `again` asked for twice. Ctrl-C ends the process as it would anywhere.
 * @throws UsageError where nothing is typed, too much, or not the same again
 */
export async function readHidden(prompt: string, charactersMax: number, again?: string): Promise<string> {
  const { stdin, stderr } = process
  const readAt = async (prompt: string): Promise<string> => {
    stderr.write(prompt)
    try {
      return await readLine(charactersMax)
    } finally {
      stderr.write('\n')
    }
  }
  stdin.setEncoding('utf8')
  // Before anything is asked, and until all was answered: who sees a question may have typed already.
  stdin.setRawMode(true)
  try {
    const text = await readAt(prompt)
    if (again !== undefined && text !== '' && text !== (await readAt(again)))
      throw new UsageError('the two are not the same: nothing was written')
    return text
  } finally {
    stdin.setRawMode(false)
    stdin.pause()
  }
}

async function readLine(charactersMax: number): Promise<string> {
  let text = ''
  for (let typed = ahead; ; typed = await nextChunk()) {
    ahead = ''
    for (let at = 0; at < typed.length; at += 1) {
      const character = typed[at]!
      if (character === CTRL_C) interrupt()
      if (character === CTRL_D) throw new UsageError('nothing was given')
      if (ENTER.test(character)) {
        ahead = typed.slice(at + 1)
        return text
      }
      text = character === '\x7f' || character === '\b' ? withoutLast(text) : text + character
      if (text.length > charactersMax) throw new UsageError(`that is too long: ${charactersMax} characters at most`)
    }
  }
}

/** Longer than any character that is typed: a family of emoji has some 25. */
const CHARACTER_LENGTH_MAX = 64

/** Without what a reader takes for the last character. */
function withoutLast(text: string): string {
  const end = [...new Intl.Segmenter().segment(text.slice(-CHARACTER_LENGTH_MAX))].at(-1)
  return text.slice(0, text.length - (end?.segment.length ?? 0))
}

function nextChunk(): Promise<string> {
  const { stdin } = process
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const end = () => reject(new UsageError('nothing was given'))
  stdin.once('data', resolve).once('end', end).resume()
  return promise.finally(() => stdin.off('data', resolve).off('end', end).pause())
}

function interrupt(): void {
  process.stdin.setRawMode(false)
  process.kill(process.pid, 'SIGINT')
}

/** What was answered, without spaces around it. @throws UsageError where there is no terminal; `without` says what to give then. */
export async function ask(question: string, without: string): Promise<string> {
  if (!process.stdin.isTTY) throw new UsageError(`${without}: without a terminal nobody can be asked`)
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  const { promise, reject } = Promise.withResolvers<never>()
  terminal.once('close', () => reject(new UsageError('nothing was done')))
  terminal.once('SIGINT', interrupt)
  try {
    return (await Promise.race([terminal.question(question), promise])).trim()
  } finally {
    terminal.close()
  }
}

/** Whether the answer is yes. @throws UsageError where there is no terminal. */
export const confirm = async (question: string): Promise<boolean> =>
  /^y(es)?$/i.test(await ask(`${question} [y/N] `, '--yes is missing'))
