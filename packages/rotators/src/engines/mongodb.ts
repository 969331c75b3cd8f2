// MongoDB from 4.4 and Amazon DocumentDB: users of a database, changed by commands. Passwords reach the server in clear (by TLS), which leaves them out of
// its logs; it knows no other way. https://www.mongodb.com/docs/manual/reference/command/updateUser/

import { isIPv6 } from 'node:net'
import type { Document, MongoClient } from 'mongodb'
import { baseOf } from '../alternate.ts'
import { connectionError, verifiedTls, within } from '../connection.ts'
import { driver } from '../drivers.ts'
import type { Clone, Engine, Login, NewPassword, Plan } from '../engine.ts'
import { RotatorError } from '../errors.ts'
import { USUAL_PASSWORDS } from '../passwords.ts'
import type { Finding, Io, SecretValue } from '../rotator.ts'
import { placeOf } from '../secret.ts'

export type MongodbConnection = {
  readonly at: string
  readonly tls: boolean
  /** Where the user stands whom this is about: with a master, not the master. */
  readonly database: string
  /** @throws RotatorError */
  command(database: string, command: Document): Promise<Document>
  end(): Promise<void>
}

const INSTALL = 'mongodb@7.9.0'

export const mongodb: Engine<MongodbConnection> &
  Required<Pick<Engine<MongodbConnection>, 'clone' | 'relation' | 'members'>> = {
  id: 'mongodb',
  title: 'MongoDB and Amazon DocumentDB',
  names: ['mongo', 'mongodb', 'documentdb'],
  verified: false,
  install: INSTALL,
  strategies: ['single', 'alternating'],
  defaults: { port: 27017, dbname: 'admin' },
  // DocumentDB takes 63; MongoDB sets no limit.
  usernameMax: 255,
  passwords: USUAL_PASSWORDS,
  // A user needs the action changeOwnPassword for it, which no usual role has.
  selfChange: 'without-master',
  members: {
    described: [
      {
        name: 'authenticationDatabase',
        required: false,
        about: 'Database that the user was made in, where that is not dbname.',
      },
    ],
    read: (value) => value,
    withPassword: (value, password) => ({ ...value, password }),
  },

  connect,
  async close({ end }) {
    await end()
  },
  /** Of the process, not of its data: another one after a restart, and none of mongos and DocumentDB. */
  async serverId({ command }) {
    const { topologyVersion } = await command('admin', { isMaster: 1 })
    return topologyVersion?.processId === undefined ? undefined : String(topologyVersion.processId)
  },
  preflight,
  async setPassword(connection, { username, password }: NewPassword) {
    const user = await mustFind(connection, username)
    await setting(connection, { updateUser: username, ...secretOf(user, password) })
  },
  // Nothing but who may write it vouches for customData.
  async relation(connection, { to }) {
    return (await find(connection, to)) === undefined ? 'absent' : 'unknown'
  },
  clone,
  async probe({ command }) {
    await command('admin', { ping: 1 })
  },
}

/** As AWS's functions have it: users are of the database that `dbname` names. */
const databaseOf = ({ value, dbname }: Login): string => {
  const { authenticationDatabase: named } = value as SecretValue
  const database = named === undefined || named === null || named === '' ? (dbname ?? 'admin') : named
  if (typeof database !== 'string' || database === '$external' || /[\0/\\. "$]/.test(database)) {
    throw new RotatorError('secret', 'The secret names no database that a user with a password can be of.')
  }
  return database
}

const MONITORED_MS = 600_000
const CLOSE_MS = 2_000

async function connect(login: Login, io: Io, user: Login = login): Promise<MongodbConnection> {
  const at = placeOf(login)
  const [source, database] = [databaseOf(login), databaseOf(user)]
  const { MongoClient } = await driver(INSTALL, () => import('mongodb'))
  const address = await io.resolve(login.host, login.port)
  const client = new MongoClient(`mongodb://${isIPv6(address) ? `[${address}]` : address}:${login.port}/`, {
    // Other members of a replica set, as the server names them, are not connected to: nobody has looked at their addresses.
    directConnection: true,
    auth: { username: login.username, password: login.password },
    authSource: source,
    appName: 'strongroom',
    maxPoolSize: 1,
    // One look at the server is enough for as long as this lasts.
    ...{ serverMonitoringMode: 'poll', heartbeatFrequencyMS: MONITORED_MS },
    retryReads: false,
    retryWrites: false,
    ...{ connectTimeoutMS: io.timeoutMs, serverSelectionTimeoutMS: io.timeoutMs, socketTimeoutMS: io.timeoutMs },
    ...(login.tls ? { ...verifiedTls(login, io), tls: true } : { tls: false }),
  })
  // Each error is told where it is met; unheard, it would end the process.
  client.on('error', () => {})
  // Where the server cannot be reached at all, the driver would try again until its time is up.
  const lost = new Promise<never>((_, reject) => {
    client.once('serverHeartbeatFailed', ({ failure }) => reject(failure))
  })
  lost.catch(() => {})
  let connecting = true
  const asked = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await within(io, at, () => void end(client), work)
    } catch (error) {
      throw errorOf(error, at, { handshaking: login.tls && connecting })
    }
  }
  try {
    await asked(() => Promise.race([client.connect(), lost]))
    connecting = false
  } catch (error) {
    await end(client)
    throw error
  }
  return {
    at,
    tls: login.tls,
    database,
    command: (on, command) => asked(() => client.db(on).command(command)),
    end: () => end(client),
  }
}

