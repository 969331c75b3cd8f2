// PostgreSQL 10 and later, and Aurora PostgreSQL. Passwords reach the server as SCRAM verifiers made here: no log of its, with whatever
// settings, holds one, and every character is allowed. https://www.postgresql.org/docs/current/sasl-authentication.html

import { createHash, createHmac, pbkdf2 } from 'node:crypto'
import { promisify } from 'node:util'
import { appeared, baseOf } from '../alternate.ts'
import type { Clone, Engine, NewPassword, Plan, Relation } from '../engine.ts'
import { RotatorError } from '../errors.ts'
import { USUAL_PASSWORDS } from '../passwords.ts'
import type { Finding } from '../rotator.ts'
import { close, connect, driver, errorOf, type PostgresqlConnection, query, stateOf } from './postgresql/connection.ts'

/** Bytes: NAMEDATALEN - 1. What is longer the server cuts off with a notice, and so means another role. */
const NAME_BYTES_MAX = 63

export const postgresql: Engine<PostgresqlConnection> &
  Required<Pick<Engine<PostgresqlConnection>, 'clone' | 'relation'>> = {
  id: 'postgresql',
  title: 'PostgreSQL',
  names: ['postgres', 'postgresql', 'aurora-postgresql'],
  verified: true,
  strategies: ['single', 'alternating'],
  defaults: { port: 5432, dbname: 'postgres' },
  usernameMax: NAME_BYTES_MAX,
  passwords: USUAL_PASSWORDS,
  selfChange: true,
  options: [
    {
      name: 'ownerRole',
      required: false,
      about: 'For alternating users: a role, there already, that both work as and that owns what they make.',
    },
  ],

  // What a database or a role has set for its sessions must not lead a statement astray: not to other functions, not to wait for ever.
  connect: (login, io) =>
    connect(login, io, [
      [
        `SELECT pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', false),
          pg_catalog.set_config('statement_timeout', $1, false), pg_catalog.set_config('lock_timeout', $1, false),
          pg_catalog.set_config('standard_conforming_strings', 'on', false)`,
        [String(io.timeoutMs)],
      ],
    ]),
  close,
  async serverId(connection) {
    try {
      const [row] = await query<{ id: string }>(
        connection,
        'SELECT system_identifier::text AS id FROM pg_catalog.pg_control_system()',
      )
      return row?.id
    } catch (error) {
      if (error instanceof RotatorError && error.kind === 'permission') return undefined
      throw error
    }
  },
  preflight,
  setPassword,
  relation,
  clone,
  async probe(connection) {
    await query(connection, 'SELECT 1')
  },
}

async function setPassword(connection: PostgresqlConnection, { username, password }: NewPassword): Promise<void> {
  await changing(connection, async () => {
    await statement(connection, `ALTER ROLE ${name(username)} PASSWORD ${await verifier(connection, password)}`)
  })
}

/**
 * Membership shows it, which the clones of AWS's templates have too: given by the master or a superuser, since up to version 15 every role may
 * give itself away; and the clone may do nothing that the base user may not.
 * https://www.postgresql.org/docs/15/sql-grant.html#SQL-GRANT-DESCRIPTION-ROLES
 */
async function relation(
  connection: PostgresqlConnection,
  { to, from, options }: Pick<Clone, 'from' | 'to' | 'options'>,
): Promise<Relation> {
  const base = baseOf(to)
  const [row] = await query<{ member: boolean; less: boolean }>(
    connection,
    `SELECT
        EXISTS (
          SELECT FROM pg_catalog.pg_auth_members AS m JOIN pg_catalog.pg_roles AS g ON g.oid = m.grantor
            WHERE m.roleid = b.oid AND m.member = c.oid AND (g.rolsuper OR g.rolname = session_user)
        ) AS member,
        NOT EXISTS (
          SELECT FROM pg_catalog.pg_auth_members AS m JOIN pg_catalog.pg_roles AS r ON r.oid = m.roleid
            WHERE m.member = c.oid AND r.oid <> b.oid AND r.rolname IS DISTINCT FROM $3
        ) AND (b.rolsuper OR NOT c.rolsuper) AND (b.rolcreaterole OR NOT c.rolcreaterole)
          AND (b.rolcreatedb OR NOT c.rolcreatedb) AND (b.rolreplication OR NOT c.rolreplication)
          AND (b.rolbypassrls OR NOT c.rolbypassrls) AS less
      FROM pg_catalog.pg_roles AS b, pg_catalog.pg_roles AS c WHERE b.rolname = $1 AND c.rolname = $2`,
    [base, base === to ? from : to, options.ownerRole ?? null],
  )
  if (row === undefined) return (await readRole(connection, to)) === undefined ? 'absent' : 'unknown'
  return row.member && (to === base || row.less) ? 'related' : 'unknown'
}

