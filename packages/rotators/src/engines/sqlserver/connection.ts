// A connection to SQL Server: verified TLS or none, limits on every wait, and errors by kind.

import { connect as connectSocket } from 'node:net'
import type { Connection } from 'tedious'
import { connectionError, limitReceived, within } from '../../connection.ts'
import { driver } from '../../drivers.ts'
import type { Login } from '../../engine.ts'
import { RotatorError } from '../../errors.ts'
import { withSystem } from '../../network.ts'
import type { Io } from '../../rotator.ts'
import { placeOf } from '../../secret.ts'

export const INSTALL = 'tedious@20.3.9'

export type Row = { readonly [column: string]: unknown }

export type SqlserverConnection = {
  readonly at: string
  readonly tls: boolean
  /** What was logged in with. */
  readonly password: string
  /** One batch: the rows of its last result. @throws RotatorError */
  batch(sql: string): Promise<readonly Row[]>
  end(): void
}

/** A master is connected to the database of the user, which may be the user's own. */
export async function connect(login: Login, io: Io, user: Login = login): Promise<SqlserverConnection> {
  const at = placeOf(login)
  const tedious = await driver(INSTALL, () => import('tedious'))
  const { Connection, Request } = 'default' in tedious ? (tedious.default as typeof tedious) : tedious
  const address = await io.resolve(login.host, login.port)
  let connecting = true
  let refusal: number | undefined
  let connected = false
  const connection = new Connection({
    // The name that TLS verifies; where it is, `connector` knows.
    server: login.host,
    authentication: { type: 'default', options: { userName: login.username, password: login.password } },
    options: {
      port: login.port,
      database: user.dbname ?? 'master',
      encrypt: login.tls,
      trustServerCertificate: false,
      cryptoCredentialsDetails: { ca: withSystem(io.authorities), minVersion: 'TLSv1.2' },
      connector: async () => {
        // Nobody has looked at where a server sends on to.
        if (connected) throw new RotatorError('permission', `${at} sends on to another server, which is not followed.`)
        connected = true
        const socket = connectSocket({ host: address, port: login.port })
        const unwatch = limitReceived(
          () => socket.bytesRead,
          () => socket.destroy(),
        )
        socket.once('close', unwatch)
        await new Promise<void>((resolve, reject) => socket.once('connect', () => resolve()).once('error', reject))
        return socket
      },
      ...{ connectTimeout: io.timeoutMs, requestTimeout: io.timeoutMs, cancelTimeout: io.timeoutMs },
      maxRetriesOnTransientErrors: 0,
      appName: 'strongroom',
    },
  })
  // Each error is told where it is met; unheard, it would end the process.
  connection.on('error', () => {})
  connection.on('errorMessage', (token) => {
    refusal ??= token.number
  })
  const asked = async <T>(work: () => Promise<T>): Promise<T> => {
    refusal = undefined
    try {
      return await within(io, at, () => connection.close(), work)
    } catch (error) {
      throw errorOf(error, at, { number: refusal, handshaking: login.tls && connecting })
    }
  }
  const batch = (sql: string): Promise<readonly Row[]> =>
    asked(
      () =>
        new Promise((resolve, reject) => {
          let rows: Row[] = []
          const request = new Request(sql, (error) => (error ? reject(error) : resolve(rows)))
          request.on('columnMetadata', () => {
            rows = []
          })
          request.on(
            'row',
            (columns: readonly { readonly metadata: { readonly colName: string }; readonly value: unknown }[]) => {
              rows.push(Object.fromEntries(columns.map(({ metadata, value }) => [metadata.colName, value])))
            },
          )
          connection.execSqlBatch(request)
        }),
    )
  try {
    await asked(
      () => new Promise<void>((resolve, reject) => connection.connect((error) => (error ? reject(error) : resolve()))),
    )
    connecting = false
    await batch(`SET LOCK_TIMEOUT ${Math.ceil(io.timeoutMs)}; SET XACT_ABORT ON; SET QUOTED_IDENTIFIER ON`)
  } catch (error) {
    end(connection)
    throw error
  }
  return { at, tls: login.tls, password: login.password, batch, end: () => end(connection) }
}

