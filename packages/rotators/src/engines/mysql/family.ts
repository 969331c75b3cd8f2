// What MariaDB and MySQL have in common, and where they part: who answers is found out on connecting, so a secret that calls the one the other
// (AWS's `mysql` of a MariaDB server, say) is served as what it is.

import { createHash } from 'node:crypto'
import { appeared, baseOf } from '../../alternate.ts'
import type { Clone, Engine, NewPassword, Plan, Relation } from '../../engine.ts'
import { RotatorError } from '../../errors.ts'
import { USUAL_PASSWORDS } from '../../passwords.ts'
import type { Finding } from '../../rotator.ts'
import {
  type Account,
  changes,
  type Definition,
  type Grants,
  keyOf,
  mayPassOn,
  type Right,
  readDefinition,
  readGrants,
} from './accounts.ts'
import { close, column, connect, type MysqlConnection, query, quoted, setting, text, variable } from './connection.ts'

export type FamilyEngine = Engine<MysqlConnection> & Required<Pick<Engine<MysqlConnection>, 'clone' | 'relation'>>

type Common = 'strategies' | 'defaults' | 'passwords' | 'selfChange' | MethodName
type MethodName = 'connect' | 'close' | 'serverId' | 'preflight' | 'setPassword' | 'relation' | 'clone' | 'probe'

export const family: Pick<FamilyEngine, Common> = {
  strategies: ['single', 'alternating', 'dual'],
  defaults: { port: 3306 },
  passwords: USUAL_PASSWORDS,
  selfChange: true,
  connect,
  close,
  async serverId(connection) {
    const id = await variable(connection, connection.server === 'mariadb' ? 'server_uid' : 'server_uuid')
    return id || undefined
  },
  preflight,
  setPassword,
  relation,
  clone,
  async probe(connection) {
    await query(connection, 'SELECT 1')
  },
}

/** Keeps a hash without a salt. */
const NATIVE = 'mysql_native_password'

/** Plugins whose logins are proven by a password that this rotator can set. */
const PLUGINS: { readonly [server in MysqlConnection['server']]: readonly string[] } = {
  mariadb: [NATIVE],
  mysql: ['caching_sha2_password', 'sha256_password', NATIVE],
}

const OLDEST = { mariadb: [100_400, '10.4'], mysql: [80_014, '8.0.14'] } as const

async function setPassword(connection: MysqlConnection, change: NewPassword): Promise<void> {
  const { username, password, self, keep } = change
  const mariadb = connection.server === 'mariadb'
  if (self && keep === undefined) {
    // In place, so that the plugin, TLS and limits stay as they are; it needs no right.
    const secret = mariadb ? await kept(connection, password) : `${text(password)} REPLACE ${text(connection.password)}`
    return setting(connection, `SET PASSWORD = ${secret}`)
  }
  const accounts = await accountsOf(connection, username, keep)
  if (accounts.length === 0) throw new RotatorError('permission', noAccount(username))
  const how = await identification(connection, password, keep)
  await setting(connection, `ALTER USER ${accounts.map((account) => `${quoted(account)} ${how}`).join(', ')}`)
}

/** As ALTER USER takes it. */
async function identification(connection: MysqlConnection, password: string, keep?: string): Promise<string> {
  if (connection.server === 'mysql') {
    return `IDENTIFIED BY ${text(password)}${keep === undefined ? '' : ' RETAIN CURRENT PASSWORD'}`
  }
  const both = keep === undefined ? [password] : [password, keep]
  const ways = await Promise.all(both.map(async (one) => `mysql_native_password USING ${await kept(connection, one)}`))
  return `IDENTIFIED VIA ${ways.join(' OR ')}`
}

/** SHA-1 of SHA-1, which is what MariaDB keeps. https://mariadb.com/kb/en/authentication-plugin-mysql_native_password/ */
const nativeHash = (password: string): string => {
  const once = createHash('sha1').update(password).digest()
  return `*${createHash('sha1').update(once).digest('hex').toUpperCase()}`
}

/** What MariaDB is told of a password: its hash, which alone would stand in its logs; the password itself where a plugin insists on judging it. */
const kept = async (connection: MysqlConnection, password: string): Promise<string> =>
  (await judges(connection)).length > 0 ? `PASSWORD(${text(password)})` : text(nativeHash(password))

/** MariaDB's plugins that refuse a hash, because they would not see the password. https://mariadb.com/kb/en/server-system-variables/#strict_password_validation */
async function judges(connection: MysqlConnection): Promise<readonly string[]> {
  if (connection.server !== 'mariadb' || (await variable(connection, 'strict_password_validation')) !== 'ON') return []
  return column(
    connection,
    `SELECT plugin_name FROM information_schema.plugins
      WHERE plugin_type = 'PASSWORD VALIDATION' AND plugin_status = 'ACTIVE'`,
  )
}

