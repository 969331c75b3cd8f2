// Texts that others fetch over plain HTTP for a moment, such as a certificate authority that looks who has a domain. It listens only while there
// is something to answer, so that of several processes each can take the port when it needs it.

import { createServer, type Server } from 'node:http'

export type HttpAnswers = {
  /**
   * Answers GET of the path, until what it returns is called.
   * @throws the error of listen, EADDRINUSE among them
   */
  answer(path: string, body: string): Promise<() => void>
}

const CONNECTIONS_MAX = 100
const TIMEOUT_MS = 10_000
const CHECKED_MS = 1_000
const HEADER_BYTES_MAX = 8_192

/** @param address `HOST:PORT`, an IPv6 address in brackets */
export function createHttpAnswers(address: string): HttpAnswers {
  const colon = address.lastIndexOf(':')
  const [host, port] = [address.slice(0, colon).replace(/^\[|\]$/g, ''), Number(address.slice(colon + 1))]
  const bodies = new Map<string, string>()
  let server: Promise<Server> | undefined
  const start = (): Promise<Server> =>
    new Promise((resolve, reject) => {
      const made = createServer({
        maxHeaderSize: HEADER_BYTES_MAX,
        requestTimeout: TIMEOUT_MS,
        headersTimeout: TIMEOUT_MS,
        connectionsCheckingInterval: CHECKED_MS,
      })
      made.maxConnections = CONNECTIONS_MAX
      made.on('request', ({ method, url = '' }, response) => {
        const body = method === 'GET' ? bodies.get(url) : undefined
        response.writeHead(body === undefined ? 404 : 200, {
          'content-type': 'application/octet-stream',
          'x-content-type-options': 'nosniff',
          connection: 'close',
        })
        response.end(body)
      })
      made.once('error', reject)
      made.listen({ host, port, exclusive: true }, () => resolve(made))
    })
  const stop = async (listening: Promise<Server>): Promise<void> => {
    const ended = await listening
    ended.close()
    // Nobody looks at time limits any more: who has not asked by now would stay for ever.
    ended.closeAllConnections()
  }
  return {
    async answer(path, body) {
      bodies.set(path, body)
      const end = (): void => {
        if (!bodies.delete(path) || bodies.size > 0 || server === undefined) return
        void stop(server)
        server = undefined
      }
      try {
        server ??= start()
        await server
      } catch (error) {
        server = undefined
        bodies.delete(path)
        throw error
      }
      return end
    },
  }
}
