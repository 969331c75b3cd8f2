// The real servers whose credentials are rotated by the tests of the whole: one line for each ready-made rotator.

import { IAM } from '@aws-sdk/client-iam'
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts'
import mysql from 'mysql2/promise'
import pg from 'pg'
import type { Engine } from '../packages/rotators/src/engine.ts'
import { openldap } from '../packages/rotators/src/engines/openldap.ts'
import { redis } from '../packages/rotators/src/engines/redis.ts'
import { readOrigin, send } from '../packages/rotators/src/http.ts'
import { readLogin } from '../packages/rotators/src/secret.ts'
import { testIo } from '../packages/rotators/src/testing/io.ts'
import { keyTemplate, startKeyService } from '../packages/rotators/src/testing/key-api.ts'
import { startMariadb } from '../packages/rotators/src/testing/mariadb.ts'
import { OPENLDAP_SKIP, startOpenldap } from '../packages/rotators/src/testing/openldap.ts'
import { startPostgresql } from '../packages/rotators/src/testing/postgresql.ts'
import { REDIS_SKIP, startRedis } from '../packages/rotators/src/testing/redis.ts'
import { temporaryDirectory } from '../packages/server/src/storage/testing.ts'
import { REGION, startProcess } from './server-process.ts'

export type Credential = { readonly [member: string]: unknown }
type Login = Credential & { readonly username: string; readonly password: string }

export type RotatedServer = {
  /** Certificates that the server is certified by, in PEM; absent where it has no TLS. */
  readonly authorityFile?: string
  readonly port: number
  /** A new user: the secret's value with `port` as its port, and the master's where there is one. */
  makeUser(name: string, port: number): Promise<{ readonly value: Credential; readonly master?: Credential }>
  /** @throws where the server does not let the credential in */
  logIn(credential: Credential): Promise<void>
  stop(): Promise<void>
}

export type RotatedKind = {
  readonly rotator: string
  /** Whether what was current before a rotation works until the next one. */
  readonly keepsPrevious: boolean
  /** Pieces of data that a rotation sends at least. */
  readonly piecesMin?: number
  /** @returns a reason where the server is not installed */
  start(): Promise<RotatedServer | { readonly reason: string }>
}

export const ROTATED: readonly RotatedKind[] = [
  { rotator: 'postgresql-single-user', keepsPrevious: false, start: startRotatedPostgresql },
  { rotator: 'postgresql-alternating-users', keepsPrevious: true, start: startRotatedPostgresql },
  { rotator: 'mariadb-single-user', keepsPrevious: false, start: startRotatedMariadb },
  { rotator: 'mariadb-alternating-users', keepsPrevious: true, start: startRotatedMariadb },
  { rotator: 'mariadb-dual-passwords', keepsPrevious: true, start: startRotatedMariadb },
  { rotator: 'redis-dual-passwords', keepsPrevious: true, start: startRotatedRedis },
  { rotator: 'redis-alternating-users', keepsPrevious: true, start: startRotatedRedis },
  { rotator: 'openldap-single-user', keepsPrevious: false, start: startRotatedOpenldap },
  { rotator: 'openldap-dual-passwords', keepsPrevious: true, start: startRotatedOpenldap },
  { rotator: 'http-credential', keepsPrevious: true, piecesMin: 8, start: startRotatedKeyService },
  { rotator: 'iam-access-key', keepsPrevious: true, piecesMin: 5, start: startRotatedIam },
]

async function startRotatedRedis(): Promise<RotatedServer | { readonly reason: string }> {
  if (REDIS_SKIP) return { reason: REDIS_SKIP }
  const [scope, stop] = makeScope()
  const server = await startRedis(scope)
  const io = testIo({ authorities: [server.authority] })
  const admin = { engine: 'redis', host: 'localhost', port: server.tlsPort, ...server.admin }
  return {
    authorityFile: server.authorityFile,
    port: server.tlsPort,
    makeUser: async (username, port) => {
      const password = `first-password-of-${username}`
      const connection = await redis.connect(readLogin(redis, admin), io)
      await connection.send('ACL', 'SETUSER', username, 'reset', 'on', `>${password}`, '+ping')
      await redis.close(connection)
      const place = { engine: 'redis', host: 'localhost', port }
      return { value: { ...place, username, password }, master: { ...place, ...server.admin } }
    },
    logIn: (credential) => logInWith(redis, { ...credential, port: server.tlsPort }, io),
    stop,
  }
}

async function startRotatedOpenldap(): Promise<RotatedServer | { readonly reason: string }> {
  if (OPENLDAP_SKIP) return { reason: OPENLDAP_SKIP }
  const [scope, stop] = makeScope()
  const server = await startOpenldap(scope)
  const io = testIo({ authorities: [server.authority] })
  return {
    authorityFile: server.authorityFile,
    port: server.tlsPort,
    makeUser: async (name, port) => {
      const password = `first-password-of-${name}`
      const username = `cn=${name},${server.suffix}`
      server.apply(`dn: ${username}\nobjectClass: person\ncn: ${name}\nsn: test\nuserPassword: ${password}\n`)
      const place = { engine: 'openldap', host: 'localhost', port }
      return { value: { ...place, username, password }, master: { ...place, ...server.admin } }
    },
    logIn: (credential) => logInWith(openldap, { ...credential, port: server.tlsPort }, io),
    stop,
  }
}

