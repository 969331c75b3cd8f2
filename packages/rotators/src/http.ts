// One request of HTTP and its answer, to an address that was looked at: nothing is redirected, and nothing unbounded is read.

import type { ClientRequest, IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { connectionError, within } from './connection.ts'
import { RotatorError } from './errors.ts'
import type { Io } from './rotator.ts'

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
