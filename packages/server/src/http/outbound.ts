// The one client of calls that leave the server, to addresses that somebody else wrote down. https only; a name is resolved once, every
// address it has is checked, and the one connected to is pinned; no redirects, no proxy, bounded in time and bytes. What lies in the
// operator's own networks is reached only where the operator allowed its origin (--allow-outbound).

import { X509Certificate } from 'node:crypto'
import { lookup } from 'node:dns/promises'
import { request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import { BlockList, isIP } from 'node:net'
import { checkServerIdentity, type TLSSocket } from 'node:tls'

/** Why a call had no usable answer. What came back is never in it: the caller may be a stranger. */
export class OutboundError extends Error {
  readonly kind: 'forbidden' | 'unreachable' | 'untrusted' | 'status' | 'size'

  constructor(kind: OutboundError['kind'], message: string, options: { readonly cause?: unknown } = {}) {
    super(message, options)
    this.name = 'OutboundError'
    this.kind = kind
  }
}

export type Outbound = {
  /**
   * The body of a GET that answered 200. `thumbprints` are SHA-1 of certificates, lower-case hex: a chain that the system does not trust is
   * trusted where one of them stands in it.
   * @throws OutboundError
   */
  get(url: string, options: { readonly bytesMax: number; readonly thumbprints?: readonly string[] }): Promise<Buffer>
  /**
   * What a POST was answered with, whatever the status. `headers` are sent as they are, `host` among them where they were signed. Ends when
   * `signal` aborts, and within `timeoutMs`.
   * @throws OutboundError
   */
  post(url: string, options: Post): Promise<PostAnswer>
}

export type Post = {
  readonly headers: { readonly [name: string]: string }
  readonly body: Uint8Array
  readonly bytesMax: number
  readonly timeoutMs: number
  readonly signal: AbortSignal
}

export type PostAnswer = {
  readonly status: number
  /** By lower-case name. */
  readonly headers: { readonly [name: string]: string | readonly string[] | undefined }
  readonly body: Buffer
}

export type OutboundOptions = {
  /** Origins (`https://idp.internal:8443`) that may be called whatever their address is, and in plain http where they say so. */
  readonly allowed: readonly string[]
  /** Of the whole call, the name's resolution included. */
  readonly timeoutMs?: number
}

const TIMEOUT_MS = 10_000

export function createOutbound({ allowed, timeoutMs = TIMEOUT_MS }: OutboundOptions): Outbound {
  const origins = new Set(allowed)
  const call = async (text: string, ask: Omit<Ask, 'address'>): Promise<PostAnswer> => {
    const url = URL.parse(text)
    if (url === null || url.username !== '' || url.password !== '') throw forbidden('the address is not a plain one')
    const exempt = origins.has(url.origin)
    if (url.protocol !== 'https:' && !(exempt && url.protocol === 'http:')) throw forbidden('only https is called')
    const address = await Promise.race([resolveAddress(url, exempt), whenAborted(ask.signal)])
    return send(url, { ...ask, address })
  }
  return {
    get: async (text, { bytesMax, thumbprints = [] }) => {
      const headers = { accept: 'application/json' }
      const signal = AbortSignal.timeout(timeoutMs)
      const accepts = (status: number): boolean => status === 200
      return (await call(text, { method: 'GET', headers, accepts, bytesMax, thumbprints, signal })).body
    },
    post: (text, { headers, body, bytesMax, timeoutMs, signal: given }) => {
      const signal = AbortSignal.any([given, AbortSignal.timeout(timeoutMs)])
      const accepts = (): boolean => true
      return call(text, { method: 'POST', headers, body, accepts, bytesMax, thumbprints: [], signal })
    },
  }
}

type Ask = {
  readonly method: 'GET' | 'POST'
  readonly headers: { readonly [name: string]: string }
  readonly body?: Uint8Array
  /** Whether an answer with this status is read. */
  readonly accepts: (status: number) => boolean
  readonly bytesMax: number
  readonly thumbprints: readonly string[]
  readonly signal: AbortSignal
  /** What the name stands for. */
  readonly address: string
}

const forbidden = (message: string) => new OutboundError('forbidden', message)

const whenAborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    const fail = (): void => reject(new OutboundError('unreachable', 'no answer in time'))
    if (signal.aborted) fail()
    signal.addEventListener('abort', fail, { once: true })
  })

/** The first address of the name, all of which must be allowed: a name with one address inside is not for us. */
async function resolveAddress({ hostname }: URL, exempt: boolean): Promise<string> {
  const host = hostname.replace(/^\[|\]$/g, '')
  const found =
    isIP(host) !== 0
      ? [{ address: host }]
      : await lookup(host, { all: true }).catch((cause: unknown) => {
          throw new OutboundError('unreachable', 'the name has no address', { cause })
        })
  if (!exempt && !found.every(({ address }) => isPublicAddress(address))) {
    throw forbidden('the address is inside the networks of the server: --allow-outbound allows it')
  }
  return found[0]!.address
}

