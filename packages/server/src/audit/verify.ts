// Checks the whole trail: every block's MAC and place, every chain against its head, every writer against the directory.
// Works beside a running server: what is read first is what is written last.

import { IntegrityError } from '../errors.ts'
import type { Keyring } from '../seal/keyring.ts'
import type { Database, Transaction } from '../storage/database.ts'
import { createRows, type Rows } from '../storage/sealed.ts'
import { type Block, DIRECTORY, isGenuine, linesOf, ORIGIN, type Tip, writerOf } from './block.ts'
import { BLOCK_COLUMNS, type BlockRow, toBlock } from './chain.ts'
import { type Head, hex, listHeads, openHead, readCheckpoint } from './checkpoint.ts'
import type { DirectoryEntry } from './head.ts'
import { type SegmentRow, unpackSegment } from './segment.ts'

export type TrailProblem = {
  readonly chain: string
  /** The block concerned, where it is one. */
  readonly seq?: number
  readonly what: string
}

export type TrailVerification = {
  readonly events: number
  readonly blocks: number
  readonly chains: number
  /** Empty where the trail is whole. At most PROBLEMS_MAX. */
  readonly problems: readonly TrailProblem[]
}

/** What `strongroom audit verify` prints. */
export const reportOf = (verification: TrailVerification): TrailVerification & { readonly ok: boolean } => ({
  ok: verification.problems.length === 0,
  ...verification,
})

export const PROBLEMS_MAX = 1_000
const ROWS_PER_READ = 64

type Expected = { readonly seq: number; readonly mac: string }
type Progress = {
  events: number
  blocks: number
  readonly chains: Set<string>
  readonly problems: TrailProblem[]
  /** What the heads say of each chain. */
  readonly expected: Map<string, Expected>
  readonly writers: Set<string>
}

/**
 * Reads every block of every database of the trail: the main one and those of all workers. Finds what was edited, removed, reordered,
 * swapped, inserted or cut off. Does not find the whole storage put back to an earlier state: only what was kept elsewhere can tell.
 * @throws DatabaseError where a database cannot be read
 */
export async function verifyTrail(databases: readonly Database[], keyring: Keyring): Promise<TrailVerification> {
  const rows = createRows(keyring)
  const progress: Progress = {
    events: 0,
    blocks: 0,
    chains: new Set(),
    problems: [],
    expected: new Map(),
    writers: new Set(),
  }
  const registered = new Set<string>()
  for (const database of databases) for (const { writer } of await readDirectory(database)) registered.add(writer)
  const heads = new Map<string, Head>()
  for (const database of databases) {
    for (const head of await readHeads(database, rows, progress)) {
      heads.set(head.writer, head)
      for (const [chain, [seq, mac]] of Object.entries(head.tips)) progress.expected.set(chain, { seq, mac })
    }
  }
  for (const database of databases) {
    for await (const chain of chainsOf(database)) await verifyChain(database, rows, keyring, chain, progress)
  }
  for (const [chain, { seq }] of progress.expected) {
    if (!progress.chains.has(chain)) report(progress, { chain, what: `is missing: its head tells of ${seq} blocks` })
  }
  await verifyWriters(databases, rows, registered, heads, progress)
  const { events, blocks, chains, problems } = progress
  return { events, blocks, chains: chains.size, problems }
}

function report(progress: Progress, problem: TrailProblem): void {
  if (progress.problems.length < PROBLEMS_MAX) progress.problems.push(problem)
}

async function readDirectory(database: Database): Promise<readonly DirectoryEntry[]> {
  const entries = await database.transaction('read', (tx) =>
    tx.all<BlockRow>(`SELECT ${BLOCK_COLUMNS} FROM audit_block WHERE chain = $1 ORDER BY seq`, DIRECTORY),
  )
  return entries.flatMap((row) => {
    try {
      return [JSON.parse(linesOf(toBlock(row))[0]!) as DirectoryEntry]
    } catch {
      return []
    }
  })
}

async function readHeads(database: Database, rows: Rows, progress: Progress): Promise<readonly Head[]> {
  const sealed = await database.transaction('read', listHeads)
  return sealed.flatMap((row) => {
    try {
      return [openHead(rows, row)]
    } catch (error) {
      if (!(error instanceof IntegrityError)) throw error
      report(progress, { chain: row.writer, what: 'the head of this writer was altered' })
      return []
    }
  })
}

