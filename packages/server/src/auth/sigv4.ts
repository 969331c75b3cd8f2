// AWS Signature Version 4 and 4a: reads the signature of a request, in its header or in its query, and verifies it. Pure: no clock, no
// store. Everything is taken from the raw headers and the raw target, for what a proxy or a parser tidied up is not what was signed.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html

import { hash, type KeyObject, timingSafeEqual, verify as verifyEcdsa } from 'node:crypto'
import { hmacHex, type PaddedKey } from '../crypto/mac.ts'
import type { Protocol } from '../operation.ts'
import { type Canonical, canonicalRequest, hashCanonical, stringToSign } from './canonical.ts'
import { echo, headerInQuery, incomplete, mismatch, unsignedHeader, wrongScope } from './errors.ts'
import { parseAuthorization, parsePresigned, type SignatureFields } from './fields.ts'
import { isRegion, pickRegion } from './region.ts'
import { type Headers, indexHeaders, type QueryPair, queryPairs, splitTarget, type WireRequest } from './request.ts'
import { type Algorithm, ECDSA, HMAC, type SigningKey, type SigningKeys, type SigningPurpose } from './signing-keys.ts'
import { readTime, type SigningTime } from './time.ts'

export type ParseOptions = {
  /** What the credential scope must name; undefined where the request asks for nothing that exists, and any will do. */
  readonly service: string | undefined
  readonly protocol: Protocol
  /** Stands in for a SigV4a region set that holds only patterns. */
  readonly ownRegion: string
  /** False: the path is signed as it came, dot segments and all. Default true. */
  readonly normalizePath?: boolean
  /** True: the session token was added after signing. No service of ours; the published vectors have the case. Default false. */
  readonly tokenUnsigned?: boolean
}

export type ParsedSignature = SigningPurpose & {
  readonly carrier: 'header' | 'query'
  /** What follows the access key in the credential. */
  readonly scope: string
  /** The region of the request. */
  readonly region: string
  readonly time: SigningTime
  /** How long a presigned request lives; undefined: as long as the clocks may differ. */
  readonly lifetimeMs: number | undefined
  readonly sessionToken: string | undefined
  readonly signedHeaders: readonly string[]
  /** Hexadecimal; empty where it cannot be one, which equals none. */
  readonly signature: string
  readonly headers: Headers
  readonly path: string
  readonly query: readonly QueryPair[]
  readonly options: ParseOptions
}

/** Where these stand in a request they must be signed: each changes what the request means. Spelled as AWS's messages spell them. */
const SIGNED_WHERE_PRESENT = [
  'X-Amz-Date',
  'X-Amz-Target',
  'X-Amz-Content-Sha256',
  'X-Amz-Region-Set',
  'X-Strongroom-If-Version',
].map((spelling) => [spelling, spelling.toLowerCase()] as const)
/** What some signers move from the headers into the query of a presigned request, where nobody would read it. */
const HEADER_ONLY = 'X-Strongroom-If-Version'

