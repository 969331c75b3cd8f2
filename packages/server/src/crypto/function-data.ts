// What belongs to a function at rest, format 1: its code, its environment, the events that wait for it. Encrypted under the function's own
// data key and bound to its place, so that it opens nowhere else.
//   0 format 01 | 1 IV[12] | 13 ciphertext, tag[16]

import { createSecretKey, type KeyObject } from 'node:crypto'
import { decrypt, encrypt, IV_BYTES, KEY_BYTES, type RandomBytes, systemRandomBytes, TAG_BYTES } from './aead.ts'
import { lengthPrefixed } from './length-prefix.ts'

const FORMAT = 0x01
const LABEL = 'function-data/1'
const IV_AT = 1
const HEADER_BYTES = IV_AT + IV_BYTES

export const FUNCTION_KEY_BYTES = KEY_BYTES

/** The data key of a function; the bytes are the caller's to zero. */
export const functionKey = (bytes: Uint8Array): KeyObject => createSecretKey(bytes)

/** @param place the function and what of it this is, in parts. `random` is for vectors only. */
export function sealFunctionData(
  key: KeyObject,
  place: readonly string[],
  plaintext: Uint8Array,
  random: RandomBytes = systemRandomBytes,
): Buffer {
  const iv = random(IV_BYTES)
  return Buffer.concat([Uint8Array.of(FORMAT), iv, encrypt(key, iv, plaintext, aadOf(place))])
}

/** Undefined where the bytes were altered or belong to another place or key. */
export function openFunctionData(key: KeyObject, place: readonly string[], sealed: Uint8Array): Buffer | undefined {
  if (sealed.length < HEADER_BYTES + TAG_BYTES || sealed[0] !== FORMAT) return undefined
  return decrypt(key, sealed.subarray(IV_AT, HEADER_BYTES), sealed.subarray(HEADER_BYTES), aadOf(place))
}

const aadOf = (place: readonly string[]): Buffer => lengthPrefixed([LABEL, ...place])
