// Keeps the trail within its days and bytes: older blocks are merged into compressed segments, the oldest are removed from the
// beginning of each chain behind a sealed checkpoint, so that verifyTrail knows that they are missing rightly.

import type { Logger } from '../observe/log.ts'
import type { Keyring } from '../seal/keyring.ts'
import type { Database, Transaction } from '../storage/database.ts'
import { createRows, type Rows } from '../storage/sealed.ts'
import { type Block, DIRECTORY, linesOf, type Tip } from './block.ts'
import { BLOCK_COLUMNS, type BlockRow, toBlock } from './chain.ts'
import { type Head, listHeads, openHead, writeCheckpoint } from './checkpoint.ts'
import type { DirectoryEntry } from './head.ts'
import {
  lastOfSegment,
  packSegment,
  SEGMENT_BLOCKS_MAX,
  SEGMENT_BYTES_MAX,
  SEGMENT_SPAN_MS_MAX,
  type SegmentRow,
} from './segment.ts'

export type RetentionOptions = {
  /** The databases of the trail that this process looks after. */
  readonly databases: readonly Database[]
  readonly keyring: Keyring
  readonly log: Logger
  readonly wallNow: () => number
  readonly days: number
  /** For all of the databases together. */
  readonly bytesMax: number
  readonly everyMs?: number
}

export type TrailUsage = {
  readonly bytes: number
  readonly bytesMax: number
  /** From 80 % on the operator should know: beyond 100 % events are removed before their days are over. */
  readonly warns: boolean
}

export type Retention = {
  /** Compresses and removes what is due. One run at a time. */
  run(): Promise<void>
  usage(): Promise<TrailUsage>
  /** Runs now and then from now on. */
  start(): void
  stop(): Promise<void>
}

const EVERY_MS = 60_000
const COMPRESS_AFTER_MS = 3_600_000
/** Where more than this waits uncompressed, blocks are compressed sooner. */
const LOOSE_BYTES_MAX = 134_217_728
const COMPRESS_SOONER_AFTER_MS = 10_000
const WARNS_AT = 0.8
const DAY_MS = 86_400_000
/** A writer renews its head twice a day; one that has not for this long is dead. */
const DEAD_AFTER_MS = 2 * DAY_MS

export function createRetention(options: RetentionOptions): Retention {
  const { keyring, log, wallNow, days, bytesMax } = options
  const databases = [...new Set(options.databases)]
  const rows = createRows(keyring)

  async function usage(): Promise<TrailUsage> {
    let bytes = 0
    for (const database of databases) bytes += await bytesOf(database)
    return { bytes, bytesMax, warns: bytes >= bytesMax * WARNS_AT }
  }

  async function pass(): Promise<void> {
    const now = wallNow()
    const old = now - days * DAY_MS
    for (const database of databases) {
      await compressBlocks(database, now - COMPRESS_AFTER_MS)
      if ((await looseBytesOf(database)) > LOOSE_BYTES_MAX)
        await compressBlocks(database, now - COMPRESS_SOONER_AFTER_MS)
      await prune(database, rows, old, 'all')
    }
    const excess = (await usage()).bytes - bytesMax
    if (excess > 0) {
      const before = await cutoffFor(databases, excess)
      log.warn(
        { bytesMax, before: new Date(before).toISOString() },
        'the audit trail is full: its oldest events are removed',
      )
      for (const database of databases) await prune(database, rows, before, 'all but the newest block')
    }
    await removeDeadWriters(databases, rows, Math.min(old, now - DEAD_AFTER_MS))
  }

  let running: Promise<void> | undefined
  const run = (): Promise<void> => {
    running ??= pass().finally(() => {
      running = undefined
    })
    return running
  }

  let timer: NodeJS.Timeout | undefined
  return {
    run,
    usage,
    start: () => {
      const tick = (): void => {
        run().catch((error: unknown) => log.error({ err: error }, 'retention of the audit trail failed; trying again'))
      }
      timer = setInterval(tick, options.everyMs ?? EVERY_MS)
      timer.unref()
      tick()
    },
    stop: async () => {
      clearInterval(timer)
      await running?.catch(() => undefined)
    },
  }
}

const bytesOf = async (database: Database): Promise<number> =>
  (await looseBytesOf(database)) +
  (await database.transaction('read', (tx) => sum(tx, 'SELECT SUM(stored_bytes) AS total FROM audit_segment')))

const looseBytesOf = (database: Database): Promise<number> =>
  database.transaction('read', (tx) => sum(tx, 'SELECT SUM(LENGTH(body)) AS total FROM audit_block'))

async function sum(tx: Transaction, sql: string): Promise<number> {
  return Number((await tx.get<{ total: number | string | null }>(sql))?.total ?? 0)
}

