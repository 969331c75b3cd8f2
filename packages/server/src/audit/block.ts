// A block: one or more events of one chain, under a MAC that also covers the MAC of the block before it.

import type { Keyring } from '../seal/keyring.ts'
import type { Uses } from './counts.ts'
import { isoSecond } from './encode.ts'
import { BodyWriter, type Repeated, readBody } from './pieces.ts'

/** All events of a block fall into one second of the clock, so that blocks in order of time are events in order of time. */
export type Block = {
  readonly chain: string
  /** 1 for the first block of a chain. */
  readonly seq: number
  /** Milliseconds since the epoch. */
  readonly firstTime: number
  readonly lastTime: number
  readonly events: number
  /** UTF-8 (audit/pieces.ts). */
  readonly body: Uint8Array
  readonly mac: Uint8Array
}

/** The last block of a chain: what the next one builds on. */
export type Tip = { readonly seq: number; readonly mac: Uint8Array }

/** Where every chain begins. */
export const ORIGIN: Tip = { seq: 0, mac: new Uint8Array(0) }

/** An event that waits to be put into a block. */
export type Line = {
  readonly time: number
  /** As JSON, or what that is made of. */
  readonly told: string | Repeated
  /** What is counted once it is written. */
  readonly uses: Uses
}

/** Characters of its JSON. */
export const lengthOf = ({ told }: Line): number => (typeof told === 'string' ? told.length : told.pieces.length)

export type Draft = Omit<Block, 'chain' | 'seq' | 'mac'>

/** The most characters of JSON in a block, unless one event alone has more. */
export const BLOCK_CHARACTERS_MAX = 262_144

/** The blocks that lines make, in order: one where all fit one and fall into one second, as nearly always. */
export function draftBlocks(lines: readonly Line[]): readonly Draft[] {
  const drafts: Draft[] = []
  let start = 0
  let characters = 0
  for (let at = 0; at <= lines.length; at++) {
    const line = lines[at]
    if (at > start) {
      const sameSecond = line !== undefined && second(line.time) === second(lines[start]!.time)
      if (!sameSecond || characters + lengthOf(line) > BLOCK_CHARACTERS_MAX) {
        drafts.push(draft(lines, start, at))
        start = at
        characters = 0
      }
    }
    if (line !== undefined) characters += lengthOf(line) + 1
  }
  return drafts
}

const second = (time: number): number => Math.floor(time / 1000)

function draft(lines: readonly Line[], start: number, end: number): Draft {
  let firstTime = lines[start]!.time
  let lastTime = firstTime
  const body = new BodyWriter()
  for (let at = start; at < end; at++) {
    const { time, told } = lines[at]!
    if (time < firstTime) firstTime = time
    if (time > lastTime) lastTime = time
    if (typeof told === 'string') body.add(told)
    else body.addRepeated(told)
  }
  return { firstTime, lastTime, events: end - start, body: encodeText(body.finish()) }
}

/** In UTF-8, in one pass where all of it is ASCII, as nearly always. */
function encodeText(text: string): Uint8Array {
  const bytes = Buffer.allocUnsafeSlow(text.length)
  return encoder.encodeInto(text, bytes).read === text.length ? bytes : Buffer.from(text)
}

const encoder = new TextEncoder()

/** The draft as the block that follows `tip` in its chain. */
export function forge(keyring: Keyring, chain: string, tip: Tip, draft: Draft): Block {
  const block = { ...draft, chain, seq: tip.seq + 1 }
  return { ...block, mac: keyring.mac('audit', 'block', macParts(block, tip.mac)) }
}

/** Whether a block carries the MAC that it must, standing after the block with the MAC `previous`. */
export const isGenuine = (keyring: Keyring, block: Block, previous: Uint8Array): boolean =>
  keyring.verify('audit', 'block', block.mac, macParts(block, previous))

function macParts(block: Omit<Block, 'mac'>, previous: Uint8Array): readonly Uint8Array[] {
  const header = Buffer.allocUnsafe(32)
  header.writeBigInt64BE(BigInt(block.seq), 0)
  header.writeBigInt64BE(BigInt(block.firstTime), 8)
  header.writeBigInt64BE(BigInt(block.lastTime), 16)
  header.writeBigInt64BE(BigInt(block.events), 24)
  return [Buffer.from(block.chain), header, block.body, previous]
}

/** The events of a block as JSON, in the order in which they were written. @throws RangeError where it was altered */
export const linesOf = ({ body, firstTime }: Block): readonly string[] =>
  readBody(Buffer.from(body.buffer, body.byteOffset, body.length).toString(), isoSecond(firstTime))

/** The chain in the main database that lists every writer there was; its blocks hold no events. */
export const DIRECTORY = 'directory'

/** A writer is one process from start to stop, named at random. Its chains are one for each lane of the main database, and one for reads. */
export const laneChain = (writer: string, lane: number): string => `${writer}.${lane}`
export const readChain = (writer: string): string => `${writer}.reads`
export const writerOf = (chain: string): string => chain.slice(0, chain.indexOf('.'))
