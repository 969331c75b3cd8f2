// Checkpoints: a side thread, one for the process, copies write-ahead logs into their databases, so that neither readers nor the writer wait.

import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { SqliteConnection } from './sqlite-connection.ts'
import type { LogSize } from './sqlite-writer.ts'

const PAGE_BYTES = 4_096
/** Copied while others read and write. */
const PASSIVE_PAGES = (4 << 20) / PAGE_BYTES
/** Under steady load the log never starts over by itself; from here on writers are kept out for the moment that it takes. */
const TRUNCATE_PAGES = (64 << 20) / PAGE_BYTES

type Task = { readonly id: number; readonly path: string; readonly kind: 'PASSIVE' | 'TRUNCATE' | 'close' }
/** `complete`: nothing of the log is left to copy, and the copy is on disk. */
export type Checkpointed = { readonly error: string | undefined; readonly complete: boolean }
type Done = Checkpointed & { readonly id: number }

const role = 'strongroom-sqlite-checkpointer'

let thread: Worker | undefined
let lastId = 0
const waiting = new Map<number, (done: Checkpointed) => void>()

/** What kind of checkpoint a log of this size needs. */
export function checkpointDue({ pages, pendingPages }: LogSize): 'PASSIVE' | 'TRUNCATE' | undefined {
  if (pages >= TRUNCATE_PAGES) return 'TRUNCATE'
  return pendingPages >= PASSIVE_PAGES ? 'PASSIVE' : undefined
}

/** Resolves with what went wrong, if anything did: the next one may succeed, and nothing is lost meanwhile. */
export function checkpoint(path: string, kind: 'PASSIVE' | 'TRUNCATE'): Promise<Checkpointed> {
  thread ??= start()
  return ask(thread, path, kind)
}

/** Lets go of a database, so that whoever closes it last finds itself alone. */
export async function endCheckpoints(path: string): Promise<void> {
  if (thread !== undefined) await ask(thread, path, 'close')
}

function ask(to: Worker, path: string, kind: Task['kind']): Promise<Checkpointed> {
  const id = ++lastId
  to.ref()
  to.postMessage({ id, path, kind } satisfies Task)
  return new Promise((resolve) => waiting.set(id, resolve))
}

function start(): Worker {
  const worker = new Worker(new URL(import.meta.url), {
    workerData: { role },
    name: 'sqlite-checkpointer',
    execArgv: [],
  })
  worker.unref()
  worker.on('message', ({ id, ...done }: Done) => {
    waiting.get(id)?.(done)
    waiting.delete(id)
    if (waiting.size === 0) worker.unref()
  })
  worker.on('error', () => {})
  worker.on('exit', () => {
    thread = undefined
    const lost = { error: 'the thread for checkpoints is gone', complete: false }
    for (const resolve of waiting.values()) resolve(lost)
    waiting.clear()
  })
  return worker
}

function serve(): void {
  const connections = new Map<string, SqliteConnection>()
  parentPort!.on('message', ({ id, path, kind }: Task) => {
    let error: string | undefined
    let complete = false
    try {
      if (kind === 'close') {
        connections.get(path)?.close()
        connections.delete(path)
      } else {
        let connection = connections.get(path)
        if (connection === undefined) {
          connection = new SqliteConnection(path, { access: 'write', busyTimeoutMs: 2_000, synchronous: 'FULL' })
          connections.set(path, connection)
        }
        const { busy } = connection.get(`PRAGMA wal_checkpoint(${kind})`, []) as { readonly busy: number }
        complete = kind === 'TRUNCATE' && busy === 0
      }
    } catch (cause) {
      error = cause instanceof Error ? cause.message : String(cause)
    }
    parentPort!.postMessage({ id, error, complete } satisfies Done)
  })
}

if (!isMainThread && (workerData as { role?: string } | null)?.role === role) serve()