/** Puts blocks that ended before `before` into segments, all but the newest of each chain, which the next one builds on. */
async function compressBlocks(database: Database, before: number): Promise<void> {
  const chains = await database.transaction('read', (tx) =>
    tx.all<{ chain: string }>(
      'SELECT DISTINCT chain FROM audit_block WHERE last_time < $1 AND chain <> $2',
      before,
      DIRECTORY,
    ),
  )
  for (const { chain } of chains) {
    for (let after = 0; ; ) {
      const run = await readRun(database, chain, after, before)
      if (run.length === 0) break
      await replace(database, await packSegment(run))
      after = run.at(-1)!.seq
    }
  }
}

type Size = Omit<BlockRow, 'body' | 'mac'> & { readonly bytes: number }

/** Consecutive blocks after `after`, as many as make one segment. */
async function readRun(database: Database, chain: string, after: number, before: number): Promise<readonly Block[]> {
  return database.transaction('read', async (tx) => {
    const sizes = await tx.all<Size>(
      `SELECT seq, first_time, last_time, LENGTH(body) AS bytes FROM audit_block
       WHERE chain = $1 AND seq > $2 AND seq < (SELECT MAX(seq) FROM audit_block WHERE chain = $1)
       ORDER BY seq LIMIT ${SEGMENT_BLOCKS_MAX}`,
      chain,
      after,
    )
    const last = lastOfRun(sizes, before)
    if (last === undefined) return []
    const run = await tx.all<BlockRow>(
      `SELECT ${BLOCK_COLUMNS} FROM audit_block WHERE chain = $1 AND seq > $2 AND seq <= $3 ORDER BY seq`,
      chain,
      after,
      last,
    )
    return run.map(toBlock)
  })
}

function lastOfRun(sizes: readonly Size[], before: number): number | undefined {
  let last: number | undefined
  let bytes = 0
  let earliest = Number.POSITIVE_INFINITY
  let latest = Number.NEGATIVE_INFINITY
  for (const size of sizes) {
    bytes += Number(size.bytes)
    earliest = Math.min(earliest, Number(size.first_time))
    latest = Math.max(latest, Number(size.last_time))
    const follows = last === undefined || (Number(size.seq) === last + 1 && bytes <= SEGMENT_BYTES_MAX)
    if (!follows || Number(size.last_time) >= before || latest - earliest > SEGMENT_SPAN_MS_MAX) break
    last = Number(size.seq)
  }
  return last
}

async function replace(database: Database, segment: SegmentRow): Promise<void> {
  await database.transaction('write', async (tx) => {
    const { changes } = await tx.run(
      'DELETE FROM audit_block WHERE chain = $1 AND seq >= $2 AND seq <= $3',
      segment.chain,
      segment.first_seq,
      segment.last_seq,
    )
    // Another server's retention was here first, and its segment holds them.
    if (changes === 0) return
    if (changes !== segment.last_seq - segment.first_seq + 1) {
      throw new Error(`blocks of the audit chain ${segment.chain} vanished while they were being compressed`)
    }
    await tx.run(
      `INSERT INTO audit_segment (chain, first_seq, last_seq, first_time, last_time, stored_bytes, body)
       VALUES ($1, $2, $3, $4, $5, $6, $7)`,
      segment.chain,
      segment.first_seq,
      segment.last_seq,
      segment.first_time,
      segment.last_time,
      segment.stored_bytes,
      segment.body,
    )
  })
}

/** Removes the beginning of each chain, up to the first block that did not end before `before`. */
async function prune(
  database: Database,
  rows: Rows,
  before: number,
  which: 'all' | 'all but the newest block',
): Promise<void> {
  const chains = await database.transaction('read', async (tx) => {
    const found = new Set<string>()
    for (const table of ['audit_block', 'audit_segment']) {
      const old = await tx.all<{ chain: string }>(
        `SELECT DISTINCT chain FROM ${table} WHERE last_time < $1 AND chain <> $2`,
        before,
        DIRECTORY,
      )
      for (const { chain } of old) found.add(chain)
    }
    return [...found]
  })
  for (const chain of chains) {
    await database.transaction('write', async (tx) => {
      const tip = await lastToRemove(tx, chain, before, which)
      if (tip !== undefined) await removeUpTo(tx, rows, chain, tip)
    })
  }
}

async function lastToRemove(
  tx: Transaction,
  chain: string,
  before: number,
  which: 'all' | 'all but the newest block',
): Promise<Tip | undefined> {
  // Segments and blocks are each in order of seq, and segments end before blocks begin.
  const kept = await tx.get<{ seq: number | null }>(
    'SELECT MIN(first_seq) AS seq FROM audit_segment WHERE chain = $1 AND last_time >= $2',
    chain,
    before,
  )
  if (kept?.seq == null) {
    const keptBlock = await tx.get<{ seq: number | null }>(
      'SELECT MIN(seq) AS seq FROM audit_block WHERE chain = $1 AND last_time >= $2',
      chain,
      before,
    )
    const newest =
      which === 'all'
        ? undefined
        : await tx.get<{ seq: number | null }>('SELECT MAX(seq) AS seq FROM audit_block WHERE chain = $1', chain)
    const end = Math.min(
      Number(keptBlock?.seq ?? Number.MAX_SAFE_INTEGER),
      Number(newest?.seq ?? Number.MAX_SAFE_INTEGER),
    )
    const last = await tx.get<Tip>(
      'SELECT seq, mac FROM audit_block WHERE chain = $1 AND seq < $2 ORDER BY seq DESC LIMIT 1',
      chain,
      end,
    )
    if (last !== undefined) return { seq: Number(last.seq), mac: last.mac }
  }
  const segment = await tx.get<SegmentRow>(
    `SELECT chain, first_seq, last_seq, first_time, last_time, stored_bytes, body FROM audit_segment
     WHERE chain = $1 AND first_seq < $2 ORDER BY first_seq DESC LIMIT 1`,
    chain,
    Number(kept?.seq ?? Number.MAX_SAFE_INTEGER),
  )
  return segment === undefined ? undefined : lastOfSegment(segment)
}

