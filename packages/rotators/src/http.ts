// One request of HTTP and its answer, to an address that was looked at: nothing is redirected, and nothing unbounded is read.

import { type ClientRequest, type IncomingHttpHeaders, type IncomingMessage, request as requestPlain } from 'node:http'
import { request as requestTls } from 'node:https'
import { connectionError, verifiedTls, within } from './connection.ts'
import { RotatorError } from './errors.ts'
import type { Io } from './rotator.ts'
import { placeOf } from './secret.ts'

/** Where requests go: a scheme, a host and a port. */
export type Origin = {
  readonly host: string
  readonly port: number
  readonly tls: boolean
  /** In lower case, without a port that the scheme has anyway. */
  readonly origin: string
}

/** @throws RotatorError `secret`, naming the member */
export function readOrigin(member: string, text: unknown, ssl: unknown): Origin {
  const url = typeof text === 'string' && text.length <= 300 ? URL.parse(text) : null
  if (url === null || !/^https?:$/.test(url.protocol) || (text !== url.origin && text !== `${url.origin}/`)) {
    throw new RotatorError('secret', `The member ${member} is not https://HOST or https://HOST:PORT, in lower case.`)
  }
  const tls = url.protocol === 'https:'
  if (tls === (ssl === false || ssl === 'false')) {
    throw new RotatorError('secret', `The member ${member} is of http if, and only if, ssl is false.`)
  }
  const host = url.hostname.replace(/^\[|\]$/g, '')
  return { host, port: url.port === '' ? (tls ? 443 : 80) : Number(url.port), tls, origin: url.origin }
}

export type HttpRequest = {
  readonly method: string
  /** With the query. */
  readonly path: string
  readonly headers: { readonly [name: string]: string }
  readonly body?: Buffer | undefined
}

/**
 * One request to the address that the host stands for, and its whole answer of at most `bytesMax`; no redirect is followed.
 * @throws RotatorError `unreachable`, `permission`, `tls`, `other`
 */
export async function send(to: Origin, asked: HttpRequest, io: Io, bytesMax: number): Promise<HttpAnswer> {
  const { host, port, tls } = to
  const { method, path, headers, body } = asked
  const options = {
    host: await io.resolve(host, port),
    port,
    method,
    path,
    agent: false as const,
    headers: {
      ...headers,
      host: new URL(to.origin).host,
      'accept-encoding': 'identity',
      ...(body && { 'content-length': body.length }),
    },
  }
  const request = tls ? requestTls({ ...options, ...verifiedTls({ host }, io) }) : requestPlain(options)
  return exchange(request, body, { io, at: placeOf(to), tls, bytesMax })
}

export type HttpAnswer = { readonly status: number; readonly headers: IncomingHttpHeaders; readonly body: string }

export type Exchange = {
  readonly io: Io
  /** Where it is sent, for messages: `host:port`. */
  readonly at: string
  readonly tls: boolean
  /** Of the answer. */
  readonly bytesMax: number
}

/**
 * Sends `body`, and reads the whole answer within the time limit.
 * @throws RotatorError `unreachable`, `tls`; `other` for an answer that is too long or is no HTTP
 */
export async function exchange(
  request: ClientRequest,
  body: Buffer | undefined,
  { io, at, tls, bytesMax }: Exchange,
): Promise<HttpAnswer> {
  let handshaking = tls
  request.once('socket', (socket) => socket.once('secureConnect', () => (handshaking = false)))
  try {
    return await within(
      io,
      at,
      () => void request.destroy(),
      () => answered(request, body, { at, bytesMax }),
    )
  } catch (error) {
    throw connectionError(error, at, { handshaking }) ?? new RotatorError('other', `${at} does not speak HTTP.`)
  }
}

const answered = (
  request: ClientRequest,
  body: Buffer | undefined,
  { at, bytesMax }: Pick<Exchange, 'at' | 'bytesMax'>,
): Promise<HttpAnswer> =>
  new Promise((resolve, reject) => {
    request.on('error', reject)
    request.on('response', (response: IncomingMessage) => {
      const chunks: Buffer[] = []
      let size = 0
      response.on('error', reject)
      response.on('data', (chunk: Buffer) => {
        size += chunk.length
        if (size > bytesMax) request.destroy(new RotatorError('other', `${at} answers with too much.`))
        else chunks.push(chunk)
      })
      response.on('end', () => {
        const { statusCode: status = 0, headers } = response
        resolve({ status, headers, body: Buffer.concat(chunks).toString() })
      })
    })
    request.end(body)
  })
