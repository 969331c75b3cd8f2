// Redis from 6 and Valkey: users of the access control list. The server is told hashes, never passwords, and a user may have several of them.
// https://redis.io/docs/latest/operate/oss_and_stack/management/security/acl/

import { createHash } from 'node:crypto'
import { connect as connectTcp } from 'node:net'
import { appeared } from '../alternate.ts'
import { connectionError, Sockets, verifiedTls, within } from '../connection.ts'
import type { Engine, Login, NewPassword, Plan } from '../engine.ts'
import { RotatorError } from '../errors.ts'
import type { Finding, Io } from '../rotator.ts'
import { placeOf } from '../secret.ts'

export type RedisConnection = {
  readonly at: string
  readonly username: string
  /** @throws RotatorError */
  send(...words: readonly string[]): Promise<unknown>
  end(): void
}

export const redis: Engine<RedisConnection> & Required<Pick<Engine<RedisConnection>, 'clone' | 'relation'>> = {
  id: 'redis',
  title: 'Redis and Valkey',
  names: ['redis', 'valkey'],
  verified: true,
  strategies: ['dual', 'single', 'alternating'],
  defaults: { port: 6379 },
  // The server sets no limit.
  usernameMax: 255,
  // No password reaches the server but as a hash: what is left out is what `redis://` addresses trip over.
  passwords: { length: 32, excluded: ':/@"\'\\% #?' },
  selfChange: 'without-master',

  connect,
  async close({ end }) {
    end()
  },

  /** Of the process, not of its data: another one after a restart, and on each replica. */
  async serverId({ send }) {
    try {
      return /^run_id:([0-9a-f]{40})\r?$/m.exec(String(await send('INFO', 'server')))?.[1]
    } catch (error) {
      if (error instanceof RotatorError && error.kind === 'permission') return undefined
      throw error
    }
  },

  preflight,

  async setPassword(connection, { username, password, keep }: NewPassword) {
    await rulesOf(connection, username)
    const kept = keep === undefined ? [] : [hashOf(keep)]
    await connection.send('ACL', 'SETUSER', username, 'resetpass', hashOf(password), ...kept)
    await save(connection)
  },

  async relation(connection, { to }) {
    return (await findRules(connection, to)) === undefined ? 'absent' : 'unknown'
  },

  async clone(connection, { from, to, password, fresh }) {
    const rules = await rulesOf(connection, from)
    // The server has no command that only makes a user: what comes between this look and the next word is not seen.
    if (fresh && (await findRules(connection, to)) !== undefined) throw appeared(to)
    // One command sets all or nothing: there is no moment in which the clone may do less, or has no password.
    await connection.send('ACL', 'SETUSER', to, 'reset', ...rules, hashOf(password))
    await save(connection)
  },

  async probe({ send }) {
    try {
      await send('PING')
    } catch (error) {
      // A user that may not even do this is logged in all the same.
      if (!(error instanceof RotatorError) || error.kind !== 'permission') throw error
    }
  },
}

const hashOf = (password: string): string => `#${createHash('sha256').update(password).digest('hex')}`

async function connect(login: Login, io: Io): Promise<RedisConnection> {
  const at = placeOf(login)
  const host = await io.resolve(login.host, login.port)
  const socket = { host, port: login.port, connectTimeout: io.timeoutMs, reconnectStrategy: false as const }
  // Half of what a server would load at its start, and many never rotate here.
  const { createClient } = await import('@redis/client')
  const client = createClient({
    // Everything else that the client says of itself at a start is refused to users with few rights, and stands in the ACL LOG then.
    RESP: 2,
    disableClientInfo: true,
    disableOfflineQueue: true,
    maintNotifications: 'disabled',
    username: login.username,
    password: login.password,
    socket: login.tls ? { ...socket, ...verifiedTls(login, io), tls: true } : socket,
  })
  let handshaking = login.tls
  client.on('connect', () => {
    handshaking = false
  })
  // Each error is told where it is met; unheard, it would end the process.
  client.on('error', () => {})
  const sockets = new Sockets(at)
  const end = (): void => {
    client.destroy()
    sockets.end()
  }
  const asked = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await within(io, at, end, work)
    } catch (error) {
      throw connectionError(error, at, { handshaking }) ?? answerError(error, at)
    }
  }
  try {
    await asked(() => sockets.opening(() => client.connect()))
  } catch (error) {
    end()
    const silent = handshaking && error instanceof RotatorError && error.kind === 'unreachable' && !io.signal.aborted
    if (silent && (await speaksPlainly(host, login.port))) {
      throw new RotatorError('tls', `No TLS with ${at}: it speaks without.`)
    }
    throw error
  }
  return { at, username: login.username, end, send: (...words) => asked(() => client.sendCommand([...words])) }
}

