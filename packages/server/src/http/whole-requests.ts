// Connections on which every request arrives whole, one after the other, as those of AWS's clients do: read and answered over the bare socket,
// which costs half of what node:http does. The first thing that is anything else goes to node:http with the connection, for good.

import { STATUS_CODES, validateHeaderValue } from 'node:http'
import type { Socket } from 'node:net'
import { readWhole, type WholeRequest } from './read-whole.ts'
import type { WireRequest, WireResponse } from './request.ts'

/** What a connection says of all its requests. */
export type Peer = Pick<WireRequest, 'remoteAddress' | 'secure' | 'tlsVersion'>

/** Where the answer goes. One of the two is called, once. */
export type Responder = {
  answer(given: WireResponse): void
  /** There is no answer. */
  destroy(): void
}

export type WholeRequestsOptions = {
  /** Of the request line and all headers. */
  readonly headBytesMax: number
  /** Milliseconds until the first request, and between requests. */
  readonly firstMs: number
  readonly idleMs: number
  /** False where node:http shall read, and refuse, it. */
  take(request: WholeRequest, peer: Peer, responder: Responder): boolean
  /** node:http, for which what was read is still to be read. */
  handOver(socket: Socket): void
  peerOf(socket: Socket): Peer
  /** No request came in time. */
  tooSlow(socket: Socket): void
}

export type WholeRequests = {
  add(socket: Socket): void
  /** Ends what is idle or comes later at once, and the others after the answer that is awaited. */
  close(): void
}

/** node:http gives clients as long beyond what Keep-Alive tells them, so that none is closed on while its request is on its way. */
const IDLE_MARGIN_MS = 1_000

export function createWholeRequests(options: WholeRequestsOptions): WholeRequests {
  const ends = new Set<() => void>()
  let isClosed = false
  return {
    add: (socket) => {
      if (isClosed) socket.destroy()
      else serve(socket, options, ends)
    },
    close: () => {
      isClosed = true
      for (const end of ends) end()
    },
  }
}

function serve(socket: Socket, options: WholeRequestsOptions, ends: Set<() => void>): void {
  const { headBytesMax, firstMs, idleMs } = options
  const peer = options.peerOf(socket)
  let isFirst = true
  let isBusy = false
  let isEnding = false
  /** What came before the answer to what was there: no client does so that waits for its answers. */
  let early: Buffer | undefined

  const onData = (chunk: Buffer): void => {
    // Nobody would be told what became of it.
    if (isEnding) return
    if (isBusy) {
      socket.pause()
      early = chunk
      return
    }
    const request = readWhole(chunk, headBytesMax)
    if (request === undefined || !options.take(request, peer, responder)) {
      handOver(chunk)
      return
    }
    isBusy = true
    if (!isFirst) return
    isFirst = false
    socket.setTimeout(idleMs + IDLE_MARGIN_MS)
  }
  const responder: Responder = {
    answer: (given) => {
      isBusy = false
      if (socket.destroyed) return
      // What answers on and on has a path of its own, which is never taken here.
      if (given.stream !== undefined) throw new Error('An answer that goes on needs node:http')
      const isTaken = write(socket, given, isEnding ? undefined : idleMs)
      if (isEnding) socket.destroySoon()
      else if (early !== undefined) handOver(early)
      else if (!isTaken) socket.pause()
    },
    destroy: () => socket.destroy(),
  }
  const onDrain = (): void => {
    if (early === undefined) socket.resume()
  }
  const end = (): void => {
    isEnding = true
    if (!isBusy) socket.destroySoon()
  }
  const onTimeout = (): void => {
    if (isBusy) return
    isEnding = true
    if (isFirst) options.tooSlow(socket)
    else socket.destroy()
  }
  const onError = (): void => {
    socket.destroy()
  }
  const onClose = (): void => {
    ends.delete(end)
  }
  const listeners = { data: onData, drain: onDrain, end, timeout: onTimeout, error: onError, close: onClose }
  const handOver = (chunk: Buffer): void => {
    for (const [event, listener] of Object.entries(listeners)) socket.off(event, listener)
    onClose()
    socket.setTimeout(0)
    socket.pause()
    socket.unshift(chunk)
    options.handOver(socket)
    socket.resume()
  }

  ends.add(end)
  for (const [event, listener] of Object.entries(listeners)) socket.on(event, listener)
  socket.setTimeout(firstMs)
}

/** With the headers that node:http writes. @returns false where the client has not yet taken what was written */
function write(socket: Socket, given: WireResponse, keepAliveMs: number | undefined): boolean {
  const { status, body } = given
  const bytes = Buffer.byteLength(body)
  const headers = headersOf(given, bytes)
  let head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'unknown'}\r\n`
  for (let at = 0; at < headers.length; at += 2) head += `${headers[at]}: ${headers[at + 1]}\r\n`
  head += `Date: ${httpDate()}\r\n`
  head +=
    keepAliveMs === undefined
      ? 'Connection: close\r\n\r\n'
      : `Connection: keep-alive\r\nKeep-Alive: timeout=${Math.floor(keepAliveMs / 1_000)}\r\n\r\n`
  // ASCII is the same in both, and latin1 is written more quickly.
  if (typeof body === 'string' && bytes === body.length) return socket.write(head + body, 'latin1')
  socket.cork()
  socket.write(head, 'latin1')
  const isTaken = typeof body === 'string' ? socket.write(body, 'utf8') : socket.write(body)
  socket.uncork()
  return isTaken
}

const NO_CONTENT = 204

/**
 * The names and values in turn. @param bytes of the body
 * @throws TypeError where a value would end its line, and make more headers of itself
 */
export function headersOf(
  { status, contentType, requestId, errorType, authorizationMessage, headers: more }: WireResponse,
  bytes: number,
): string[] {
  const headers = status === NO_CONTENT ? [] : ['Content-Type', contentType, 'Content-Length', String(bytes)]
  const add = (name: string, value: string): void => {
    validateHeaderValue(name, value)
    headers.push(name, value)
  }
  if (more !== undefined) for (const name in more) add(name, more[name]!)
  // Made here, and without need to be looked at.
  if (requestId !== undefined) headers.push('x-amzn-RequestId', requestId)
  if (errorType !== undefined) add('x-amzn-ErrorType', errorType)
  if (authorizationMessage !== undefined) add('x-strongroom-authorization-message', authorizationMessage)
  return headers
}

let second = 0
let secondAsText = ''

/** RFC 9110, 5.6.7. */
function httpDate(): string {
  const now = Math.floor(Date.now() / 1_000)
  if (now !== second) {
    second = now
    secondAsText = new Date(now * 1_000).toUTCString()
  }
  return secondAsText
}