/** Strongroom itself: its IAM and STS in a process of their own. */
async function startRotatedIam(): Promise<RotatedServer> {
  const [scope, stop] = makeScope()
  const dataDir = temporaryDirectory(scope)
  const server = await startProcess({ dataDir, options: [], after: scope.after })
  const iam = new IAM({ endpoint: server.url, region: REGION, credentials: { ...server.credentials } })
  scope.after(() => iam.destroy())
  return {
    port: Number(new URL(server.url).port),
    makeUser: async (UserName, port) => {
      const { User } = await iam.createUser({ UserName })
      const Action = ['Create', 'Delete', 'List', 'Update'].map(
        (verb) => `iam:${verb}AccessKey${verb === 'List' ? 's' : ''}`,
      )
      const Statement = [{ Effect: 'Allow', Action: [...Action, 'iam:GetAccessKeyLastUsed'], Resource: User!.Arn }]
      const PolicyDocument = JSON.stringify({ Version: '2012-10-17', Statement })
      await iam.putUserPolicy({ UserName, PolicyName: 'own-keys', PolicyDocument })
      const { AccessKeyId, SecretAccessKey } = (await iam.createAccessKey({ UserName })).AccessKey!
      return { value: { endpoint: `http://127.0.0.1:${port}`, ssl: false, AccessKeyId, SecretAccessKey } }
    },
    logIn: async ({ AccessKeyId, SecretAccessKey }) => {
      const credentials = { accessKeyId: String(AccessKeyId), secretAccessKey: String(SecretAccessKey) }
      const client = new STSClient({ endpoint: server.url, region: REGION, credentials, maxAttempts: 1 })
      await client.send(new GetCallerIdentityCommand()).finally(() => client.destroy())
    },
    stop,
  }
}

async function startRotatedKeyService(): Promise<RotatedServer> {
  const { service, url, authority, authorityFile, stop } = await startKeyService()
  const io = testIo({ authorities: [authority] })
  const origin = readOrigin('url', url, undefined)
  return {
    authorityFile,
    port: origin.port,
    makeUser: async (name, port) => {
      const { id, token } = service.issue(name)
      return { value: { url: `https://localhost:${port}`, keyId: id, token, httpCredential: keyTemplate() } }
    },
    logIn: async ({ token }) => {
      const authorization = `Basic ${Buffer.from(`key:${token}`).toString('base64')}`
      const asked = { method: 'GET', path: '/v1/me', headers: { authorization } }
      const { status } = await send(origin, asked, io, 65_536)
      if (status !== 200) throw new Error(`the key is refused: ${status}`)
    },
    stop: async () => stop(),
  }
}

async function logInWith<C>(engine: Engine<C>, credential: Credential, io: ReturnType<typeof testIo>): Promise<void> {
  const connection = await engine.connect(readLogin(engine, credential), io)
  try {
    await engine.probe(connection)
  } finally {
    await engine.close(connection)
  }
}

type Scope = { after(what: () => unknown): void }

function makeScope(): readonly [Scope, () => Promise<void>] {
  const ends: (() => unknown)[] = []
  const stop = async (): Promise<void> => {
    for (const end of ends.splice(0).reverse()) await end()
  }
  return [{ after: (what) => void ends.push(what) }, stop]
}

async function startRotatedPostgresql(): Promise<RotatedServer | { readonly reason: string }> {
  const server = await startPostgresql()
  if ('reason' in server) return server
  const ssl = { ca: server.authority, servername: 'localhost' }
  return {
    authorityFile: server.authorityFile,
    port: server.port,
    makeUser: async (username, port) => {
      const password = `first-password-of-${username}`
      await server.sql(`CREATE ROLE ${username} LOGIN PASSWORD '${password}'`)
      const place = { engine: 'postgres', host: 'localhost', port }
      return {
        value: { ...place, username, password },
        master: { ...place, username: 'postgres', password: server.password },
      }
    },
    logIn: async (credential) => {
      const { username, password } = credential as Login
      const client = new pg.Client({
        host: '127.0.0.1',
        port: server.port,
        user: username,
        password,
        database: 'postgres',
        ssl,
      })
      client.on('error', () => {})
      await client.connect()
      await client.query('SELECT 1')
      await client.end()
    },
    stop: server.stop,
  }
}

async function startRotatedMariadb(): Promise<RotatedServer | { readonly reason: string }> {
  const server = await startMariadb()
  if ('reason' in server) return server
  return {
    authorityFile: server.authorityFile,
    port: server.port,
    makeUser: async (username, port) => {
      const password = `first-password-of-${username}`
      await server.sql(`CREATE USER ${username}@'%' IDENTIFIED BY '${password}'`)
      const place = { engine: 'mariadb', host: 'localhost', port }
      return {
        value: { ...place, username, password },
        master: { ...place, username: 'root', password: server.password },
      }
    },
    logIn: async (credential) => {
      const { username, password } = credential as Login
      const ssl = { ca: server.authority }
      const connection = await mysql.createConnection({
        host: '127.0.0.1',
        port: server.port,
        user: username,
        password,
        ssl,
      })
      await connection.query('SELECT 1')
      await connection.end()
    },
    stop: server.stop,
  }
}
