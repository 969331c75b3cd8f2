// SQL Server from 2016, and Azure SQL: logins of a server, or users with a password that a (contained) database has itself. Passwords reach the server in
// clear (by TLS), so that its policy sees them; it leaves them out of its traces. https://learn.microsoft.com/sql/t-sql/statements/alter-login-transact-sql

import { baseOf } from '../alternate.ts'
import type { Clone, Engine, NewPassword, Plan } from '../engine.ts'
import { RotatorError } from '../errors.ts'
import { USUAL_PASSWORDS } from '../passwords.ts'
import type { Finding } from '../rotator.ts'
import { close, connect, INSTALL, name, run, type SqlserverConnection, text } from './sqlserver/connection.ts'
import { align, databaseDifferences, databasesOf, serverDifferences } from './sqlserver/rights.ts'

export const sqlserver: Engine<SqlserverConnection> &
  Required<Pick<Engine<SqlserverConnection>, 'clone' | 'relation'>> = {
  id: 'sqlserver',
  title: 'Microsoft SQL Server',
  names: ['sqlserver'],
  verified: false,
  install: INSTALL,
  strategies: ['single', 'alternating'],
  defaults: { port: 1433, dbname: 'master' },
  usernameMax: 128,
  passwords: USUAL_PASSWORDS,
  selfChange: true,

  connect,
  close,
  /** Of the instance, by its name and the GUID of its msdb. Users of a contained database do not see that, and then it is unknown. */
  async serverId(connection) {
    const [row] = await run(
      connection,
      `SELECT CAST(SERVERPROPERTY('ServerName') AS nvarchar(256)) AS name, CAST(SERVERPROPERTY('EngineEdition') AS int) AS edition,
        (SELECT CAST(service_broker_guid AS nvarchar(36)) FROM sys.databases WHERE name = N'msdb') AS guid`,
    )
    if (Number(row?.edition) === AZURE) return `azure ${row?.name}`
    return row?.guid ? `${row.guid} ${row.name}` : undefined
  },
  preflight,
  async setPassword(connection, { username, password, self }: NewPassword) {
    const old = self ? ` OLD_PASSWORD = ${text(connection.password)}` : ''
    const kind = (await isContained(connection, username)) ? 'USER' : 'LOGIN'
    await run(connection, `ALTER ${kind} ${name(username)} WITH PASSWORD = ${text(password)}${old}`)
  },
  // Nothing that the server keeps tells whom a login was made for.
  async relation(connection, { from, to }) {
    const there = (await isContained(connection, from)) ? findUser(connection, to) : findLogin(connection, to)
    return (await there) === undefined ? 'absent' : 'unknown'
  },
  clone,
  async probe(connection) {
    await run(connection, 'SELECT 1 AS one')
  },
}

/** EngineEdition of Azure SQL Database, where each connection is to one database. */
const AZURE = 5

const isAzure = async (connection: SqlserverConnection): Promise<boolean> => {
  const [row] = await run(connection, "SELECT CAST(SERVERPROPERTY('EngineEdition') AS int) AS edition")
  return Number(row?.edition) === AZURE
}

/** Whether a login of this name to this database is the database's own user: the server then looks no further. */
async function isContained(connection: SqlserverConnection, username: string): Promise<boolean> {
  return (await findUser(connection, username))?.authentication === 'DATABASE'
}

type User = { readonly authentication: string; readonly schema: string | null }

async function findUser(connection: SqlserverConnection, username: string): Promise<User | undefined> {
  const [row] = await run(
    connection,
    `SELECT authentication_type_desc AS authentication, default_schema_name AS [schema] FROM sys.database_principals
      WHERE name = ${text(username)} AND type = 'S'`,
  )
  return row && { authentication: String(row.authentication), schema: row.schema === null ? null : String(row.schema) }
}

type Login = {
  readonly database: string
  readonly language: string
  readonly policy: boolean
  readonly expiration: boolean
  readonly disabled: boolean
}

async function findLogin(connection: SqlserverConnection, username: string): Promise<Login | undefined> {
  const [row] = await run(
    connection,
    `SELECT default_database_name AS [database], default_language_name AS language, is_policy_checked AS policy,
        is_expiration_checked AS expiration, is_disabled AS disabled
      FROM sys.sql_logins WHERE name = ${text(username)}`,
  )
  if (row === undefined) return undefined
  const is = (member: string): boolean => Number(row[member]) === 1
  return {
    ...{ database: String(row.database ?? 'master'), language: String(row.language ?? 'us_english') },
    ...{ policy: is('policy'), expiration: is('expiration'), disabled: is('disabled') },
  }
}

