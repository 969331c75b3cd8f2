// The log: JSON lines on standard error, or in a file as AWS's agent has it. It is told names, ids and codes, never a value or a token.

import { appendFileSync, mkdirSync, renameSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import type { LogLevel } from './config.ts'
import { StartError } from './start-error.ts'

type Fields = { readonly [name: string]: unknown }
export type Log = { readonly [Level in 'debug' | 'info' | 'warn' | 'error']: (fields: Fields, msg: string) => void }

export type LogOptions = {
  readonly level: LogLevel
  /** Absent: standard error. */
  readonly file?: string
  readonly now: () => Date
  /** Of one file. 10 MB, as AWS's agent has it, where absent. */
  readonly fileBytesMax?: number
}

const LEVELS = ['debug', 'info', 'warn', 'error', 'none'] as const
/** With the one that is written to. */
const FILES_MAX = 5

/** @throws StartError where the file cannot be written */
export function openLog({ level, file, now, fileBytesMax = 10_000_000 }: LogOptions): Log {
  const write = file === undefined ? (line: string) => void process.stderr.write(line) : openFile(file, fileBytesMax)
  const at =
    (own: (typeof LEVELS)[number]) =>
    (fields: Fields, msg: string): void => {
      if (LEVELS.indexOf(own) < LEVELS.indexOf(level)) return
      write(`${printable(JSON.stringify({ level: own, time: now().toISOString(), ...fields, msg }))}\n`)
    }
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}

/** JSON leaves these as they are, and terminals take some of them for commands. */
const printable = (line: string): string =>
  line.replace(/[\u007f-\u009f\u2028\u2029]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)

function openFile(path: string, bytesMax: number): (line: string) => void {
  let size: number
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    appendFileSync(path, '', { mode: 0o600 })
    size = statSync(path).size
  } catch (error) {
    throw new StartError(`the log file ${path} cannot be written (${(error as NodeJS.ErrnoException).code})`)
  }
  return (line) => {
    const bytes = Buffer.byteLength(line)
    try {
      if (size > 0 && size + bytes > bytesMax) {
        shift(path)
        size = 0
      }
      appendFileSync(path, line, { mode: 0o600 })
      size += bytes
    } catch {
      // A full disk ends no answer.
      process.stderr.write(line)
    }
  }
}

/** The file becomes FILE.1, that FILE.2, and so on; the last goes. */
function shift(path: string): void {
  const nameOf = (at: number): string => (at === 0 ? path : `${path}.${at}`)
  for (let at = FILES_MAX - 2; at >= 0; at--) {
    try {
      renameSync(nameOf(at), nameOf(at + 1))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
  }
}
