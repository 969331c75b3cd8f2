// Serves the admin commands on <data-dir>/admin.sock, which only the user that runs the server, and root, can open.
// Every command that changes or exports something is in the audit trail before it is answered.

import { chmodSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { App } from '../app.ts'
import { ConfigurationError } from '../config.ts'
import type { Logger } from '../observe/log.ts'
import type { AdminCommand, AdminContext, AdminInput } from './command.ts'
import { AdminError } from './command.ts'
import { socketPath } from './socket.ts'

const BODY_BYTES_MAX = 65_536
const CONNECTIONS_MAX = 16

export type AdminServer = { close(): Promise<void> }

export type AdminAnswer = { readonly status: number; readonly body: object }

const UNKNOWN: AdminAnswer = {
  status: 404,
  body: { error: 'this server does not know that command: is the strongroom command of the same version?' },
}

/** The caller holds the data directory's lock: a socket that is there already was left by a server that died. */
export function serveAdmin(context: AdminContext, commands: readonly AdminCommand[]): Promise<AdminServer> {
  const table = new Map(commands.map((command) => [command.name, command]))
  return serveAdminSocket(context.config.dataDir, context.app.log, async (name, input) => {
    const command = table.get(name)
    return command === undefined ? UNKNOWN : perform(context, command, input)
  })
}

/** Serves the socket with one function: the name of the command and its input in, what is answered out. */
export async function serveAdminSocket(
  dataDir: string,
  log: Logger,
  perform: (name: string, input: AdminInput) => Promise<AdminAnswer>,
): Promise<AdminServer> {
  const socket = socketPath(dataDir)
  if (socket === undefined) {
    throw new ConfigurationError(
      `--data-dir ${dataDir} is too long for the admin socket in it: give a path of at most 90 bytes`,
    )
  }
  rmSync(socket.path, { force: true })

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await readBody(request)
    const known = request.method === 'POST' && body !== undefined
    const { status, body: said } = known ? await perform((request.url ?? '').slice(1), body) : UNKNOWN
    write(response, status, said)
  }
  const server = createServer(
    { keepAliveTimeout: 1_000, requestTimeout: 10_000, headersTimeout: 5_000 },
    (request, response) => {
      answer(request, response).catch((error: unknown) => {
        log.error({ err: error }, 'the admin socket failed')
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

async function perform(context: AdminContext, command: AdminCommand, input: AdminInput): Promise<AdminAnswer> {
  const { app } = context
  let failure: unknown
  let output: object = {}
  try {
    output = await command.run(context, input)
  } catch (error) {
    failure = error
  }
  if (command.eventName !== undefined) {
    const error =
      failure instanceof AdminError ? failure : failure && new Error('An error occurred on the server side.')
    await recordAdmin(app, context.account, command.eventName, command.eventParameters?.(input), error as Error)
  }
  if (failure === undefined) return { status: 200, body: output }
  if (failure instanceof AdminError) {
    app.log.warn({ command: command.name, err: failure.cause }, failure.message)
    return { status: 400, body: { error: failure.message } }
  }
  app.log.error({ command: command.name, err: failure }, 'an admin command failed')
  return { status: 500, body: { error: `${command.name} failed: the reason is in the log of the server` } }
}

/** What the operator of the machine did stands in the trail of the first account. */
export function recordAdmin(
  { trail, uuid, wallNow }: Pick<App, 'trail' | 'uuid' | 'wallNow'>,
  account: string,
  eventName: string,
  parameters?: AdminInput,
  failure?: Error,
): Promise<void> {
  return trail.append([
    {
      eventId: uuid(),
      time: wallNow(),
      requestId: uuid(),
      service: 'strongroom',
      eventName,
      // Where AWS records what belongs to no region.
      region: 'us-east-1',
      readOnly: false,
      ofService: true,
      account,
      sourceIpAddress: 'admin.sock',
      userAgent: '',
      requestParameters: parameters ?? null,
      responseElements: null,
      ...(failure !== undefined && {
        errorCode: failure instanceof AdminError ? 'AdminError' : 'InternalFailure',
        errorMessage: failure.message,
      }),
    },
  ])
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
