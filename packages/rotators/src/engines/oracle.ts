// Oracle Database from 12.1, by the driver's thin mode. A user changes its own password by the protocol, which encrypts it; a master by ALTER USER, whose
// text has it (inside TLS), and which the server leaves out of its audit. https://docs.oracle.com/en/database/oracle/oracle-database/19/sqlrf/ALTER-USER.html

import { baseOf } from '../alternate.ts'
import type { Clone, Engine, NewPassword, Plan } from '../engine.ts'
import { RotatorError } from '../errors.ts'
import type { Finding } from '../rotator.ts'
import {
  close,
  connect,
  INSTALL,
  loadDriver,
  nameOf,
  type OracleConnection,
  type OracleDriver,
  quoted,
  run,
  secret,
} from './oracle/connection.ts'
import { align, differences, isOwner } from './oracle/rights.ts'

export type OracleEngine = Engine<OracleConnection> & Required<Pick<Engine<OracleConnection>, 'clone' | 'relation'>>

/** With another driver of the same interface: Oracle's protocol is not documented, so that a double of it cannot be made. */
export const oracleWith = (load: () => Promise<OracleDriver>): OracleEngine => ({
  id: 'oracle',
  title: 'Oracle Database',
  names: ['oracle'],
  verified: false,
  install: INSTALL,
  strategies: ['single', 'alternating', 'dual'],
  defaults: { port: 1521, dbname: 'ORCL' },
  // From 12.2 on; 30 before.
  usernameMax: 128,
  // Up to 12.1 a password has 30 bytes at most; one that begins with a letter needs no thought anywhere, but is not asked for.
  passwords: { length: 30, excluded: ':/@"\'\\% &' },
  selfChange: true,

  connect: (login, io, user) => connect(load, login, io, user),
  close,
  /** Of the pluggable database at one instance, by the names that it has there. */
  async serverId(connection) {
    const context = (what: string): string => `SYS_CONTEXT('USERENV', '${what}')`
    const [row] = await run(
      connection,
      `SELECT ${['DB_UNIQUE_NAME', 'DB_DOMAIN', 'CON_NAME', 'SERVER_HOST'].map(context).join(" || '/' || ")} AS ID FROM DUAL`,
    )
    return row?.ID ? String(row.ID) : undefined
  },
  preflight,
  setPassword,
  // Nothing that the server keeps tells whom a user was made for.
  async relation(connection, { to }) {
    return (await findUser(connection, to)) === undefined ? 'absent' : 'unknown'
  },
  clone,
  async probe(connection) {
    await run(connection, 'SELECT 1 AS ONE FROM DUAL')
  },
})

export const oracle = oracleWith(loadDriver)

async function setPassword(
  connection: OracleConnection,
  { username, password, self, keep }: NewPassword,
): Promise<void> {
  const user = nameOf(username)
  if (keep !== undefined) {
    // Two passwords at most: the one of before the current one goes first, and with it the end of its time.
    const status = await statusOf(connection, username, self)
    if (status?.includes('IN ROLLOVER'))
      await run(connection, `ALTER USER ${quoted(user)} EXPIRE PASSWORD ROLLOVER PERIOD`)
  }
  if (self) await connection.changeOwn(password)
  else await run(connection, `ALTER USER ${quoted(user)} IDENTIFIED BY ${secret(password)}`)
}

async function statusOf(connection: OracleConnection, username: string, self: boolean): Promise<string | undefined> {
  const [row] = await run(
    connection,
    `SELECT ACCOUNT_STATUS FROM ${self ? 'USER_USERS' : 'DBA_USERS'} WHERE USERNAME = :username`,
    { username: nameOf(username) },
  )
  return row && String(row.ACCOUNT_STATUS)
}

type User = {
  readonly STATUS: unknown
  readonly PROFILE: unknown
  readonly TABLESPACE: unknown
  readonly TEMPORARY: unknown
  readonly AUTHENTICATION: unknown
  readonly MAINTAINED: unknown
}

async function findUser(connection: OracleConnection, username: string): Promise<User | undefined> {
  const [row] = await run(
    connection,
    `SELECT ACCOUNT_STATUS AS STATUS, PROFILE, DEFAULT_TABLESPACE AS TABLESPACE, TEMPORARY_TABLESPACE AS TEMPORARY,
        AUTHENTICATION_TYPE AS AUTHENTICATION, ORACLE_MAINTAINED AS MAINTAINED FROM DBA_USERS WHERE USERNAME = :username`,
    { username: nameOf(username) },
  )
  return row as User | undefined
}

