// The listener: reads a request within its bounds, hands it to the path of a request, writes the answer.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { ServiceError as Refusal, type ServiceError } from '../errors.ts'
import { badRequest, requestTooLarge, tooManyLargeBodies } from '../protocol/errors.ts'
import { encodeJsonError, JSON_CONTENT_TYPE } from '../protocol/json.ts'
import type { WholeRequest } from './read-whole.ts'
import { header, type WireRequest, type WireResponse } from './request.ts'
import { createWholeRequests, headersOf, type Peer, type Responder, type WholeRequests } from './whole-requests.ts'

export type ListenOptions = {
  readonly host: string
  /** 0 takes a free port. */
  readonly port: number
  readonly tls?: { readonly cert: string | Buffer; readonly key: string | Buffer }
  /** Host headers that are answered, without port; empty: any. */
  readonly allowedHosts: readonly string[]
  readonly connectionsMax: number
  /** Every process of a group may listen on the same port. */
  readonly reusePort?: boolean
  readonly timeouts?: Partial<Timeouts>
  /** Bytes of bodies above 1 MiB that may be in memory together; 256 MiB unless told. A body beyond it is refused before it is read. */
  readonly largeBodiesBytesMax?: number
}

/** Milliseconds. */
export type Timeouts = {
  /** From the first byte of a request to the end of its headers. */
  readonly headersMs: number
  /** From the first byte of a request to its last. */
  readonly requestMs: number
  /** Between requests on one connection, and that a client may take nothing of its answer. */
  readonly idleMs: number
  /** How often the first two are looked at. */
  readonly checkMs: number
  /** That a client may take nothing of an answer that goes on. */
  readonly stallMs: number
}

const TIMEOUTS: Timeouts = { headersMs: 10_000, requestMs: 30_000, idleMs: 70_000, checkMs: 1_000, stallMs: 10_000 }
const HEADER_BYTES_MAX = 16_384
const HEADERS_MAX = 100
/** Bodies above this are counted together while they, or what is made of them, may be in memory. */
const LARGE_BODY_BYTES = 1_048_576
const LARGE_BODIES_BYTES_MAX = 268_435_456
/** How long a client that was refused has to end, and how long, and how much of, a body that is too large is read and thrown away. */
const LINGER_MS = 2_000
const LINGER_BYTES_MAX = 16 * 1_048_576

export type Handler = {
  /** Known from the headers alone, before the body is read. */
  bodyBytesMax(rawHeaders: readonly string[], target: string): number
  /** What needs no signature: health, metrics and published keys. Undefined where the path is none of them. */
  open(method: string, path: string, remoteAddress: string): Promise<WireResponse> | undefined
  handle(request: WireRequest): Promise<WireResponse>
}

export type Listener = {
  /** The port that is listened on. */
  readonly port: number
  /** Swaps the certificate for new connections. */
  reloadTls(tls: { readonly cert: string | Buffer; readonly key: string | Buffer }): void
  /** Accepts no more, ends the answers that go on, finishes the other requests in flight, and after graceMs ends what is left. */
  close(graceMs: number): Promise<void>
}

