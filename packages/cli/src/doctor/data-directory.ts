// Whether the data directory of a server on this machine is private.

import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { openMode, type Report, shellQuoted } from './finding.ts'

/** Nothing where the server is on another machine. */
export function checkDataDirectory({ ok, warn, fail }: Report, dataDir: string, named: boolean): void {
  const key = join(dataDir, 'root.key')
  if (!existsSync(dataDir)) {
    if (named) warn('data-directory', `${dataDir} is not on this machine`, 'name another with --data-dir, or none')
    return
  }
  if (!statSync(dataDir).isDirectory()) {
    if (named) fail('data-directory', `${dataDir} is no directory`, 'name the data directory of the server, or none')
    return
  }
  // The default is ./data, which may be anybody's.
  if (!named && !existsSync(key) && !existsSync(join(dataDir, 'strongroom.db'))) return
  // Functions of a server that is root pass through it, to what is theirs: it may be passed, not listed.
  const mode = openMode(dataDir, 0o066)
  if (mode === undefined) ok('data-directory', `${dataDir} is private`)
  else warn('data-directory', `${dataDir} is open to other users (mode ${mode})`, `chmod 700 ${shellQuoted(dataDir)}`)
  if (!existsSync(key)) return
  const keyMode = openMode(key)
  if (keyMode === undefined) ok('root-key', `${key} is private`)
  else fail('root-key', `${key} is open to other users (mode ${keyMode})`, `chmod 600 ${shellQuoted(key)}`)
}
