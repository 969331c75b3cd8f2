// NextToken: where a listing goes on, under a MAC, so that nobody can make one, alter one, or use one of another account or operation.

import type { Keyring } from '../seal/keyring.ts'

/** What openPageToken will look at; longer text is not ours. */
export const PAGE_TOKEN_CHARACTERS_MAX = 4_096

/** `u8 format ‖ u8 length of the MAC ‖ MAC ‖ JSON`, base64url. */
const FORMAT = 1

/**
 * A token that only the same installation opens, for the same purpose (`secretsmanager:ListSecrets`) and account. `json` is authenticated,
 * not encrypted: it holds a position, never a secret.
 */
export function sealPageToken(keyring: Keyring, purpose: string, account: string, json: string): string {
  const body = Buffer.from(json)
  const mac = keyring.mac('token', purpose, [Buffer.from(account), body])
  return Buffer.concat([Buffer.of(FORMAT, mac.length), mac, body]).toString('base64url')
}

/** The JSON that was sealed, or undefined for anything that sealPageToken did not make for this purpose and account. */
export function openPageToken(keyring: Keyring, purpose: string, account: string, token: string): string | undefined {
  if (token.length > PAGE_TOKEN_CHARACTERS_MAX) return undefined
  const bytes = Buffer.from(token, 'base64url')
  // Decoding skips what is not base64url and ignores spare bits: only the one spelling of a token is a token.
  if (bytes.length < 2 || bytes[0] !== FORMAT || bytes.toString('base64url') !== token) return undefined
  const bodyAt = 2 + bytes[1]!
  if (bytes.length < bodyAt) return undefined
  const body = bytes.subarray(bodyAt)
  if (!keyring.verify('token', purpose, bytes.subarray(2, bodyAt), [Buffer.from(account), body])) return undefined
  return body.toString()
}