/** @throws the system's error where the address cannot be listened on. */
export async function listen(options: ListenOptions, handler: Handler): Promise<Listener> {
  const timeouts = { ...TIMEOUTS, ...options.timeouts }
  const serverOptions = {
    maxHeaderSize: HEADER_BYTES_MAX,
    headersTimeout: timeouts.headersMs,
    requestTimeout: timeouts.requestMs,
    keepAliveTimeout: timeouts.idleMs,
    connectionsCheckingInterval: timeouts.checkMs,
    noDelay: true,
    insecureHTTPParser: false,
  }
  const start = startTogether(({ wire, responder }) => {
    handler.handle(wire).then(
      (given) => {
        try {
          responder.answer(given)
        } catch {
          responder.destroy()
        }
      },
      () => responder.destroy(),
    )
  })
  const largeBodies = createBudget(options.largeBodiesBytesMax ?? LARGE_BODIES_BYTES_MAX)
  const closing = new AbortController()
  const responderOf = (response: ServerResponse): Responder => ({
    answer: (given) => {
      if (given.stream === undefined) write(response, given)
      else writeStream(response, given, closing.signal, timeouts.stallMs).catch(() => response.destroy())
    },
    destroy: () => response.destroy(),
  })
  const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    response.setTimeout(timeouts.idleMs, () => {
      if (response.writableEnded) response.destroy()
    })
    receive(request, response, receiver)
  }
  const receiver: Receiver = { options, handler, start, responderOf, largeBodies }
  const server: Server = options.tls
    ? (createTlsServer(
        { ...serverOptions, ...options.tls, minVersion: 'TLSv1.3', handshakeTimeout: timeouts.headersMs },
        onRequest,
      ) as unknown as Server)
    : createServer(serverOptions, onRequest)
  server.maxConnections = options.connectionsMax
  // Node drops the headers beyond its count without a word; the count is ours to check, their bytes are bounded above.
  server.maxHeadersCount = 0
  server.on('clientError', answerBrokenRequest)
  const whole = readWholeFirst(server, timeouts, receiver)
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host: options.host, port: options.port, reusePort: options.reusePort ?? false }, () => {
      server.off('error', reject)
      resolve()
    })
  })
  const address = server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : options.port,
    reloadTls: (tls) =>
      (server as unknown as import('node:https').Server).setSecureContext({ ...tls, minVersion: 'TLSv1.3' }),
    close: (graceMs) =>
      new Promise((resolve) => {
        closing.abort()
        // Those too that have not yet shaken hands, of which neither reader knows.
        const timer = setTimeout(() => {
          for (const socket of sockets) socket.destroy()
        }, graceMs)
        // A connection whose request ends now would stay open until its client or its timeout ends it.
        const sweep = setInterval(() => server.closeIdleConnections(), 20)
        server.close(() => {
          clearTimeout(timer)
          clearInterval(sweep)
          resolve()
        })
        server.closeIdleConnections()
        whole.close()
      }),
  }
}

/** What is whole is taken from the socket itself; node:http gets its connections only with what is not (docs/adr/0025-requests-that-arrive-whole.md). */
function readWholeFirst(server: Server, { headersMs, idleMs }: Timeouts, receiver: Receiver): WholeRequests {
  const { options, handler, start } = receiver
  const event = options.tls === undefined ? 'connection' : 'secureConnection'
  const readByNode = server.listeners(event) as ((socket: Socket) => void)[]
  const whole = createWholeRequests({
    headBytesMax: HEADER_BYTES_MAX,
    firstMs: headersMs,
    idleMs,
    peerOf: (socket) => peerOf(socket, options),
    take: (request, peer, responder) => {
      const { target, rawHeaders, body } = request
      if (refuseHeaders(rawHeaders, options) || body.length > handler.bodyBytesMax(rawHeaders, target)) return false
      start({ wire: wireOf(request, peer), responder })
      return true
    },
    handOver: (socket) => {
      for (const read of readByNode) read.call(server, socket)
    },
    tooSlow: (socket) => answerBrokenRequest({ code: 'ERR_HTTP_REQUEST_TIMEOUT' }, socket),
  })
  server.removeAllListeners(event)
  server.on(event, whole.add)
  return whole
}

type Received = { readonly wire: WireRequest; readonly responder: Responder }

const peerOf = (socket: Socket, { tls }: ListenOptions): Peer => ({
  remoteAddress: socket.remoteAddress ?? '',
  secure: tls !== undefined,
  tlsVersion: tls === undefined ? undefined : ((socket as TLSSocket).getProtocol() ?? undefined),
})

/** Without a spread: of all requests alike, and at no cost. */
const wireOf = (
  { method, target, rawHeaders, body }: WholeRequest,
  { remoteAddress, secure, tlsVersion }: Peer,
): WireRequest => ({ method, target, rawHeaders, body, remoteAddress, secure, tlsVersion })

