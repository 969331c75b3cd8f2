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
  /** Absent where the folder has no bound. */
  readonly scratch?: Scratch
  readonly memoryBytesMax: number
  readonly processesMax: number
  /** Called with the reason, when it has gone too far; maybe more than once. */
  kill(reason: string): void
}

type Scratch = { readonly directory: string; readonly bytesMax: number }

export type Watch = {
  stop(): void
  /** The most memory that was seen, by a first look now where there was none yet. Undefined when it was gone before. */
  peakBytes(): number | undefined
}

export type Watchdog = {
  watch(watched: Watched): Watch
}

export function createWatchdog(): Watchdog {
  const all = new Set<Watched>()
  const peaks = new Map<Watched, number>()
  let timer: NodeJS.Timeout | undefined
  const lookAt = (watched: Watched, processes: readonly Process[]): void => {
    const members = membersOf(processes, watched.pid)
    if (members.length === 0) return
    const { memoryBytes, tasks } = measure(members)
    peaks.set(watched, Math.max(peaks.get(watched) ?? 0, memoryBytes))
    if (memoryBytes > watched.memoryBytesMax) watched.kill(`memory: more than ${watched.memoryBytesMax} bytes`)
    else if (tasks > watched.processesMax) watched.kill(`more than ${watched.processesMax} processes and threads`)
  }
  const look = (): void => {
    const began = performance.now()
    const processes = listProcesses()
    for (const watched of all) lookAt(watched, processes)
    timer = restThen(look, PROCESSES_EVERY_MS, began)
  }
  return {
    watch(watched) {
      all.add(watched)
      timer ??= restThen(look, PROCESSES_EVERY_MS)
      const stopScratch = watched.scratch === undefined ? undefined : watchScratch(watched, watched.scratch)
      let peak: number | undefined
      return {
        stop() {
          stopScratch?.()
          peak = peaks.get(watched)
          peaks.delete(watched)
          if (!all.delete(watched) || all.size > 0) return
          clearTimeout(timer)
          timer = undefined
        },
        peakBytes() {
          if (all.has(watched) && !peaks.has(watched)) lookAt(watched, listProcesses())
          return peaks.get(watched) ?? peak
        },
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

/**
 * Memory that cannot be written back to a file, what of it is in the swap and the tables that find it: what is mapped from programs and
 * libraries costs nobody anything.
 */
function measure(members: readonly number[]): { readonly memoryBytes: number; readonly tasks: number } {
  let [kibibytes, tasks] = [0, 0]
  for (const pid of members) {
    const status = whileItLives(() => readFileSync(`/proc/${pid}/status`, 'latin1'))
    for (const [, name, value] of status?.matchAll(
      /^(RssAnon|RssShmem|VmPTE|VmSwap|HugetlbPages|Threads):\s+(\d+)/gm,
    ) ?? []) {
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

function watchScratch({ pid, kill }: Watched, { directory, bytesMax }: Scratch): () => void {
  let [stopped, timer] = [false, restThen(look, SCRATCH_EVERY_MS)]
  async function look(): Promise<void> {
    const began = performance.now()
    const deleted = deletedBytes(membersOf(listProcesses(), pid))
    const bytes = deleted + (await folderBytes(directory, bytesMax - deleted))
    if (stopped) return
    if (bytes > bytesMax) kill(`scratch folder: more than ${bytesMax} bytes`)
    else timer = restThen(look, SCRATCH_EVERY_MS, began)
  }
  return () => {
    stopped = true
    clearTimeout(timer)
  }
}

/**
 * Files that are deleted and still open take their bytes until they are closed. A process that nobody may look into, because it runs a
 * program that it may not read, counts as if it had more than enough.
 */
function deletedBytes(members: readonly number[]): number {
  const files = new Map<string, number>()
  for (const pid of members) {
    for (const handle of handlesOf(pid)) {
      if (handle === undefined) return Number.POSITIVE_INFINITY
      const stats = whileItLives(() => statSync(`/proc/${pid}/fd/${handle}`))
      if (stats?.isFile() && stats.nlink === 0) files.set(`${stats.dev}:${stats.ino}`, stats.blocks * BLOCK_BYTES)
    }
  }
  return [...files.values()].reduce((sum, bytes) => sum + bytes, 0)
}

/** Undefined stands for those that cannot be seen. */
function handlesOf(pid: number): readonly (string | undefined)[] {
  try {
    return readdirSync(`/proc/${pid}/fd`)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EACCES' ? [undefined] : []
  }
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