/** Every writer in the directory must have a head, and every writer of blocks must be in the directory. */
async function verifyWriters(
  databases: readonly Database[],
  rows: Rows,
  registered: ReadonlySet<string>,
  heads: ReadonlyMap<string, Head>,
  progress: Progress,
): Promise<void> {
  const strangers = [...progress.writers].filter((writer) => !registered.has(writer))
  const headless = [...registered].filter((writer) => !heads.has(writer))
  if (strangers.length === 0 && headless.length === 0) return
  // Writers come and go while the trail is read: what is still so now was not a matter of the moment.
  const registeredNow = new Set<string>()
  const headsNow = new Set<string>()
  const ignored: Progress = { ...progress, problems: [] }
  for (const database of databases) {
    for (const { writer } of await readDirectory(database)) registeredNow.add(writer)
    for (const { writer } of await readHeads(database, rows, ignored)) headsNow.add(writer)
  }
  for (const writer of strangers) {
    if (!registeredNow.has(writer)) report(progress, { chain: writer, what: 'this writer is not in the directory' })
  }
  for (const writer of headless) {
    if (registeredNow.has(writer) && !headsNow.has(writer)) {
      report(progress, { chain: writer, what: 'the head of this writer is missing' })
    }
  }
}

async function* chainsOf(database: Database): AsyncGenerator<string> {
  for (let last = ''; ; ) {
    const next = await database.transaction('read', async (tx) => {
      const names: string[] = []
      for (const table of ['audit_block', 'audit_segment', 'audit_checkpoint']) {
        const row = await tx.get<{ chain: string | null }>(
          `SELECT MIN(chain) AS chain FROM ${table} WHERE chain > $1`,
          last,
        )
        if (row?.chain) names.push(row.chain)
      }
      return names.sort()[0]
    })
    if (next === undefined) return
    yield next
    last = next
  }
}

type Cursor = {
  /** Rows and segments are each visited once, in order of their first seq. */
  row: number
  segment: number
  /** The last seq that a segment covered. */
  segmentEnd: number
  /** The block that must come next follows this one; its MAC is undefined where it is not known. */
  tip: { seq: number; mac: Uint8Array | undefined }
}

async function verifyChain(
  database: Database,
  rows: Rows,
  keyring: Keyring,
  chain: string,
  progress: Progress,
): Promise<void> {
  if (progress.chains.has(chain)) {
    report(progress, { chain, what: 'stands in two databases' })
    return
  }
  progress.chains.add(chain)
  if (chain !== DIRECTORY) progress.writers.add(writerOf(chain))
  const cursor: Cursor = { row: 0, segment: 0, segmentEnd: 0, tip: { ...ORIGIN } }
  let more = true
  while (more) {
    more = await database.transaction('read', async (tx) => {
      const checkpoint = await checkpointOf(tx, rows, chain, progress)
      const passed = checkpoint !== undefined && checkpoint.seq > cursor.tip.seq ? checkpoint : undefined
      if (passed !== undefined) cursor.tip = { ...passed }
      return verifyPage(tx, keyring, chain, checkpoint, cursor, progress)
    })
  }
  const expected = progress.expected.get(chain)
  if (expected !== undefined && cursor.tip.seq < expected.seq) {
    const what = `is cut off: its head tells of ${expected.seq} blocks, the last one here is ${cursor.tip.seq}`
    report(progress, { chain, seq: cursor.tip.seq, what })
  }
}

async function checkpointOf(tx: Transaction, rows: Rows, chain: string, progress: Progress): Promise<Tip | undefined> {
  try {
    return await readCheckpoint(tx, rows, chain)
  } catch (error) {
    if (!(error instanceof IntegrityError)) throw error
    const what = 'the checkpoint of this chain was altered'
    if (!progress.problems.some((problem) => problem.chain === chain && problem.what === what)) {
      report(progress, { chain, what })
    }
    return undefined
  }
}

