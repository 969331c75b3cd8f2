// Time-based one-time passwords as authenticator apps show them: HMAC-SHA1, six digits, a new one each 30 seconds. A step is the number of
// such intervals since the epoch. RFC 6238, and RFC 4226 for the code of one step.
// https://www.rfc-editor.org/rfc/rfc6238

import { createHmac } from 'node:crypto'
import { sameBytes } from './mac.ts'

export const STEP_MS = 30_000
/** 160 bits, as RFC 4226 section 4 recommends. */
export const SEED_BYTES = 20
const DIGITS = 6

export const stepAt = (milliseconds: number): number => Math.floor(milliseconds / STEP_MS)

/** Six digits. */
export function totpCode(seed: Uint8Array, step: number): string {
  const counter = Buffer.alloc(8)
  counter.writeBigUInt64BE(BigInt(step))
  const mac = createHmac('sha1', seed).update(counter).digest()
  const at = mac[mac.length - 1]! & 0x0f
  const number = mac.readUInt32BE(at) & 0x7fff_ffff
  return String(number % 10 ** DIGITS).padStart(DIGITS, '0')
}

/** The last step from `first` to `last` whose code this is. In time that depends on how many steps there are, and not on the code. */
export function findStep(seed: Uint8Array, code: string, first: number, last: number): number | undefined {
  const given = Buffer.from(code)
  let found: number | undefined
  for (let step = first; step <= last; step += 1) {
    if (sameBytes(given, Buffer.from(totpCode(seed, step)))) found = step
  }
  return found
}

/** The same for the codes of two steps one after the other: the second of them. `first` and `last` bound the first. */
export function findStepOfTwo(
  seed: Uint8Array,
  codes: readonly [string, string],
  first: number,
  last: number,
): number | undefined {
  const given = Buffer.from(codes.join(' '))
  let found: number | undefined
  for (let step = first; step <= last; step += 1) {
    const both = Buffer.from(`${totpCode(seed, step)} ${totpCode(seed, step + 1)}`)
    if (sameBytes(given, both)) found = step + 1
  }
  return found
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

/** Base32 of RFC 4648, for whole groups of five bytes. */
export function base32(bytes: Uint8Array): string {
  if (bytes.length % 5 !== 0) throw new RangeError('base32 here takes groups of five bytes')
  let text = ''
  for (let at = 0; at < bytes.length * 8; at += 5) {
    const pair = (bytes[at >> 3]! << 8) | (bytes[(at >> 3) + 1] ?? 0)
    text += ALPHABET[(pair >> (11 - (at & 7))) & 31]
  }
  return text
}
