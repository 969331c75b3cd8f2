// A pool of `mysql2`, of promises or of callbacks, whose connections log in with the current version of a secret.

import { type DatabaseCredential, databaseCredential } from './schema.ts'
import type { SecretCache } from './secret-cache.ts'

type Config = { user?: string; password?: string; host?: string; port?: number; database?: string }
type Connection = { readonly config: Config; destroy(): void }
type Callback = (error: unknown, connection?: Connection) => void
/** What both kinds of pool have inside: https://github.com/sidorares/node-mysql2, `lib/base/pool.js`. */
type CorePool = {
  readonly config: { connectionConfig: Config }
  getConnection(callback: Callback): void
  on(event: 'connection', listener: (connection: Connection) => void): unknown
}

/**
 * `createPool` is that of `mysql2/promise` or `mysql2`; the options are its own, without user and password. `host`, `port` and `database` are
 * the secret's where they are absent.
 * @throws TypeError for options that would override the secret, and for a mysql2 that is built otherwise
 */
export function mysqlPool<P, O extends object>(
  cache: SecretCache,
  secretId: string,
  createPool: (options: O) => P,
  options?: O,
): P {
  const given = { ...options } as O & Config
  for (const name of ['user', 'password', 'password1', 'passwordSha1', 'uri']) {
    if (name in given) throw new TypeError(`mysqlPool takes user and password from the secret: leave ${name} out`)
  }
  const pool = createPool(given)
  const core = coreOf(pool)
  const getConnection = core.getConnection.bind(core)
  let latest: DatabaseCredential | undefined
  /** The how many'th connection of this pool each is. */
  const born = new WeakMap<Connection, number>()
  let made = 0
  core.on('connection', (connection) => void born.set(connection, ++made))

  const checkOut = async (credential: DatabaseCredential): Promise<Connection> => {
    latest = credential
    // Another object: connections that are being made keep theirs.
    core.config.connectionConfig = configWith(core.config.connectionConfig, given, credential)
    const before = made
    for (;;) {
      const connection = await new Promise<Connection>((resolve, reject) => {
        getConnection((error, made) => (made === undefined ? reject(error) : resolve(made)))
      })
      const { user, password } = connection.config
      const isCurrent = user === latest.username && password === latest.password
      // One that was made just now is not closed again, whatever it shows of its login.
      if (isCurrent || born.get(connection)! > before) return connection
      connection.destroy()
    }
  }

  core.getConnection = (callback) => {
    cache.authenticate(secretId, databaseCredential, checkOut).then(
      (connection) => process.nextTick(callback, null, connection),
      (error: unknown) => process.nextTick(callback, error),
    )
  }
  return pool
}

function coreOf(pool: unknown): CorePool {
  const { pool: inner } = pool as { readonly pool?: unknown }
  const core = (inner ?? pool) as Partial<CorePool>
  const has = (name: 'getConnection' | 'on'): boolean => typeof core[name] === 'function'
  if (has('getConnection') && has('on') && typeof core.config?.connectionConfig === 'object') return core as CorePool
  throw new TypeError('mysqlPool does not know this kind of pool: give it createPool of mysql2 3')
}

function configWith(
  before: Config,
  given: Config,
  { username, password, host, port, dbname }: DatabaseCredential,
): Config {
  const config: Config = Object.create(Object.getPrototypeOf(before), Object.getOwnPropertyDescriptors(before))
  config.user = username
  config.password = password
  if (given.host === undefined && host !== undefined) config.host = host
  if (given.port === undefined && port !== undefined) config.port = port
  if (given.database === undefined && dbname !== undefined) config.database = dbname
  return config
}