const PLAIN_MS = 1_000

/** Redis waits for the rest of what it takes for a command when TLS begins. A word without any secret in it tells why it was silent. */
const speaksPlainly = (host: string, port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connectTcp({ host, port, timeout: PLAIN_MS }, () => void socket.write('PING\r\n'))
    const end = (answer: boolean) => {
      socket.destroy()
      resolve(answer)
    }
    socket.on('data', (data) => end(/^[+-]/.test(data.toString('latin1'))))
    socket.on('timeout', () => end(false))
    socket.on('error', () => end(false))
    socket.on('close', () => end(false))
  })

/** Redis' answers begin with a word in capitals; what follows may repeat what was sent, so that no more of it is told. */
function answerError(error: unknown, at: string): RotatorError {
  const text = error instanceof Error ? error.message : ''
  const word = /^[A-Z]{2,20}(?= )/.exec(text)?.[0]
  if (word === 'WRONGPASS' || (word === 'ERR' && text.includes('without any password configured'))) {
    return new RotatorError('authentication', `${at} refuses the username or password, or the user is off.`)
  }
  if (word === 'NOPERM') {
    const command = /'([a-z|-]{1,40})' command/.exec(text)?.[1]
    return new RotatorError('permission', `The user may not use ${command ?? 'a command'} at ${at}.`)
  }
  if (word === 'NOAUTH') return new RotatorError('authentication', `${at} asks for a login.`)
  if (/Socket|Client|closed|timeout/.test(error instanceof Error ? error.constructor.name + text : '')) {
    return new RotatorError('unreachable', `${at} ended the connection.`)
  }
  if (/not configured to use an ACL file|running without a config file/.test(text))
    return new RotatorError('other', WITHOUT_FILE)
  return new RotatorError('other', `${at} answers ${word ?? 'with an error'}.`)
}

const WITHOUT_FILE = 'The server has no such file.'

/**
 * What `ACL SETUSER` makes the same user of, without passwords. As one line of `ACL LIST`, which every version writes in the words that it reads.
 * @throws RotatorError `secret` where there is no such user: `ACL SETUSER` would make one
 */
async function rulesOf(connection: RedisConnection, username: string): Promise<readonly string[]> {
  const rules = await findRules(connection, username)
  if (rules === undefined) throw new RotatorError('secret', `${connection.at} has no user of that name.`)
  return rules
}

async function findRules({ send, at }: RedisConnection, username: string): Promise<readonly string[] | undefined> {
  const lines = await send('ACL', 'LIST')
  if (!Array.isArray(lines)) throw new RotatorError('other', `${at} does not list its users.`)
  const line = lines.map(String).find((text) => text.startsWith(`user ${username} `))
  return line
    ?.slice(`user ${username} `.length)
    .split(' ')
    .filter((word) => word !== '' && !word.startsWith('#') && word !== 'nopass')
}

/** Where users are kept: otherwise a restart brings the passwords of before back. */
async function save({ send }: RedisConnection): Promise<void> {
  for (const words of [
    ['ACL', 'SAVE'],
    ['CONFIG', 'REWRITE'],
  ]) {
    try {
      await send(...words)
      return
    } catch (error) {
      if (!(error instanceof RotatorError) || error.message !== WITHOUT_FILE) throw error
    }
  }
}

