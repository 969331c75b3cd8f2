// RabbitMQ users, through its management API: the password goes there as a salted hash. Whether a user can log in is asked of AMQP itself, since
// users of applications may not use the management API. https://www.rabbitmq.com/docs/passwords

import { createHash } from 'node:crypto'
import { request as requestPlain } from 'node:http'
import { request as requestTls } from 'node:https'
import { appeared } from '../alternate.ts'
import { connectionError, RECEIVED_SHORT_MAX, Sockets, verifiedTls, within } from '../connection.ts'
import type { Clone, Engine, Login, NewPassword, Plan } from '../engine.ts'
import { RotatorError } from '../errors.ts'
import { exchange, type HttpAnswer } from '../http.ts'
import { USUAL_PASSWORDS } from '../passwords.ts'
import type { Finding, Io } from '../rotator.ts'
import { placeOf } from '../secret.ts'

export type RabbitmqConnection = {
  readonly at: string
  readonly login: Login
  readonly io: Io
  /** As the server calls itself. */
  readonly clusterName: string | undefined
  /** Why the user, though let in, may not use its virtual host. */
  readonly refusal: RotatorError | undefined
  end(): Promise<void>
}

const HASHING = 'rabbit_password_hashing_sha256'
const MANAGEMENT = { tls: 15_671, plain: 15_672 } as const
const ANSWER_BYTES_MAX = 8 * 1024 * 1024

export const rabbitmq: Engine<RabbitmqConnection> & Required<Pick<Engine<RabbitmqConnection>, 'clone' | 'relation'>> = {
  id: 'rabbitmq',
  title: 'RabbitMQ',
  names: ['rabbitmq'],
  verified: true,
  strategies: ['single', 'alternating'],
  defaults: { port: 5671, dbname: '/' },
  // A shortstr of AMQP.
  usernameMax: 255,
  passwords: USUAL_PASSWORDS,
  // Only administrators may change users, themselves too.
  selfChange: false,
  members: {
    described: [
      { name: 'vhost', required: false, about: 'Virtual host of the application; / where it and dbname are absent.' },
      { name: 'managementPort', required: false, about: 'Of the management API; 15671, or 15672 where ssl is false.' },
    ],
    ways: ['managementPort'],
    read: (value) => ({ ...value, dbname: value.vhost ?? value.dbname }),
    withPassword: (value, password) => ({ ...value, password }),
  },

  connect,
  close: ({ end }) => end(),
  serverId: async ({ clusterName }) => clusterName,
  preflight,

  async setPassword(connection, { username, password }: NewPassword) {
    const { tags } = await readUser(connection, username)
    await putUser(connection, username, tags, password)
  },

  relation: async (connection, { to }) => ((await isThere(connection, to)) ? 'unknown' : 'absent'),

  clone,

  async probe({ refusal }) {
    if (refusal) throw refusal
  },
}

async function connect(login: Login, io: Io): Promise<RabbitmqConnection> {
  const at = placeOf(login)
  const hostname = await io.resolve(login.host, login.port)
  const { username, password, port } = login
  const protocol = login.tls ? 'amqps' : 'amqp'
  const options = { ...(login.tls && verifiedTls(login, io)), timeout: io.timeoutMs }
  const { connect: connectAmqp } = await import('amqplib')
  const sockets = new Sockets(at, RECEIVED_SHORT_MAX)
  const url = { protocol, hostname, port, username, password, vhost: encodeURIComponent(login.dbname ?? '/') }
  try {
    const model = await within(
      io,
      at,
      () => sockets.end(),
      () => sockets.opening(() => connectAmqp(url, options)),
    )
    model.on('error', () => {})
    const name: unknown = (model.connection.serverProperties as { readonly cluster_name?: unknown }).cluster_name
    const end = async (): Promise<void> => {
      const closed = model.close().catch(() => {})
      await within(
        { ...io, timeoutMs: CLOSE_MS },
        at,
        () => {},
        () => closed,
      ).catch(() => {})
      sockets.end()
    }
    return { at, login, io, clusterName: nameOf(name), refusal: undefined, end }
  } catch (error) {
    sockets.end()
    const answer = answerError(error, at, login.tls)
    // Let in, but not where it wanted to go: a master needs no virtual host.
    if (answer.kind === 'permission')
      return { at, login, io, clusterName: undefined, refusal: answer, end: async () => {} }
    throw answer
  }
}

