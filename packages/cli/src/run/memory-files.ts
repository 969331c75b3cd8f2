// Files that are in memory and nowhere else: a folder of this process on a tmpfs, 0700, removed at its end. What a killed process left behind is
// removed by the next one.

import {
  accessSync,
  constants,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { UsageError } from '../usage-error.ts'

export type MemoryFiles = {
  readonly directory: string
  /** Replaces each whole, and none before all are written. @returns their paths. @throws UsageError */
  write(contents: ReadonlyMap<string, Uint8Array>): { readonly [name: string]: string }
  close(): void
}

const PREFIX = 'strongroom-run'
/** Of the system call statfs, whose answer no name and no mount point can forge. https://man7.org/linux/man-pages/man2/statfs.2.html */
const IN_MEMORY: ReadonlySet<number> = new Set([0x01021994 /* tmpfs */, 0x858458f6 /* ramfs */])

/** Where a tmpfs is usually mounted, the one that is the user's own first. */
export const memoryPlaces = (environment: { readonly XDG_RUNTIME_DIR?: string | undefined }): readonly string[] =>
  [environment.XDG_RUNTIME_DIR, '/dev/shm'].filter((place) => place?.startsWith('/') === true) as readonly string[]

/** @throws UsageError where no place is in memory, unless a disk will do too */
export function openMemoryFiles(places: readonly string[], allowDisk: boolean): MemoryFiles {
  const place = [...places.filter(isInMemory), ...(allowDisk ? [tmpdir()] : [])].find(isWritable)
  if (place === undefined) {
    const tried = places.length === 0 ? '' : `: none of ${places.join(', ')} is a tmpfs that can be written`
    throw new UsageError(`there is no place in memory for --file${tried}. --allow-disk puts the files on a disk`)
  }
  // Also of a run that was let onto a disk.
  for (const one of new Set([...places, tmpdir()])) removeLeftovers(one)
  const directory = mkdtempSync(
    join(place, `${[PREFIX, namespaceOfPids(), process.pid, startOf(process.pid)].join('.')}.`),
  )
  return {
    directory,
    write: (contents) => {
      const paths = new Map([...contents.keys()].map((name) => [name, join(directory, name)]))
      try {
        for (const [name, path] of paths) writeFileSync(`${path}.new`, contents.get(name)!, { mode: 0o600, flag: 'wx' })
        for (const path of paths.values()) renameSync(`${path}.new`, path)
      } catch (error) {
        for (const path of paths.values()) rmSync(`${path}.new`, { force: true })
        throw new UsageError(`the files cannot be written to ${place} (${(error as NodeJS.ErrnoException).code})`)
      }
      return Object.fromEntries(paths)
    },
    close: () => rmSync(directory, { recursive: true, force: true }),
  }
}

function isInMemory(place: string): boolean {
  try {
    return IN_MEMORY.has(statfsSync(place).type)
  } catch {
    return false // not there
  }
}

function isWritable(place: string): boolean {
  try {
    accessSync(place, constants.W_OK | constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** Of this user and of processes that are no more. Those of another container, which may share the place, are left to it. */
function removeLeftovers(place: string): void {
  for (const name of namesIn(place)) {
    const [prefix, namespace, pid, start, random] = name.split('.')
    if (prefix !== PREFIX || namespace !== namespaceOfPids() || random === undefined) continue
    if (startOf(Number(pid)) === start) continue
    const path = join(place, name)
    try {
      const stat = lstatSync(path)
      if (stat.isDirectory() && stat.uid === process.getuid?.()) rmSync(path, { recursive: true, force: true })
    } catch {
      // Another run was quicker.
    }
  }
}

function namesIn(place: string): readonly string[] {
  try {
    return readdirSync(place)
  } catch {
    return [] // not there, or not to be listed
  }
}

/** `0` where there is no /proc. */
function namespaceOfPids(): string {
  try {
    return /\d+/.exec(readlinkSync('/proc/self/ns/pid'))?.[0] ?? '0'
  } catch {
    return '0'
  }
}

/** Tells a process from a later one of the same id. Without /proc: whether there is one. */
function startOf(pid: number): string {
  try {
    // After the name, which may hold anything: the 20th field. https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]!
  } catch {
    return process.platform !== 'linux' && isAlive(pid) ? 'alive' : 'ended'
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
