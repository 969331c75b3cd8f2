// The real servers whose credentials are rotated by the tests of the whole: one line for each ready-made rotator.

import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { connect, createServer } from 'node:tls'
import mysql from 'mysql2/promise'
import pg from 'pg'
import type { Engine } from '../packages/rotators/src/engine.ts'
import { openldap } from '../packages/rotators/src/engines/openldap.ts'
import { redis } from '../packages/rotators/src/engines/redis.ts'
import { acmeCertificate } from '../packages/rotators/src/issuers/acme-certificate.ts'
import { sshKey } from '../packages/rotators/src/issuers/ssh-key.ts'
import { readLogin } from '../packages/rotators/src/secret.ts'
import { testIo } from '../packages/rotators/src/testing/io.ts'
import { startMariadb } from '../packages/rotators/src/testing/mariadb.ts'
import { OPENLDAP_SKIP, startOpenldap } from '../packages/rotators/src/testing/openldap.ts'
import { PEBBLE_SKIP, startPebble } from '../packages/rotators/src/testing/pebble.ts'
import { startPostgresql } from '../packages/rotators/src/testing/postgresql.ts'
import { REDIS_SKIP, startRedis } from '../packages/rotators/src/testing/redis.ts'
import { SSHD_SKIP, startSshd } from '../packages/rotators/src/testing/sshd.ts'
import { createHttpAnswers } from '../packages/server/src/http/answers.ts'

export type Credential = { readonly [member: string]: unknown }
type Password = { readonly username: string; readonly password: string }

export type RotatedServer = {
  /** Of Strongroom. */
  readonly options?: readonly string[]
  /** Certificates that the server is certified by, in PEM. */
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
  { rotator: 'ssh-key', keepsPrevious: true, start: startRotatedSshd },
  { rotator: 'acme-certificate', keepsPrevious: true, start: startRotatedPebble },
]

async function startRotatedPebble(): Promise<RotatedServer | { readonly reason: string }> {
  if (PEBBLE_SKIP) return { reason: PEBBLE_SKIP }
  const [scope, stop] = makeScope()
  const { port, httpPort, authority, authorityFile, root } = await startPebble(scope)
  const acmeHttp = `127.0.0.1:${httpPort}`
  const io = testIo({ authorities: [authority], answerHttp: createHttpAnswers(acmeHttp).answer })
  return {
    authorityFile,
    port,
    options: ['--acme-http', acmeHttp],
    makeUser: async (name, port) => {
      const domains = [`${name}.example.com`]
      const first = { directoryUrl: `https://localhost:${port}/dir`, domains, termsOfServiceAgreed: true }
      const run = { current: first, versionId: '', options: {}, resumed: false }
      const pending = await acmeCertificate.create(run, io)
      return { value: await acmeCertificate.complete!({ ...run, pending }, io) }
    },
    logIn: async ({ privateKey, fullChain, domains }) => {
      const server = createServer({ key: String(privateKey), cert: String(fullChain) })
      await once(server.listen(0, '127.0.0.1'), 'listening')
      const { port } = server.address() as AddressInfo
      const client = connect({ host: '127.0.0.1', port, ca: await root(), servername: String(domains).split(',')[0]! })
      await once(client, 'secureConnect').finally(() => server.close())
      client.destroy()
    },
    stop,
  }
}

async function startRotatedSshd(): Promise<RotatedServer | { readonly reason: string }> {
  if (SSHD_SKIP) return { reason: SSHD_SKIP }
  const [scope, stop] = makeScope()
  const { port, username, hostKey, makeKey, writeKeys, keysFile } = await startSshd(scope)
  const logIn = (value: Credential): Promise<void> => {
    const run = { current: value, versionId: '', options: {}, resumed: false }
    return sshKey.test({ ...run, pending: value }, testIo({ timeoutMs: 60_000 }))
  }
  return {
    port,
    makeUser: async (_, port) => {
      const { privateKey, publicKey } = makeKey()
      writeKeys(username, `${publicKey}\n`)
      return {
        value: { host: 'localhost', port, username, privateKey, hostKey, authorizedKeysFile: keysFile(username) },
      }
    },
    logIn: (credential) => logIn({ ...credential, port }),
    stop,
  }
}

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
      const { username, password } = credential as Password
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
      const { username, password } = credential as Password
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
