// The session token, format 1, and the secret access key that goes with it: derived, so that neither is stored anywhere. docs/keys.md has the
// table, vectors.json the bytes.
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
export const SESSION_TOKEN_OVERHEAD_BYTES = HEADER_BYTES + TAG_BYTES

const TOKEN_LABEL = 'session-token/1'
const SECRET_LABEL = 'session-secret/1'
/** 40 characters of base64, as AWS's secret access keys have. */
const SECRET_BYTES = 30

export type SealedSession = { readonly token: Buffer; readonly secretAccessKey: string }
/** The key holds the text of the secret access key, as signatures are checked with it. */
export type OpenedSession = { readonly payload: Buffer; readonly secretAccessKey: KeyObject }

/** `key` is the keyring's of `keyVersion`. `random` is for vectors only. */
export function sealSessionToken(
  key: KeyObject,
  keyVersion: number,
  accessKeyId: string,
  payload: Uint8Array,
  random: RandomBytes = systemRandomBytes,
): SealedSession {
  const header = Buffer.alloc(HEADER_BYTES)
  header[0] = FORMAT
  header.writeUInt32BE(keyVersion, VERSION_AT)
  header.set(random(NONCE_BYTES), NONCE_AT)
  const { messageKey, iv } = deriveMessageKey(key, header)
  const sealed = encrypt(messageKey, iv, payload, lengthPrefixed([header, accessKeyId]))
  return { token: Buffer.concat([header, sealed]), secretAccessKey: deriveSecret(key, header, accessKeyId) }
}

/** The version of the key that a token needs; undefined where the bytes are no token of a known format. */
export function findTokenKeyVersion(token: Uint8Array): number | undefined {
  if (token.length < SESSION_TOKEN_OVERHEAD_BYTES || token[0] !== FORMAT) return undefined
  return Buffer.from(token.buffer, token.byteOffset + VERSION_AT, 4).readUInt32BE()
}

/** Undefined, and nothing more, where format, key, access key id or any byte differ from what was sealed. */
export function openSessionToken(key: KeyObject, accessKeyId: string, token: Uint8Array): OpenedSession | undefined {
  if (findTokenKeyVersion(token) === undefined) return undefined
  const header = token.subarray(0, HEADER_BYTES)
  const { messageKey, iv } = deriveMessageKey(key, header)
  const payload = decrypt(messageKey, iv, token.subarray(HEADER_BYTES), lengthPrefixed([header, accessKeyId]))
  if (payload === undefined) return undefined
  return { payload, secretAccessKey: createSecretKey(Buffer.from(deriveSecret(key, header, accessKeyId))) }
}

const nonceOf = (header: Uint8Array): Uint8Array => header.subarray(NONCE_AT, NONCE_AT + NONCE_BYTES)

/** Key and IV for one token, both from N, so that however many tokens there are, none meets another under one key. */
function deriveMessageKey(key: KeyObject, header: Uint8Array): { messageKey: KeyObject; iv: Buffer } {
  const output = kbkdf(key, TOKEN_LABEL, nonceOf(header), KEY_BYTES + IV_BYTES)
  const messageKey = createSecretKey(output.subarray(0, KEY_BYTES))
  const iv = Buffer.from(output.subarray(KEY_BYTES))
  output.fill(0)
  return { messageKey, iv }
}

function deriveSecret(key: KeyObject, header: Uint8Array, accessKeyId: string): string {
  const bytes = kbkdf(key, SECRET_LABEL, lengthPrefixed([accessKeyId, nonceOf(header)]), SECRET_BYTES)
  const secret = bytes.toString('base64')
  bytes.fill(0)
  return secret
}
