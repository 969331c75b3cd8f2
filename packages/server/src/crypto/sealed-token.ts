// Tokens: what a server hands out and takes back, sealed, format 1. Session tokens and authorization messages, each under a label and a key of
// its own. docs/keys.md has the table.
//   0 format 01 | 1 u32 key version | 5 N[16] | 21 ciphertext, tag[16]

import { createSecretKey, type KeyObject } from 'node:crypto'
import { decrypt, encrypt, IV_BYTES, KEY_BYTES, type RandomBytes, systemRandomBytes, TAG_BYTES } from './aead.ts'
import { kbkdf } from './kbkdf.ts'
import { lengthPrefixed } from './length-prefix.ts'

const FORMAT = 0x01
const VERSION_AT = 1
const NONCE_AT = 5
const NONCE_BYTES = 16
const HEADER_BYTES = 21

/** What a token has beyond its payload. */
export const TOKEN_OVERHEAD_BYTES = HEADER_BYTES + TAG_BYTES

/**
 * `key` is the keyring's of `keyVersion`; `binding` must be given again to open it. `random` is for vectors only.
 */
export function sealToken(
  key: KeyObject,
  keyVersion: number,
  label: string,
  binding: readonly (Uint8Array | string)[],
  payload: Uint8Array,
  random: RandomBytes = systemRandomBytes,
): Buffer {
  const header = Buffer.alloc(HEADER_BYTES)
  header[0] = FORMAT
  header.writeUInt32BE(keyVersion, VERSION_AT)
  header.set(random(NONCE_BYTES), NONCE_AT)
  const { messageKey, iv } = deriveMessageKey(key, label, header)
  return Buffer.concat([header, encrypt(messageKey, iv, payload, lengthPrefixed([header, ...binding]))])
}

/** The version of the key that a token needs; undefined where the bytes are no token of a known format. */
export function findTokenKeyVersion(token: Uint8Array): number | undefined {
  if (token.length < TOKEN_OVERHEAD_BYTES || token[0] !== FORMAT) return undefined
  return Buffer.from(token.buffer, token.byteOffset + VERSION_AT, 4).readUInt32BE()
}

/** The payload. Undefined, and nothing more, where format, key, label, binding or any byte differ from what was sealed. */
export function openToken(
  key: KeyObject,
  label: string,
  binding: readonly (Uint8Array | string)[],
  token: Uint8Array,
): Buffer | undefined {
  if (findTokenKeyVersion(token) === undefined) return undefined
  const header = token.subarray(0, HEADER_BYTES)
  const { messageKey, iv } = deriveMessageKey(key, label, header)
  return decrypt(messageKey, iv, token.subarray(HEADER_BYTES), lengthPrefixed([header, ...binding]))
}

/** Of a token of the format: what is random of it. */
export const tokenNonce = (token: Uint8Array): Uint8Array => token.subarray(NONCE_AT, NONCE_AT + NONCE_BYTES)

/** Key and IV for one token, both from N, so that however many tokens there are, none meets another under one key. */
function deriveMessageKey(key: KeyObject, label: string, header: Uint8Array): { messageKey: KeyObject; iv: Buffer } {
  const output = kbkdf(key, label, tokenNonce(header), KEY_BYTES + IV_BYTES)
  const messageKey = createSecretKey(output.subarray(0, KEY_BYTES))
  const iv = Buffer.from(output.subarray(KEY_BYTES))
  output.fill(0)
  return { messageKey, iv }
}
