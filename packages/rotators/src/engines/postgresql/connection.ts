// A connection by PostgreSQL's protocol: verified TLS or none, limits on every wait, and errors by kind.

import { createRequire } from 'node:module'
import type { Socket } from 'node:net'
import { checkServerIdentity } from 'node:tls'
import type pg from 'pg'
import { limitReceived } from '../../connection.ts'
import type { Login } from '../../engine.ts'
import { RotatorError } from '../../errors.ts'
import { networkError, trusting } from '../../network.ts'
import type { Io } from '../../rotator.ts'
import { placeOf } from '../../secret.ts'

const require = createRequire(import.meta.url)
/** Loaded by who needs it first: many servers never rotate here, and none is to wait for it at its start. */
export const driver = (): typeof pg => require('pg')

export type PostgresqlConnection = { readonly client: pg.Client; readonly at: string; readonly io: Io }

/** `session` are statements without results, each with its values. */
export async function connect(
  login: Login,
  io: Io,
  session: readonly (readonly [text: string, values?: readonly unknown[]])[],
): Promise<PostgresqlConnection> {
  const at = placeOf(login)
  const address = await io.resolve(login.host, login.port)
  const client = new (driver().Client)({
    host: address,
    port: login.port,
    user: login.username,
    password: login.password,
    database: login.dbname ?? 'postgres',
    application_name: 'strongroom',
    connectionTimeoutMillis: io.timeoutMs,
    query_timeout: io.timeoutMs,
    ssl: login.tls
      ? {
          secureContext: trusting(io.authorities),
          rejectUnauthorized: true,
          host: login.host,
          checkServerIdentity: (_, certificate) => checkServerIdentity(login.host, certificate),
        }
      : false,
  })
  // What the server says once nobody asks it any more, such as that it shuts down.
  client.on('error', () => {})
  guardParser(client)
  const abort = (): void => void streamOf(client).destroy(new Error('ended'))
  io.signal.addEventListener('abort', abort, { once: true })
  client.on('end', () => io.signal.removeEventListener('abort', abort))
  const unwatch = limitReceived(
    () => streamOf(client).bytesRead ?? 0,
    () => streamOf(client).destroy(),
  )
  client.on('end', unwatch)
  if (!login.tls) refuseClearText(client, at)
  const connection = { client, at, io }
  try {
    io.signal.throwIfAborted()
    await client.connect()
    for (const [text, values] of session) await query(connection, text, values)
    return connection
  } catch (error) {
    streamOf(client).destroy()
    unwatch()
    io.signal.removeEventListener('abort', abort)
    throw errorOf(error, at)
  }
}

/** Who reads along without TLS would otherwise have only to ask for the password. It is asked for before the driver's own listener is there. */
function refuseClearText(client: pg.Client, at: string): void {
  innerOf(client).once('authenticationCleartextPassword', () => {
    streamOf(client).destroy(
      new RotatorError('tls', `The server at ${at} asks for the password in clear, which is sent over TLS alone.`),
    )
  })
}

const CLOSE_MS = 2_000

/** Never throws. */
export async function close({ client }: PostgresqlConnection): Promise<void> {
  const ended = client.end().catch(() => {})
  await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, CLOSE_MS).unref())])
  streamOf(client).destroy()
}

/** What pg declares for its own use. */
const innerOf = (client: pg.Client): Inner => (client as unknown as { connection: Inner }).connection

const streamOf = (client: pg.Client): Socket => innerOf(client).stream

type Inner = {
  stream: Socket
  attachListeners(stream: Socket): void
  once(event: 'authenticationCleartextPassword', listener: () => void): void
}

/** pg reads messages where nobody catches what it throws of one that it does not know: whatever answers could end the process. */
function guardParser(client: pg.Client): void {
  const inner = innerOf(client)
  const attach = inner.attachListeners.bind(inner)
  inner.attachListeners = (stream) => {
    const before = stream.listeners('data')
    attach(stream)
    for (const read of stream.listeners('data') as ((chunk: unknown) => void)[]) {
      if (before.includes(read)) continue
      stream.off('data', read)
      stream.on('data', (chunk: Buffer) => {
        try {
          read(chunk)
        } catch (error) {
          stream.destroy(error instanceof Error ? error : new Error('unreadable'))
        }
      })
    }
  }
}

export async function query<Row extends pg.QueryResultRow>(
  { client, at }: PostgresqlConnection,
  text: string,
  values: readonly unknown[] = [],
): Promise<readonly Row[]> {
  try {
    return (await client.query<Row>(text, [...values])).rows
  } catch (error) {
    throw errorOf(error, at)
  }
}

export const stateOf = (error: unknown): string =>
  typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string' ? error.code : ''

/** https://www.postgresql.org/docs/current/errcodes-appendix.html */
export function errorOf(error: unknown, at: string): RotatorError {
  if (error instanceof RotatorError) return error
  const network = networkError(error, at)
  if (network) return network
  const state = stateOf(error)
  if (error instanceof driver().DatabaseError) {
    // No `cause` where the server quotes the statement, which has a verifier in it.
    const told = (kind: RotatorError['kind'], what: string): RotatorError =>
      new RotatorError(kind, `${what} at ${at} (SQLSTATE ${state}).`)
    if (state === '28P01') return told('authentication', 'The password is refused')
    // As servers older than 9.0 have it, Redshift among them.
    if (state === '28000' && error.message.startsWith('password authentication failed'))
      return told('authentication', 'The password is refused')
    if (state === '28000')
      return told('permission', 'The server lets this user not in: NOLOGIN, or no line of pg_hba.conf')
    if (state === '3D000') return told('secret', 'The database that dbname names does not exist')
    if (state === '42501') return told('permission', `The server does not permit it: ${oneLine(error.message)}`)
    if (state === '25006') return told('other', 'The server is read-only')
    if (/^(08|53|57)/.test(state)) return told('unreachable', 'The server does not answer now')
    return told('other', 'The server refuses')
  }
  const message = error instanceof Error ? error.message : ''
  if (message === 'The server does not support SSL connections') {
    return new RotatorError('tls', `The server at ${at} offers no TLS, and the secret does not say "ssl": false.`)
  }
  if (message.startsWith('SASL') && message.includes('server signature')) {
    return new RotatorError('tls', `Who answers at ${at} does not know the password either.`)
  }
  const method = /^Unknown authenticationOk message type (\d+)/.exec(message)?.[1]
  if (method !== undefined) {
    const how = method === DIGEST ? 'a SHA-256 digest' : `method ${method}`
    return new RotatorError(
      'permission',
      `The server at ${at} logs this user in by ${how}, which this rotator does not speak.`,
    )
  }
  return new RotatorError('unreachable', `The connection to ${at} ended or gave no answer in time.`)
}

/** Of Redshift alone. https://github.com/aws/amazon-redshift-python-driver */
const DIGEST = '13'

const oneLine = (text: string): string => text.replace(/\s+/g, ' ').slice(0, 200)