const CLOSE_MS = 2_000

const nameOf = (name: unknown): string | undefined => (typeof name === 'string' && name !== '' ? name : undefined)

function answerError(error: unknown, at: string, handshaking: boolean): RotatorError {
  if (error instanceof RotatorError) return error
  const text = error instanceof Error ? error.message : ''
  if (/ACCESS[-_]REFUSED/.test(text) && /403|login/i.test(text)) {
    return new RotatorError('authentication', `${at} refuses the username or password.`)
  }
  // Tuning comes after the login: what is closed instead of opened is the way into the virtual host.
  if (/Expected ConnectionOpenOk; got .*ConnectionClose/.test(text)) {
    return new RotatorError('permission', `${at} lets the user in, but not into its virtual host.`)
  }
  // What speaks AMQP without TLS answers the handshake with its own greeting, and ends.
  const known = connectionError(error, at, { handshaking })
  if (known) return known
  if (/ETIMEDOUT|closed|Socket/i.test(text)) return new RotatorError('unreachable', `${at} ended the connection.`)
  return new RotatorError('other', `${at} does not take the connection.`)
}

type Answer = { readonly status: number; readonly body: unknown }

/** One request of the management API. @throws RotatorError where it is not answered by a 2xx, but for the statuses in `also` */
async function ask(
  { login, io }: RabbitmqConnection,
  method: 'GET' | 'PUT' | 'DELETE',
  path: readonly string[],
  { body, also = [] }: { readonly body?: object; readonly also?: readonly number[] } = {},
): Promise<Answer> {
  const port = managementPort(login)
  const at = placeOf({ host: login.host, port })
  if (login.username.includes(':'))
    throw new RotatorError('secret', 'The name of a master may hold no colon: the management API takes none.')
  const host = await io.resolve(login.host, port)
  const text = body === undefined ? undefined : Buffer.from(JSON.stringify(body))
  const options = {
    host,
    port,
    method,
    path: `/api/${path.map(encodeURIComponent).join('/')}`,
    agent: false as const,
    headers: {
      host: `${login.host.includes(':') ? `[${login.host}]` : login.host}:${port}`,
      authorization: `Basic ${Buffer.from(`${login.username}:${login.password}`).toString('base64')}`,
      accept: '*/*',
      ...(text && { 'content-type': 'application/json', 'content-length': text.length }),
    },
  }
  const request = login.tls ? requestTls({ ...options, ...verifiedTls(login, io) }) : requestPlain(options)
  const got = await exchange(request, text, { io, at, tls: login.tls, bytesMax: ANSWER_BYTES_MAX })
  const answer = readAnswer(got, at)
  const { status } = answer
  if ((status >= 200 && status < 300) || also.includes(status)) return answer
  if (status === 401)
    throw new RotatorError('permission', `${at} refuses the user, or it has no tag for the management API.`)
  if (status === 403)
    throw new RotatorError('permission', `The user may not do this at ${at}: it has no tag administrator.`)
  if (status === 404) throw new RotatorError('secret', `${at} has no such user.`)
  throw new RotatorError(status >= 500 ? 'unreachable' : 'other', `${at} answers with status ${status}.`)
}

function readAnswer({ status, body }: HttpAnswer, at: string): Answer {
  try {
    return { status, body: body === '' || status >= 300 ? undefined : JSON.parse(body) }
  } catch {
    throw new RotatorError('other', `${at} does not answer with JSON.`)
  }
}

function managementPort({ value, tls }: Login): number {
  const given = value.managementPort
  if (given === undefined || given === null || given === '') return tls ? MANAGEMENT.tls : MANAGEMENT.plain
  const port = typeof given === 'string' && /^[0-9]{1,5}$/.test(given) ? Number(given) : given
  if (typeof port === 'number' && Number.isInteger(port) && port >= 1 && port <= 65_535) return port
  throw new RotatorError('secret', 'managementPort is not a number from 1 to 65535.')
}

