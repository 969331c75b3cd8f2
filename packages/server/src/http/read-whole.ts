// A request that arrives whole, in one piece and in the form that clients of AWS send it, is read here. Whatever is not exactly of that form is
// node:http's to read, and to refuse: what is taken here, node:http would have read the same way (docs/adr/0025-requests-that-arrive-whole.md).

import type { WireRequest } from './request.ts'

/** A `POST /` with a length, in the words of node:http. */
export type WholeRequest = Pick<WireRequest, 'method' | 'target' | 'rawHeaders' | 'body'>

const METHOD = 'POST'
const TARGET = '/'
const START = `${METHOD} ${TARGET} HTTP/1.1\r\n`
const HEAD_END = '\r\n\r\n'
/** RFC 9110, 5.5 and 5.6.2: tokens as names; values of visible characters and spaces between them, no other. */
const FIELDS = /^(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+: ?[!-~](?:[ -~]*[!-~])?\r\n)+\r\n$/
const LENGTH = /^(?:0|[1-9][0-9]{0,6})$/

/**
 * @param headBytesMax of the request line and all headers
 * @returns undefined of anything else than one whole request: part of one, more than one, another method, target or version, a header that is about
 *   the connection and asks for more than to keep it, a missing, doubtful or doubled Host or Content-Length
 */
export function readWhole(chunk: Buffer, headBytesMax: number): WholeRequest | undefined {
  const end = chunk.indexOf(HEAD_END, 0, 'latin1')
  if (end < START.length || end > headBytesMax) return undefined
  // Of the head alone: its parts, which are kept here and there, share the memory of this text, and what is secret stands in the body.
  const head = chunk.toString('latin1', 0, end + HEAD_END.length)
  if (!head.startsWith(START)) return undefined
  const fields = head.slice(START.length)
  if (!FIELDS.test(fields)) return undefined
  const rawHeaders: string[] = []
  let hosts = 0
  let length: string | undefined
  for (let at = 0; at < fields.length - 2; ) {
    const colon = fields.indexOf(':', at)
    const lineEnd = fields.indexOf('\r\n', colon)
    const name = fields.slice(at, colon)
    const value = fields.slice(fields.charCodeAt(colon + 1) === SPACE ? colon + 2 : colon + 1, lineEnd)
    rawHeaders.push(name, value)
    at = lineEnd + 2
    switch (framingOf(name)) {
      case undefined:
        break
      case 'host':
        hosts++
        break
      case 'content-length':
        if (length !== undefined) return undefined
        length = value
        break
      case 'connection':
        if (value.toLowerCase() !== 'keep-alive') return undefined
        break
      default:
        return undefined
    }
  }
  if (hosts !== 1 || length === undefined || !LENGTH.test(length)) return undefined
  const body = chunk.subarray(end + HEAD_END.length)
  return body.length === Number(length) ? { method: METHOD, target: TARGET, rawHeaders, body } : undefined
}

const SPACE = 0x20

/** The headers on which it depends where a request ends, who answers it, and what becomes of the connection. */
const FRAMING = [
  'host',
  'content-length',
  'connection',
  'transfer-encoding',
  'upgrade',
  'expect',
  'trailer',
  'te',
  'keep-alive',
  'proxy-connection',
  'http2-settings',
] as const

const BY_LENGTH: (readonly (typeof FRAMING)[number][] | undefined)[] = []
for (const name of FRAMING) BY_LENGTH[name.length] = [...(BY_LENGTH[name.length] ?? []), name]

function framingOf(name: string): (typeof FRAMING)[number] | undefined {
  const candidates = BY_LENGTH[name.length]
  if (candidates === undefined) return undefined
  const lower = name.toLowerCase()
  return candidates.find((candidate) => candidate === lower)
}
