// Locks on a data directory that the kernel releases when their holder dies, even by kill -9.

import { createHash } from 'node:crypto'
import { closeSync, existsSync, openSync, readFileSync, statSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { DatabaseError } from './database.ts'
import { sqliteError } from './sqlite-connection.ts'

export type LockOptions = {
  /** Different names are different locks: a supervisor and each of its workers hold one of their own. */
  readonly name?: string
  /** How long to wait for another holder to let go. */
  readonly waitMs?: number
}

export type Lock = {
  /**
   * Names whoever holds this lock, from one start of the machine to the next: what carries the name of a lock that is held now was begun by its
   * holder, or by an earlier one, which is dead. Empty where the system does not tell one start from another.
   */
  readonly holder: string
  /** Lets go; the second time does nothing. The file stays, empty: removing it would let two processes each hold "the" lock. */
  release(): void
}

/** Another process works on the data directory. */
export class DirectoryLockedError extends Error {
  constructor(directory: string) {
    super(`the data directory ${directory} is in use by another process`)
    this.name = 'DirectoryLockedError'
  }
}

const POLL_MS = 25
const SQLITE_BUSY = 5

/**
 * @throws DirectoryLockedError while another process, or this one, holds the lock of that name; DatabaseError where the directory
 * cannot be written
 */
export async function lockDataDirectory(directory: string, options: LockOptions = {}): Promise<Lock> {
  const { name = 'server', waitMs = 0 } = options
  return lockFile(join(directory, `.${name}.lock`), waitMs, () => new DirectoryLockedError(directory))
}

/**
 * The lock is an exclusive transaction on an empty database: SQLite knows how to lock on every system. Nobody may open and close that
 * file by other means in the holder's process, which on POSIX would drop the lock.
 */
export async function lockFile(path: string, waitMs: number, refusal: () => Error): Promise<Lock> {
  const deadline = performance.now() + waitMs
  for (;;) {
    const database = tryLock(path)
    if (database !== undefined) {
      return {
        holder: holderOf(path),
        release: () => {
          if (database.isOpen) database.close()
        },
      }
    }
    if (performance.now() >= deadline) throw refusal()
    await sleep(Math.min(POLL_MS, Math.max(1, deadline - performance.now())))
  }
}

const BOOT_ID = '/proc/sys/kernel/random/boot_id'
const HOLDER_CHARACTERS = 32

/** One file of one kernel: a copy of it, here or on another machine, is another. */
function holderOf(path: string): string {
  const bootId = readBootId()
  if (bootId === undefined) return ''
  const { dev, ino } = statSync(path, { bigint: true })
  return createHash('sha256').update(`${bootId} ${hostname()} ${dev} ${ino}`).digest('hex').slice(0, HOLDER_CHARACTERS)
}

function readBootId(): string | undefined {
  try {
    return readFileSync(BOOT_ID, 'utf8').trim()
  } catch {
    return undefined
  }
}

function tryLock(path: string): DatabaseSync | undefined {
  if (!existsSync(path)) createFile(path)
  const database = new DatabaseSync(path, { timeout: 0 })
  try {
    database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE')
    return database
  } catch (error) {
    database.close()
    if (((error as { errcode?: number }).errcode ?? 0) % 256 === SQLITE_BUSY) return undefined
    throw sqliteError(error)
  }
}

function createFile(path: string): void {
  try {
    closeSync(openSync(path, 'wx', 0o600))
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'EEXIST') throw new DatabaseError('unavailable', `cannot create ${path}: ${code}`)
  }
}
