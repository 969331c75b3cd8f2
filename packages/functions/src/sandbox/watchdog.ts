// What the kernel does not bound for us is measured: memory and number of all processes of an instance, and the bytes of its scratch
// folder. Who is beyond is killed.

import { readdirSync, readFileSync, statSync } from 'node:fs'
import { lstat, opendir } from 'node:fs/promises'
import { join } from 'node:path'

const PROCESSES_EVERY_MS = 100
const SCRATCH_EVERY_MS = 250
/** A look that takes long is followed by a longer rest. */
const REST = 4
/** What a file takes at least, however short: its name and its inode. */
const ENTRY_BYTES = 4096
const BLOCK_BYTES = 512

export type Watched = {
  /** The first process; the others are in its process group, or its descendants. */
  readonly pid: number
  readonly scratchDirectory: string
  readonly scratchBytesMax: number
  readonly memoryBytesMax: number
  readonly processesMax: number
  /** Called once, with the reason, when it has gone too far. */
  kill(reason: string): void
}

export type Watchdog = {
  /** @returns what ends the watch. */
  watch(watched: Watched): () => void
}

export function createWatchdog(): Watchdog {
  const all = new Set<Watched>()
  let timer: NodeJS.Timeout | undefined
  const look = (): void => {
    const began = performance.now()
    const processes = listProcesses()
    for (const watched of all) {
      const { memoryBytes, tasks } = measure(membersOf(processes, watched.pid))
      if (memoryBytes > watched.memoryBytesMax) watched.kill(`memory: more than ${watched.memoryBytesMax} bytes`)
      else if (tasks > watched.processesMax) watched.kill(`more than ${watched.processesMax} processes and threads`)
    }
    timer = restThen(look, PROCESSES_EVERY_MS, began)
  }
  return {
    watch(watched) {
      all.add(watched)
      timer ??= restThen(look, PROCESSES_EVERY_MS)
      const stopScratch = watchScratch(watched)
      return () => {
        stopScratch()
        all.delete(watched)
        if (all.size > 0) return
        clearTimeout(timer)
        timer = undefined
      }
    },
  }
}

const restThen = (look: () => unknown, everyMs: number, began = performance.now()): NodeJS.Timeout =>
  setTimeout(look, Math.max(everyMs, REST * (performance.now() - began))).unref()

type Process = { readonly pid: number; readonly parent: number; readonly group: number }

/** Processes begin and end while we look: what is gone by then is left out. */
function whileItLives<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}

function listProcesses(): readonly Process[] {
  return readdirSync('/proc').flatMap((name): readonly Process[] => {
    const pid = Number(name)
    if (!Number.isInteger(pid)) return []
    const stat = whileItLives(() => readFileSync(`/proc/${pid}/stat`, 'latin1'))
    if (stat === undefined) return []
    // proc_pid_stat(5): after the name in parentheses, which may hold anything, come state, parent and process group.
    const [, parent, group] = stat.slice(stat.lastIndexOf(')') + 2).split(' ', 3)
    return [{ pid, parent: Number(parent), group: Number(group) }]
  })
}

function membersOf(processes: readonly Process[], first: number): readonly number[] {
  const members = new Set(processes.filter(({ pid, group }) => pid === first || group === first).map(({ pid }) => pid))
  for (let before = 0; before !== members.size; ) {
    before = members.size
    for (const { pid, parent } of processes) if (members.has(parent)) members.add(pid)
  }
  return [...members]
}

/** Memory that cannot be written back to a file: what is mapped from programs and libraries costs nobody anything. */
function measure(members: readonly number[]): { readonly memoryBytes: number; readonly tasks: number } {
  let [kibibytes, tasks] = [0, 0]
  for (const pid of members) {
    const status = whileItLives(() => readFileSync(`/proc/${pid}/status`, 'latin1'))
    for (const [, name, value] of status?.matchAll(/^(RssAnon|RssShmem|Threads):\s+(\d+)/gm) ?? []) {
      if (name === 'Threads') tasks += Number(value)
      else kibibytes += Number(value)
    }
  }
  return { memoryBytes: kibibytes * 1024, tasks }
}

/** How many processes and threads a user has. */
export function countTasks(uid: number): number {
  const owned = listProcesses().filter(({ pid }) => whileItLives(() => statSync(`/proc/${pid}`).uid) === uid)
  return measure(owned.map(({ pid }) => pid)).tasks
}

function watchScratch(watched: Watched): () => void {
  let [stopped, timer] = [false, restThen(look, SCRATCH_EVERY_MS)]
  async function look(): Promise<void> {
    const began = performance.now()
    const deleted = deletedBytes(membersOf(listProcesses(), watched.pid))
    const bytes = deleted + (await folderBytes(watched.scratchDirectory, watched.scratchBytesMax - deleted))
    if (stopped) return
    if (bytes > watched.scratchBytesMax) watched.kill(`scratch folder: more than ${watched.scratchBytesMax} bytes`)
    else timer = restThen(look, SCRATCH_EVERY_MS, began)
  }
  return () => {
    stopped = true
    clearTimeout(timer)
  }
}

/** Files that are deleted and still open take their bytes until they are closed. */
function deletedBytes(members: readonly number[]): number {
  const files = new Map<string, number>()
  for (const pid of members) {
    for (const handle of whileItLives(() => readdirSync(`/proc/${pid}/fd`)) ?? []) {
      const stats = whileItLives(() => statSync(`/proc/${pid}/fd/${handle}`))
      if (stats?.isFile() && stats.nlink === 0) files.set(`${stats.dev}:${stats.ino}`, stats.blocks * BLOCK_BYTES)
    }
  }
  return [...files.values()].reduce((sum, bytes) => sum + bytes, 0)
}

/**
 * The bytes that a folder takes on its disk, or more than `enough`. Follows no link. A folder that its owner closed, or that lies too deep
 * to have a path, cannot be measured, and counts as more than enough.
 */
async function folderBytes(folder: string, enough: number): Promise<number> {
  let bytes = 0
  const add = async (path: string): Promise<void> => {
    try {
      for await (const entry of await opendir(path)) {
        const at = join(path, entry.name)
        const stats = await lstat(at).catch(ignoreGone)
        if (stats !== undefined) bytes += Math.max(ENTRY_BYTES, stats.blocks * BLOCK_BYTES)
        if (bytes > enough) return
        if (entry.isDirectory()) await add(at)
      }
    } catch (error) {
      ignoreGone(error as Error)
    }
  }
  try {
    await add(folder)
  } catch {
    return Number.POSITIVE_INFINITY
  }
  return bytes
}

function ignoreGone(error: Error): undefined {
  if (!['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
}
