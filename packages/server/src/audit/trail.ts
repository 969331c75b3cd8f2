// The audit trail: every call of a known identity becomes one event, written before its answer leaves.
// Blocks of events form keyed hash chains, one for each serial writer, so that writers never wait for one another (audit/block.ts).

import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Logger } from '../observe/log.ts'
import type { Keyring } from '../seal/keyring.ts'
import { type Database, DatabaseError, type Transaction } from '../storage/database.ts'
import { createRows } from '../storage/sealed.ts'
import {
  type Block,
  type Draft,
  draftBlocks,
  forge,
  type Line,
  laneChain,
  lengthOf,
  readChain,
  type Tip,
} from './block.ts'
import { insertBlock, readTip } from './chain.ts'
import { type CallCounts, usesOf } from './counts.ts'
import { encodeEvent } from './encode.ts'
import type { AuditEvent } from './event.ts'
import { type HeadWriter, registerWriter, startHeads } from './head.ts'
import { lookupEvents, type TrailPage, type TrailQuery } from './query.ts'

export type Trail = {
  /** Writes events into the transaction of the change they tell of: both commit or neither does. */
  record(tx: Transaction, events: readonly AuditEvent[]): Promise<void>
  /**
   * Writes the events of reads and refusals, grouped with those of other calls. Resolves when they survive kill -9, or the machine with
   * `--audit-sync`. Rejects with DatabaseError where they could not be written: then the call must fail.
   */
  append(events: readonly AuditEvent[]): Promise<void>
  /** The same of an event that is known already but for its time and its ids. */
  appendLine(line: Line): Promise<void>
  /** Finds events of one account and region, newest first; reads every database of the trail. */
  lookup(query: TrailQuery): Promise<TrailPage>
  /** Writes something of no consequence. @throws DatabaseError where the trail cannot be written, and so no call can succeed. */
  check(): Promise<void>
  /** Waits for what is being written and records the last heads. Does not close the databases. */
  close(): Promise<void>
}

export type TrailOptions = {
  /** Holds the blocks of changes, and the directory of writers. */
  readonly database: Database
  /** Holds the blocks of reads and refusals, and this writer's head. May be the same. */
  readonly auditDatabase: Database
  /** Every database of the trail, those of other workers too, for lookup; absent: the two above. */
  readonly databases?: () => readonly Database[]
  readonly keyring: Keyring
  /** Told of every event that is written. */
  readonly counts?: CallCounts
  readonly log: Logger
  readonly wallNow: () => number
  readonly randomBytes: (size: number) => Uint8Array
  readonly headEveryMs?: number
}

const HEAD_EVERY_MS = 1_000
/** Text that waits to be written; beyond it calls are refused rather than memory filled. */
const WAITING_CHARACTERS_MAX = 67_108_864