type User = { readonly tags: readonly string[] }

async function readUser(connection: RabbitmqConnection, username: string): Promise<User> {
  return tagsOf((await ask(connection, 'GET', ['users', username])).body)
}

const isThere = async (connection: RabbitmqConnection, username: string): Promise<boolean> =>
  (await ask(connection, 'GET', ['users', username], { also: [404] })).status !== 404

/** A list from 3.9 on, before it one string with commas. */
function tagsOf(body: unknown): User {
  const { tags } = (body ?? {}) as { readonly tags?: unknown }
  const list = Array.isArray(tags) ? tags.map(String) : String(tags ?? '').split(',')
  return { tags: list.filter((tag) => tag !== '') }
}

const putUser = (connection: RabbitmqConnection, username: string, tags: readonly string[], password: string) => {
  const salt = connection.io.randomBytes(4)
  const hash = createHash('sha256').update(salt).update(password).digest()
  return ask(connection, 'PUT', ['users', username], {
    body: {
      password_hash: Buffer.concat([salt, hash]).toString('base64'),
      hashing_algorithm: HASHING,
      tags: tags.join(','),
    },
  })
}

type Permission = { readonly vhost: string; readonly exchange?: string } & { readonly [right: string]: string }

/** The user itself first: rights hang on it. What it has too much is taken away at the end. */
async function clone(connection: RabbitmqConnection, { from, to, password, fresh }: Clone): Promise<void> {
  const { tags } = await readUser(connection, from)
  // The API has no request that only makes a user: what comes between this one and the next is not seen.
  if (fresh && (await isThere(connection, to))) throw appeared(to)
  await putUser(connection, to, tags, password)

  for (const kind of ['permissions', 'topic-permissions'] as const) {
    const list = async (user: string) =>
      (await ask(connection, 'GET', ['users', user, kind])).body as readonly Permission[]
    const wanted = await list(from)
    const vhosts = new Set(wanted.map(({ vhost }) => vhost))
    const stale = [...new Set((await list(to)).filter((old) => !hasSame(kind, wanted, old)).map(({ vhost }) => vhost))]
    // Topic permissions are deleted a virtual host at a time, so that those which stay there are put again.
    for (const vhost of stale) {
      if (kind === 'topic-permissions' || !vhosts.has(vhost))
        await ask(connection, 'DELETE', [kind, vhost, to], { also: [404] })
    }
    for (const { vhost, user: _, ...rights } of wanted)
      await ask(connection, 'PUT', [kind, vhost, to], { body: rights })
  }

  const limits = async (user: string) => {
    const { status, body } = await ask(connection, 'GET', ['user-limits', user], { also: [404] })
    const [entry] =
      status === 404 || !Array.isArray(body)
        ? []
        : (body as { readonly value?: { readonly [limit: string]: number } }[])
    return entry?.value ?? {}
  }
  const wanted = await limits(from)
  for (const [name, value] of Object.entries(wanted))
    await ask(connection, 'PUT', ['user-limits', to, name], { body: { value } })
  for (const name of Object.keys(await limits(to))) {
    if (!(name in wanted)) await ask(connection, 'DELETE', ['user-limits', to, name], { also: [404] })
  }
}

const hasSame = (kind: string, wanted: readonly Permission[], old: Permission): boolean =>
  wanted.some(({ vhost, exchange }) => vhost === old.vhost && (kind === 'permissions' || exchange === old.exchange))

async function preflight(connection: RabbitmqConnection, { username }: Plan): Promise<readonly Finding[]> {
  try {
    const own = tagsOf((await ask(connection, 'GET', ['whoami'])).body)
    if (!own.tags.includes('administrator')) {
      return [{ level: 'problem', message: 'The master has no tag administrator: it may not change users.' }]
    }
    await readUser(connection, username)
    return [{ level: 'ok', message: 'The master is an administrator, and the user is there.' }]
  } catch (error) {
    if (!(error instanceof RotatorError) || (error.kind !== 'permission' && error.kind !== 'secret')) throw error
    return [{ level: 'problem', message: error.message }]
  }
}