/**
 * The clone is a member of the base user and works as it from its first statement on, so that whatever either makes belongs to the base user.
 * Rights need no copying then; what a role has of its own is copied each time.
 */
async function clone(connection: PostgresqlConnection, { from, to, password, options, fresh }: Clone): Promise<void> {
  const base = baseOf(to) === to ? to : from
  const owner = options.ownerRole
  await changing(connection, async () => {
    const secret = await verifier(connection, password)
    const version = await versionOf(connection)
    const role = await readRole(connection, base)
    if (role === undefined) throw missing(base)
    if (to === base) {
      await statement(connection, `ALTER ROLE ${name(to)} PASSWORD ${secret}`)
    } else {
      const isThere = (await readRole(connection, to)) !== undefined
      if (fresh && isThere) throw appeared(to)
      const verb = isThere ? 'ALTER' : 'CREATE'
      await statement(
        connection,
        `${verb} ROLE ${name(to)} LOGIN INHERIT CONNECTION LIMIT ${role.connectionLimit}
          ${role.replication ? 'REPLICATION' : ''} VALID UNTIL ${literal(role.validUntil ?? 'infinity')} PASSWORD ${secret}`,
      )
      await join(connection, base, to, version)
      await copySettings(connection, base, to)
    }
    if (owner === undefined) return
    await join(connection, owner, to, version)
    await statement(connection, `ALTER ROLE ${name(to)} SET role TO ${literal(owner)}`)
  })
}

async function join(connection: PostgresqlConnection, group: string, member: string, version: number): Promise<void> {
  const how = version >= 160_000 ? ' WITH INHERIT TRUE, SET TRUE' : ''
  await statement(connection, `GRANT ${name(group)} TO ${name(member)}${how}`)
}

type Setting = { readonly database: string | null; readonly name: string; readonly value: string }

/** Settings that are lists of names: the server keeps them quoted, and takes them back in the same form only this way. */
const LISTS = ['local_preload_libraries', 'search_path', 'session_preload_libraries', 'temp_tablespaces']

async function copySettings(connection: PostgresqlConnection, base: string, to: string): Promise<void> {
  const settings = await readSettings(connection, base)
  const before = await readSettings(connection, to)
  const inDatabase = (database: string | null): string => (database === null ? '' : ` IN DATABASE ${name(database)}`)
  for (const database of new Set(before.map((setting) => setting.database))) {
    await statement(connection, `ALTER ROLE ${name(to)}${inDatabase(database)} RESET ALL`)
  }
  const refused = new Set(await settingsOfSuperusers(connection, settings))
  for (const setting of settings) {
    if (refused.has(setting.name) || setting.name === 'role') continue
    const target = `ALTER ROLE ${name(to)}${inDatabase(setting.database)} SET ${settingName(setting.name)}`
    if (LISTS.includes(setting.name)) {
      await query(connection, 'SELECT pg_catalog.set_config($1, $2, true)', [setting.name, setting.value])
      await statement(connection, `${target} FROM CURRENT`)
    } else {
      await statement(connection, `${target} TO ${literal(setting.value)}`)
    }
  }
  const role = settings.find((setting) => setting.database === null && setting.name === 'role')?.value ?? base
  await statement(connection, `ALTER ROLE ${name(to)} SET role TO ${literal(role)}`)
}

const readSettings = (connection: PostgresqlConnection, role: string): Promise<readonly Setting[]> =>
  query<Setting>(
    connection,
    `SELECT d.datname AS database, split_part(setting, '=', 1) AS name, substr(setting, strpos(setting, '=') + 1) AS value
      FROM pg_catalog.pg_db_role_setting AS s JOIN pg_catalog.pg_roles AS r ON r.oid = s.setrole
      LEFT JOIN pg_catalog.pg_database AS d ON d.oid = s.setdatabase, unnest(s.setconfig) AS setting
      WHERE r.rolname = $1 AND (s.setdatabase = 0 OR d.datname IS NOT NULL)`,
    [role],
  )