/** Opens this process's chains. @throws DatabaseError where the trail cannot be written: a server without a trail does not start. */
export async function createTrail(options: TrailOptions): Promise<Trail> {
  const { database, auditDatabase, counts, keyring, wallNow } = options
  const rows = createRows(keyring)
  const writer = Buffer.from(options.randomBytes(12)).toString('hex')
  const reads = readChain(writer)

  /** What the last record on each lane left, which is not known to be committed; absent where the database must be asked. */
  const laneTips = new Map<number, Tip>()
  let readTipNow: Tip | undefined
  let closed = false

  await registerWriter({ database, auditDatabase, keyring, rows, writer, time: wallNow() })
  const heads: HeadWriter = startHeads({
    database,
    auditDatabase,
    rows,
    writer,
    wallNow,
    log: options.log,
    everyMs: options.headEveryMs ?? HEAD_EVERY_MS,
    hopedFor: () => [...laneTips].map(([lane, tip]) => ({ chain: laneChain(writer, lane), tip, lane })),
    forget: (lane, tip) => laneTips.get(lane) === tip && laneTips.delete(lane),
  })

  /** @returns where the chain ends with them */
  async function addBlocks(tx: Transaction, chain: string, tip: Tip, drafts: readonly Draft[]): Promise<Tip> {
    const blocks: Block[] = []
    for (const draft of drafts) blocks.push(forge(keyring, chain, blocks.at(-1) ?? tip, draft))
    await Promise.all(blocks.map((block) => insertBlock(tx, block)))
    const { seq, mac } = blocks.at(-1)!
    return { seq, mac }
  }

  async function record(tx: Transaction, events: readonly AuditEvent[]): Promise<void> {
    if (events.length === 0) return
    if (closed) throw closedError()
    const { lane } = tx
    if (lane < 0) throw new Error('an event of a change was given to a transaction that only reads')
    const chain = laneChain(writer, lane)
    const lines = events.map(toLine)
    const drafts = draftBlocks(lines)
    tx.onRollback(() => {
      laneTips.delete(lane)
      for (const { uses, time } of lines) counts?.note(uses, time, -1)
    })
    for (const { uses, time } of lines) counts?.note(uses, time)
    const tip = laneTips.get(lane) ?? (await readTip(tx, rows, chain))
    laneTips.delete(lane)
    laneTips.set(lane, await addBlocks(tx, chain, tip, drafts))
  }

  type Group = { readonly lines: Line[]; characters: number; readonly written: PromiseWithResolvers<void> }
  const newGroup = (): Group => ({ lines: [], characters: 0, written: Promise.withResolvers() })

  let gathering = newGroup()
  let writing: Promise<void> | undefined

  function append(events: readonly AuditEvent[]): Promise<void> {
    if (events.length === 0) return Promise.resolve()
    try {
      return appendLines(events.map(toLine))
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** The events that came while a group was being written are the next group; its callers share one promise. */
  function appendLines(lines: readonly Line[]): Promise<void> {
    if (closed) return Promise.reject(closedError())
    const group = gathering
    if (group.characters > WAITING_CHARACTERS_MAX) {
      return Promise.reject(
        new DatabaseError('unavailable', 'the audit trail is written more slowly than calls arrive'),
      )
    }
    for (const line of lines) {
      group.lines.push(line)
      group.characters += lengthOf(line)
    }
    writing ??= gather().then(writeGroups)
    return group.written.promise
  }

  /** Calls that start together come to this point in one turn of the event loop, and those that were read meanwhile in the next. */
  async function gather(): Promise<void> {
    await nextTurn()
    await nextTurn()
  }

  async function writeGroups(): Promise<void> {
    while (gathering.lines.length > 0) {
      const group = gathering
      gathering = newGroup()
      try {
        readTipNow = await writeGroup(draftBlocks(group.lines))
        heads.reached(reads, readTipNow)
        group.written.resolve()
        if (counts !== undefined) for (const { uses, time } of group.lines) counts.note(uses, time)
      } catch (error) {
        // Perhaps it was committed all the same: the next group asks the database where the chain ends.
        readTipNow = undefined
        group.written.reject(error)
      }
    }
    writing = undefined
  }

  function writeGroup(drafts: readonly Draft[]): Promise<Tip> {
    const known = readTipNow
    return auditDatabase.transaction('write', async (tx) =>
      addBlocks(tx, reads, known ?? (await readTip(tx, rows, reads)), drafts),
    )
  }

  return {
    record,
    append,
    appendLine: (line) => appendLines([line]),
    lookup: (query) => lookupEvents(options.databases?.() ?? [...new Set([database, auditDatabase])], query),
    check: () => heads.record(),
    close: async () => {
      if (closed) return
      closed = true
      await writing
      await heads.close()
    },
  }
}

/** Of events of one call, its own comes first. */
const toLine = (event: AuditEvent, at: number): Line => ({
  time: Math.floor(event.time),
  told: encodeEvent(event),
  uses: usesOf(event, at === 0),
})

const closedError = (): DatabaseError => new DatabaseError('unavailable', 'the audit trail is closed')
