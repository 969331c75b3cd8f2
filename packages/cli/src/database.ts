// `strongroom database`: the routes under /_strongroom/databases/. A password comes from a file or standard input, never from the command line.

import { readFileSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import type { Connection } from './connection.ts'
import { signedCall } from './signed-call.ts'
import { UsageError } from './usage-error.ts'

export type NewDatabase = {
  readonly cluster?: boolean
  readonly engine: string
  readonly host: string
  readonly port: string
  readonly dbName?: string
  readonly ca?: string
  /** False with `--no-tls`. */
  readonly tls: boolean
  readonly username: string
  readonly passwordFile?: string
  /** False with `--no-login`. */
  readonly login: boolean
  readonly awaitCreate?: boolean
}

type Database = { readonly Identifier: string; readonly CreatedAt: number }

/** @throws UsageError */
export async function registerDatabase(
  Identifier: string,
  given: NewDatabase,
  connection: Connection,
): Promise<object> {
  if (!/^[0-9]{1,5}$/.test(given.port)) throw new UsageError(`--port ${given.port} is not a port: give 1 to 65535`)
  const input = {
    Identifier,
    Engine: given.engine,
    Host: given.host,
    Port: Number(given.port),
    MasterUsername: given.username,
    MasterUserPassword: await readPassword(given.passwordFile),
    ...(given.cluster && { Cluster: true }),
    ...(given.dbName !== undefined && { DatabaseName: given.dbName }),
    ...(given.ca !== undefined && { CertificateAuthority: readText('--ca', given.ca) }),
    ...(!given.tls && { TLS: false }),
    ...(!given.login && { SkipLogin: true }),
    ...(given.awaitCreate && { AwaitCreate: true }),
  }
  return call('register', input, connection)
}

/** @throws UsageError */
export const showDatabase = (Identifier: string, cluster: boolean, connection: Connection): Promise<object> =>
  call('show', { Identifier, Cluster: cluster }, connection)

/** Instances and clusters. @throws UsageError */
export async function listDatabases(connection: Connection): Promise<{ readonly Databases: readonly object[] }> {
  type Page = { readonly Databases: readonly Database[]; readonly After?: string }
  const Databases: object[] = []
  for (const Cluster of [false, true]) {
    let After: string | undefined
    do {
      const input = { Cluster, ...(After !== undefined && { After }) }
      const page: Page = await signedCall<Page>('/_strongroom/databases/list', input, connection)
      Databases.push(...page.Databases.map(shown))
      After = page.After
    } while (After !== undefined)
  }
  return { Databases }
}

/** @throws UsageError */
export const deregisterDatabase = (
  Identifier: string,
  { cluster = false, force = false }: { readonly cluster?: boolean; readonly force?: boolean },
  connection: Connection,
): Promise<object> =>
  signedCall('/_strongroom/databases/deregister', { Identifier, Cluster: cluster, Force: force }, connection)

async function call(route: string, input: object, connection: Connection): Promise<object> {
  type Answer = { readonly Database: Database }
  return shown((await signedCall<Answer>(`/_strongroom/databases/${route}`, input, connection)).Database)
}

const shown = (database: Database): object => ({
  ...database,
  CreatedAt: new Date(database.CreatedAt * 1_000).toISOString(),
})

/** Without the line end that an editor or `echo` leaves. */
async function readPassword(file: string | undefined): Promise<string> {
  const given = file === undefined ? await text(process.stdin) : readText('--password-file', file)
  const password = given.replace(/\r?\n$/, '')
  if (password === '') throw new UsageError('the password is empty: give it on standard input, or by --password-file')
  return password
}

function readText(option: string, path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new UsageError(`${option} ${path} cannot be read: ${(error as NodeJS.ErrnoException).code}`)
  }
}