async function removeUpTo(tx: Transaction, rows: Rows, chain: string, tip: Tip): Promise<void> {
  await tx.run('DELETE FROM audit_segment WHERE chain = $1 AND last_seq <= $2', chain, tip.seq)
  await tx.run('DELETE FROM audit_block WHERE chain = $1 AND seq <= $2', chain, tip.seq)
  await writeCheckpoint(tx, rows, chain, tip)
}

/** The time before which everything must go to win back so many bytes. */
async function cutoffFor(databases: readonly Database[], bytes: number): Promise<number> {
  const oldest: { readonly lastTime: number; readonly size: number }[] = []
  for (const database of databases) {
    for (const sql of [
      'SELECT last_time, stored_bytes AS size FROM audit_segment ORDER BY last_time LIMIT 10000',
      // The newest block of a chain stays, and so does the directory, whose blocks hold no events.
      `SELECT last_time, LENGTH(body) AS size FROM audit_block
       WHERE events > 0 AND seq < (SELECT MAX(newest.seq) FROM audit_block AS newest WHERE newest.chain = audit_block.chain)
       ORDER BY last_time LIMIT 10000`,
    ]) {
      const found = await database.transaction('read', (tx) => tx.all<{ last_time: number; size: number }>(sql))
      for (const row of found) oldest.push({ lastTime: Number(row.last_time), size: Number(row.size) })
    }
  }
  oldest.sort((a, b) => a.lastTime - b.lastTime)
  let freed = 0
  for (const { lastTime, size } of oldest) {
    freed += size
    if (freed >= bytes) return lastTime + 1
  }
  return (oldest.at(-1)?.lastTime ?? 0) + 1
}

/** Forgets writers that are dead and of whom no block is left, the oldest first: their directory entries, heads and checkpoints. */
async function removeDeadWriters(databases: readonly Database[], rows: Rows, before: number): Promise<void> {
  const heads = new Map<string, Head>()
  for (const database of databases) {
    for (const row of await database.transaction('read', listHeads)) {
      const head = openHead(rows, row)
      heads.set(head.writer, head)
    }
  }
  const isGone = async (writer: string, openedAt: number): Promise<boolean> => {
    if ((heads.get(writer)?.time ?? openedAt) >= before) return false
    for (const database of databases) if (await hasBlocks(database, writer)) return false
    return true
  }
  const known = new Set<string>()
  for (const database of databases) {
    const entries = await database.transaction('read', (tx) =>
      tx.all<BlockRow>(`SELECT ${BLOCK_COLUMNS} FROM audit_block WHERE chain = $1 ORDER BY seq`, DIRECTORY),
    )
    let last: Tip | undefined
    for (const [at, row] of entries.entries()) {
      const entry = JSON.parse(linesOf(toBlock(row))[0]!) as DirectoryEntry
      // The newest entry stays: the next writer builds on it.
      if (at < entries.length - 1 && (await isGone(entry.writer, entry.openedAt))) last = toBlock(row)
      else {
        for (const kept of entries.slice(at)) {
          known.add((JSON.parse(linesOf(toBlock(kept))[0]!) as DirectoryEntry).writer)
        }
        break
      }
    }
    if (last !== undefined) {
      const tip = last
      await database.transaction('write', (tx) => removeUpTo(tx, rows, DIRECTORY, tip))
    }
  }
  for (const [writer, head] of heads) {
    if (known.has(writer) || !(await isGone(writer, head.time))) continue
    for (const database of databases) {
      await database.transaction('write', async (tx) => {
        await tx.run('DELETE FROM audit_head WHERE writer = $1', writer)
        await tx.run('DELETE FROM audit_checkpoint WHERE chain >= $1 AND chain < $2', `${writer}.`, `${writer}/`)
      })
    }
  }
}

async function hasBlocks(database: Database, writer: string): Promise<boolean> {
  return database.transaction('read', async (tx) => {
    for (const table of ['audit_block', 'audit_segment']) {
      const row = await tx.get(
        `SELECT 1 AS one FROM ${table} WHERE chain >= $1 AND chain < $2 LIMIT 1`,
        `${writer}.`,
        `${writer}/`,
      )
      if (row !== undefined) return true
    }
    return false
  })
}
