// Who takes a socket does it alone: two agents that find the same one left behind must not each remove what the other has just made.

import { closeSync, openSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { StartError } from './start-error.ts'

const POLL_MS = 25
/** Whoever has it needs it for a moment. */
const WAIT_MS = 5_000
const SQLITE_BUSY = 5

/**
 * Runs `work` while nobody else does so for the same socket. The kernel lets go when the holder dies: it is an exclusive transaction on an empty
 * database, for Node.js has no locks of files. The file stays: if it were removed, two could each hold "the" lock.
 * @throws StartError where another holds it for too long; what `open` and `work` throw
 */
export async function alone<T>(socketPath: string, work: () => Promise<T>): Promise<T> {
  const path = `${socketPath}.lock`
  makeFile(path)
  const { DatabaseSync } = await import('node:sqlite')
  const deadline = performance.now() + WAIT_MS
  for (;;) {
    const database = new DatabaseSync(path, { timeout: 0 })
    try {
      if (isTaken(() => database.exec('BEGIN EXCLUSIVE'))) return await work()
    } finally {
      database.close()
    }
    if (performance.now() >= deadline) throw new StartError(`another agent holds ${path}`)
    await sleep(POLL_MS)
  }
}

/** One that is there is not opened: closing it would let go of a lock that this process has on it. */
function makeFile(path: string): void {
  try {
    closeSync(openSync(path, 'wx', 0o600))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
}

function isTaken(take: () => void): boolean {
  try {
    take()
    return true
  } catch (error) {
    if (((error as { errcode?: number }).errcode ?? 0) % 256 === SQLITE_BUSY) return false
    throw error
  }
}
