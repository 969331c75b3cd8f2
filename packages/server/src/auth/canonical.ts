// The canonical request and the string to sign of SigV4 and SigV4a, over the bytes as received.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html

import { hash } from 'node:crypto'
import { mismatch } from './errors.ts'
import { type Headers, isLatin1, type QueryPair, tidyValue } from './request.ts'

/** Each byte as it stands in a canonical path or query. */
const ENCODED: readonly string[] = Array.from({ length: 256 }, (_, byte) => {
  const character = String.fromCharCode(byte)
  return /[A-Za-z0-9\-._~]/.test(character) ? character : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
})

export type Canonical = {
  readonly method: string
  /** The wire path. */
  readonly path: string
  readonly query: readonly QueryPair[]
  /** Left out of the canonical query. */
  readonly omit: readonly string[]
  readonly headers: Headers
  /** Lower case, ascending. */
  readonly signedHeaders: readonly string[]
  /** Hexadecimal SHA-256 of the body. */
  readonly bodyHash: string
  /** Whether dot segments and empty segments are removed from the path: yes for every service but S3. */
  readonly normalizePath: boolean
}

/** As latin1 text. Throws SignatureError where a signed header is absent. */
export function canonicalRequest(of: Canonical): string {
  let headers = ''
  for (const name of of.signedHeaders) {
    const value = of.headers.get(name)
    if (value === undefined) throw mismatch()
    headers += `${name}:${tidyValue(value)}\n`
  }
  const path = of.path === '/' ? '/' : canonicalPath(of.path, of.normalizePath)
  const query = of.query.length === 0 ? '' : canonicalQuery(of.query, of.omit)
  return `${of.method}\n${path}\n${query}\n${headers}\n${of.signedHeaders.join(';')}\n${of.bodyHash}`
}

/** Hashes the bytes that were received; text that cannot have come over the wire is refused, for latin1 would cut it short. */
export function hashCanonical(canonical: string): string {
  if (!isLatin1(canonical)) throw mismatch()
  return hash('sha256', Buffer.from(canonical, 'latin1'), 'hex')
}

/** @param canonicalHash of the canonical request, in hexadecimal */
export const stringToSign = (algorithm: string, timestamp: string, scope: string, canonicalHash: string): string =>
  `${algorithm}\n${timestamp}\n${scope}\n${canonicalHash}`

/** Encodes the path as it came, so that what the client escaped is escaped twice. */
export function canonicalPath(path: string, normalize: boolean): string {
  return encode(normalize ? removeDotSegments(path) : path).replaceAll('%2F', '/') || '/'
}

function removeDotSegments(path: string): string {
  const kept: string[] = []
  for (const segment of path.split('/')) {
    if (segment === '..') kept.pop()
    else if (segment !== '' && segment !== '.') kept.push(segment)
  }
  return `/${kept.join('/')}${kept.length > 0 && path.endsWith('/') ? '/' : ''}`
}

/** Sorted by name, then by value, both as encoded. */
export function canonicalQuery(pairs: readonly QueryPair[], omit: readonly string[]): string {
  const encoded = pairs
    .filter(({ name }) => !omit.includes(name))
    .map(({ name, value }) => ({ name: encode(name), value: encode(value) }))
  encoded.sort((a, b) => compare(a.name, b.name) || compare(a.value, b.value))
  return encoded.map(({ name, value }) => `${name}=${value}`).join('&')
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

function encode(text: string): string {
  let encoded = ''
  for (let at = 0; at < text.length; at++) encoded += ENCODED[text.charCodeAt(at)] ?? '\u{fffd}'
  return encoded
}
