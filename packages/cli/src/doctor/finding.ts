// What every check tells, and what the checks share: each is one finding, on one line, and shows no secret: no key, no token, no text of a variable that
// could hold a password.

import { readFileSync, statSync } from 'node:fs'

/** `check` names the check and stays the same from version to version; `mend` is absent where all is well. */
export type Finding = {
  readonly check: string
  readonly status: 'ok' | 'warn' | 'fail'
  readonly what: string
  readonly mend?: string
}

const FILE_BYTES_MAX = 1_048_576
const LINE_LENGTH_MAX = 400

/** `warn  what  → the mend`, on one line. */
export const formatFinding = ({ status, what, mend }: Finding): string =>
  `${status.padEnd(4)}  ${what}${mend === undefined ? '' : `  → ${mend}`}`

export type Report = ReturnType<typeof createReport>

export function createReport() {
  const findings: Finding[] = []
  const bad = (status: 'warn' | 'fail') => (check: string, what: string, mend: string) => {
    findings.push({ check, status, what: printable(what), mend: printable(mend) })
  }
  const ok = (check: string, what: string) => {
    findings.push({ check, status: 'ok', what: printable(what) })
  }
  return { findings, ok, warn: bad('warn'), fail: bad('fail') }
}

/** The mode in octal where it gives others anything of `rights`, else undefined. */
export function openMode(path: string, rights = 0o077): string | undefined {
  const mode = statSync(path).mode & 0o777
  return (mode & rights) === 0 ? undefined : mode.toString(8).padStart(4, '0')
}

/** The whole of an ordinary file. @throws the system's error, or one in its manner. */
export function readBounded(path: string): string {
  const stat = statSync(path)
  const code = !stat.isFile() ? 'EINVAL' : stat.size > FILE_BYTES_MAX ? 'EFBIG' : undefined
  if (code !== undefined) throw Object.assign(new Error(path), { code })
  return readFileSync(path, 'utf8')
}

export const hostOf = (url: URL): string => url.hostname.replace(/^\[(.*)\]$/, '$1')

export function codeOf(error: unknown): string {
  const { code, name } = error as NodeJS.ErrnoException
  return typeof code === 'string' ? code : name
}

export function causeOf(error: unknown): string {
  const { name, message, cause } = error as Error & { readonly cause?: Partial<NodeJS.ErrnoException> }
  return name === 'TimeoutError' ? 'ETIMEDOUT' : (cause?.code ?? cause?.message ?? message)
}

export const shellQuoted = (text: string): string =>
  /^[A-Za-z0-9_./:@%+=,-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`

/** On one line and short, whatever it repeats. */
const printable = (text: string): string => {
  const clean = text.replaceAll(/[\x00-\x1f\x7f-\x9f\u2028\u2029]/g, '?')
  return clean.length > LINE_LENGTH_MAX ? `${clean.slice(0, LINE_LENGTH_MAX)}...` : clean
}
