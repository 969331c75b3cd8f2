// A pool of `pg` whose connections log in with the current version of a secret.

import { type DatabaseCredential, databaseCredential, SecretFormatError } from './schema.ts'
import type { SecretCache } from './secret-cache.ts'

/** A pool of `pg`, as far as it is used here. */
export type PgPool = {
  readonly options: object
  connect(): Promise<PgClient>
  on(event: 'connect', listener: (client: PgClient) => void): unknown
}

export type PgClient = {
  readonly user?: string | undefined
  readonly password?: unknown
  release(destroy?: boolean | Error): void
}

type Callback = (error: unknown, client: PgClient | undefined, release: (destroy?: boolean | Error) => void) => void
type Options = { [name: string]: unknown }

/**
 * `Pool` is `pg.Pool`; the options are its own, without user and password. `host`, `port` and `database` are the secret's where they are absent.
 * @throws TypeError for options that would override the secret
 */
export function pgPool<P extends PgPool, O extends object>(
  cache: SecretCache,
  secretId: string,
  Pool: new (options?: O) => P,
  options?: O,
): P {
  for (const name of ['user', 'password', 'connectionString']) {
    if (options !== undefined && name in options)
      throw new TypeError(`pgPool takes user and password from the secret: leave ${name} out`)
  }
  const Base = Pool as unknown as new (options?: O) => PgPool
  class RotatingPool extends Base {
    #latest: DatabaseCredential | undefined
    /** The how many'th connection of this pool each is. */
    readonly #born = new WeakMap<PgClient, number>()
    #made = 0

    constructor(given?: O) {
      super(given)
      this.on('connect', (client) => void this.#born.set(client, ++this.#made))
    }

    override connect(callback?: Callback): Promise<PgClient> {
      const connecting = cache.authenticate(secretId, databaseCredential, (credential) => this.#checkOut(credential))
      if (callback === undefined) return connecting
      const call = (...args: Parameters<Callback>): void => process.nextTick(callback, ...args)
      connecting.then(
        (client) => call(undefined, client, client.release),
        (error: unknown) => call(error, undefined, () => undefined),
      )
      return undefined as never
    }

    /** Closes what logged in with an older version, until there is one that did not. */
    async #checkOut(credential: DatabaseCredential): Promise<PgClient> {
      this.#latest = credential
      logInWith(this.options as Options, options as Options | undefined, credential)
      const made = this.#made
      for (;;) {
        const client = await super.connect()
        const { username, password } = this.#latest
        const isCurrent = client.user === username && client.password === password
        // One that was made just now is not closed again, whatever it shows of its login.
        if (isCurrent || this.#born.get(client)! > made) return client
        client.release(true)
      }
    }
  }
  return new RotatingPool(options) as unknown as P
}

function logInWith(pool: Options, given: Options | undefined, credential: DatabaseCredential): void {
  const { username, password, host, port, dbname } = credential
  const database = given?.database ?? dbname
  // pg would take one of the user's name, which another version may change.
  if (database === undefined) throw new SecretFormatError('The credential has no dbname, and the pool no database.')
  Object.assign(pool, { user: username, database })
  if (given?.host === undefined && host !== undefined) pool.host = host
  if (given?.port === undefined && port !== undefined) pool.port = port
  // As pg-pool has it: printing the pool prints no password.
  Object.defineProperty(pool, 'password', { configurable: true, enumerable: false, writable: true, value: password })
}
