// A connection to Oracle by node-oracledb in its thin mode: verified TLS or none, limits on every wait, and errors by kind.

import { within } from '../../connection.ts'
import { driver } from '../../drivers.ts'
import type { Login } from '../../engine.ts'
import { RotatorError } from '../../errors.ts'
import type { Io } from '../../rotator.ts'
import { placeOf } from '../../secret.ts'

export const INSTALL = 'oracledb@26.0.0'

/** As much of the driver as is used. https://node-oracledb.readthedocs.io/en/latest/api_manual/connection.html */
export type OracleDriver = {
  readonly OUT_FORMAT_OBJECT: number
  getConnection(options: {
    readonly user: string
    readonly password: string
    readonly connectString: string
  }): Promise<DriverConnection>
}

export type DriverConnection = {
  callTimeout: number
  /** 1900000000 is 19.0. */
  readonly oracleServerVersion: number
  execute(
    sql: string,
    binds: { readonly [name: string]: string },
    options: { readonly outFormat: number; readonly maxRows: number },
  ): Promise<{ readonly rows?: readonly Row[] }>
  changePassword(user: string, old: string, fresh: string): Promise<void>
  close(): Promise<void>
}

export type Row = { readonly [column: string]: unknown }

export type OracleConnection = {
  readonly at: string
  readonly tls: boolean
  readonly version: number
  /** @throws RotatorError */
  execute(sql: string, binds: { readonly [name: string]: string }): Promise<readonly Row[]>
  /** Of who is logged in. @throws RotatorError */
  changeOwn(password: string): Promise<void>
  end(): Promise<void>
}

/** Its install script only picks native code, which thin mode has none of. */
export const loadDriver = async (): Promise<OracleDriver> => {
  const name: string = 'oracledb'
  return (await import(name)).default as OracleDriver
}

const CLOSE_MS = 2_000
const ROWS_MAX = 100_000

/**
 * The driver looks names up itself and is given none but the secret's: the process that it runs in knows no other address than the checked one.
 * A master is connected to the database of the user.
 */
export async function connect(
  load: () => Promise<OracleDriver>,
  login: Login,
  io: Io,
  user: Login = login,
): Promise<OracleConnection> {
  const at = placeOf(login)
  const service = user.dbname ?? 'ORCL'
  if (!/^[\w.$#-]{1,128}$/.test(service)) throw new RotatorError('secret', 'dbname is not the name of a service.')
  const { getConnection, OUT_FORMAT_OBJECT } = await driver(INSTALL, load)
  await io.resolve(login.host, login.port)
  const seconds = Math.ceil(io.timeoutMs / 1_000)
  const address = `(ADDRESS=(PROTOCOL=${login.tls ? 'TCPS' : 'TCP'})(HOST=${login.host})(PORT=${login.port}))`
  const security = login.tls ? '(SECURITY=(SSL_SERVER_DN_MATCH=ON))' : ''
  const times = `(TRANSPORT_CONNECT_TIMEOUT=${seconds})(RETRY_COUNT=0)`
  let opened: DriverConnection | undefined
  const asked = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await within(io, at, () => void end(opened), work)
    } catch (error) {
      throw errorOf(error, at)
    }
  }
  const connection = await asked(() =>
    getConnection({
      user: nameOf(login.username),
      password: login.password,
      connectString: `(DESCRIPTION=${times}${address}(CONNECT_DATA=(SERVICE_NAME=${service}))${security})`,
    }).then((one) => {
      if (io.signal.aborted) void end(one)
      opened = one
      return one
    }),
  )
  connection.callTimeout = io.timeoutMs
  let password = login.password
  return {
    at,
    tls: login.tls,
    version: connection.oracleServerVersion,
    execute: (sql, binds) =>
      asked(async () => {
        const { rows = [] } = await connection.execute(sql, binds, { outFormat: OUT_FORMAT_OBJECT, maxRows: ROWS_MAX })
        if (rows.length === ROWS_MAX) throw new RotatorError('other', `${at} answers with too much.`)
        return rows
      }),
    changeOwn: (fresh) =>
      asked(async () => {
        if (password === fresh) return
        await connection.changePassword(nameOf(login.username), password, fresh)
        password = fresh
      }),
    end: () => end(connection),
  }
}