/** Names of those that this connection may not give to a role. */
async function settingsOfSuperusers(
  connection: PostgresqlConnection,
  settings: readonly Setting[],
): Promise<readonly string[]> {
  if (settings.length === 0) return []
  const granted = (await versionOf(connection)) >= 150_000 ? " AND NOT has_parameter_privilege(name, 'SET')" : ''
  const rows = await query<{ name: string }>(
    connection,
    `SELECT name FROM pg_catalog.pg_settings WHERE context IN ('superuser', 'superuser-backend') AND name = ANY($1)
      AND NOT (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user)${granted}`,
    [settings.map((setting) => setting.name)],
  )
  return rows.map((row) => row.name)
}

async function preflight(connection: PostgresqlConnection, plan: Plan): Promise<readonly Finding[]> {
  const findings: Finding[] = []
  const problem = (message: string): void => void findings.push({ level: 'problem', message })
  const warning = (message: string): void => void findings.push({ level: 'warning', message })

  const [server] = await query<{ recovering: boolean; encryption: string; me: string }>(
    connection,
    `SELECT pg_catalog.pg_is_in_recovery() AS recovering, current_setting('password_encryption') AS encryption,
      session_user AS me`,
  )
  if (server?.recovering) problem('The server is a replica: it takes no changes.')
  // An MD5 password hash is as good as the password, and would stand in the server's log.
  if (server?.encryption === 'md5') {
    problem('The server keeps passwords as MD5 hashes: password_encryption has to be scram-sha-256.')
  }
  const role = await readRole(connection, plan.username)
  if (role === undefined) {
    problem(`There is no role ${plan.username}.`)
    return findings
  }
  if (role.validUntil !== null && role.validUntil !== 'infinity') {
    warning(`Passwords of ${plan.username} end at ${role.validUntil} (VALID UNTIL), which rotations leave as it is.`)
  }
  if (plan.self || findings.some(({ level }) => level === 'problem')) return concluded(findings, plan)

  const me = await readRole(connection, server?.me ?? '')
  if (me === undefined) throw missing('session_user')
  const version = await versionOf(connection)
  const roles = plan.alternate === undefined ? [plan.username] : [baseOf(plan.username), plan.alternate, plan.username]
  for (const rolename of new Set(roles)) {
    const target = await readRole(connection, rolename)
    if (target?.superuser && !me.superuser) problem(`${rolename} is a superuser, whom only a superuser may change.`)
    if (target === undefined || me.superuser) continue
    if (!me.createRole) problem('The master may not change roles: it needs CREATEROLE.')
    else if (version >= 160_000 && !(await isAdminOf(connection, rolename))) {
      problem(`The master has no ADMIN OPTION on ${rolename}: GRANT ${rolename} TO ${server?.me} WITH ADMIN OPTION.`)
    }
    if (target.replication && version >= 160_000 && !me.replication) {
      problem(`${rolename} has REPLICATION, which the master needs too to give it to the other user.`)
    }
  }
  if (plan.alternate !== undefined) {
    const base = baseOf(plan.alternate)
    const settings = await readSettings(connection, base)
    for (const setting of await settingsOfSuperusers(connection, settings)) {
      warning(`The setting ${setting} of ${base} is a superuser's: the other user goes without it.`)
    }
    const owner = plan.options.ownerRole
    if (owner !== undefined) {
      if ((await readRole(connection, owner)) === undefined) problem(`There is no role ${owner} (ownerRole).`)
      else if (!me.superuser && version >= 160_000 && !(await isAdminOf(connection, owner))) {
        problem(`The master has no ADMIN OPTION on ${owner} (ownerRole).`)
      }
    }
  }
  return concluded(findings, plan)
}

function concluded(findings: readonly Finding[], plan: Plan): readonly Finding[] {
  if (findings.some(({ level }) => level === 'problem')) return findings
  const whom = plan.alternate === undefined ? plan.username : `${plan.username} and ${plan.alternate}`
  return [...findings, { level: 'ok', message: `The password of ${whom} can be set.` }]
}

async function isAdminOf(connection: PostgresqlConnection, role: string): Promise<boolean> {
  const [row] = await query<{ admin: boolean }>(
    connection,
    "SELECT pg_catalog.pg_has_role(session_user, $1, 'MEMBER WITH ADMIN OPTION') AS admin",
    [role],
  )
  return row?.admin === true
}