/**
 * Starts what came in one turn of the event loop together, at its end. Requests then go through each stage of their path side by side,
 * while its code is in the processor's caches (docs/adr/0004-requests-start-together.md).
 */
function startTogether(begin: (received: Received) => void): (received: Received) => void {
  let waiting: Received[] = []
  const startAll = (): void => {
    const together = waiting
    waiting = []
    for (const received of together) begin(received)
  }
  return (received) => {
    if (waiting.push(received) === 1) setImmediate(startAll)
  }
}

/** So many bytes may be taken at a time, by whoever. */
type Budget = {
  /** False where there are not as many left. */
  take(bytes: number): boolean
  give(bytes: number): void
}

function createBudget(bytesMax: number): Budget {
  let taken = 0
  return {
    take: (bytes) => {
      if (taken + bytes > bytesMax) return false
      taken += bytes
      return true
    },
    give: (bytes) => {
      taken -= bytes
    },
  }
}

type Receiver = {
  readonly options: ListenOptions
  readonly handler: Handler
  readonly start: (received: Received) => void
  readonly responderOf: (response: ServerResponse) => Responder
  readonly largeBodies: Budget
}

function receive(request: IncomingMessage, response: ServerResponse, receiver: Receiver): void {
  const { options, handler, start, responderOf, largeBodies } = receiver
  const { rawHeaders } = request
  const target = request.url ?? '/'
  const method = request.method ?? ''
  const refusal = refuseHeaders(rawHeaders, options)
  if (refusal) {
    refuse(response, refusal)
    return
  }
  const open = handler.open(method, target, request.socket.remoteAddress ?? '')
  if (open) {
    request.resume()
    open.then(
      (answer) => write(response, answer),
      () => response.destroy(),
    )
    return
  }

  const bodyBytesMax = handler.bodyBytesMax(rawHeaders, target)
  const length = header(rawHeaders, 'content-length')
  if (Number(length ?? 0) > bodyBytesMax) {
    refuseBody(request, response, requestTooLarge(bodyBytesMax))
    return
  }
  // Before anyone is known by name, memory is all that a stranger can take: not more of it than this.
  const reserved = length === undefined ? 0 : Number(length)
  let taken = 0
  const take = (bytes: number): boolean => {
    if (!largeBodies.take(bytes)) return false
    taken = bytes
    response.on('close', () => largeBodies.give(bytes))
    return true
  }
  if (reserved > LARGE_BODY_BYTES && !take(reserved)) {
    refuseBody(request, response, tooManyLargeBodies())
    return
  }
  const chunks: Buffer[] = []
  let size = 0
  request.on('data', (chunk: Buffer) => {
    size += chunk.length
    if (response.headersSent) return
    const tooLarge = size > bodyBytesMax
    if (!tooLarge && (size <= LARGE_BODY_BYTES || taken > 0 || take(bodyBytesMax))) chunks.push(chunk)
    else {
      chunks.length = 0
      refuseBody(request, response, tooLarge ? requestTooLarge(bodyBytesMax) : tooManyLargeBodies())
    }
  })
  request.on('error', () => response.destroy())
  request.on('end', () => {
    // Who was told that this comes too late is not to find it done.
    if (response.headersSent || !request.socket.writable) return
    const body = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)
    start({
      wire: wireOf({ method, target, rawHeaders, body }, peerOf(request.socket, options)),
      responder: responderOf(response),
    })
  })
}

function refuseHeaders(rawHeaders: readonly string[], { allowedHosts }: ListenOptions): ServiceError | undefined {
  if (rawHeaders.length > HEADERS_MAX * 2) return badRequest(`A request may have at most ${HEADERS_MAX} headers.`)
  if (allowedHosts.length === 0) return undefined
  const host = (header(rawHeaders, 'host') ?? '').replace(/:[0-9]{1,5}$/, '').toLowerCase()
  if (allowedHosts.includes(host)) return undefined
  return new Refusal('MisdirectedRequest', 421, 'This server does not answer for that host.', { messageKey: 'message' })
}