function send(url: URL, ask: Ask): Promise<PostAnswer> {
  const { method, headers, body, accepts, bytesMax, thumbprints, signal, address } = ask
  const { promise, resolve, reject } = Promise.withResolvers<PostAnswer>()
  const unreachable = (cause: unknown) =>
    reject(cause instanceof OutboundError ? cause : new OutboundError('unreachable', 'there is no answer', { cause }))
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const request = (url.protocol === 'https:' ? requestHttps : requestHttp)({
    host: address,
    port: url.port === '' ? undefined : Number(url.port),
    path: url.pathname + url.search,
    method,
    headers: { host: url.host, ...headers, 'accept-encoding': 'identity' },
    agent: false,
    ...(isIP(host) === 0 && { servername: host }),
    // Checked below, on the handshake and before anything is sent.
    rejectUnauthorized: false,
  })
  // Once an answer has begun, Node tells of a destroyed request nowhere that is sure to be heard.
  const fail = (error: OutboundError): void => {
    reject(error)
    request.destroy()
  }
  const abort = (): void => fail(new OutboundError('unreachable', 'no answer in time'))
  if (signal.aborted) abort()
  signal.addEventListener('abort', abort, { once: true })
  request.on('socket', (socket) => {
    if (url.protocol !== 'https:') return
    socket.once('secureConnect', () => {
      const why = distrust(socket as TLSSocket, host, thumbprints)
      if (why !== undefined) fail(new OutboundError('untrusted', why))
    })
  })
  request.on('response', (response) => {
    const status = response.statusCode!
    if (!accepts(status)) {
      fail(new OutboundError('status', `it answered with status ${status}`))
      return
    }
    const chunks: Buffer[] = []
    let size = 0
    response.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size > bytesMax) fail(new OutboundError('size', `it answered with more than ${bytesMax} bytes`))
      else chunks.push(chunk)
    })
    response.on('end', () => {
      if (size <= bytesMax) resolve({ status, headers: response.headers, body: Buffer.concat(chunks) })
    })
    response.on('error', unreachable)
  })
  request.on('error', unreachable)
  request.end(body)
  return promise
}

/** What OpenSSL says of a chain whose end it does not know. */
const UNKNOWN_AUTHORITY = [
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]

/** Why the other side is not who it should be; undefined where it is. */
function distrust(socket: TLSSocket, host: string, thumbprints: readonly string[]): string | undefined {
  const peer = socket.getPeerCertificate(true)
  if (checkServerIdentity(host, peer) !== undefined) return 'its certificate is for another name'
  if (socket.authorized) return undefined
  // Node's types have the error as an Error; it is its code.
  const code = String(socket.authorizationError)
  if (!UNKNOWN_AUTHORITY.some((known) => code.includes(known))) return `its certificate is not valid (${code})`
  return isVouchedFor(peer, thumbprints) ? undefined : 'nobody known vouches for its certificate'
}

type Peer = ReturnType<TLSSocket['getPeerCertificate']> & { readonly issuerCertificate?: Peer }

/** Whether each certificate up to one with a thumbprint is signed by the next, and every one is within its dates. */
function isVouchedFor(leaf: Peer, thumbprints: readonly string[]): boolean {
  let peer: Peer | undefined = leaf
  for (let depth = 0; peer !== undefined && depth < CHAIN_MAX; depth += 1) {
    const certificate = new X509Certificate(peer.raw)
    if (certificate.validToDate.getTime() < Date.now() || certificate.validFromDate.getTime() > Date.now()) return false
    if (depth > 0 && !certificate.ca) return false
    if (thumbprints.includes(certificate.fingerprint.replaceAll(':', '').toLowerCase())) return true
    const issuer: Peer | undefined = peer.issuerCertificate === peer ? undefined : peer.issuerCertificate
    if (issuer === undefined || !certificate.verify(new X509Certificate(issuer.raw).publicKey)) return false
    peer = issuer
  }
  return false
}

const CHAIN_MAX = 8

/** Networks that nobody on the Internet answers from. https://www.iana.org/assignments/iana-ipv4-special-registry */
const inside = new BlockList()
for (const [network, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
] as const) {
  inside.addSubnet(network, prefix, 'ipv4')
}

/** Of IPv6 only global unicast, without what stands for an IPv4 address (NAT64, 6to4, Teredo) or for documentation. */
const global6 = new BlockList()
global6.addSubnet('2000::', 3, 'ipv6')
for (const [network, prefix] of [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
] as const) {
  inside.addSubnet(network, prefix, 'ipv6')
}

export function isPublicAddress(address: string): boolean {
  if (isIP(address) === 4) return !inside.check(address, 'ipv4')
  return isIP(address) === 6 && global6.check(address, 'ipv6') && !inside.check(address, 'ipv6')
}