const HEADER_LIST = /^[!#$%&'*+\-.^_`|~0-9a-z]+(?:;[!#$%&'*+\-.^_`|~0-9a-z]+)*$/
const HMAC_HEX = /^[0-9a-f]{64}$/
/** DER of two integers of at most 33 bytes. */
const ECDSA_HEX = /^(?:[0-9a-f]{2}){8,72}$/
const TERMINATOR = 'aws4_request'
const EXPIRES_SECONDS_MAX = 604_800
const ECHO_LENGTH_MAX = 256

/** Reads the signature of a request and checks all of it that needs neither a key nor a clock. Throws SignatureError. */
export function parseSignature(request: WireRequest, options: ParseOptions): ParsedSignature {
  const headers = indexHeaders(request.rawHeaders)
  const target = splitTarget(request.target)
  const query = queryPairs(target.query)
  if (query.some(({ name }) => name.toLowerCase() === HEADER_ONLY.toLowerCase())) throw headerInQuery(HEADER_ONLY)
  const fields = parsePresigned(query, headers) ?? parseAuthorization(headers)

  const time = readTime(fields.date, fields.dateFrom)
  const signedHeaders = readSignedHeaders(fields.signedHeaders)
  mustBeSigned(headers, signedHeaders, request.body.length > 0 && mayBeForm(headers, target.path, options), options)
  const algorithm = fields.algorithm
  if (algorithm !== HMAC && algorithm !== ECDSA) throw incomplete(`Unsupported AWS 'algorithm': '${echo(algorithm)}'.`)
  const credential = readCredential(algorithm, fields, time, options)

  return {
    ...credential,
    algorithm,
    carrier: fields.carrier,
    time,
    lifetimeMs: readLifetime(fields.expires),
    sessionToken: readSessionToken(headers, query),
    signedHeaders,
    signature: readSignature(algorithm, fields.signature),
    headers,
    path: target.path,
    query,
    options,
  }
}

/** What a right signature was checked with. */
export type Verified = {
  readonly key: SigningKey
  /** Hexadecimal SHA-256 of the body. */
  readonly bodyHash: string
}

/** Undefined unless `secret`, the secret access key, made this signature over this request. Compares in constant time. */
export function verifySignature(
  parsed: ParsedSignature,
  request: WireRequest,
  secret: KeyObject,
  keys: SigningKeys,
): Verified | undefined {
  const { key, cached } = keys.find(parsed, secret)
  const bodyHash = hash('sha256', request.body, 'hex')
  const text = textOf(parsed, request, bodyHash).toSign
  const right = 'inner' in key ? hmacMatches(key, text, parsed.signature) : ecdsaMatches(key, text, parsed.signature)
  if (!right || !bodyHashAgrees(parsed, bodyHash)) return undefined
  if (!cached) keys.keep(parsed, secret, key)
  return { key, bodyHash }
}

/** The two texts that AWS shows on a mismatch. They repeat signed headers: only for who switched that on. */
export function explainSignature(parsed: ParsedSignature, request: WireRequest): string {
  const { canonical, toSign } = textOf(parsed, request, hash('sha256', request.body, 'hex'))
  return `\n\nThe Canonical String for this request should have been\n'${canonical}'\n\nThe String-to-Sign should have been\n'${toSign}'\n`
}

/** The canonical request and the string to sign; `bodyHash` is the hexadecimal SHA-256 of the body as received. */
export function textOf(
  parsed: ParsedSignature,
  request: WireRequest,
  bodyHash: string,
): { readonly canonical: string; readonly toSign: string } {
  const canonical = canonicalRequest(canonicalOf(parsed, request.method, bodyHash))
  const toSign = stringToSign(parsed.algorithm, parsed.time.timestamp, parsed.scope, hashCanonical(canonical))
  return { canonical, toSign }
}

export const canonicalOf = (parsed: ParsedSignature, method: string, bodyHash: string): Canonical => ({
  method,
  path: parsed.path,
  query: parsed.query,
  omit: parsed.carrier === 'header' ? [] : parsed.options.tokenUnsigned ? OMITTED_WITH_TOKEN : OMITTED,
  headers: parsed.headers,
  signedHeaders: parsed.signedHeaders,
  bodyHash,
  normalizePath: parsed.options.normalizePath ?? true,
})

const OMITTED = ['X-Amz-Signature']
const OMITTED_WITH_TOKEN = ['X-Amz-Signature', 'X-Amz-Security-Token']

/** In constant time. */
export function hmacMatches(key: PaddedKey, text: string, signature: string): boolean {
  const expected = hmacHex(key, text)
  if (signature.length !== HMAC_HEX_LENGTH) return false
  given.write(signature, 'latin1')
  wanted.write(expected, 'latin1')
  return timingSafeEqual(given, wanted)
}

/** Where two signatures are compared: making buffers for them costs more than comparing. */
const HMAC_HEX_LENGTH = 64
const given = Buffer.alloc(HMAC_HEX_LENGTH)
const wanted = Buffer.alloc(HMAC_HEX_LENGTH)

const ecdsaMatches = (key: KeyObject, text: string, signature: string): boolean =>
  verifyEcdsa('sha256', Buffer.from(text), { key, dsaEncoding: 'der' }, Buffer.from(signature, 'hex'))

/** A payload hash that the client states must be that of the body: what S3 allows instead (UNSIGNED-PAYLOAD, STREAMING-...) is not for us. */
function bodyHashAgrees({ headers, query }: ParsedSignature, bodyHash: string): boolean {
  const stated = headers.get('x-amz-content-sha256')
  if (stated !== undefined && stated !== bodyHash) return false
  return query.every(({ name, value }) => name.toLowerCase() !== 'x-amz-content-sha256' || value === bodyHash)
}

function readSignedHeaders(list: string): readonly string[] {
  const known = knownLists.get(list)
  if (known !== undefined) return known
  if (!HEADER_LIST.test(list)) throw mismatch()
  const names = list.split(';')
  for (let at = 1; at < names.length; at++) if (names[at - 1]! >= names[at]!) throw mismatch()
  if (list.length <= KNOWN_LIST_LENGTH_MAX) {
    if (knownLists.size >= KNOWN_LISTS_MAX) knownLists.clear()
    knownLists.set(list, names)
  }
  return names
}

// A client sends the same list with every request.
const knownLists = new Map<string, readonly string[]>()
const KNOWN_LISTS_MAX = 256
const KNOWN_LIST_LENGTH_MAX = 512

function mustBeSigned(headers: Headers, signed: readonly string[], isForm: boolean, options: ParseOptions): void {
  if (!signed.includes('host')) throw unsignedHeader('Host')
  for (const [spelling, name] of SIGNED_WHERE_PRESENT)
    if (headers.has(name) && !signed.includes(name)) throw unsignedHeader(spelling)
  if (!options.tokenUnsigned && headers.has('x-amz-security-token') && !signed.includes('x-amz-security-token'))
    throw unsignedHeader('X-Amz-Security-Token')
  if (isForm && headers.has('content-type') && !signed.includes('content-type')) throw unsignedHeader('Content-Type')
}

/**
 * Whether a body is read as its content type says, so that whoever changes that changes the parameters. Where X-Amz-Target or a path of our
 * own names the operation, the body is JSON whatever its content type: `curl -d` sends that of a form and does not sign it.
 */
function mayBeForm(headers: Headers, path: string, { protocol }: ParseOptions): boolean {
  if (protocol === 'query') return true
  if (headers.has('x-amz-target') || path !== '/') return false
  return headers.get('content-type')?.toLowerCase().includes('x-www-form-urlencoded') ?? false
}

function readCredential(
  algorithm: Algorithm,
  fields: SignatureFields,
  time: SigningTime,
  options: ParseOptions,
): Omit<SigningPurpose, 'algorithm'> & { readonly scope: string; readonly region: string } {
  const elements = fields.credential.split('/', 6)
  const form = algorithm === HMAC ? 'keyid/date/region/service/term' : 'keyid/date/service/term'
  const count = algorithm === HMAC ? 5 : 4
  if (elements.length !== count || elements.includes('')) {
    const got = echo(fields.credential, ECHO_LENGTH_MAX)
    throw incomplete(`Credential must have exactly ${count} slash-delimited elements, e.g. ${form}, got '${got}'`)
  }
  const [accessKeyId, date] = elements as [string, string]
  const [service, terminator] = elements.slice(-2) as [string, string]
  const scopeRegion = algorithm === HMAC ? elements[2]! : ''
  const region =
    algorithm === HMAC
      ? isRegion(scopeRegion)
        ? scopeRegion
        : undefined
      : pickRegion(fields.regionSet ?? '', options.ownRegion)

  const faults: string[] = []
  const signedDate = time.timestamp.slice(0, 8)
  if (date !== signedDate)
    faults.push(
      'Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: ' +
        `'${echo(date)}' != '${signedDate}', from '${time.timestamp}'.`,
    )
  if (region === undefined) {
    const named = echo(algorithm === HMAC ? scopeRegion : (fields.regionSet ?? ''))
    faults.push(`Credential should be scoped to a valid region, not '${named}'.`)
  }
  if (options.service !== undefined && service !== options.service)
    faults.push(`Credential should be scoped to correct service: '${options.service}'.`)
  if (terminator !== TERMINATOR)
    faults.push(`Credential should be scoped with a valid terminator: '${TERMINATOR}', not '${echo(terminator)}'.`)
  if (region === undefined || faults.length > 0) throw wrongScope(faults)

  return {
    credential: fields.credential,
    accessKeyId,
    scope: fields.credential.slice(accessKeyId.length + 1),
    date,
    scopeRegion,
    region,
    service,
  }
}

function readLifetime(expires: string | undefined): number | undefined {
  if (expires === undefined) return undefined
  if (!/^\d{1,10}$/.test(expires)) throw incomplete('X-Amz-Expires should be a number')
  const seconds = Number(expires)
  if (seconds === 0) throw incomplete('X-Amz-Expires must be greater than 0 seconds')
  if (seconds > EXPIRES_SECONDS_MAX)
    throw incomplete(
      'X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800 seconds',
    )
  return seconds * 1000
}

function readSessionToken(headers: Headers, query: readonly QueryPair[]): string | undefined {
  const inQuery = query.filter(({ name }) => name === 'X-Amz-Security-Token')
  const inHeader = headers.get('x-amz-security-token')
  if (inQuery.length + (inHeader === undefined ? 0 : 1) > 1)
    throw incomplete("Found more than one 'X-Amz-Security-Token'.")
  return inHeader ?? inQuery[0]?.value
}

const readSignature = (algorithm: Algorithm, signature: string): string =>
  (algorithm === HMAC ? HMAC_HEX : ECDSA_HEX).test(signature) ? signature : ''
