// HMAC-SHA256 and the constant-time comparison: the only places where either stands.

import { createHmac, type KeyObject, timingSafeEqual } from 'node:crypto'

export const MAC_BYTES = 32

/** HMAC-SHA256 over the concatenation of the parts: the caller frames them. */
export function hmacSha256(key: KeyObject, ...parts: readonly Uint8Array[]): Buffer {
  const hmac = createHmac('sha256', key)
  for (const part of parts) hmac.update(part)
  return hmac.digest()
}

/** In time that depends on the lengths only. */
export const sameBytes = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && timingSafeEqual(a, b)