async function end(client: MongoClient): Promise<void> {
  const ended = client.close(true).catch(() => {})
  await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, CLOSE_MS).unref())])
}

/** What `usersInfo` tells of a user. https://www.mongodb.com/docs/manual/reference/command/usersInfo/ */
type User = {
  readonly roles: readonly Role[]
  /** DocumentDB tells none. */
  readonly mechanisms?: readonly string[]
  readonly customData?: Document
  readonly authenticationRestrictions?: readonly Document[]
}

type Role = { readonly role: string; readonly db: string }

async function find(connection: MongodbConnection, username: string): Promise<User | undefined> {
  const { database, command } = connection
  const asked = { usersInfo: { user: username, db: database } }
  const { users } = await command(database, { ...asked, showAuthenticationRestrictions: true }).catch((error) => {
    // DocumentDB does not know the option.
    if (!(error instanceof RotatorError) || error.kind !== 'other') throw error
    return command(database, asked)
  })
  return Array.isArray(users) ? users[0] : undefined
}

async function mustFind(connection: MongodbConnection, username: string): Promise<User> {
  const user = await find(connection, username)
  if (user === undefined) throw new RotatorError('permission', missing(connection, username))
  return user
}

const missing = ({ database }: MongodbConnection, username: string): string =>
  `There is no user ${username} in the database ${database}.`

/** The password, for the mechanisms that the user has: the server would otherwise make it for all that it knows. */
const secretOf = ({ mechanisms }: User, password: string): Document => ({
  pwd: password,
  ...(mechanisms !== undefined && { mechanisms }),
})

async function clone(connection: MongodbConnection, { from, to, password }: Clone): Promise<void> {
  const base = baseOf(to) === to ? to : from
  const user = await mustFind(connection, base)
  const secret = secretOf(user, password)
  if (to === base) return setting(connection, { updateUser: to, ...secret })
  const there = await find(connection, to)
  if (there === undefined) {
    await setting(connection, { createUser: to, ...secret, ...shared(user, undefined) })
  } else {
    await setting(connection, { updateUser: to, ...secret, ...shared(user, there) })
  }
  if (Object.keys(shared(user, await mustFind(connection, to))).length > 0) {
    throw new RotatorError(
      'other',
      'The rights of the other user are not those of the first, although they were given.',
    )
  }
}

/** What the clone has otherwise than the base user, as createUser and updateUser take it: each replaces the whole. */
function shared(base: User, clone: User | undefined): Document {
  const changes: Document = {}
  const rolesOf = ({ roles }: User): readonly Role[] => roles.map(({ role, db }) => ({ role, db })).sort(byName)
  const said = (value: unknown): string => JSON.stringify(value)
  if (clone === undefined || said(rolesOf(base)) !== said(rolesOf(clone))) changes.roles = rolesOf(base)
  if (said(base.customData ?? {}) !== said(clone?.customData ?? {})) changes.customData = base.customData ?? {}
  const restrictions = base.authenticationRestrictions ?? []
  if (said(restrictions) !== said(clone?.authenticationRestrictions ?? [])) {
    changes.authenticationRestrictions = restrictions
  }
  return changes
}

const byName = (one: Role, other: Role): number =>
  one.db + one.role < other.db + other.role ? -1 : one.db + one.role > other.db + other.role ? 1 : 0

/** A command with a password in it: what is wrong with a value is the new password's fault. */
async function setting({ database, command }: MongodbConnection, what: Document): Promise<void> {
  try {
    // Majority: what one member alone has would be gone with it.
    await command(database, { ...what, writeConcern: { w: 'majority', wtimeout: WRITE_MS } })
  } catch (error) {
    if (error instanceof RotatorError && error.message.endsWith(`(error ${BAD_VALUE}).`)) {
      throw new RotatorError('policy', `The server refuses the new password (error ${BAD_VALUE}).`)
    }
    throw error
  }
}

const WRITE_MS = 8_000
const BAD_VALUE = 2

type Privilege = { readonly resource: Document; readonly actions: readonly string[] }

