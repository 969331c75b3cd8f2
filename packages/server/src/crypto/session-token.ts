// The session token, and the secret access key that goes with it: derived, so that neither is stored anywhere. docs/keys.md has the table,
// vectors.json the bytes.

import { createSecretKey, type KeyObject } from 'node:crypto'
import { type RandomBytes, systemRandomBytes } from './aead.ts'
import { kbkdf } from './kbkdf.ts'
import { lengthPrefixed } from './length-prefix.ts'
import { openToken, sealToken, TOKEN_OVERHEAD_BYTES, tokenNonce } from './sealed-token.ts'

export { findTokenKeyVersion } from './sealed-token.ts'

/** What a token has beyond its payload. */
export const SESSION_TOKEN_OVERHEAD_BYTES = TOKEN_OVERHEAD_BYTES

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
  const token = sealToken(key, keyVersion, TOKEN_LABEL, [accessKeyId], payload, random)
  return { token, secretAccessKey: deriveSecret(key, token, accessKeyId) }
}

/** Undefined, and nothing more, where format, key, access key id or any byte differ from what was sealed. */
export function openSessionToken(key: KeyObject, accessKeyId: string, token: Uint8Array): OpenedSession | undefined {
  const payload = openToken(key, TOKEN_LABEL, [accessKeyId], token)
  if (payload === undefined) return undefined
  return { payload, secretAccessKey: createSecretKey(Buffer.from(deriveSecret(key, token, accessKeyId))) }
}

function deriveSecret(key: KeyObject, token: Uint8Array, accessKeyId: string): string {
  const bytes = kbkdf(key, SECRET_LABEL, lengthPrefixed([accessKeyId, tokenNonce(token)]), SECRET_BYTES)
  const secret = bytes.toString('base64')
  bytes.fill(0)
  return secret
}
