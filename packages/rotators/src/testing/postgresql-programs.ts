// The programs of a PostgreSQL, and as whom they run.

import { execFile } from 'node:child_process'
import { existsSync, globSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'

const ELSEWHERE = ['/usr/local/pgsql/bin', '/opt/homebrew/bin']

/** `STRONGROOM_TEST_PG_BIN` names the folder of another version's programs. */
export function findPrograms(): { readonly initdb: string; readonly postgres: string } | undefined {
  const wanted = process.env.STRONGROOM_TEST_PG_BIN
  const onPath = (process.env.PATH ?? '').split(delimiter)
  const installed = globSync('/usr/lib/postgresql/*/bin').sort().reverse()
  for (const folder of wanted === undefined ? [...installed, ...onPath, ...ELSEWHERE] : [wanted]) {
    const found = { initdb: join(folder, 'initdb'), postgres: join(folder, 'postgres') }
    if (existsSync(found.initdb) && existsSync(found.postgres)) return found
  }
  return undefined
}

/** As whom a private server runs: not as root, which it refuses. */
export async function findOwner(): Promise<'self' | { readonly uid: number; readonly gid: number } | undefined> {
  if (process.getuid?.() !== 0) return 'self'
  for (const user of ['postgres', 'nobody']) {
    try {
      const [uid, gid] = await Promise.all(
        ['-u', '-g'].map(async (option) => Number((await promisify(execFile)('id', [option, user])).stdout)),
      )
      return { uid: uid!, gid: gid! }
    } catch {} // no such user
  }
  return undefined
}
