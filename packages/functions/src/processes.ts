// The processes of an instance, as Linux tells of them in /proc: what descends from it, and who is at the other
// end of a connection. Elsewhere nothing is told, and callers say what they do then.
// https://www.kernel.org/doc/html/latest/filesystems/proc.html

import { existsSync } from 'node:fs'
import { readdir, readFile, readlink } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'

/** Whether this system tells of processes. */
export const TELLS_OF_PROCESSES = existsSync('/proc/self/task')

/** More of them are not looked at: a fork bomb must not keep the server busy. */
const PROCESSES_MAX = 512

/** The process and what descends from it, at most 512. Empty when it is gone. What was orphaned is not found. */
export async function processTree(root: number): Promise<readonly number[]> {
  const found: number[] = []
  let generation = [root]
  while (generation.length > 0 && found.length < PROCESSES_MAX) {
    const alive = await Promise.all(generation.map(async (pid) => ({ pid, children: await childrenOf(pid) })))
    found.push(...alive.flatMap(({ pid, children }) => (children === undefined ? [] : [pid])))
    generation = alive.flatMap(({ children }) => children ?? []).slice(0, PROCESSES_MAX)
  }
  return found
}

/** Undefined when the process is gone. */
async function childrenOf(pid: number): Promise<readonly number[] | undefined> {
  const threads = await readdir(`/proc/${pid}/task`).catch(gone)
  if (threads === undefined) return undefined
  const lists = await Promise.all(
    threads.map((thread) => readFile(`/proc/${pid}/task/${thread}/children`, 'utf8').catch(gone)),
  )
  return lists.flatMap((list) => (list ?? '').split(' ').filter(Boolean).map(Number))
}

/** One end of a TCP connection over IPv4. */
export type Endpoint = { readonly address: string; readonly port: number }

/** Whether one of the processes holds the socket that is bound to `local` and connected to `remote`. */
export async function holdsConnection(pids: readonly number[], local: Endpoint, remote: Endpoint): Promise<boolean> {
  const inode = await findSocket(local, remote)
  if (inode === undefined) return false
  const held = await Promise.all(pids.map((pid) => holdsFile(pid, `socket:[${inode}]`)))
  return held.includes(true)
}

/** The socket's inode. A client may have opened it as IPv6 and reached us over a mapped address. */
async function findSocket(local: Endpoint, remote: Endpoint): Promise<string | undefined> {
  const ends = `${inHex(local)} ${inHex(remote)} `
  const endsOverV6 = `${MAPPED}${inHex(local)} ${MAPPED}${inHex(remote)} `
  for (const [file, wanted] of [
    ['/proc/net/tcp', ends],
    ['/proc/net/tcp6', endsOverV6],
  ] as const) {
    const table = (await readFile(file, 'utf8').catch(gone)) ?? ''
    const line = table.split('\n').find((row) => row.includes(wanted))
    const inode = line?.trim().split(/\s+/)[9]
    if (inode !== undefined && inode !== '0') return inode
  }
  return undefined
}

/** ::ffff:0:0/96 as the kernel of a little-endian machine prints it. */
const MAPPED = '0000000000000000FFFF0000'

const inHex = ({ address, port }: Endpoint): string => {
  const bytes = Buffer.from(address.split('.').map(Number)).reverse()
  return `${bytes.toString('hex')}:${port.toString(16).padStart(4, '0')}`.toUpperCase()
}

async function holdsFile(pid: number, target: string): Promise<boolean> {
  const descriptors = (await readdir(`/proc/${pid}/fd`).catch(gone)) ?? []
  const targets = await Promise.all(descriptors.map((fd) => readlink(`/proc/${pid}/fd/${fd}`).catch(gone)))
  return targets.includes(target)
}

/** Every process that was started with this text in its environment, this one left out: those too that left their group and parent. */
export async function processesWith(text: string): Promise<readonly number[]> {
  const pids = ((await readdir('/proc').catch(gone)) ?? []).filter((name) => /^\d+$/.test(name)).map(Number)
  const matches = await Promise.all(
    pids.map(async (pid) => {
      const environment = await readFile(`/proc/${pid}/environ`, 'latin1').catch(gone)
      return environment?.includes(text) && pid !== process.pid ? [pid] : []
    }),
  )
  return matches.flat()
}

/** About two seconds in all. */
const END_ROUNDS = 20
const END_PAUSE_MS = 10

/** Kills what is found until nothing is: what is killed may have started something meanwhile, and on a busy machine it takes its time to go. */
export async function endAll(find: () => Promise<readonly number[]>): Promise<void> {
  for (let round = 0; round < END_ROUNDS; round++) {
    const pids = await find()
    if (pids.length === 0) return
    for (const pid of pids) killIfThere(pid)
    await sleep(round * END_PAUSE_MS)
  }
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException
    if (code !== 'ESRCH' && code !== 'EPERM') throw error
  }
}

/** A name for a process that no other one has until the machine starts again: its id, and when it began where that is told. */
export async function nameOf(pid: number): Promise<string | undefined> {
  if (!TELLS_OF_PROCESSES) return isAlive(pid) ? String(pid) : undefined
  const stat = await readFile(`/proc/${pid}/stat`, 'latin1').catch(gone)
  // The name of the program, in brackets, may hold anything. Fields 3 and 22 are the state and the start.
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ')
  return fields === undefined || fields[0] === 'Z' ? undefined : `${pid}-${fields[19]}`
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** A process may end while it is looked at, and another user's cannot be looked into. */
const gone = (): undefined => undefined