type Role = {
  readonly superuser: boolean
  readonly createRole: boolean
  readonly replication: boolean
  readonly connectionLimit: number
  readonly validUntil: string | null
}

async function readRole(connection: PostgresqlConnection, role: string): Promise<Role | undefined> {
  const [row] = await query<Role>(
    connection,
    `SELECT rolsuper AS superuser, rolcreaterole AS "createRole", rolreplication AS replication,
      rolconnlimit AS "connectionLimit", rolvaliduntil::text AS "validUntil"
      FROM pg_catalog.pg_roles WHERE rolname = $1`,
    [role],
  )
  return row
}

async function versionOf(connection: PostgresqlConnection): Promise<number> {
  const [row] = await query<{ version: string }>(connection, "SELECT current_setting('server_version_num') AS version")
  return Number(row?.version)
}

const missing = (role: string): RotatorError => new RotatorError('permission', `There is no role ${role}.`)

/** All or nothing, and as who logged in: what a role has set as its `role` stands back. */
async function changing(connection: PostgresqlConnection, work: () => Promise<void>): Promise<void> {
  await query(connection, 'BEGIN')
  try {
    await query(connection, 'SET LOCAL ROLE NONE')
    await work()
    await query(connection, 'COMMIT')
  } catch (error) {
    await query(connection, 'ROLLBACK').catch(() => {})
    throw error
  }
}

const derive = promisify(pbkdf2)

/** As the driver has it for logins: a server could otherwise keep a thread at work for as long as it likes. */
const SCRAM_ITERATIONS_MAX = 100_000

/** A literal of what the server keeps of a password. https://www.rfc-editor.org/rfc/rfc5803 */
async function verifier(connection: PostgresqlConnection, password: string): Promise<string> {
  const [row] = await query<{ iterations: string | null }>(
    connection,
    "SELECT current_setting('scram_iterations', true) AS iterations",
  )
  const iterations = Number(row?.iterations ?? 4096)
  if (!(iterations >= 1 && iterations <= SCRAM_ITERATIONS_MAX)) {
    throw new RotatorError('permission', `The server asks for more than ${SCRAM_ITERATIONS_MAX} scram_iterations.`)
  }
  const salt = connection.io.randomBytes(16)
  const salted = await derive(prepared(password), salt, iterations, 32, 'sha256')
  const hmac = (text: string): Buffer => createHmac('sha256', salted).update(text).digest()
  const storedKey = createHash('sha256').update(hmac('Client Key')).digest('base64')
  const serverKey = hmac('Server Key').toString('base64')
  return literal(`SCRAM-SHA-256$${iterations}:${salt.toString('base64')}$${storedKey}:${serverKey}`)
}

/** SASLprep as the server and the driver do it: without its prohibitions. https://www.rfc-editor.org/rfc/rfc4013 */
const prepared = (password: string): string =>
  password
    .replace(/[\u00A0\u1680\u2000-\u200B\u202F\u205F\u3000]/g, ' ')
    .replace(/\u00AD|\u034F|\u1806|[\u180B-\u180D]|\u200C|\u200D|\u2060|[\uFE00-\uFE0F]|\uFEFF/g, '')
    .normalize('NFKC')

/** A quoted identifier. @throws RotatorError `secret` for what the server would cut off */
function name(identifier: string): string {
  if (identifier.includes('\0') || Buffer.byteLength(identifier) > NAME_BYTES_MAX) {
    throw new RotatorError('secret', `A name is longer than ${NAME_BYTES_MAX} bytes.`)
  }
  return driver().escapeIdentifier(identifier)
}

const literal = (text: string): string => driver().escapeLiteral(text)

/** `a.b` of an extension has two parts. */
const settingName = (setting: string): string => setting.split('.').map(driver().escapeIdentifier).join('.')

/** A statement with a password's verifier or a setting in it, which takes no parameters. What is wrong with a value is the new password's fault. */
async function statement(connection: PostgresqlConnection, text: string): Promise<void> {
  try {
    await connection.client.query(text)
  } catch (error) {
    const policy = text.includes(' PASSWORD ') && /^(22|28)/.test(stateOf(error))
    if (policy) throw new RotatorError('policy', `The server refuses the new password (SQLSTATE ${stateOf(error)}).`)
    throw errorOf(error, connection.at)
  }
}