/** Every account of the name whose password is to be changed: with `keep`, only those that it opens, as far as the server tells. */
async function accountsOf(connection: MysqlConnection, user: string, keep?: string): Promise<readonly Account[]> {
  const accounts: Account[] = []
  for (const account of await visibleAccounts(connection, user)) {
    const { authentications } = await definitionOf(connection, account)
    if (!isByPassword(connection, authentications)) continue
    const opens =
      keep === undefined ||
      connection.server === 'mysql' ||
      authentications.some((way) => way.kept === nativeHash(keep))
    if (opens) accounts.push(account)
  }
  return accounts
}

/** Whether who is let in as one of the accounts surely has the password of the others: hashes with a salt do not tell. */
async function opensAll(connection: MysqlConnection, accounts: readonly Account[]): Promise<boolean> {
  if (accounts.length <= 1) return true
  const kept = new Set<string>()
  for (const account of accounts) {
    const { authentications } = await definitionOf(connection, account)
    if (authentications.some(({ plugin }) => plugin !== NATIVE)) return false
    kept.add(authentications.map((way) => way.kept).join(' '))
  }
  return kept.size <= 1
}

const isByPassword = ({ server }: MysqlConnection, authentications: Definition['authentications']): boolean =>
  authentications.length > 0 && authentications.every(({ plugin }) => PLUGINS[server].includes(plugin))

/** Of a user who may not look into `mysql`, its own account alone. */
async function visibleAccounts(connection: MysqlConnection, user: string): Promise<readonly Account[]> {
  try {
    const hosts = await column(
      connection,
      `SELECT Host FROM mysql.user WHERE CAST(User AS BINARY) = CAST(${text(user)} AS BINARY)
        ${connection.server === 'mariadb' ? "AND is_role = 'N'" : ''} ORDER BY Host`,
    )
    return hosts.map((host) => ({ user, host }))
  } catch (error) {
    const own = connection.account.user === user
    if (own && error instanceof RotatorError && error.kind === 'permission') return [connection.account]
    throw error
  }
}

async function definitionOf(connection: MysqlConnection, account: Account): Promise<Definition> {
  const own = account.user === connection.account.user && account.host === connection.account.host
  const [line] = await column(connection, `SHOW CREATE USER ${own ? 'CURRENT_USER()' : quoted(account)}`)
  return readDefinition(line ?? '')
}

const grantsOf = async (connection: MysqlConnection, account: Account): Promise<Grants> =>
  readGrants(await column(connection, `SHOW GRANTS FOR ${quoted(account)}`))

/** What the connection itself may do, by its roles too. */
async function ownRights(connection: MysqlConnection): Promise<readonly Right[]> {
  if (connection.server === 'mariadb') return readGrants(await column(connection, 'SHOW GRANTS')).rights
  const [roles] = await column(connection, 'SELECT CURRENT_ROLE()')
  const using = roles === undefined || roles === 'NONE' ? '' : ` USING ${roles}`
  return readGrants(await column(connection, `SHOW GRANTS FOR CURRENT_USER()${using}`)).rights
}

/**
 * A login comes to one account, and all are changed: each has to be opened by what the secret knows. One that was locked because `from` has none
 * there stays as it is.
 */
async function relation(
  connection: MysqlConnection,
  { from, to, known }: { readonly from: string; readonly to: string; readonly known: readonly string[] },
): Promise<Relation> {
  const accounts = await visibleAccounts(connection, to)
  if (accounts.length === 0) return 'absent'
  const hosts = (await visibleAccounts(connection, from)).map(({ host }) => host)
  const hashes = known.map(nativeHash)
  let salted = 0
  for (const { user, host } of accounts) {
    const { authentications, settings } = await definitionOf(connection, { user, host })
    if (settings.get('ACCOUNT') === 'LOCK' && !hosts.includes(host)) continue
    if (authentications.some(({ plugin, kept }) => plugin === NATIVE && hashes.includes(kept))) continue
    if (connection.server === 'mariadb' || authentications.every(({ plugin }) => plugin === NATIVE)) return 'foreign'
    salted++
  }
  if (salted === 0) return 'related'
  return accounts.length === 1 ? 'unknown' : 'foreign'
}

/**
 * The clone has an account wherever the base user has one. Rights that both have are not touched, so that sessions of the clone go on undisturbed;
 * what came of it is read again and compared.
 */
