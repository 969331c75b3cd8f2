// The headers and the query of a request as a signature sees them: from the raw headers and the raw target, before anything merged,
// decoded or normalised them. Text is latin1, one character a byte.

import type { WireRequest } from '../http/request.ts'
import { duplicateHeader, echo, incomplete } from './errors.ts'

export type { WireRequest }

/** Lower-case name to value; values of a repeated header are joined by a comma in the order received. */
export type Headers = ReadonlyMap<string, string>

/** A query parameter, percent-decoded into latin1 text. A plus sign is a plus sign. */
export type QueryPair = { readonly name: string; readonly value: string }

/** Parts of the protocol read these, so that a second one could say something else than what was signed. */
const ONCE: ReadonlySet<string> = new Set([
  'authorization',
  'host',
  'x-amz-date',
  'date',
  'x-amz-security-token',
  'x-amz-target',
  'x-amz-content-sha256',
  'x-amz-region-set',
  'content-type',
  'content-length',
  'x-strongroom-if-version',
])

const HEADERS_MAX = 128
const TARGET_LENGTH_MAX = 16_384
const QUERY_PAIRS_MAX = 1024

/** Throws SignatureError where a header that may stand only once stands twice, or there are too many. */
export function indexHeaders(rawHeaders: readonly string[]): Headers {
  if (rawHeaders.length > HEADERS_MAX * 2) throw incomplete(`Request must not have more than ${HEADERS_MAX} headers.`)
  const headers = new Map<string, string>()
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]!.toLowerCase()
    const value = rawHeaders[at + 1]!
    const before = headers.get(name)
    if (before === undefined) headers.set(name, value)
    else if (ONCE.has(name)) throw duplicateHeader(name)
    else headers.set(name, `${tidyValue(before)},${tidyValue(value)}`)
  }
  return headers
}

/** A header's value as it is signed: without white space at its ends, each run of it inside as one space. */
export const tidyValue = (value: string): string =>
  UNTIDY.test(value) ? value.replace(WHITE_SPACE, ' ').replace(/^ | $/g, '') : value

// ASCII only: 0xA0 and 0x85 are parts of UTF-8 characters here.
const UNTIDY = /[\t-\r]| {2}|^ | $/
const WHITE_SPACE = /[\t-\r ]+/g

/** Path and query of a raw request-target, without the question mark. */
export function splitTarget(target: string): { readonly path: string; readonly query: string } {
  const mark = target.indexOf('?')
  return mark < 0 ? { path: target, query: '' } : { path: target.slice(0, mark), query: target.slice(mark + 1) }
}

/**
 * The parameters of a query, in the order received. Throws SignatureError where it is too long, is not latin1 text, or holds a
 * percent sign that is no escape: one signature must not stand for two readings.
 */
export function queryPairs(query: string): readonly QueryPair[] {
  if (query === '') return []
  if (query.length > TARGET_LENGTH_MAX) throw incomplete('The query-string is too long.')
  const parts = query.split('&')
  if (parts.length > QUERY_PAIRS_MAX) throw incomplete('The query-string has too many parameters.')
  const pairs: QueryPair[] = []
  for (const part of parts) {
    if (part === '') continue
    const equals = part.indexOf('=')
    const name = equals < 0 ? part : part.slice(0, equals)
    pairs.push({ name: percentDecode(name), value: equals < 0 ? '' : percentDecode(part.slice(equals + 1)) })
  }
  return pairs
}

export function percentDecode(text: string): string {
  if (!text.includes('%')) return text
  const [head, ...escapes] = text.split('%')
  let decoded = head!
  for (const escaped of escapes) {
    const digits = escaped.slice(0, 2)
    if (!HEX_PAIR.test(digits)) throw incomplete(`Illegal hex character in escape % pattern: %${echo(digits)}`)
    decoded += String.fromCharCode(Number.parseInt(digits, 16)) + escaped.slice(2)
  }
  return decoded
}

const HEX_PAIR = /^[0-9A-Fa-f]{2}$/

/** Whether every character stands for one byte, as in everything that node:http hands over. */
export const isLatin1 = (text: string): boolean => !BEYOND_LATIN1.test(text)

const BEYOND_LATIN1 = /[^\0-\xff]/
