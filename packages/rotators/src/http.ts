// One request of HTTP and its answer, to an address that was looked at: nothing is redirected, and nothing unbounded is read.

import type { ClientRequest, IncomingMessage } from 'node:http'
import { RotatorError } from './errors.ts'

export type HttpAnswer = { readonly status: number; readonly body: string }

/** Sends `body`, and reads the whole answer. @throws RotatorError `other` beyond `bytesMax`; what Node says of connections */
export const exchange = (
  request: ClientRequest,
  body: Buffer | undefined,
  { at, bytesMax }: { readonly at: string; readonly bytesMax: number },
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
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() }))
    })
    request.end(body)
  })
