// The import token of KMS, format 1: the private half of a wrapping key, handed to whoever is to use its public half, so that nothing is
// stored between GetParametersForImport and ImportKeyMaterial. docs/keys.md has the table.
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
const LABEL = 'kms/import-token/1'

/** `key` is the keyring's of `keyVersion`; `bound` is what the token is for, the key's ARN. */
export function sealImportToken(
  key: KeyObject,
  keyVersion: number,
  bound: string,
  payload: Uint8Array,
  random: RandomBytes = systemRandomBytes,
): Buffer {
  const header = Buffer.alloc(HEADER_BYTES)
  header[0] = FORMAT
  header.writeUInt32BE(keyVersion, VERSION_AT)
  header.set(random(NONCE_BYTES), NONCE_AT)
  const { messageKey, iv } = deriveMessageKey(key, header)
  return Buffer.concat([header, encrypt(messageKey, iv, payload, lengthPrefixed([header, bound]))])
}

/** The version of the key that a token needs; undefined where the bytes are no token of a known format. */
export function findImportTokenVersion(token: Uint8Array): number | undefined {
  if (token.length < HEADER_BYTES + TAG_BYTES || token[0] !== FORMAT) return undefined
  return Buffer.from(token.buffer, token.byteOffset + VERSION_AT, 4).readUInt32BE()
}

/** Undefined, and nothing more, where key, binding or any byte differ from what was sealed. The caller zeroes the payload. */
export function openImportToken(key: KeyObject, bound: string, token: Uint8Array): Buffer | undefined {
  if (findImportTokenVersion(token) === undefined) return undefined
  const header = token.subarray(0, HEADER_BYTES)
  const { messageKey, iv } = deriveMessageKey(key, header)
  return decrypt(messageKey, iv, token.subarray(HEADER_BYTES), lengthPrefixed([header, bound]))
}

/** A key and an IV for one token: the nonce never repeats, so neither do they. */
function deriveMessageKey(key: KeyObject, header: Uint8Array): { messageKey: KeyObject; iv: Buffer } {
  const output = kbkdf(key, LABEL, header, KEY_BYTES + IV_BYTES)
  const messageKey = createSecretKey(output.subarray(0, KEY_BYTES))
  const iv = Buffer.from(output.subarray(KEY_BYTES))
  output.fill(0)
  return { messageKey, iv }
}
