// The listeners: loopback, a Unix socket or both, with one count of connections.

import { lstatSync, unlinkSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { type AddressInfo, connect, type ListenOptions, type Socket } from 'node:net'
import type { AgentConfig } from './config.ts'
import type { Handler } from './handle.ts'
import { alone } from './socket-lock.ts'
import { StartError } from './start-error.ts'

export type Listening = {
  /** The one that was taken. */
  readonly port: number | undefined
  connections(): number
  /** Accepts no more, lets requests in flight end, and cuts what is left after graceMs. */
  close(graceMs: number): Promise<void>
}

const HEADER_BYTES_MAX = 16_384
const HEADERS_MS = 10_000
/** As long as AWS's agent keeps a connection. */
const IDLE_MS = 61_000
/** Beyond the limit a connection is told so, these many; further ones are closed without a word. */
const REFUSED_CONNECTIONS_MAX = 128

/** @throws StartError where it cannot be listened there */
export async function listen(
  { port, socket, connectionsMax }: Pick<AgentConfig, 'port' | 'socket' | 'connectionsMax'>,
  handle: Handler,
): Promise<Listening> {
  let open = 0
  const ranks = new WeakMap<Socket, number>()
  const serverOf = (needsToken: boolean): Server => {
    const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
      const { method = '', url = '', headers } = request
      const connection = ranks.get(request.socket) ?? open
      handle({ method, target: url, headers, connection, needsToken }).then(
        ({ status, body }) => {
          // Whoever was refused a place makes room.
          if (status === 429) response.shouldKeepAlive = false
          response.writeHead(status, { 'content-length': Buffer.byteLength(body) }).end(body)
        },
        () => response.destroy(),
      )
    }
    const server = createServer(
      {
        maxHeaderSize: HEADER_BYTES_MAX,
        headersTimeout: HEADERS_MS,
        requestTimeout: HEADERS_MS,
        keepAliveTimeout: IDLE_MS,
        connectionsCheckingInterval: 1_000,
        noDelay: true,
      },
      onRequest,
    )
    server.maxConnections = connectionsMax + REFUSED_CONNECTIONS_MAX
    server.on('connection', (connection: Socket) => {
      ranks.set(connection, ++open)
      connection.once('close', () => open--)
    })
    return server
  }

  const servers: Server[] = []
  const close = async (graceMs: number): Promise<void> => {
    await Promise.all(servers.map((server) => closeServer(server, graceMs)))
  }
  try {
    if (socket !== undefined) {
      const server = serverOf(socket.needsToken)
      await listenOnSocket(server, socket.path, socket.mode)
      servers.push(server)
    }
    if (port !== undefined) {
      const server = serverOf(true)
      await start(server, { host: '127.0.0.1', port })
      servers.push(server)
    }
  } catch (error) {
    await close(0)
    if (error instanceof StartError) throw error
    const { code } = error as NodeJS.ErrnoException
    throw new StartError(`127.0.0.1:${port} cannot be listened on (${code}): give another with --port`)
  }
  const address = servers.map((server) => server.address()).find((one) => typeof one === 'object')
  return { port: (address as AddressInfo | undefined)?.port, connections: () => open, close }
}

/** A socket that a killed agent left is replaced; one on which somebody listens is not. */
async function listenOnSocket(server: Server, path: string, mode: number): Promise<void> {
  const listen = async (): Promise<void> => {
    // Bound in this very call, with no moment at which others could open it.
    const mask = process.umask(0o777 & ~mode)
    try {
      await start(server, { path })
    } finally {
      process.umask(mask)
    }
  }
  try {
    // Alone also where nothing is there: between its making and its listening a socket refuses as one that was left does.
    await alone(path, () =>
      listen().catch(async (error: NodeJS.ErrnoException) => {
        if (error.code !== 'EADDRINUSE') throw error
        if (!lstatSync(path).isSocket()) throw new StartError(`${path} is there, and is no socket`)
        if (await somebodyListens(path)) throw new StartError(`${path} is the socket of an agent that runs`)
        unlinkSync(path)
        await listen()
      }),
    )
  } catch (error) {
    if (error instanceof StartError) throw error
    const { code } = error as NodeJS.ErrnoException
    throw new StartError(
      `the socket ${path} cannot be made (${code}): its folder must be there, and be the agent's to write`,
    )
  }
}

function start(server: Server, where: ListenOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ ...where, exclusive: true, backlog: 1_024 }, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

function somebodyListens(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(path)
    const end = (answer: boolean): void => {
      probe.destroy()
      resolve(answer)
    }
    probe.once('connect', () => end(true))
    // Anything but a refusal leaves it open whether somebody does.
    probe.once('error', (error: NodeJS.ErrnoException) => end(error.code !== 'ECONNREFUSED'))
  })
}

function closeServer(server: Server, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const cut = setTimeout(() => server.closeAllConnections(), graceMs)
    // A connection whose request ends now would stay open until its timeout.
    const sweep = setInterval(() => server.closeIdleConnections(), 20)
    server.close(() => {
      clearTimeout(cut)
      clearInterval(sweep)
      resolve()
    })
    server.closeIdleConnections()
  })
}
