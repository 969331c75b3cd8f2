// HMAC-SHA256 and the constant-time comparison: the only places where either stands.

import { createHmac, hash, type KeyObject, timingSafeEqual } from 'node:crypto'

export const MAC_BYTES = 32

/** HMAC-SHA256 over the concatenation of the parts: the caller frames them. */
export function hmacSha256(key: KeyObject, ...parts: readonly Uint8Array[]): Buffer {
  const hmac = createHmac('sha256', key)
  for (const part of parts) hmac.update(part)
  return hmac.digest()
}

/** A key of HMAC-SHA256 as the blocks that its two hashes begin with. Whoever holds them holds the key. */
export type PaddedKey = { readonly inner: Uint8Array; readonly outer: Uint8Array }

const BLOCK_BYTES = 64

/** @param key at most 64 bytes, which the caller zeroes */
export function padKey(key: Uint8Array): PaddedKey {
  if (key.length > BLOCK_BYTES) throw new RangeError(`a padded key has at most ${BLOCK_BYTES} bytes`)
  const padded = (pad: number): Uint8Array =>
    new Uint8Array(BLOCK_BYTES).fill(pad).map((byte, at) => byte ^ (key[at] ?? 0))
  return { inner: padded(0x36), outer: padded(0x5c) }
}

/**
 * HMAC-SHA256 of a text in UTF-8, in hexadecimal. Two hashes, each of one call, take half the time of one HMAC object.
 * https://www.rfc-editor.org/rfc/rfc2104#section-2
 */
export function hmacHex({ inner, outer }: PaddedKey, text: string): string {
  const bytes = Buffer.byteLength(text)
  const message = BLOCK_BYTES + bytes <= innerMessage.length ? innerMessage : Buffer.allocUnsafe(BLOCK_BYTES + bytes)
  message.set(inner)
  message.write(text, BLOCK_BYTES)
  outerMessage.set(outer)
  outerMessage.write(hash('sha256', message.subarray(0, BLOCK_BYTES + bytes), 'latin1'), BLOCK_BYTES, 'latin1')
  return hash('sha256', outerMessage, 'hex')
}

/** Where messages are put together: making buffers costs more than hashing. */
const innerMessage = Buffer.alloc(512)
const outerMessage = Buffer.alloc(BLOCK_BYTES + MAC_BYTES)

/** In time that depends on the lengths only. */
export const sameBytes = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && timingSafeEqual(a, b)
