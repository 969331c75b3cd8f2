// A segment: consecutive older blocks of one chain in one compressed row. Each block keeps its columns and its MAC, so that it still verifies.

import { promisify } from 'node:util'
import { zstdCompress, zstdDecompressSync } from 'node:zlib'
import type { Block, Tip } from './block.ts'

export type SegmentRow = {
  readonly chain: string
  readonly first_seq: number
  readonly last_seq: number
  readonly first_time: number
  readonly last_time: number
  readonly stored_bytes: number
  readonly body: Uint8Array
}

/** Limits of one segment: what a reader must hold in memory, and how far segments of different chains can overlap in time. */
export const SEGMENT_BYTES_MAX = 524_288
export const SEGMENT_BLOCKS_MAX = 1_024
export const SEGMENT_SPAN_MS_MAX = 3_600_000

/** A block holds one event more than its bound at most, and a segment one block; anything larger was not made here. */
const UNPACKED_BYTES_MAX = 16_777_216
const HEADER_BYTES = 36

const compress = promisify(zstdCompress)

/** `(i64 seq ‖ i64 first_time ‖ i64 last_time ‖ u32 events ‖ u32 MAC length ‖ u32 body length ‖ MAC ‖ body)*`, compressed with zstd. */
export async function packSegment(blocks: readonly Block[]): Promise<SegmentRow> {
  const parts: Uint8Array[] = []
  for (const block of blocks) {
    const header = Buffer.allocUnsafe(HEADER_BYTES)
    header.writeBigInt64BE(BigInt(block.seq), 0)
    header.writeBigInt64BE(BigInt(block.firstTime), 8)
    header.writeBigInt64BE(BigInt(block.lastTime), 16)
    header.writeUInt32BE(block.events, 24)
    header.writeUInt32BE(block.mac.length, 28)
    header.writeUInt32BE(block.body.length, 32)
    parts.push(header, block.mac, block.body)
  }
  const body = await compress(Buffer.concat(parts))
  const first = blocks[0]!
  return {
    chain: first.chain,
    first_seq: first.seq,
    last_seq: blocks.at(-1)!.seq,
    first_time: Math.min(...blocks.map((block) => block.firstTime)),
    last_time: Math.max(...blocks.map((block) => block.lastTime)),
    stored_bytes: body.length,
    body,
  }
}

/** The blocks of a segment in order of seq. @throws Error if the bytes are not what packSegment makes. */
export function unpackSegment(row: SegmentRow): readonly Block[] {
  const bytes = zstdDecompressSync(row.body, { maxOutputLength: UNPACKED_BYTES_MAX })
  const blocks: Block[] = []
  for (let at = 0; at < bytes.length; ) {
    const macAt = at + HEADER_BYTES
    const bodyAt = macAt + bytes.readUInt32BE(at + 28)
    const end = bodyAt + bytes.readUInt32BE(at + 32)
    if (end > bytes.length) throw new RangeError('a segment ends within a block')
    blocks.push({
      chain: row.chain,
      seq: Number(bytes.readBigInt64BE(at)),
      firstTime: Number(bytes.readBigInt64BE(at + 8)),
      lastTime: Number(bytes.readBigInt64BE(at + 16)),
      events: bytes.readUInt32BE(at + 24),
      mac: bytes.subarray(macAt, bodyAt),
      body: bytes.subarray(bodyAt, end),
    })
    at = end
  }
  if (blocks.length === 0) throw new RangeError('a segment holds no block')
  return blocks
}

export function lastOfSegment(row: SegmentRow): Tip {
  const { seq, mac } = unpackSegment(row).at(-1)!
  return { seq, mac }
}
