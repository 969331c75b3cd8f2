// A connection to MariaDB or MySQL: verified TLS or none, limits on every wait, and errors by kind.

import { createRequire } from 'node:module'
import { connect as connectSocket } from 'node:net'
import type mysql from 'mysql2'
import { limitReceived } from '../../connection.ts'
import type { Login } from '../../engine.ts'
import { RotatorError } from '../../errors.ts'
import { networkError, withSystem } from '../../network.ts'
import type { Io } from '../../rotator.ts'
import { placeOf } from '../../secret.ts'
import type { Account } from './accounts.ts'

const require = createRequire(import.meta.url)
/** Loaded by who needs it first: many servers never rotate here, and none is to wait for it at its start. */
const driver = (): typeof mysql => require('mysql2')

export type MysqlConnection = {
  readonly client: mysql.Connection
  readonly at: string
  readonly io: Io
  /** Which of the two answers, whatever the secret calls it. */
  readonly server: 'mariadb' | 'mysql'
  /** `10.11.19` is 101119. */
  readonly version: number
  /** The account that the server took the login for. */
  readonly account: Account
  /** What was logged in with. */
  readonly password: string
}

export async function connect(login: Login, io: Io): Promise<MysqlConnection> {
  const at = placeOf(login)
  const address = await io.resolve(login.host, login.port)
  if (io.signal.aborted) throw new RotatorError('unreachable', `No connection to ${at}: ABORT_ERR.`)
  const socket = connectSocket({ host: address, port: login.port, noDelay: true })
  const unwatch = limitReceived(
    () => socket.bytesRead,
    () => socket.destroy(),
  )
  socket.once('close', unwatch)
  // What TLS verifies where the host is an address, which is never sent as a server name.
  Object.assign(socket, { _host: login.host })
  const client = driver().createConnection({
    host: login.host,
    port: login.port,
    stream: socket,
    user: login.username,
    password: login.password,
    ...(login.dbname === undefined ? {} : { database: login.dbname }),
    ...(login.tls
      ? {
          ssl: {
            ca: withSystem(io.authorities),
            rejectUnauthorized: true,
            verifyIdentity: true,
            minVersion: 'TLSv1.2',
          },
        }
      : {}),
    charset: 'utf8mb4',
    // The server runs without code that is made from text, which the driver's parsers otherwise are.
    disableEval: true,
    connectTimeout: io.timeoutMs,
    // What a server may otherwise ask a client for.
    flags: ['-LOCAL_FILES'],
    connectAttributes: { program_name: 'strongroom' },
  })
  // What the server says once nobody asks it any more, such as that it shuts down.
  client.on('error', () => {})
  try {
    await limited(client, io, (done) => {
      client.once('error', done)
      client.connect(done)
    })
    const [row] = await rowsOf<{ version: string; account: string }>(
      client,
      io,
      'SELECT VERSION() AS version, CURRENT_USER() AS account',
    )
    const [major, minor, patch] = (/^([0-9]+)\.([0-9]+)\.([0-9]+)/.exec(row?.version ?? '') ?? []).slice(1).map(Number)
    const host = row?.account.lastIndexOf('@') ?? -1
    if (row === undefined || major === undefined || minor === undefined || patch === undefined || host === -1) {
      throw new RotatorError('other', `What answers at ${at} does not say which version it is.`)
    }
    const account = { user: row.account.slice(0, host), host: row.account.slice(host + 1) }
    // As an account without a name, or by a proxy: what is let in so is not this user's own.
    if (account.user !== login.username) {
      throw new RotatorError('permission', `The server takes the login for another account: ${quoted(account)}.`)
    }
    const connection: MysqlConnection = {
      client,
      at,
      io,
      server: /mariadb/i.test(row.version) ? 'mariadb' : 'mysql',
      version: major * 10_000 + minor * 100 + patch,
      account,
      password: login.password,
    }
    // What the server has set for sessions must not lead a statement astray: not to read quotes otherwise, not to wait for ever.
    const seconds = Math.max(1, Math.ceil(io.timeoutMs / 1_000))
    await rowsOf(
      client,
      io,
      `SET NAMES utf8mb4, SESSION sql_mode = 'STRICT_ALL_TABLES${connection.server === 'mariadb' ? ',NO_AUTO_CREATE_USER' : ''}',
        SESSION sql_quote_show_create = 1, SESSION lock_wait_timeout = ${seconds},
        SESSION ${connection.server === 'mariadb' ? `max_statement_time = ${seconds}` : 'print_identified_with_as_hex = 1'}`,
    )
    return connection
  } catch (error) {
    client.destroy()
    throw errorOf(error, at)
  }
}

const CLOSE_MS = 2_000

export async function close({ client }: MysqlConnection): Promise<void> {
  const ended = new Promise<void>((resolve) => void client.end(() => resolve()))
  await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, CLOSE_MS).unref())])
  client.destroy()
}

export const text = (value: string): string => driver().escape(value)

/** A quoted identifier, in which a point is a character as any other. */
export const name = (identifier: string): string => driver().escapeId(identifier, true)

export const quoted = ({ user, host }: Account): string => `${name(user)}@${name(host)}`

type Row = { readonly [column: string]: unknown }

/** @throws RotatorError */
export async function query<R extends Row>(connection: MysqlConnection, sql: string): Promise<readonly R[]> {
  try {
    return await rowsOf<R>(connection.client, connection.io, sql)
  } catch (error) {
    throw errorOf(error, connection.at)
  }
}

/** The first column of every row. */
export const column = async (connection: MysqlConnection, sql: string): Promise<readonly string[]> =>
  (await query(connection, sql)).map((row) => String(Object.values(row)[0]))

