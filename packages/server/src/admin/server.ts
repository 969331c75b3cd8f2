// Serves the admin commands on <data-dir>/admin.sock, which only the user that runs the server, and root, can open.
// Every command that changes or exports something is in the audit trail before it is answered.

import { chmodSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { ConfigurationError } from '../config.ts'
import type { AdminCommand, AdminContext, AdminInput } from './command.ts'
import { AdminError } from './command.ts'
import { socketPath } from './socket.ts'

const BODY_BYTES_MAX = 65_536
const CONNECTIONS_MAX = 16

export type AdminServer = { close(): Promise<void> }

/** The caller holds the data directory's lock: a socket that is there already was left by a server that died. */
export async function serveAdmin(context: AdminContext, commands: readonly AdminCommand[]): Promise<AdminServer> {
  const { dataDir } = context.config
  const socket = socketPath(dataDir)
  if (socket === undefined) {
    throw new ConfigurationError(
      `--data-dir ${dataDir} is too long for the admin socket in it: give a path of at most 90 bytes`,
    )
  }
  rmSync(socket.path, { force: true })

  const table = new Map(commands.map((command) => [command.name, command]))
  const server = createServer(
    { keepAliveTimeout: 1_000, requestTimeout: 10_000, headersTimeout: 5_000 },
    (request, response) => {
      answer(context, table, request, response).catch((error: unknown) => {
        context.app.log.error({ err: error }, 'the admin socket failed')
        response.destroy()
      })
    },
  )
  server.maxConnections = CONNECTIONS_MAX
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    // Exclusive: a worker listens for itself and does not share the socket through its supervisor.
    server.listen({ path: socket.path, exclusive: true }, () => {
      server.off('error', reject)
      resolve()
    })
  })
  chmodSync(socket.path, 0o600)
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          socket.release()
          resolve()
        })
        server.closeIdleConnections()
      }),
  }
}

async function answer(
  context: AdminContext,
  table: ReadonlyMap<string, AdminCommand>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { app } = context
  const command = request.method === 'POST' ? table.get((request.url ?? '').slice(1)) : undefined
  const body = await readBody(request)
  if (command === undefined || body === undefined) {
    write(response, 404, {
      error: 'this server does not know that command: is the strongroom command of the same version?',
    })
    return
  }
  let failure: unknown
  let output: object = {}
  try {
    output = await command.run(context, body)
  } catch (error) {
    failure = error
  }
  if (command.eventName !== undefined) {
    await app.trail.append([
      {
        eventId: app.uuid(),
        time: app.wallNow(),
        requestId: app.uuid(),
        service: 'strongroom',
        eventName: command.eventName,
        // Where AWS records what belongs to no region.
        region: 'us-east-1',
        readOnly: false,
        ofService: true,
        account: context.account,
        sourceIpAddress: 'admin.sock',
        userAgent: '',
        requestParameters: command.eventParameters?.(body) ?? null,
        responseElements: null,
        ...(failure !== undefined && {
          errorCode: failure instanceof AdminError ? 'AdminError' : 'InternalFailure',
          errorMessage: failure instanceof AdminError ? failure.message : 'An error occurred on the server side.',
        }),
      },
    ])
  }
  if (failure === undefined) {
    write(response, 200, output)
    return
  }
  if (failure instanceof AdminError) {
    app.log.warn({ command: command.name, err: failure.cause }, failure.message)
    write(response, 400, { error: failure.message })
    return
  }
  app.log.error({ command: command.name, err: failure }, 'an admin command failed')
  write(response, 500, { error: `${command.name} failed: the reason is in the log of the server` })
}

/** The JSON object that was sent; undefined where it is none, or too large. */
async function readBody(request: IncomingMessage): Promise<AdminInput | undefined> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request) {
    size += (chunk as Buffer).length
    if (size <= BODY_BYTES_MAX) chunks.push(chunk as Buffer)
  }
  if (size > BODY_BYTES_MAX) return undefined
  try {
    const value: unknown = JSON.parse(Buffer.concat(chunks).toString() || '{}')
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as AdminInput) : undefined
  } catch {
    return undefined
  }
}

function write(response: ServerResponse, status: number, body: object): void {
  const text = JSON.stringify(body)
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    connection: 'close',
  })
  response.end(text)
}