/** What the base user may do is given to the clone before it can be logged in with anew; what it may too much is taken away. */
async function clone(connection: SqlserverConnection, { from, to, password }: Clone): Promise<void> {
  const base = baseOf(to) === to ? to : from
  const secret = `PASSWORD = ${text(password)}`
  const contained = await isContained(connection, base)
  const kind = contained ? 'USER' : 'LOGIN'
  const azure = await isAzure(connection)
  const users = { base, clone: to === base ? from : to, contained, azure }
  if (to === base) {
    await align(connection, users)
    await run(connection, `ALTER ${kind} ${name(to)} WITH ${secret}`)
    return
  }
  let there: unknown
  let settings = ''
  if (contained) {
    const user = await findUser(connection, base)
    there = await findUser(connection, to)
    if (user?.schema != null) settings = `, DEFAULT_SCHEMA = ${name(user.schema)}`
  } else {
    const login = await findLogin(connection, base)
    if (login === undefined) throw missing(base)
    there = await findLogin(connection, to)
    if (!azure) settings = settingsOf(login)
  }
  const change = `${kind} ${name(to)} WITH ${secret}${settings}`
  if (there === undefined) await run(connection, `CREATE ${change}`)
  await align(connection, users)
  if (there !== undefined) await run(connection, `ALTER ${change}`)
}

const onOff = (is: boolean): string => (is ? 'ON' : 'OFF')

const settingsOf = ({ database, language, policy, expiration }: Login): string =>
  `, DEFAULT_DATABASE = ${name(database)}, DEFAULT_LANGUAGE = ${name(language)}, CHECK_EXPIRATION = ${onOff(expiration)}, CHECK_POLICY = ${onOff(policy)}`

async function preflight(connection: SqlserverConnection, plan: Plan): Promise<readonly Finding[]> {
  const findings: Finding[] = []
  const problem = (message: string): void => void findings.push({ level: 'problem', message })
  const warning = (message: string): void => void findings.push({ level: 'warning', message })

  const [server] = await run(
    connection,
    `SELECT CAST(SERVERPROPERTY('IsHadrEnabled') AS int) AS hadr, CAST(DATABASEPROPERTYEX(DB_NAME(), 'Updateability') AS nvarchar(30)) AS updates,
      HAS_PERMS_BY_NAME(NULL, NULL, 'ALTER ANY LOGIN') AS logins, HAS_PERMS_BY_NAME(NULL, NULL, 'CONTROL SERVER') AS control,
      HAS_PERMS_BY_NAME(DB_NAME(), 'DATABASE', 'ALTER ANY USER') AS users, DB_NAME() AS [database], ORIGINAL_LOGIN() AS me`,
  )
  const may = (what: string): boolean => Number(server?.[what]) === 1
  const base = plan.alternate === undefined ? plan.username : baseOf(plan.username)
  const contained = await isContained(connection, base)
  if (!connection.tls) warning('Without TLS the network sees the new password, and the one that it logs in with.')
  if (contained && server?.updates === 'READ_ONLY')
    problem('The database is read-only, as a replica is: it takes no changes.')
  if (!contained && may('hadr')) {
    warning('Logins are of one instance: those of other replicas of an availability group are not changed.')
  }
  const azure = await isAzure(connection)
  if (azure && !contained) {
    // Logins are changed in `master` alone there, from where no other database can be seen.
    if (plan.alternate !== undefined)
      problem('On Azure SQL Database only users with a password of their own take turns, not logins.')
    else if (server?.database !== 'master')
      problem('On Azure SQL Database a login is changed in the database master: leave dbname out.')
  }
  if (plan.self) {
    if (!contained && String(server?.me).toLowerCase() !== plan.username.toLowerCase()) {
      problem(`The server takes the login for another one: ${server?.me}.`)
    }
    return concluded(findings, plan)
  }

  const control = may('control')
  if (contained && !may('users'))
    problem(`The master may not change users: GRANT ALTER ANY USER in ${server?.database}.`)
  if (!contained && !may('logins') && !azure) problem('The master may not change logins: GRANT ALTER ANY LOGIN.')
  if (findings.some(({ level }) => level === 'problem')) return findings
  if (
    contained ? (await findUser(connection, base)) === undefined : (await findLogin(connection, base)) === undefined
  ) {
    problem(missing(base).message)
    return findings
  }
  if (plan.alternate === undefined) return concluded(findings, plan)

  const users = { base, clone: plan.alternate === base ? plan.username : plan.alternate, contained, azure }
  if (!contained && (await findLogin(connection, base))?.disabled) problem(`The login ${base} is disabled.`)
  if (!contained && !azure && !control && (await serverDifferences(connection, users)).length > 0) {
    problem(
      `${base} has roles or rights of the server, which only a master with CONTROL SERVER may give to ${users.clone}.`,
    )
  }
  for (const database of await databasesOf(connection, users)) {
    if (database.unknown.length > 0) {
      problem(
        `Rights of ${base} in ${database.name} are on what this rotator cannot give on: ${database.unknown.join(', ')}. Give them to a role.`,
      )
    }
    const differences = await databaseDifferences(connection, users, database)
    if (differences.length > 0 && !database.control) {
      problem(`The master may not pass on what ${base} may in ${database.name}: it needs CONTROL, as db_owner has it.`)
    }
  }
  return concluded(findings, plan)
}

function concluded(findings: readonly Finding[], plan: Plan): readonly Finding[] {
  if (findings.some(({ level }) => level === 'problem')) return findings
  const whom = plan.alternate === undefined ? plan.username : `${plan.username} and ${plan.alternate}`
  return [...findings, { level: 'ok', message: `The password of ${whom} can be set.` }]
}

const missing = (username: string): RotatorError =>
  new RotatorError('permission', `There is no login ${username}, or it may not be seen.`)
