// Checkpoints: a side thread, one for the process, copies write-ahead logs into their databases, so that neither readers nor the writer wait.

import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { SqliteConnection } from './sqlite-connection.ts'

const PAGE_BYTES = 4_096
/** Copied while others read and write. */
const PASSIVE_PAGES = (4 << 20) / PAGE_BYTES
/** Under steady load the log never starts over by itself; from here on writers are kept out for the moment that it takes. */
const TRUNCATE_PAGES = (64 << 20) / PAGE_BYTES

type Task = { readonly id: number; readonly path: string; readonly kind: 'PASSIVE' | 'TRUNCATE' | 'close' }
type Done = { readonly id: number; readonly error: string | undefined }

const role = 'strongroom-sqlite-checkpointer'

let thread: Worker | undefined
let lastId = 0
const waiting = new Map<number, (error: string | undefined) => void>()

/** What kind of checkpoint a log of this size needs. */
export function checkpointDue(walPages: number, pendingPages: number): 'PASSIVE' | 'TRUNCATE' | undefined {
  if (walPages >= TRUNCATE_PAGES) return 'TRUNCATE'
  return pendingPages >= PASSIVE_PAGES ? 'PASSIVE' : undefined
}

/** Resolves with what went wrong, if anything did: the next one may succeed, and nothing is lost meanwhile. */
export function checkpoint(path: string, kind: 'PASSIVE' | 'TRUNCATE'): Promise<string | undefined> {
  thread ??= start()
  return ask(thread, path, kind)
}

/** Lets go of a database, so that whoever closes it last finds itself alone. */
export async function endCheckpoints(path: string): Promise<void> {
  if (thread !== undefined) await ask(thread, path, 'close')
}

function ask(to: Worker, path: string, kind: Task['kind']): Promise<string | undefined> {
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
  worker.on('message', ({ id, error }: Done) => {
    waiting.get(id)?.(error)
    waiting.delete(id)
    if (waiting.size === 0) worker.unref()
  })
  worker.on('error', () => {})
  worker.on('exit', () => {
    thread = undefined
    for (const resolve of waiting.values()) resolve('the thread for checkpoints is gone')
    waiting.clear()
  })
  return worker
}

function serve(): void {
  const connections = new Map<string, SqliteConnection>()
  parentPort!.on('message', ({ id, path, kind }: Task) => {
    let error: string | undefined
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
        connection.get(`PRAGMA wal_checkpoint(${kind})`, [])
      }
    } catch (cause) {
      error = cause instanceof Error ? cause.message : String(cause)
    }
    parentPort!.postMessage({ id, error } satisfies Done)
  })
}

if (!isMainThread && (workerData as { role?: string } | null)?.role === role) serve()