/** A system variable, or undefined where the server has none of the name. */
export async function variable(connection: MysqlConnection, named: string): Promise<string | undefined> {
  const [row] = await query<{ Value: string }>(connection, `SHOW GLOBAL VARIABLES LIKE ${text(named)}`)
  return row?.Value
}

/**
 * A statement that sets a password. Where MariaDB says of ALTER USER no more than that it failed, its warnings say whether the password is why.
 * https://mariadb.com/kb/en/password-validation/
 */
export async function setting(connection: MysqlConnection, sql: string): Promise<void> {
  try {
    await rowsOf(connection.client, connection.io, sql)
  } catch (error) {
    if (numberOf(error) === CANNOT_USER) {
      const warnings = await query<{ Code: number }>(connection, 'SHOW WARNINGS')
      if (warnings.some(({ Code }) => POLICY.includes(Code))) throw refusedPassword(POLICY[0])
    }
    throw errorOf(error, connection.at)
  }
}

const rowsOf = <R extends Row>(client: mysql.Connection, io: Io, sql: string): Promise<readonly R[]> =>
  limited(client, io, (done) => {
    client.query(sql, (error, rows) => done(error, Array.isArray(rows) ? (rows as unknown as R[]) : []))
  })

/** A connection that has not answered in time is no more. */
function limited<T>(
  client: mysql.Connection,
  io: Io,
  begin: (done: (error: unknown, result?: T) => void) => void,
): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>()
  const end = (code: string): void => {
    client.destroy()
    reject(Object.assign(new Error(code), { code }))
  }
  const timer = setTimeout(end, io.timeoutMs, 'ETIMEDOUT')
  const abort = (): void => end('ABORT_ERR')
  io.signal.addEventListener('abort', abort, { once: true })
  begin((error, result) => (error ? reject(error) : resolve(result as T)))
  return promise.finally(() => {
    clearTimeout(timer)
    io.signal.removeEventListener('abort', abort)
  })
}

const CANNOT_USER = 1396
/** Refused by a plugin or component that judges passwords; too short; used before. */
const POLICY: readonly number[] = [1819, 1372, 3638]
const REFUSED: readonly number[] = [1045, 1698]
const NO_RIGHT: readonly number[] = [1044, 1142, 1143, 1211, 1227, 1370, 1410, 3619, 3879]
const BUSY: readonly number[] = [1040, 1053, 1203, 1205, 1226, 1317, 1927, 1969, 3024]
const EXPIRED: readonly number[] = [1820, 1862]
const LOCKED: readonly number[] = [3118, 3955, 4151]
const HOST: readonly number[] = [1129, 1130]

const numberOf = (error: unknown): number | undefined =>
  typeof error === 'object' && error !== null && 'errno' in error && typeof error.errno === 'number' && error.errno > 0
    ? error.errno
    : undefined

const refusedPassword = (number: number | undefined): RotatorError =>
  new RotatorError('policy', `The server refuses the new password (error ${number}).`)

/** https://mariadb.com/kb/en/mariadb-error-code-reference/ https://dev.mysql.com/doc/mysql-errors/8.4/en/server-error-reference.html */
function errorOf(error: unknown, at: string): RotatorError {
  if (error instanceof RotatorError) return error
  const number = numberOf(error)
  // Never with `cause`: the driver's errors hold the statement.
  const told = (kind: RotatorError['kind'], what: string): RotatorError =>
    new RotatorError(kind, `${what} at ${at} (error ${number}).`)
  if (number !== undefined && number >= 1_000) {
    if (POLICY.includes(number)) return refusedPassword(number)
    if (REFUSED.includes(number))
      return told('authentication', 'The password is refused, or this may only be done by another user')
    if (EXPIRED.includes(number))
      return told('permission', 'The password has expired, and the user may do nothing until it is set')
    if (LOCKED.includes(number)) return told('permission', 'The account is locked')
    if (HOST.includes(number)) return told('permission', 'The server does not let this host connect')
    if (number === 1049) return told('secret', 'The database that dbname names does not exist')
    if (NO_RIGHT.includes(number)) return told('permission', 'The user may not do it')
    if (BUSY.includes(number)) return told('unreachable', 'The server does not serve now')
    if (number === CANNOT_USER) return told('permission', 'The server cannot change the user')
    if (number === 1290 || number === 1836)
      return told('other', 'The server is read-only, or started with an option that forbids it')
    return told('other', 'The server refuses')
  }
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined
  const message = error instanceof Error ? error.message : ''
  if (code === 'HANDSHAKE_NO_SSL_SUPPORT') {
    return new RotatorError('tls', `The server at ${at} offers no TLS, and the secret does not say "ssl": false.`)
  }
  if (code === 'HANDSHAKE_SSL_ERROR') {
    // The driver puts its own code over Node's; what it says stays, and names no more than the certificate does.
    const lost = /ECONN|EPIPE|ETIMEDOUT|disconnected/.test(message)
    const kind = lost ? 'unreachable' : 'tls'
    return new RotatorError(kind, `No verified TLS with ${at}: ${message.replace(/\s+/g, ' ').slice(0, 200)}.`)
  }
  const plugin =
    /unknown plugin (\w+)/.exec(message)?.[1] ??
    (code === 'MYSQL_CLEAR_PASSWORD_NOT_ENABLED' ? 'mysql_clear_password' : undefined)
  if (plugin !== undefined) {
    return new RotatorError(
      'permission',
      `The server at ${at} logs this user in by ${plugin}, which this rotator does not speak: only mysql_native_password, caching_sha2_password and sha256_password.`,
    )
  }
  return (
    networkError(error, at) ??
    new RotatorError('unreachable', `The connection to ${at} ended or gave no answer in time.`)
  )
}
