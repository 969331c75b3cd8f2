// The rows of chains: how a block is added, and where a chain ends.

import type { Transaction } from '../storage/database.ts'
import type { Rows } from '../storage/sealed.ts'
import { type Block, ORIGIN, type Tip } from './block.ts'
import { readCheckpoint } from './checkpoint.ts'
import { lastOfSegment, type SegmentRow } from './segment.ts'

export type BlockRow = {
  readonly chain: string
  readonly seq: number
  readonly first_time: number
  readonly last_time: number
  readonly events: number
  readonly body: Uint8Array
  readonly mac: Uint8Array
}

export const BLOCK_COLUMNS = 'chain, seq, first_time, last_time, events, body, mac'

export const toBlock = (row: BlockRow): Block => ({
  chain: row.chain,
  seq: Number(row.seq),
  firstTime: Number(row.first_time),
  lastTime: Number(row.last_time),
  events: Number(row.events),
  body: row.body,
  mac: row.mac,
})

/** Adds a block. Two writers cannot both continue a chain: the second finds its seq taken. */
export async function insertBlock(tx: Transaction, block: Block): Promise<void> {
  await tx.run(
    `INSERT INTO audit_block (${BLOCK_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
    block.chain,
    block.seq,
    block.firstTime,
    block.lastTime,
    block.events,
    block.body,
    block.mac,
  )
}

/** Where a chain ends in the database: its newest block, wherever retention has put that. */
export async function readTip(tx: Transaction, rows: Rows, chain: string): Promise<Tip> {
  const newest = await tx.get<Tip>('SELECT seq, mac FROM audit_block WHERE chain = $1 ORDER BY seq DESC LIMIT 1', chain)
  if (newest !== undefined) return { seq: Number(newest.seq), mac: newest.mac }
  const segment = await tx.get<SegmentRow>(
    'SELECT * FROM audit_segment WHERE chain = $1 ORDER BY first_seq DESC LIMIT 1',
    chain,
  )
  if (segment !== undefined) return lastOfSegment(segment)
  return (await readCheckpoint(tx, rows, chain)) ?? ORIGIN
}
