// Amazon Redshift: PostgreSQL's protocol with users, groups and roles of its own, and passwords kept as MD5 or SHA-256 digests. It is sent the MD5 one
// made here: of the two, the driver and PostgreSQL's other clients can log in by that alone. https://docs.aws.amazon.com/redshift/latest/dg/r_ALTER_USER.html

import { createHash } from 'node:crypto'
import { baseOf } from '../alternate.ts'
import type { Clone, Engine, NewPassword, Plan } from '../engine.ts'
import { RotatorError } from '../errors.ts'
import { USUAL_PASSWORDS } from '../passwords.ts'
import type { Finding, Io } from '../rotator.ts'
import { close, connect, type PostgresqlConnection, query } from './postgresql/connection.ts'
import { alignDatabase, alignDefaults, alignMemberships, literal, mustBeAligned, name } from './redshift/grants.ts'

/** `in` opens another database of the same cluster, as the same user. */
export type RedshiftConnection = PostgresqlConnection & {
  in(database: string): Promise<PostgresqlConnection>
}

export const redshift: Engine<RedshiftConnection> & Required<Pick<Engine<RedshiftConnection>, 'clone' | 'relation'>> = {
  id: 'redshift',
  title: 'Amazon Redshift',
  names: ['redshift'],
  verified: false,
  strategies: ['single', 'alternating'],
  defaults: { port: 5439, dbname: 'dev' },
  // Bytes. https://docs.aws.amazon.com/redshift/latest/dg/r_names.html
  usernameMax: 127,
  passwords: USUAL_PASSWORDS,
  selfChange: true,

  async connect(login, io) {
    const open = (dbname: string | undefined) =>
      connect({ ...login, ...(dbname === undefined ? {} : { dbname }) }, io, session(io))
    return { ...(await open(login.dbname)), in: open }
  },
  close,
  /** Of the cluster or workgroup, whatever endpoint it was reached by. https://docs.aws.amazon.com/redshift/latest/dg/r_CURRENT_NAMESPACE.html */
  async serverId(connection) {
    const [row] = await query<{ id: string }>(connection, 'SELECT current_namespace AS id')
    return row?.id || undefined
  },
  preflight,
  setPassword,
  // Nothing that Redshift keeps tells whom a user was made for.
  async relation(connection, { to }) {
    return (await readUser(connection, to)) === undefined ? 'absent' : 'unknown'
  },
  clone,
  async probe(connection) {
    await query(connection, 'SELECT 1')
  },
}

/** What a database or a user has set for its sessions must not lead a statement astray: not to other functions, not to wait for ever. */
const session = (io: Io) =>
  [['SET search_path TO pg_catalog'], [`SET statement_timeout TO ${Math.ceil(io.timeoutMs)}`]] as const

/** As the server keeps it, and as good as the password itself to whoever speaks the protocol; but it is of this user of this server alone. */
const digest = (username: string, password: string): string =>
  literal(`md5${createHash('md5').update(password).update(username).digest('hex')}`)

async function setPassword(connection: RedshiftConnection, { username, password }: NewPassword): Promise<void> {
  await query(connection, `ALTER USER ${name(username)} PASSWORD ${digest(username, password)}`)
}

/**
 * Users are members of no user here, so what belongs to the one is granted to the other, now and, by default privileges, of what either will make. All
 * else is what groups, roles and grants say of the base user, in every database.
 */
async function clone(connection: RedshiftConnection, { from, to, password }: Clone): Promise<void> {
  const base = baseOf(to) === to ? to : from
  const other = base === to ? from : to
  const user = await readUser(connection, base)
  if (user === undefined) throw missing(base)
  const there = await readUser(connection, other)
  await changing(connection, async () => {
    if (to === base) await query(connection, `ALTER USER ${name(base)} PASSWORD ${digest(base, password)}`)
    else {
      const verb = there === undefined ? 'CREATE' : 'ALTER'
      const settings = attributes(user, there)
      await query(connection, `${verb} USER ${name(to)} PASSWORD ${digest(to, password)}${settings}`)
    }
    await alignMemberships(connection, base, other)
    await alignDatabase(connection, base, other)
    await alignDefaults(connection, base, other)
  })
  await mustBeAligned(connection, base, other)
  for (const database of await otherDatabases(connection)) {
    const elsewhere = await connection.in(database)
    try {
      await changing(elsewhere, async () => {
        await alignDatabase(elsewhere, base, other)
        await alignDefaults(elsewhere, base, other)
      })
      await mustBeAligned(elsewhere, base, other)
    } finally {
      await close(elsewhere)
    }
  }
}

type User = {
  readonly superuser: boolean
  readonly createdb: boolean
  readonly until: string | null
  readonly connections: string
  readonly syslog: string
  /** Seconds; '0' is the cluster's. */
  readonly timeout: string
}

