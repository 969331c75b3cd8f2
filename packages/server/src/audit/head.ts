// Heads: every second a writer notes, under a seal, how far its chains have come, so that cutting off the end of a chain is found.
// The directory, a chain of its own in the main database, notes that the writer exists, so that removing it as a whole is found.

import type { Logger } from '../observe/log.ts'
import type { Keyring } from '../seal/keyring.ts'
import { type Database, DatabaseError } from '../storage/database.ts'
import type { Rows } from '../storage/sealed.ts'
import { DIRECTORY, forge, type Tip } from './block.ts'
import { insertBlock, readTip } from './chain.ts'
import { type Head, hex, writeHead } from './checkpoint.ts'

/** A head is written anew this often even where nothing changed, so that retention can tell a quiet writer from a dead one. */
export const HEARTBEAT_MS = 43_200_000
const REGISTER_TRIES = 8

export type DirectoryEntry = { readonly writer: string; readonly openedAt: number }

/** The writer's empty head comes first, then its entry: an entry without a head was tampered with. */
export async function registerWriter(options: {
  readonly database: Database
  readonly auditDatabase: Database
  readonly keyring: Keyring
  readonly rows: Rows
  readonly writer: string
  readonly time: number
}): Promise<void> {
  const { keyring, rows, writer, time } = options
  await options.auditDatabase.transaction('write', (tx) =>
    writeHead(tx, rows, { writer, time, closed: false, tips: {} }, 1),
  )
  const entry: DirectoryEntry = { writer, openedAt: time }
  const draft = { firstTime: time, lastTime: time, events: 0, body: Buffer.from(JSON.stringify(entry)) }
  for (let tries = 1; ; tries++) {
    try {
      await options.database.transaction('write', async (tx) =>
        insertBlock(tx, forge(keyring, DIRECTORY, await readTip(tx, rows, DIRECTORY), draft)),
      )
      return
    } catch (error) {
      // Another process that starts now took the place: the next try finds the place after it.
      const raced = error instanceof DatabaseError && (error.reason === 'constraint' || error.reason === 'conflict')
      if (!raced || tries === REGISTER_TRIES) throw error
    }
  }
}

export type HeadWriter = {
  /** A chain in the audit database has come this far and is committed. */
  reached(chain: string, tip: Tip): void
  /** Records a head now, changed or not. @throws DatabaseError where it cannot be written */
  record(): Promise<void>
  /** Records the last heads. */
  close(): Promise<void>
}

type Hoped = { readonly chain: string; readonly tip: Tip; readonly lane: number }

export function startHeads(options: {
  readonly database: Database
  readonly auditDatabase: Database
  readonly rows: Rows
  readonly writer: string
  readonly wallNow: () => number
  readonly log: Logger
  readonly everyMs: number
  /** Chains of the main database with the block that should be committed by now. */
  readonly hopedFor: () => readonly Hoped[]
  /** That block did not appear: the next writer of the lane asks the database. */
  readonly forget: (lane: number, tip: Tip) => void
}): HeadWriter {
  const { database, auditDatabase, rows, writer, log } = options
  const tips = new Map<string, Tip>()
  const awaited = new Map<string, Tip>()
  let rev = 1
  let changed = false
  let writtenAt = options.wallNow()

  /** A block of a change counts once another transaction sees it: what is not committed must not stand in a head. */
  async function confirm(): Promise<void> {
    const open = options.hopedFor().filter(({ chain, tip }) => tips.get(chain)?.seq !== tip.seq)
    if (open.length === 0) return
    await database.transaction('read', async (tx) => {
      for (const { chain, tip, lane } of open) {
        const row = await tx.get<{ mac: Uint8Array }>(
          'SELECT mac FROM audit_block WHERE chain = $1 AND seq = $2',
          chain,
          tip.seq,
        )
        if (row !== undefined && Buffer.compare(row.mac, tip.mac) === 0) {
          tips.set(chain, tip)
          awaited.delete(chain)
          changed = true
        } else if (awaited.get(chain) === tip) {
          awaited.delete(chain)
          options.forget(lane, tip)
        } else {
          awaited.set(chain, tip)
        }
      }
    })
  }

  async function write(why: 'changed' | 'asked' | 'closing'): Promise<void> {
    await confirm()
    const time = options.wallNow()
    if (why === 'changed' && !changed && time - writtenAt < HEARTBEAT_MS) return
    changed = false
    const head: Head = {
      writer,
      time,
      closed: why === 'closing',
      tips: Object.fromEntries([...tips].map(([chain, tip]) => [chain, [tip.seq, hex(tip.mac)] as const])),
    }
    rev += 1
    const own = rev
    try {
      await auditDatabase.transaction('write', (tx) => writeHead(tx, rows, head, own))
    } catch (error) {
      changed = true
      throw error
    }
    writtenAt = time
  }

  let running: Promise<void> = Promise.resolve()
  let busy = false
  const timer = setInterval(() => {
    if (busy) return
    busy = true
    running = write('changed')
      .catch((error: unknown) => log.warn({ err: error }, 'the head of the audit trail was not recorded; trying again'))
      .finally(() => {
        busy = false
      })
  }, options.everyMs)
  timer.unref()

  return {
    reached: (chain, tip) => {
      tips.set(chain, tip)
      changed = true
    },
    record: () => {
      const recorded = running.then(() => write('asked'))
      running = recorded.catch(() => undefined)
      return recorded
    },
    close: async () => {
      clearInterval(timer)
      await running
      await write('closing')
    },
  }
}
