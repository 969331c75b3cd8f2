// Where a signature stands in a request and what it consists of: the Authorization header, or the X-Amz- parameters of the query.
// Grammar only; what the fields may say is sigv4.ts.

import { echo, hashedHeader, incomplete, missing, twice } from './errors.ts'
import type { Headers, QueryPair } from './request.ts'
import { ECDSA } from './signing-keys.ts'

export type SignatureFields = {
  readonly carrier: 'header' | 'query'
  readonly algorithm: string
  readonly credential: string
  readonly signedHeaders: string
  readonly signature: string
  readonly date: string
  readonly dateFrom: 'x-amz-date' | 'date'
  /** Seconds, in digits; only in a query. */
  readonly expires: string | undefined
  /** Only of SigV4a. */
  readonly regionSet: string | undefined
}

const AUTHORIZATION_LENGTH_MAX = 8192

/** The signature in the query, or undefined where there is none. Throws SignatureError where it is incomplete, or one of two. */
export function parsePresigned(query: readonly QueryPair[], headers: Headers): SignatureFields | undefined {
  if (query.length === 0) return undefined
  const found = new Map<string, string>()
  let repeated: string | undefined
  for (const { name, value } of query) {
    if (!PRESIGNED.has(name)) continue
    if (found.has(name)) repeated = name
    found.set(name, value)
  }
  if (!found.has('X-Amz-Algorithm') && !found.has('X-Amz-Credential') && !found.has('X-Amz-Signature')) return undefined
  if (headers.has('authorization')) throw twice()

  const required = ['X-Amz-Algorithm', 'X-Amz-Credential', 'X-Amz-Signature', 'X-Amz-SignedHeaders', 'X-Amz-Date']
  if (found.get('X-Amz-Algorithm') === ECDSA) required.push('X-Amz-Region-Set')
  const faults = required
    .filter((name) => !found.get(name))
    .map((name) => `AWS query-string parameters must include '${name}'.`)
  if (repeated !== undefined) faults.push(`AWS query-string parameters must not include '${repeated}' more than once.`)
  if (faults.length > 0) throw incomplete(`${faults.join(' ')} Re-examine the query-string parameters.`)

  return {
    carrier: 'query',
    algorithm: found.get('X-Amz-Algorithm')!,
    credential: found.get('X-Amz-Credential')!,
    signedHeaders: found.get('X-Amz-SignedHeaders')!,
    signature: found.get('X-Amz-Signature')!,
    date: found.get('X-Amz-Date')!,
    dateFrom: 'x-amz-date',
    expires: found.get('X-Amz-Expires'),
    regionSet: found.get('X-Amz-Region-Set'),
  }
}

const PRESIGNED: ReadonlySet<string> = new Set([
  'X-Amz-Algorithm',
  'X-Amz-Credential',
  'X-Amz-Signature',
  'X-Amz-SignedHeaders',
  'X-Amz-Date',
  'X-Amz-Expires',
  'X-Amz-Region-Set',
])

/** The signature in the Authorization header. Throws SignatureError where there is none or something is wrong with it. */
export function parseAuthorization(headers: Headers): SignatureFields {
  const header = headers.get('authorization')?.trim()
  if (!header) throw missing()
  if (header.length > AUTHORIZATION_LENGTH_MAX) throw incomplete('The Authorization header is too long.')
  const fields: { Credential?: string; SignedHeaders?: string; Signature?: string } = {}
  let unexpected: string | undefined
  const space = header.indexOf(' ')
  for (let at = space < 0 ? header.length : space + 1; at < header.length; ) {
    const comma = header.indexOf(',', at)
    const end = comma < 0 ? header.length : comma
    const equals = header.indexOf('=', at)
    if (equals < 0 || equals > end) throw noKeyValuePair(header)
    const name = header.slice(at, equals).trim()
    if (!isField(name) || fields[name] !== undefined) unexpected ??= name
    else fields[name] = header.slice(equals + 1, end).trim()
    at = end + 1
  }

  const algorithm = space < 0 ? header : header.slice(0, space)
  const amzDate = headers.get('x-amz-date')
  const date = amzDate ?? headers.get('date')
  const regionSet = headers.get('x-amz-region-set')
  const { Credential: credential, SignedHeaders: signedHeaders, Signature: signature } = fields
  if (
    !credential ||
    !signedHeaders ||
    !signature ||
    !date ||
    unexpected !== undefined ||
    (algorithm === ECDSA && !regionSet)
  ) {
    const faults: string[] = []
    if (!credential) faults.push("Authorization header requires 'Credential' parameter.")
    if (!signature) faults.push("Authorization header requires 'Signature' parameter.")
    if (!signedHeaders) faults.push("Authorization header requires 'SignedHeaders' parameter.")
    if (!date) faults.push("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")
    if (algorithm === ECDSA && !regionSet)
      faults.push("Authorization header requires existence of a 'X-Amz-Region-Set' header.")
    if (unexpected !== undefined)
      faults.push(`Authorization header has an unknown or repeated '${echo(unexpected)}' parameter.`)
    throw incomplete(
      `${faults.join(' ')} (Hashed with SHA-256 and encoded with Base64) Authorization=${hashedHeader(header)}`,
    )
  }

  const dateFrom = amzDate === undefined ? 'date' : 'x-amz-date'
  return {
    carrier: 'header',
    algorithm,
    credential,
    signedHeaders,
    signature,
    date,
    dateFrom,
    expires: undefined,
    regionSet,
  }
}

const isField = (name: string): name is 'Credential' | 'SignedHeaders' | 'Signature' =>
  name === 'Credential' || name === 'SignedHeaders' || name === 'Signature'

const noKeyValuePair = (header: string) =>
  incomplete(
    'Invalid key=value pair (missing equal-sign) in Authorization header ' +
      `(hashed with SHA-256 and encoded with Base64): '${hashedHeader(header)}'.`,
  )