/** Answers and closes: what follows on the connection is not a request. */
function refuse(response: ServerResponse, error: ServiceError): void {
  response.setHeader('Connection', 'close')
  write(response, { status: error.status, contentType: JSON_CONTENT_TYPE, body: encodeJsonError(error) })
}

/**
 * Answers at once, then reads on for a while before it closes: a client that is still writing when its connection ends hears of a broken
 * pipe and not of the answer.
 */
function refuseBody(request: IncomingMessage, response: ServerResponse, error: ServiceError): void {
  const end = (): unknown => response.end()
  const timer = setTimeout(end, LINGER_MS).unref()
  let left = LINGER_BYTES_MAX
  request.on('data', (chunk: Buffer) => {
    left -= chunk.length
    if (left < 0) end()
  })
  request.on('end', end)
  request.on('error', () => response.destroy())
  response.on('close', () => clearTimeout(timer))
  const body = encodeJsonError(error)
  response.setHeader('Connection', 'close')
  writeHead(response, { status: error.status, contentType: JSON_CONTENT_TYPE, errorType: error.code, body })
  response.write(body)
}

function write(response: ServerResponse, answer: WireResponse): void {
  const bytes = writeHead(response, answer)
  const { body } = answer
  // ASCII is the same in both, and latin1 is written more quickly.
  if (typeof body === 'string') response.end(body, bytes === body.length ? 'latin1' : 'utf8')
  else response.end(body)
}

/** An answer that goes on. One piece is in memory at a time: the next is made when the client has taken the last. */
async function writeStream(
  response: ServerResponse,
  { status, contentType, requestId, body, stream }: WireResponse,
  closing: AbortSignal,
  stallMs: number,
): Promise<void> {
  const gone = new AbortController()
  response.on('close', () => gone.abort())
  const signal = AbortSignal.any([gone.signal, closing])
  // No cache may keep it, and no proxy hold it back until it is whole.
  const headers = ['Content-Type', contentType, 'Cache-Control', 'no-store', 'X-Accel-Buffering', 'no']
  if (requestId !== undefined) headers.push('x-amzn-RequestId', requestId)
  response.writeHead(status, headers)
  response.write(body)
  for await (const piece of stream!(signal)) {
    if (gone.signal.aborted) return
    if (!response.write(piece) && !(await drained(response, stallMs))) {
      response.destroy()
      return
    }
  }
  response.end()
}

const drained = (response: ServerResponse, stallMs: number): Promise<boolean> =>
  new Promise((resolve) => {
    const end = (taken: boolean): void => {
      clearTimeout(timer)
      response.off('drain', onDrain)
      response.off('close', onClose)
      resolve(taken)
    }
    const onDrain = (): void => end(true)
    const onClose = (): void => end(false)
    const timer = setTimeout(end, stallMs, false)
    response.on('drain', onDrain)
    response.on('close', onClose)
  })

/** @returns how many bytes the body has */
function writeHead(response: ServerResponse, given: WireResponse): number {
  const bytes = Buffer.byteLength(given.body)
  response.writeHead(given.status, headersOf(given, bytes))
  return bytes
}

/** A message that is not HTTP, or too slow, or too large in its headers: one plain answer, then the connection ends. */
function answerBrokenRequest(error: { readonly code?: string }, socket: Socket): void {
  if (!socket.writable || error.code === 'ECONNRESET' || isShakingHands(socket)) {
    socket.destroy()
    return
  }
  const status =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? '431 Request Header Fields Too Large'
      : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? '408 Request Timeout'
        : '400 Bad Request'
  socket.end(
    `HTTP/1.1 ${status}\r\nDate: ${new Date().toUTCString()}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`,
  )
  // A client that never ends its half would hold the connection for good.
  const timer = setTimeout(() => socket.destroy(), LINGER_MS).unref()
  socket.once('close', () => clearTimeout(timer))
}

/** To whom nothing can be said yet. */
const isShakingHands = (socket: Socket): boolean =>
  'encrypted' in socket && (socket as TLSSocket).getCipher()?.name === undefined