async function clone(connection: OracleConnection, { from, to, password }: Clone): Promise<void> {
  const base = baseOf(to) === to ? to : from
  const other = base === to ? from : to
  const user = await findUser(connection, base)
  if (user === undefined) throw missing(base)
  const there = await findUser(connection, other)
  const settings = `DEFAULT TABLESPACE ${quoted(String(user.TABLESPACE))} TEMPORARY TABLESPACE ${quoted(String(user.TEMPORARY))} PROFILE ${quoted(String(user.PROFILE))}`
  if (there === undefined) {
    await run(connection, `CREATE USER ${quoted(nameOf(to))} IDENTIFIED BY ${secret(password)} ${settings}`)
  }
  await align(connection, { base: nameOf(base), clone: nameOf(other) })
  if (to === base) await run(connection, `ALTER USER ${quoted(nameOf(to))} IDENTIFIED BY ${secret(password)}`)
  else if (there !== undefined) {
    await run(connection, `ALTER USER ${quoted(nameOf(to))} IDENTIFIED BY ${secret(password)} ${settings}`)
  }
}

async function preflight(connection: OracleConnection, plan: Plan): Promise<readonly Finding[]> {
  const findings: Finding[] = []
  const problem = (message: string): void => void findings.push({ level: 'problem', message })
  const warning = (message: string): void => void findings.push({ level: 'warning', message })
  const base = plan.alternate === undefined ? plan.username : baseOf(plan.username)

  const [server] = await run(
    connection,
    "SELECT SYS_CONTEXT('USERENV', 'SESSION_USER') AS ME, SYS_CONTEXT('USERENV', 'DATABASE_ROLE') AS ROLE FROM DUAL",
  )
  if (server?.ROLE !== 'PRIMARY') problem('The server is a standby: it takes no changes.')
  if (!connection.tls) warning('Without TLS the network sees new passwords that a master sets.')
  if (plan.self && server?.ME !== nameOf(plan.username))
    problem(`The server takes the login for another user: ${server?.ME}.`)
  if (connection.version < 1_202_000_000 && nameOf(plan.alternate ?? base).length > 30)
    problem('Names have 30 characters at most before 12.2.')
  if (findings.some(({ level }) => level === 'problem')) return findings

  const privileges = plan.self
    ? []
    : (await run(connection, 'SELECT PRIVILEGE FROM SESSION_PRIVS')).map((row) => String(row.PRIVILEGE))
  const needs = (privilege: string): void => {
    if (!privileges.includes(privilege)) problem(`The master lacks ${privilege}.`)
  }
  if (!plan.self) needs('ALTER USER')
  const user = plan.self ? undefined : await findUser(connection, base)
  if (!plan.self) {
    if (user === undefined) problem(missing(base).message)
    else if (user.AUTHENTICATION !== 'PASSWORD')
      problem(`${nameOf(base)} has no password: it logs in by ${user.AUTHENTICATION}.`)
    else if (user.MAINTAINED === 'Y') problem(`${nameOf(base)} is Oracle's own.`)
  }
  if (plan.strategy === 'dual') {
    const days = await rolloverDays(connection, plan.self ? undefined : String(user?.PROFILE))
    if (days > 0)
      warning(`The previous password works for ${days} days (PASSWORD_ROLLOVER_TIME), or until the next rotation.`)
    else
      problem(
        'The profile of the user has no PASSWORD_ROLLOVER_TIME: there is no second password. ALTER PROFILE … LIMIT PASSWORD_ROLLOVER_TIME 60.',
      )
  }
  if (plan.alternate !== undefined && findings.every(({ level }) => level !== 'problem')) {
    const users = { base: nameOf(base), clone: nameOf(plan.alternate === base ? plan.username : plan.alternate) }
    if (await isOwner(connection, users.base)) {
      problem(
        `${users.base} owns objects, which no other user can own with it: let the application log in as another user than that of its schema, or take the strategy of one user.`,
      )
    }
    if ((await findUser(connection, users.clone)) === undefined) needs('CREATE USER')
    for (const privilege of new Set((await differences(connection, users)).map(({ needs: one }) => one)))
      needs(privilege)
  }
  if (findings.some(({ level }) => level === 'problem')) return findings
  const whom = plan.alternate === undefined ? plan.username : `${plan.username} and ${plan.alternate}`
  return [...findings, { level: 'ok', message: `The password of ${whom} can be set.` }]
}

/** 0 where there is none, or a server before 19.12. */
async function rolloverDays(connection: OracleConnection, profile: string | undefined): Promise<number> {
  const name = "RESOURCE_NAME = 'PASSWORD_ROLLOVER_TIME'"
  const limitOf = async (of: string): Promise<string> => {
    const [row] = await run(connection, `SELECT LIMIT FROM DBA_PROFILES WHERE PROFILE = :profile AND ${name}`, {
      profile: of,
    })
    return String(row?.LIMIT ?? 0)
  }
  if (profile === undefined) {
    const [row] = await run(connection, `SELECT LIMIT FROM USER_PASSWORD_LIMITS WHERE ${name}`)
    return Number(row?.LIMIT ?? 0) || 0
  }
  const own = await limitOf(profile)
  return Number(own === 'DEFAULT' ? await limitOf('DEFAULT') : own) || 0
}

const missing = (username: string): RotatorError =>
  new RotatorError('permission', `There is no user ${nameOf(username)}.`)
