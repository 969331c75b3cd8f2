// A data key that a row has for itself: made with the row, kept in it sealed under a domain key, gone with it.

import type { App } from '../app.ts'
import { KEY_BYTES } from '../crypto/aead.ts'
import type { Keyring } from './keyring.ts'

/** A fresh one, sealed, in base64. `aad` says whose it is. */
export function newRowKey(
  { keyring, randomBytes }: Pick<App, 'keyring' | 'randomBytes'>,
  purpose: string,
  aad: readonly Uint8Array[],
): string {
  return sealRowKey(keyring, purpose, randomBytes(KEY_BYTES), aad)
}

/** Under the newest domain key, in base64; the bytes are zeroed. */
export function sealRowKey(keyring: Keyring, purpose: string, bytes: Uint8Array, aad: readonly Uint8Array[]): string {
  const sealed = keyring.seal(purpose, bytes, aad)
  bytes.fill(0)
  return Buffer.from(sealed).toString('base64')
}