export async function close({ end }: SqlserverConnection): Promise<void> {
  end()
}

const end = (connection: Connection): void => connection.close()

export const run = ({ batch }: SqlserverConnection, sql: string): Promise<readonly Row[]> => batch(sql)

/** A quoted identifier. @throws RotatorError `secret` */
export function name(identifier: string): string {
  if (identifier.length > 128 || identifier.includes('\0')) {
    throw new RotatorError('secret', 'A name is longer than 128 characters.')
  }
  return `[${identifier.replaceAll(']', ']]')}]`
}

/** @throws RotatorError `secret` for a backslash at the end of a line, which the server takes for the sign that the text goes on */
export function text(value: string): string {
  if (/\\\r?\n/.test(value)) throw new RotatorError('secret', 'A value has a backslash at the end of a line.')
  return `N'${value.replaceAll("'", "''")}'`
}

const POLICY: readonly number[] = [15115, 15116, 15117, 15118, 15119]
const REFUSED: readonly number[] = [18456]
const NO_RIGHT: readonly number[] = [229, 230, 262, 297, 300, 4613, 5011, 15023, 15025, 15151, 15247, 15318, 15410]
const LOCKED: readonly number[] = [15113, 18470, 18486]
const EXPIRED: readonly number[] = [18487, 18488]
const TOO_YOUNG = 15114
const NO_DATABASE: readonly number[] = [911, 4060, 40532]
const BUSY: readonly number[] = [
  701, 1204, 1205, 1222, 3906, 10928, 10929, 17142, 40197, 40501, 40613, 49918, 49919, 49920,
]

/** https://learn.microsoft.com/sql/relational-databases/errors-events/database-engine-events-and-errors */
function errorOf(
  error: unknown,
  at: string,
  { number: heard, handshaking }: { readonly number: number | undefined; readonly handshaking: boolean },
): RotatorError {
  const { code, number: own } = (error ?? {}) as { readonly code?: unknown; readonly number?: unknown }
  const number = typeof own === 'number' ? own : heard
  if (number !== undefined && !(error instanceof RotatorError)) {
    // Never with `cause`: what the server says may quote the statement.
    const told = (kind: RotatorError['kind'], what: string): RotatorError =>
      new RotatorError(kind, `${what} at ${at} (error ${number}).`)
    if (POLICY.includes(number)) return told('policy', 'The server refuses the new password')
    if (REFUSED.includes(number)) return told('authentication', 'The username or password is refused, or the old one')
    if (LOCKED.includes(number)) return told('permission', 'The login is locked or disabled')
    if (EXPIRED.includes(number))
      return told('permission', 'The password has expired, or has to be changed by its user')
    if (number === TOO_YOUNG) return told('permission', 'The password is too young to be changed')
    if (NO_RIGHT.includes(number))
      return told('permission', 'The user may not do it, or what it names is there already')
    if (NO_DATABASE.includes(number)) return told('secret', 'The database that dbname names cannot be opened')
    if (BUSY.includes(number)) return told('unreachable', 'The server does not serve now')
    return told('other', 'The server refuses')
  }
  for (let one: unknown = error; one instanceof Error; one = one.cause) {
    const known = connectionError(one, at, { handshaking })
    if (known) return known
  }
  const message = error instanceof Error ? error.message : ''
  if (code === 'EENCRYPT') {
    const what = handshaking
      ? 'offers no TLS, and the secret does not say "ssl": false'
      : 'insists on TLS, which the secret turns off'
    return new RotatorError('tls', `The server at ${at} ${what}.`)
  }
  if (handshaking && /certificate|altname|TLS|SSL/i.test(message)) {
    return new RotatorError('tls', `No verified TLS with ${at}: ${message.replace(/\s+/g, ' ').slice(0, 200)}.`)
  }
  return new RotatorError('unreachable', `The connection to ${at} ended or gave no answer in time.`)
}
