// Requests that come again: a client says the same a second time, and only its time and its signature are new. What was read of the first is not
// read anew; the signature is.

import { hash } from 'node:crypto'
import type { Shared } from '../one-run.ts'
import { canonicalRequest, stringToSign } from './canonical.ts'
import { SignatureError } from './errors.ts'
import type { WireRequest } from './request.ts'
import { HMAC } from './signing-keys.ts'
import { canonicalOf, hmacMatches, type ParsedSignature, type Verified } from './sigv4.ts'
import { checkTime, readTime } from './time.ts'

/** Whose signature proved right, and what it was proved with. */
export type Proof = Verified & {
  readonly parsed: ParsedSignature
  /** Of a session, in milliseconds by the wall clock. */
  readonly expiresMs: number | undefined
  readonly skewMs: number
}

/**
 * Whether a request is signed as the first one was, says the same, and may do so now. Its body must be that of the first: the caller has compared
 * them. False says nothing of why: that takes the whole way of a request. `wallNow` in milliseconds.
 */
export type IsRepeated = (request: WireRequest, wallNow: number) => boolean

/** Headers that nothing reads but the signature: what they say is another with each request of a client. In lower case. */
const SIGNATURE_ONLY: ReadonlySet<string> = new Set([
  'authorization',
  'x-amz-date',
  'amz-sdk-invocation-id',
  'amz-sdk-request',
  'x-amzn-trace-id',
  'traceparent',
  'tracestate',
])

/** Where such a value stands in the canonical request: no header can hold it. */
const HOLE = '\u0001'
const SIGNATURE_LENGTH = 64
/** Of these the UTF-8 is the bytes as received. */
const ASCII = /^[\n -~]*$/
/** What stands in a canonical request as it was sent. */
const TIDY_ASCII = /^[!-~]+(?: [!-~]+)*$/

/** Where requests are read anew each time. */
const never: IsRepeated = () => false

/** Nothing repeats a request that is signed in the query or by SigV4a, or that has a header twice. */
export function repeatsOf(first: WireRequest, proof: Proof, shared: Shared): IsRepeated {
  const { parsed, key, bodyHash, expiresMs, skewMs } = proof
  const { rawHeaders, method, target, remoteAddress, secure, tlsVersion } = first
  const names = rawHeaders.filter((_, at) => at % 2 === 0).map((name) => name.toLowerCase())
  if (parsed.carrier !== 'header' || !('inner' in key) || parsed.query.length > 0) return never
  if (new Set(names).size < names.length || !parsed.signedHeaders.includes('x-amz-date')) return never
  const place = (name: string): number => 2 * names.indexOf(name) + 1
  const authorizationAt = place('authorization')
  const dateAt = place('x-amz-date')
  const authorization = rawHeaders[authorizationAt]!
  const unsigned = shared(authorization.slice(0, -SIGNATURE_LENGTH))
  if (!unsigned.endsWith('Signature=') || !authorization.endsWith(parsed.signature)) return never

  /** Of names, and of values that may not differ: what stands there. */
  const same = rawHeaders.map((text, at) =>
    at % 2 === 1 && SIGNATURE_ONLY.has(names[(at - 1) / 2]!) ? undefined : shared(text),
  )
  const holes = parsed.signedHeaders.filter((name) => SIGNATURE_ONLY.has(name))
  const headers = new Map(parsed.headers)
  for (const name of holes) headers.set(name, HOLE)
  const pieces = canonicalRequest({ ...canonicalOf(parsed, method, HOLE), headers })
    .split(HOLE)
    .map(shared)
  if (pieces.length !== holes.length + 2 || !pieces.every((piece) => ASCII.test(piece))) return never
  const holesAt = holes.map(place)

  const isSame = (request: WireRequest): boolean => {
    const given = request.rawHeaders
    if (given.length !== same.length) return false
    for (let at = 0; at < same.length; at++) if (given[at] !== same[at] && same[at] !== undefined) return false
    return (
      request.method === method &&
      request.target === target &&
      request.remoteAddress === remoteAddress &&
      request.secure === secure &&
      request.tlsVersion === tlsVersion
    )
  }
  const isSigned = ({ rawHeaders: given }: WireRequest, wallNow: number): boolean => {
    const signed = given[authorizationAt]!
    if (signed.length !== authorization.length || !signed.startsWith(unsigned)) return false
    const time = readTime(given[dateAt]!, 'x-amz-date')
    if (!time.timestamp.startsWith(parsed.date)) return false
    checkTime(time, undefined, wallNow, skewMs)
    let canonical = pieces[0]!
    for (let at = 0; at < holesAt.length; at++) {
      const value = given[holesAt[at]!]!
      if (!TIDY_ASCII.test(value)) return false
      canonical += value + pieces[at + 1]!
    }
    const text = stringToSign(HMAC, time.timestamp, parsed.scope, hash('sha256', canonical + bodyHash, 'hex'))
    return hmacMatches(key, text, signed.slice(-SIGNATURE_LENGTH))
  }
  return (request, wallNow) => {
    if (expiresMs !== undefined && expiresMs <= wallNow) return false
    try {
      return isSame(request) && isSigned(request, wallNow)
    } catch (error) {
      if (error instanceof SignatureError) return false
      throw error
    }
  }
}