/** One snapshot's worth: the next segment, or rows up to it. @returns whether there may be more */
async function verifyPage(
  tx: Transaction,
  keyring: Keyring,
  chain: string,
  checkpoint: Tip | undefined,
  cursor: Cursor,
  progress: Progress,
): Promise<boolean> {
  const segment = await tx.get<SegmentRow>(
    `SELECT chain, first_seq, last_seq, first_time, last_time, stored_bytes, body FROM audit_segment
     WHERE chain = $1 AND first_seq > $2 ORDER BY first_seq LIMIT 1`,
    chain,
    cursor.segment,
  )
  const before = segment === undefined ? Number.MAX_SAFE_INTEGER : Number(segment.first_seq)
  const page = await tx.all<BlockRow>(
    `SELECT ${BLOCK_COLUMNS} FROM audit_block WHERE chain = $1 AND seq > $2 AND seq < $3 ORDER BY seq LIMIT ${ROWS_PER_READ}`,
    chain,
    cursor.row,
    before,
  )
  for (const row of page) {
    const block = toBlock(row)
    cursor.row = block.seq
    if (checkpoint !== undefined && block.seq <= checkpoint.seq) {
      report(progress, { chain, seq: block.seq, what: 'was removed by retention and is here again' })
    } else if (block.seq <= cursor.segmentEnd) {
      report(progress, { chain, seq: block.seq, what: 'is there twice' })
    } else {
      follow(keyring, block, cursor, progress)
    }
  }
  if (page.length > 0) return true
  if (segment === undefined) return false
  await verifySegment(tx, keyring, segment, checkpoint, cursor, progress)
  return true
}

async function verifySegment(
  tx: Transaction,
  keyring: Keyring,
  row: SegmentRow,
  checkpoint: Tip | undefined,
  cursor: Cursor,
  progress: Progress,
): Promise<void> {
  const { chain } = row
  const seq = Number(row.first_seq)
  const last = Number(row.last_seq)
  const overlaps = seq <= cursor.segmentEnd
  cursor.segment = seq
  cursor.segmentEnd = Math.max(cursor.segmentEnd, last)
  let blocks: readonly Block[]
  try {
    blocks = unpackSegment(row)
  } catch {
    report(progress, { chain, seq, what: 'the segment that begins here cannot be read' })
    cursor.tip = { seq: last, mac: undefined }
    return
  }
  const truthful =
    blocks[0]!.seq === seq &&
    blocks.at(-1)!.seq === last &&
    Math.min(...blocks.map((block) => block.firstTime)) === Number(row.first_time) &&
    Math.max(...blocks.map((block) => block.lastTime)) === Number(row.last_time) &&
    row.body.length === Number(row.stored_bytes)
  if (!truthful) report(progress, { chain, seq, what: 'the segment that begins here was altered' })
  const twin = await tx.get(
    'SELECT seq FROM audit_block WHERE chain = $1 AND seq >= $2 AND seq <= $3',
    chain,
    seq,
    last,
  )
  if (overlaps || twin !== undefined)
    report(progress, { chain, seq, what: 'the segment that begins here repeats blocks' })
  if (checkpoint !== undefined && last <= checkpoint.seq) {
    report(progress, { chain, seq, what: 'the segment that begins here was removed by retention and is here again' })
  }
  for (const block of blocks) {
    // Rows that were checked a moment ago, before retention put them into this segment.
    if (block.seq > cursor.tip.seq) follow(keyring, block, cursor, progress)
  }
}

/** Checks that a block is the next of its chain. After a problem it goes on from what the block itself says, so that one edit is one problem or two. */
function follow(keyring: Keyring, block: Block, cursor: Cursor, progress: Progress): void {
  const { chain, seq } = block
  const { tip } = cursor
  const missing = seq - tip.seq - 1
  if (missing > 0) {
    const range = missing === 1 ? `block ${seq - 1} is` : `blocks ${tip.seq + 1} to ${seq - 1} are`
    report(progress, { chain, seq, what: `${range} missing before this one` })
  }
  const previous = missing > 0 ? undefined : tip.mac
  if (previous !== undefined) {
    if (!isGenuine(keyring, block, previous))
      report(progress, { chain, seq, what: 'does not carry the MAC that it must' })
    else if (chain !== DIRECTORY && linesOf(block).length !== block.events) {
      report(progress, { chain, seq, what: `holds another number of events than ${block.events}` })
    }
  }
  const expected = progress.expected.get(chain)
  if (expected?.seq === seq && expected.mac !== hex(block.mac)) {
    report(progress, { chain, seq, what: 'is not the block that the head tells of' })
  }
  cursor.tip = { seq, mac: block.mac }
  if (chain === DIRECTORY) return
  progress.blocks += 1
  progress.events += block.events
}