async function preflight(connection: MongodbConnection, plan: Plan): Promise<readonly Finding[]> {
  const findings: Finding[] = []
  const problem = (message: string): void => void findings.push({ level: 'problem', message })
  const warning = (message: string): void => void findings.push({ level: 'warning', message })
  const { database, command } = connection

  const hello = await command('admin', { isMaster: 1 })
  if (hello.ismaster !== true) {
    problem(
      `The server takes no changes: the primary of ${hello.setName ?? 'its set'} is ${hello.primary ?? 'unknown'}.`,
    )
    return findings
  }
  if (!connection.tls) warning('Without TLS the network sees the new password.')

  const { authInfo } = await command('admin', { connectionStatus: 1, showPrivileges: true }).catch((error) => {
    if (!(error instanceof RotatorError) || error.kind !== 'other') throw error
    return {} as Document
  })
  const privileges: readonly Privilege[] | undefined = authInfo?.authenticatedUserPrivileges
  if (privileges === undefined) warning('The server does not tell what the user logged in may do.')
  const may = (action: string, on: string): boolean =>
    privileges === undefined ||
    privileges.some(
      ({ resource, actions }) =>
        actions.includes(action) &&
        (resource.anyResource === true || (resource.collection === '' && (resource.db === '' || resource.db === on))),
    )

  if (plan.self) {
    if (!may('changeOwnPassword', database) && !may('changePassword', database)) {
      problem(
        `The user may not change its own password: it needs the action changeOwnPassword on ${database}, or the secret masterarn.`,
      )
    }
  } else if (!may('viewUser', database))
    problem(`The master may not see users: it needs the action viewUser on ${database}.`)
  if (findings.some(({ level }) => level === 'problem')) return findings

  const base = plan.alternate === undefined ? plan.username : baseOf(plan.username)
  const user = await find(connection, base)
  if (user === undefined) {
    problem(missing(connection, base))
    return findings
  }
  if (!plan.self) {
    const needs = [['changePassword', database]]
    if (plan.alternate !== undefined) {
      const other = plan.alternate === base ? plan.username : plan.alternate
      const clone = await find(connection, other)
      const changes = shared(user, clone)
      if (clone === undefined) needs.push(['createUser', database])
      if ('roles' in changes) {
        needs.push(
          ...user.roles.map(({ db }) => ['grantRole', db]),
          ...(clone?.roles ?? []).map(({ db }) => ['revokeRole', db]),
        )
      }
      if ('customData' in changes) needs.push(['changeCustomData', database])
      if ('authenticationRestrictions' in changes) needs.push(['setAuthenticationRestriction', database])
    }
    const lacking = new Set(
      needs.filter(([action, on]) => !may(action!, on!)).map(([action, on]) => `${action} on ${on}`),
    )
    if (lacking.size > 0) problem(`The master lacks ${[...lacking].join(', ')}: the role userAdmin has these actions.`)
  }
  if (findings.some(({ level }) => level === 'problem')) return findings
  const whom = plan.alternate === undefined ? plan.username : `${plan.username} and ${plan.alternate}`
  return [...findings, { level: 'ok', message: `The password of ${whom} can be set.` }]
}

/** https://github.com/mongodb/mongo/blob/master/src/mongo/base/error_codes.yml */
const REFUSED: readonly number[] = [18, 8000]
const NO_RIGHT: readonly number[] = [11, 13, 31, 51003]
const BUSY: readonly number[] = [6, 7, 50, 64, 89, 91, 189, 262, 9001, 10107, 11600, 11602, 13435, 13436]

function errorOf(error: unknown, at: string, state: { readonly handshaking: boolean }): RotatorError {
  const { code, name } = (error ?? {}) as { readonly code?: unknown; readonly name?: unknown }
  if (typeof code === 'number') {
    // Never with `cause`: what the driver throws holds the answer of the server.
    const told = (kind: RotatorError['kind'], what: string): RotatorError =>
      new RotatorError(kind, `${what} at ${at} (error ${code}).`)
    if (REFUSED.includes(code)) return told('authentication', 'The username or password is refused')
    if (NO_RIGHT.includes(code)) return told('permission', 'The user may not do it')
    if (BUSY.includes(code)) return told('unreachable', 'The server does not serve now')
    return told('other', 'The server refuses')
  }
  for (let one: unknown = error; one instanceof Error; one = one.cause) {
    const known = connectionError(one, at, state)
    if (known) return known
  }
  const message = error instanceof Error ? error.message : ''
  if (name === 'MongoCompatibilityError') {
    return new RotatorError(
      'permission',
      `The server at ${at} is older than MongoDB 4.4: the driver does not speak with it.`,
    )
  }
  if (/invalid (signature|nonce|iteration)/.test(message)) {
    return new RotatorError('tls', `Who answers at ${at} does not know the password either.`)
  }
  if (state.handshaking && /^Socket closed/.test(message)) {
    return new RotatorError('tls', `No TLS with ${at}: it ended the connection in place of a handshake.`)
  }
  return new RotatorError('unreachable', `The connection to ${at} ended or gave no answer in time.`)
}