async function clone(connection: MysqlConnection, { from, to, password, fresh }: Clone): Promise<void> {
  const base = baseOf(to) === to ? to : from
  const originals = await accountsOf(connection, base)
  if (originals.length === 0) throw new RotatorError('permission', noAccount(base))
  if (to === base) return setPassword(connection, { username: to, password, self: false })

  const there = await visibleAccounts(connection, to)
  if (fresh && there.length > 0) throw appeared(to)
  for (const original of originals) {
    const account = { user: to, host: original.host }
    const definition = await definitionOf(connection, original)
    const { rights, defaultRole } = await grantsOf(connection, original)
    const plugin = definition.authentications[0]?.plugin
    const how =
      connection.server === 'mariadb'
        ? await identification(connection, password)
        : `IDENTIFIED WITH ${text(plugin ?? '')} BY ${text(password)}`
    const whole = `USER ${quoted(account)} ${how} ${settingsOf(connection, definition)}`

    const exists = there.some(({ host }) => host === account.host)
    if (!exists) await setting(connection, `CREATE ${whole}`)
    const before = await grantsOf(connection, account)
    const { revoke, grant } = changes(quoted(account), before.rights, rights)
    for (const statement of [...revoke, ...grant]) await query(connection, statement)
    await setDefaultRole(connection, account, { before, definition, defaultRole })
    if (exists) await setting(connection, `ALTER ${whole}`)
    await mustBeAlike(connection, original, account)
  }
  for (const account of there) {
    if (originals.some(({ host }) => host === account.host)) continue
    await query(connection, `ALTER USER ${quoted(account)} ACCOUNT LOCK`)
  }
}

async function setDefaultRole(
  connection: MysqlConnection,
  account: Account,
  {
    before,
    definition,
    defaultRole,
  }: { readonly before: Grants; readonly definition: Definition; readonly defaultRole: string | undefined },
): Promise<void> {
  if (connection.server === 'mysql') {
    const roles = definition.settings.get('DEFAULT ROLE') ?? 'NONE'
    await query(connection, `ALTER USER ${quoted(account)} DEFAULT ROLE ${roles}`)
  } else if (before.defaultRole !== defaultRole) {
    await query(connection, `SET DEFAULT ROLE ${defaultRole ?? 'NONE'} FOR ${quoted(account)}`)
  }
}

/** REQUIRE, limits, expiry and lock, all of them said, so that what the other account had is gone. */
function settingsOf({ server }: MysqlConnection, { settings }: Definition): string {
  const limits = ['MAX_QUERIES_PER_HOUR', 'MAX_UPDATES_PER_HOUR', 'MAX_CONNECTIONS_PER_HOUR', 'MAX_USER_CONNECTIONS']
  if (server === 'mariadb') limits.push('MAX_STATEMENT_TIME')
  const given = (settings.get('WITH') ?? '').replace(/ \. /g, '.')
  const limit = (name: string): string => new RegExp(`${name} (-?[0-9.]+)`).exec(given)?.[1] ?? '0'
  const clauses = [
    `REQUIRE ${settings.get('REQUIRE') || 'NONE'}`,
    `WITH ${limits.map((one) => `${one} ${limit(one)}`).join(' ')}`,
    `ACCOUNT ${settings.get('ACCOUNT') || 'UNLOCK'}`,
    // Alone, it says that a password was set to expire by hand, which a new one has not.
    `PASSWORD EXPIRE ${settings.get('PASSWORD EXPIRE') || 'DEFAULT'}`,
  ]
  if (server === 'mysql') {
    for (const clause of ['PASSWORD HISTORY', 'PASSWORD REUSE', 'PASSWORD REQUIRE']) {
      const said = settings.get(clause)
      if (said !== undefined) clauses.push(`${clause} ${said}`)
    }
    for (const clause of ['FAILED_LOGIN_ATTEMPTS', 'PASSWORD_LOCK_TIME']) {
      clauses.push(`${clause} ${settings.get(clause) ?? '0'}`)
    }
  }
  return clauses.join(' ')
}

async function mustBeAlike(connection: MysqlConnection, original: Account, account: Account): Promise<void> {
  const seen = async (of: Account): Promise<string> => {
    const definition = await definitionOf(connection, of)
    const { rights, defaultRole } = await grantsOf(connection, of)
    const roles = defaultRole ?? definition.settings.get('DEFAULT ROLE') ?? null
    return JSON.stringify([settingsOf(connection, definition), rights.map(keyOf).sort(), roles])
  }
  if ((await seen(original)) === (await seen(account))) return
  throw new RotatorError(
    'other',
    'The rights of the other user are not those of the first, although they were granted.',
  )
}

const different = (accounts: readonly Account[]): string =>
  `${accounts.map(quoted).join(', ')} have different passwords, or such as cannot be compared: they may be of different people.`