async function preflight(
  connection: RedisConnection,
  { strategy, username, alternate }: Plan,
): Promise<readonly Finding[]> {
  const { send, username: self } = connection
  const findings: Finding[] = []
  const problem = (message: string) => void findings.push({ level: 'problem', message })
  const may = async (...words: readonly string[]): Promise<boolean | undefined> => {
    try {
      return String(await send('ACL', 'DRYRUN', self, ...words)) === 'OK'
    } catch (error) {
      // Redis 6 has no such command, and only who may do everything with ACL may ask.
      if (error instanceof RotatorError && (error.kind === 'permission' || error.kind === 'other')) return undefined
      throw error
    }
  }

  try {
    const rules = await rulesOf(connection, username)
    if (rules.includes('off')) problem('The user is off: nobody can log in as it.')
  } catch (error) {
    if (!(error instanceof RotatorError) || (error.kind !== 'permission' && error.kind !== 'secret')) throw error
    problem(error.kind === 'secret' ? error.message : 'The user logged in may not use acl|list.')
    return findings
  }
  if ((await may('ACL', 'SETUSER', alternate ?? username)) === false)
    problem('The user logged in may not use acl|setuser.')

  const file = await settingOf(connection, 'aclfile')
  const configFile = await configFileOf(connection)
  const command = file === undefined ? undefined : file === '' ? ['CONFIG', 'REWRITE'] : ['ACL', 'SAVE']
  if (file === '' && configFile === '') {
    findings.push({
      level: 'warning',
      message: 'The server has neither an ACL file nor a configuration file: a restart brings the old passwords back.',
    })
  } else if (command === undefined) {
    findings.push({ level: 'warning', message: 'Where the server keeps its users cannot be seen without config|get.' })
    if ((await may('ACL', 'SAVE')) === false) problem('The user logged in may not use acl|save.')
  } else if ((await may(...command)) === false) {
    problem(`The user logged in may not use ${command.join('|').toLowerCase()}.`)
  }
  if (username === 'default' && file === '') {
    findings.push({
      level: 'warning',
      message: 'Where the configuration file has requirepass, a restart brings that password of the user default back.',
    })
  }
  if (await isCluster(connection)) {
    findings.push({
      level: 'warning',
      message:
        'The server has replicas or is part of a cluster: only its own users are changed, not those of the others.',
    })
  }
  if (findings.every(({ level }) => level !== 'problem')) {
    findings.push({ level: 'ok', message: `The user logged in may change the user by the strategy ${strategy}.` })
  }
  return findings
}

/** Undefined where it may not be asked. */
async function settingOf({ send }: RedisConnection, name: string): Promise<string | undefined> {
  try {
    const answer = await send('CONFIG', 'GET', name)
    return Array.isArray(answer) && answer.length === 2 ? String(answer[1]) : undefined
  } catch (error) {
    if (error instanceof RotatorError && error.kind === 'permission') return undefined
    throw error
  }
}

/** Undefined where it may not be asked. */
async function infoOf({ send }: RedisConnection, section: string): Promise<string | undefined> {
  try {
    return String(await send('INFO', section))
  } catch (error) {
    if (error instanceof RotatorError && error.kind === 'permission') return undefined
    throw error
  }
}

async function configFileOf(connection: RedisConnection): Promise<string | undefined> {
  return /^config_file:(.*?)\r?$/m.exec((await infoOf(connection, 'server')) ?? '')?.[1]
}

/** ACL users are of one process: neither replication nor the cluster carries them to the others. */
async function isCluster(connection: RedisConnection): Promise<boolean> {
  const text = `${(await infoOf(connection, 'replication')) ?? ''}\n${(await infoOf(connection, 'cluster')) ?? ''}`
  return /^(connected_slaves:[1-9]|role:slave|cluster_enabled:1)/m.test(text)
}
