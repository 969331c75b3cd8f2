// The data directory: made private, and held by one server at a time.

import { mkdirSync, readdirSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { ConfigurationError } from './config.ts'
import { DatabaseError } from './storage/database.ts'
import { DirectoryLockedError, type Lock, type LockOptions, lockDataDirectory } from './storage/lock.ts'

/** How long workers of a supervisor that died may take to notice it. */
const OLD_WORKERS_MS = 10_000

/** Creates the directory where it is missing. @returns what an operator should know of it. @throws ConfigurationError */
export function prepareDataDirectory(dataDir: string): readonly string[] {
  try {
    makeDirectory(dataDir)
    const { mode } = statSync(dataDir)
    // The files in it are private all the same, but its lock files and its socket are then visible.
    // That others may pass through it shows them nothing; functions of a server that runs as root do.
    return (mode & 0o066) === 0 ? [] : [`${dataDir} is open to other users of this machine: chmod 700 it`]
  } catch (error) {
    throw new ConfigurationError(
      `--data-dir ${dataDir} cannot be used (${(error as NodeJS.ErrnoException).code}): give a directory that can be written`,
    )
  }
}

/** With those above it. Node's own way to do that goes round for ever where a file system, such as /proc, says that what is above is not there. */
function makeDirectory(path: string): void {
  const isThere = (): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false
  const make = (): void => {
    if (isThere()) return
    try {
      mkdirSync(path, { mode: 0o700 })
    } catch (error) {
      if (!isThere()) throw error
    }
  }
  try {
    make()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || dirname(path) === path) throw error
    makeDirectory(dirname(path))
    make()
  }
}

/** Another server works on the directory. */
const inUse = (dataDir: string): ConfigurationError =>
  new ConfigurationError(`--data-dir ${dataDir} is in use by another server: stop that one, or give another --data-dir`)

async function hold(dataDir: string, options: LockOptions = {}): Promise<Lock> {
  try {
    return await lockDataDirectory(dataDir, options)
  } catch (error) {
    if (error instanceof DirectoryLockedError) throw inUse(dataDir)
    if (!(error instanceof DatabaseError)) throw error
    throw new ConfigurationError(
      `--data-dir ${dataDir} cannot be used (${error.message}): give a directory that can be written`,
    )
  }
}

/** Takes the directory for one server, whether it is one process or a supervisor with workers. @throws ConfigurationError */
export async function holdDataDirectory(dataDir: string): Promise<Lock> {
  const lock = await hold(dataDir)
  try {
    for (const name of readdirSync(dataDir)) {
      const worker = /^\.(worker-\d{1,3})\.lock$/.exec(name)?.[1]
      if (worker === undefined) continue
      const old = await hold(dataDir, { name: worker, waitMs: OLD_WORKERS_MS })
      old.release()
    }
    return lock
  } catch (error) {
    lock.release()
    throw error
  }
}

/** Takes one worker's place. The supervisor, which holds the directory, has one worker a slot. @throws ConfigurationError */
export const holdWorkerSlot = (dataDir: string, slot: number): Promise<Lock> =>
  hold(dataDir, { name: `worker-${slot}`, waitMs: OLD_WORKERS_MS })