export const close = ({ end: ends }: OracleConnection): Promise<void> => ends()

async function end(connection: DriverConnection | undefined): Promise<void> {
  const ended = connection?.close().catch(() => {})
  await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, CLOSE_MS).unref())])
}

export const run = (
  connection: OracleConnection,
  sql: string,
  binds: { readonly [name: string]: string } = {},
): Promise<readonly Row[]> => connection.execute(sql, binds)

/**
 * As the server keeps a name that is written without quotes, which is how AWS's functions take it too.
 * @throws RotatorError `secret` for one that would need them
 */
export function nameOf(username: string): string {
  if (!/^[a-z][\w$#]*$/i.test(username)) {
    throw new RotatorError('secret', 'The username is not one that Oracle takes without quotes.')
  }
  return username.toUpperCase()
}

/** @throws RotatorError `secret` */
export function quoted(identifier: string): string {
  if (/["\0]/.test(identifier))
    throw new RotatorError('secret', 'A name has a double quote, which Oracle allows nowhere.')
  return `"${identifier}"`
}

/** @throws RotatorError `policy`: another password has none of it */
export function secret(password: string): string {
  if (/["\0]/.test(password))
    throw new RotatorError('policy', 'A password has a double quote, which ALTER USER takes nowhere.')
  return `"${password}"`
}

const POLICY: readonly number[] = [988, 28003, 28007, 28219, 28220]
const REFUSED: readonly number[] = [1017, 28008]
const NO_RIGHT: readonly number[] = [
  942, 1031, 1045, 1918, 1919, 1920, 1924, 1932, 1951, 1952, 1927, 28009, 28014, 28221, 65162,
]
const LOCKED: readonly number[] = [28000, 28001, 28002]
const NO_SERVICE: readonly number[] = [12154, 12505, 12514]
const BUSY: readonly number[] = [
  54, 1033, 1034, 1089, 1090, 3113, 3114, 3135, 12516, 12519, 12520, 12528, 12537, 12541, 12547, 30006,
]

/** https://docs.oracle.com/en/error-help/db/ */
function errorOf(error: unknown, at: string): RotatorError {
  if (error instanceof RotatorError) return error
  const text = error instanceof Error ? error.message : ''
  // The driver tells of the server by ORA-, of itself by NJS-, and of the one inside the other's text.
  const number = Number(/ORA-([0-9]{5})/.exec(text)?.[1])
  const own = Number(/NJS-([0-9]{3})/.exec(text)?.[1])
  const code = Number.isNaN(number) ? `NJS-${own}` : `ORA-${String(number).padStart(5, '0')}`
  // Never with `cause`: what the server says may quote the statement.
  const told = (kind: RotatorError['kind'], what: string): RotatorError =>
    new RotatorError(kind, `${what} at ${at} (${code}).`)
  if (!Number.isNaN(number)) {
    if (POLICY.includes(number)) return told('policy', 'The server refuses the new password')
    if (REFUSED.includes(number)) return told('authentication', 'The username or password is refused')
    if (LOCKED.includes(number)) return told('permission', 'The account is locked, or its password has expired')
    if (NO_RIGHT.includes(number)) return told('permission', 'The user may not do it, or what it names is not there')
    if (NO_SERVICE.includes(number)) return told('secret', 'There is no service that dbname names')
    if (BUSY.includes(number)) return told('unreachable', 'The server does not serve now')
    if (number === 16000) return told('other', 'The server is read-only')
    return told('other', 'The server refuses')
  }
  if (own >= 505 && own <= 508) return told('tls', 'No verified TLS')
  if (own === 116)
    return told(
      'permission',
      'The user has only a password verifier that the driver does not speak: set its password once by hand',
    )
  if (own === 138) return told('permission', 'The server is older than 12.1: the driver does not speak with it')
  if (own === 518) return told('secret', 'There is no service that dbname names')
  return new RotatorError('unreachable', `The connection to ${at} ended or gave no answer in time.`)
}
