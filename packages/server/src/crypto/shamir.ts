// Shamir's secret sharing of a 32-byte key over GF(256), and the text that a holder of a share keeps. docs/keys.md has the bytes.

import { hash } from 'node:crypto'
import { combine, split } from 'shamir-secret-sharing'
import { KEY_BYTES } from './aead.ts'
import { sameBytes } from './mac.ts'

/** One share: `threshold` of the same set give the key, fewer give nothing. */
export type Share = {
  /** 16 digits, hexadecimal. */
  readonly set: string
  readonly threshold: number
  /** From 1, one for each holder. */
  readonly index: number
  readonly payload: Buffer
}

export const SHARES_MIN = 2
export const SHARES_MAX = 16

const PREFIX = 'strongroom-share-1:'
const FORMAT = 1
const SET_BYTES = 8
const PAYLOAD_AT = 1 + SET_BYTES + 2
const PAYLOAD_BYTES = KEY_BYTES + 1
const CHECKSUM_BYTES = 8
const SHARE_BYTES = PAYLOAD_AT + PAYLOAD_BYTES + CHECKSUM_BYTES

/** The shares as text, tried before they are believed. @throws RangeError where the numbers are not 2 ≤ threshold ≤ shares ≤ 16. */
export async function splitKey(key: Uint8Array, set: string, shares: number, threshold: number): Promise<string[]> {
  const inOrder = SHARES_MIN <= threshold && threshold <= shares && shares <= SHARES_MAX
  if (!inOrder || key.length !== KEY_BYTES) throw new RangeError('a key has 2 to 16 shares, and from 2 to all open it')
  // The library takes plain byte arrays alone.
  const plain = new Uint8Array(key)
  const payloads = await split(plain, shares, threshold)
  plain.fill(0)
  for (const some of [payloads.slice(0, threshold), payloads.slice(-threshold)]) {
    const again = await combine(some)
    if (!sameBytes(again, key)) throw new Error('the shares just made do not give the key')
    again.fill(0)
  }
  return payloads.map((payload, index) => {
    const head = Buffer.concat([
      Uint8Array.of(FORMAT),
      Buffer.from(set, 'hex'),
      Uint8Array.of(threshold, index + 1),
      payload,
    ])
    payload.fill(0)
    return PREFIX + Buffer.concat([head, checksumOf(head)]).toString('base64url')
  })
}

/** Undefined where the text is no whole share: mistyped, cut, or of a later format. */
export function parseShare(text: string): Share | undefined {
  const trimmed = text.trim()
  if (!trimmed.startsWith(PREFIX) || !/^[A-Za-z0-9_-]{70}$/.test(trimmed.slice(PREFIX.length))) return undefined
  const bytes = Buffer.from(trimmed.slice(PREFIX.length), 'base64url')
  const head = bytes.subarray(0, SHARE_BYTES - CHECKSUM_BYTES)
  if (bytes.length !== SHARE_BYTES || bytes[0] !== FORMAT) return undefined
  if (!sameBytes(checksumOf(head), bytes.subarray(head.length))) return undefined
  const [threshold, index] = [bytes[1 + SET_BYTES]!, bytes[2 + SET_BYTES]!]
  if (threshold < SHARES_MIN || threshold > SHARES_MAX || index < 1 || index > SHARES_MAX) return undefined
  return {
    set: bytes.toString('hex', 1, 1 + SET_BYTES),
    threshold,
    index,
    payload: bytes.subarray(PAYLOAD_AT, PAYLOAD_AT + PAYLOAD_BYTES),
  }
}

/** The key that the shares give: a wrong one where one of them is wrong. Undefined where they cannot belong together. */
export async function combineShares(shares: readonly Share[]): Promise<Buffer | undefined> {
  if (shares.length < SHARES_MIN || new Set(shares.map(({ payload }) => payload.at(-1))).size < shares.length)
    return undefined
  const payloads = shares.map(({ payload }) => new Uint8Array(payload))
  const key = await combine(payloads)
  for (const payload of payloads) payload.fill(0)
  return Buffer.from(key.buffer, key.byteOffset, key.length)
}

const checksumOf = (head: Uint8Array): Buffer =>
  hash('sha256', Buffer.concat([Buffer.from('strongroom-share/1'), head]), 'buffer').subarray(0, CHECKSUM_BYTES)