const noAccount = (user: string): string => `The server knows no account of ${user} that this password opens.`

async function preflight(connection: MysqlConnection, plan: Plan): Promise<readonly Finding[]> {
  const findings: Finding[] = []
  const problem = (message: string): void => void findings.push({ level: 'problem', message })
  const warning = (message: string): void => void findings.push({ level: 'warning', message })
  const { server, version, account } = connection

  const [oldest, called] = OLDEST[server]
  if (version < oldest) problem(`The server is older than ${called}.`)
  if (!/^(OFF|0)?$/.test((await variable(connection, 'read_only')) ?? '')) {
    problem('The server is read-only, as a replica is: it takes no changes.')
  }
  const judging = await judges(connection)
  if (judging.length > 0) {
    warning(`${judging.join(', ')} judges passwords, which the server so sees and logs (general log) in clear.`)
    if (plan.strategy === 'dual' && judging.includes('password_reuse_check')) {
      problem('password_reuse_check refuses to set the current password beside the new one.')
    }
  }
  if (findings.some(({ level }) => level === 'problem')) return findings

  if (plan.strategy === 'single') {
    const { authentications } = await definitionOf(connection, account)
    if (!isByPassword(connection, authentications)) {
      problem(
        `${quoted(account)} logs in by ${authentications.map(({ plugin }) => plugin).join(' or ') || 'no password'}.`,
      )
    } else if (authentications.length > 1) {
      warning(`${quoted(account)} has a second password, which stays valid.`)
    }
    return concluded(findings, [account])
  }

  const rights = await ownRights(connection)
  const who = plan.self ? 'The user' : 'The master'
  const me = quoted(account)
  const holds = (privilege: string, on = '*.*'): boolean =>
    rights.some((right) => [privilege, 'ALL PRIVILEGES'].includes(right.what) && ['*.*', on].includes(right.on))
  const ownDual = server === 'mysql' && plan.self && holds('APPLICATION_PASSWORD_ADMIN')
  if (!holds('CREATE USER') && !ownDual) {
    const instead = plan.self ? ', or a master secret that masterarn names' : ''
    problem(`${who} may not change users: GRANT CREATE USER ON *.* TO ${me}${instead}.`)
  }
  if (!plan.self && !holds('SELECT', '`mysql`.*')) {
    problem(`${who} may not see users: GRANT SELECT ON mysql.* TO ${me}.`)
  }
  if (findings.some(({ level }) => level === 'problem')) return findings

  const base = plan.strategy === 'alternating' ? baseOf(plan.username) : plan.username
  const accounts = await accountsOf(connection, base)
  const all = await visibleAccounts(connection, base)
  if (accounts.length === 0) problem(`The server knows no account of ${base} that logs in by a password.`)
  for (const one of all) {
    if (!accounts.some(({ host }) => host === one.host))
      warning(`${quoted(one)} logs in otherwise, and stays as it is.`)
  }
  if (server === 'mysql' && plan.strategy === 'dual' && accounts.length > 1) {
    if (await opensAll(connection, accounts)) {
      warning(`${accounts.map(quoted).join(', ')} each get the new password, and keep what is theirs beside it.`)
    } else problem(different(accounts))
  }
  if (plan.strategy === 'alternating') {
    if (!(await opensAll(connection, accounts))) {
      problem(different(accounts))
    }
    for (const one of accounts) {
      const grants = await grantsOf(connection, one)
      for (const right of grants.rights) {
        if (!mayPassOn(rights, right))
          problem(`The master may not pass on what ${quoted(one)} may: ${lacking(right, me)}.`)
      }
      if (grants.defaultRole !== undefined && !holds('UPDATE', '`mysql`.*')) {
        problem(`The master may not set a default role: GRANT UPDATE ON mysql.* TO ${me}.`)
      }
    }
  }
  return concluded(findings, accounts)
}

/** The statement that would let `master` pass a right on. */
function lacking({ kind, what, column: of, on }: Right, master: string): string {
  if (kind === 'role') return `GRANT ${what} TO ${master} WITH ADMIN OPTION`
  if (kind === 'proxy') return `GRANT PROXY ON ${what} TO ${master} WITH GRANT OPTION`
  const privilege = what === 'GRANT OPTION' ? 'USAGE' : what
  return `GRANT ${privilege}${of === undefined ? '' : ` (${of})`} ON ${on} TO ${master} WITH GRANT OPTION`
}

const concluded = (findings: readonly Finding[], accounts: readonly Account[]): readonly Finding[] =>
  findings.some(({ level }) => level === 'problem')
    ? findings
    : [...findings, { level: 'ok', message: `The password of ${accounts.map(quoted).join(', ')} can be set.` }]