/** https://docs.aws.amazon.com/redshift/latest/dg/r_SVL_USER_INFO.html */
async function readUser(connection: PostgresqlConnection, username: string): Promise<User | undefined> {
  const [row] = await query<User>(
    connection,
    `SELECT u.usesuper AS superuser, u.usecreatedb AS createdb, CAST(u.valuntil AS varchar) AS until,
        COALESCE(CAST(i.useconnlimit AS varchar), 'UNLIMITED') AS connections, COALESCE(i.syslogaccess, 'RESTRICTED') AS syslog,
        COALESCE(CAST(i.sessiontimeout AS varchar), '0') AS timeout
      FROM pg_user AS u LEFT JOIN svl_user_info AS i ON i.usesysid = u.usesysid WHERE u.usename = ${literal(username)}`,
  )
  return row
}

/** What of the base user the clone has not yet, as options of CREATE USER and ALTER USER. */
function attributes(base: User, clone: User | undefined): string {
  const options: string[] = []
  const differs = (member: keyof User, unless: User[keyof User]): boolean =>
    base[member] !== (clone === undefined ? unless : clone[member])
  if (differs('createdb', false)) options.push(base.createdb ? 'CREATEDB' : 'NOCREATEDB')
  if (differs('superuser', false)) options.push(base.superuser ? 'CREATEUSER' : 'NOCREATEUSER')
  if (differs('syslog', 'RESTRICTED')) {
    options.push(`SYSLOG ACCESS ${base.syslog === 'UNRESTRICTED' ? 'UNRESTRICTED' : 'RESTRICTED'}`)
  }
  if (differs('until', null)) options.push(`VALID UNTIL ${literal(base.until ?? 'infinity')}`)
  if (differs('connections', 'UNLIMITED')) {
    options.push(`CONNECTION LIMIT ${/^[0-9]+$/.test(base.connections) ? base.connections : 'UNLIMITED'}`)
  }
  if (differs('timeout', '0')) {
    const seconds = /^[1-9][0-9]*$/.test(base.timeout)
    options.push(seconds ? `SESSION TIMEOUT ${base.timeout}` : 'RESET SESSION TIMEOUT')
  }
  return options.map((option) => ` ${option}`).join('')
}

/** `padb_harvest` and what has a colon are the service's own. */
async function otherDatabases(connection: PostgresqlConnection): Promise<readonly string[]> {
  const rows = await query<{ name: string }>(
    connection,
    `SELECT datname AS name FROM pg_database
      WHERE datallowconn AND NOT datistemplate AND datname <> current_database() AND datname NOT IN ('padb_harvest', 'awsdatacatalog')
        AND POSITION(':' IN datname) = 0
      ORDER BY datname`,
  )
  return rows.map((row) => row.name)
}

async function preflight(connection: RedshiftConnection, plan: Plan): Promise<readonly Finding[]> {
  const findings: Finding[] = []
  const problem = (message: string): void => void findings.push({ level: 'problem', message })
  const warning = (message: string): void => void findings.push({ level: 'warning', message })

  const [server] = await query<{ version: string; me: string }>(
    connection,
    'SELECT version() AS version, CAST(current_user AS varchar) AS me',
  )
  if (!/redshift/i.test(server?.version ?? '')) problem('The server is not Redshift.')
  const user = await readUser(connection, plan.username)
  // Which is also how a name in other letters than the server's is met: the digest would be of another user.
  if (user === undefined) problem(`There is no user ${plan.username}.`)
  if (user === undefined || findings.length > 0) return findings
  if (user.until !== null && user.until !== 'infinity') {
    warning(`Passwords of ${plan.username} end at ${user.until} (VALID UNTIL), which rotations leave as it is.`)
  }
  if (plan.alternate !== undefined) {
    const me = await readUser(connection, server?.me ?? '')
    // Grants of what belongs to others, and of others' default privileges, are a superuser's alone.
    if (!me?.superuser) problem('The master is no superuser, who alone may give one user all that another may do.')
    if (user.superuser) warning(`${plan.username} is a superuser, and so will ${plan.alternate} be.`)
    if (Buffer.byteLength(plan.alternate) > 127) problem('The name of the other user is longer than 127 bytes.')
  }
  if (findings.some(({ level }) => level === 'problem')) return findings
  const whom = plan.alternate === undefined ? plan.username : `${plan.username} and ${plan.alternate}`
  return [...findings, { level: 'ok', message: `The password of ${whom} can be set.` }]
}

const missing = (user: string): RotatorError => new RotatorError('permission', `There is no user ${user}.`)

/** All or nothing, in one database. */
async function changing(connection: PostgresqlConnection, work: () => Promise<void>): Promise<void> {
  await query(connection, 'BEGIN')
  try {
    await work()
    await query(connection, 'COMMIT')
  } catch (error) {
    await query(connection, 'ROLLBACK').catch(() => {})
    throw error
  }
}
