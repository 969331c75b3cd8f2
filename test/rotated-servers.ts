// The real servers whose credentials are rotated by the tests of the whole: one line for each ready-made rotator.

import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { connect, createServer } from 'node:tls'
import { IAM } from '@aws-sdk/client-iam'
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts'
import type { Engine } from '../packages/rotators/src/engine.ts'
import { activedirectory } from '../packages/rotators/src/engines/activedirectory.ts'
import { mariadb } from '../packages/rotators/src/engines/mariadb.ts'
import { openldap } from '../packages/rotators/src/engines/openldap.ts'
import { postgresql } from '../packages/rotators/src/engines/postgresql.ts'
import { rabbitmq } from '../packages/rotators/src/engines/rabbitmq.ts'
import { redis } from '../packages/rotators/src/engines/redis.ts'
import { readOrigin, send } from '../packages/rotators/src/http.ts'
import { acmeCertificate } from '../packages/rotators/src/issuers/acme-certificate.ts'
import { sshKey } from '../packages/rotators/src/issuers/ssh-key.ts'
import { readLogin } from '../packages/rotators/src/secret.ts'
import { loggedIn } from '../packages/rotators/src/strategies/shared.ts'
import { testIo } from '../packages/rotators/src/testing/io.ts'
import { keyTemplate, startKeyService } from '../packages/rotators/src/testing/key-api.ts'
import { startMariadb } from '../packages/rotators/src/testing/mariadb.ts'
import { OPENLDAP_SKIP, startOpenldap } from '../packages/rotators/src/testing/openldap.ts'
import { PEBBLE_SKIP, startPebble } from '../packages/rotators/src/testing/pebble.ts'
import { startPostgresql } from '../packages/rotators/src/testing/postgresql.ts'
import { RABBITMQ_SKIP, startRabbitmq } from '../packages/rotators/src/testing/rabbitmq.ts'
import { REDIS_SKIP, startRedis } from '../packages/rotators/src/testing/redis.ts'
import { SAMBA_SKIP, startSamba } from '../packages/rotators/src/testing/samba.ts'
import { SSHD_SKIP, startSshd } from '../packages/rotators/src/testing/sshd.ts'
import { createHttpAnswers } from '../packages/server/src/http/answers.ts'
import { temporaryDirectory } from '../packages/server/src/storage/testing.ts'
import { REGION, startProcess } from './server-process.ts'

export type Credential = { readonly [member: string]: unknown }

/** Where a server listens, or a proxy before it. */
export type Place = {
  /** 127.0.0.1 where it is absent. */
  readonly host?: string
  readonly port: number
  /** Of what else of it is used, in the order of the server's own. */
  readonly otherPorts?: readonly number[]
}

export type RotatedServer = Place & {
  /** Of Strongroom. */
  readonly options?: readonly string[]
  /** Certificates that the server is certified by, in PEM; absent where it has none. */
  readonly authorityFile?: string
  /** A new user: the secret's value with `place` as its place, and the master's where there is one. */
  makeUser(name: string, place: Place): Promise<{ readonly value: Credential; readonly master?: Credential }>
  /** @throws where the server does not let the credential in */
  logIn(credential: Credential): Promise<void>
  stop(): Promise<void>
}

export type RotatedKind = {
  readonly rotator: string
  /** Whether what was current before a rotation works until the next one; `perhaps` where that is the server's affair. */
  readonly keepsPrevious: boolean | 'perhaps'
  /** More pieces of data than so many are sent by a rotation, also where a slow machine sends some of them together. */
  readonly piecesMin?: number
  /** Takes ten seconds or so. */
  readonly startsSlowly?: true
  /** @returns a reason where the server is not installed */
  start(): Promise<RotatedServer | { readonly reason: string }>
}

export const ROTATED: readonly RotatedKind[] = [
  { rotator: 'postgresql-single-user', keepsPrevious: false, start: startRotatedPostgresql },
  { rotator: 'postgresql-alternating-users', keepsPrevious: true, start: startRotatedPostgresql },
  { rotator: 'mariadb-single-user', keepsPrevious: false, start: startRotatedMariadb },
  { rotator: 'mariadb-alternating-users', keepsPrevious: true, start: startRotatedMariadb },
  { rotator: 'mariadb-dual-passwords', keepsPrevious: true, start: startRotatedMariadb },
  { rotator: 'redis-single-user', keepsPrevious: false, start: startRotatedRedis },
  { rotator: 'redis-alternating-users', keepsPrevious: true, start: startRotatedRedis },
  { rotator: 'redis-dual-passwords', keepsPrevious: true, start: startRotatedRedis },
  { rotator: 'rabbitmq-single-user', keepsPrevious: false, startsSlowly: true, start: startRotatedRabbitmq },
  { rotator: 'rabbitmq-alternating-users', keepsPrevious: true, startsSlowly: true, start: startRotatedRabbitmq },
  { rotator: 'openldap-single-user', keepsPrevious: false, start: startRotatedOpenldap },
  { rotator: 'openldap-dual-passwords', keepsPrevious: true, start: startRotatedOpenldap },
  { rotator: 'activedirectory-single-user', keepsPrevious: 'perhaps', startsSlowly: true, start: startRotatedSamba },
  { rotator: 'ssh-key', keepsPrevious: true, start: startRotatedSshd },
  { rotator: 'http-credential', keepsPrevious: true, piecesMin: 4, start: startRotatedKeyService },
  { rotator: 'acme-certificate', keepsPrevious: true, start: startRotatedPebble },
  { rotator: 'iam-access-key', keepsPrevious: true, piecesMin: 3, start: startRotatedIam },
]

/** As an application does, at the server itself, whatever place the credential names. */
async function logInAs<C>(
  engine: Engine<C>,
  credential: Credential,
  place: { readonly host?: string; readonly port: number; readonly managementPort?: number },
  authority: string,
): Promise<void> {
  const login = readLogin(engine, { ...credential, ...place })
  await loggedIn(engine, login, testIo({ authorities: [authority] }), (connection) => engine.probe(connection))
}

type Scope = { after(what: () => unknown): void }

function makeScope(): readonly [Scope, () => Promise<void>] {
  const ends: (() => unknown)[] = []
  const stop = async (): Promise<void> => {
    for (const end of ends.splice(0).reverse()) await end()
  }
  return [{ after: (what) => void ends.push(what) }, stop]
}

const firstPassword = (name: string): string => `First-password-of-${name}`

async function startRotatedPostgresql(): Promise<RotatedServer | { readonly reason: string }> {
  const server = await startPostgresql()
  if ('reason' in server) return server
  return {
    authorityFile: server.authorityFile,
    port: server.port,
    makeUser: async (username, { port }) => {
      const password = firstPassword(username)
      await server.sql(`CREATE ROLE ${username} LOGIN PASSWORD '${password}'`)
      const place = { engine: 'postgres', host: 'localhost', port }
      return {
        value: { ...place, username, password },
        master: { ...place, username: 'postgres', password: server.password },
      }
    },
    logIn: (credential) => logInAs(postgresql, credential, { port: server.port }, server.authority),
    stop: server.stop,
  }
}

async function startRotatedMariadb(): Promise<RotatedServer | { readonly reason: string }> {
  const server = await startMariadb()
  if ('reason' in server) return server
  return {
    authorityFile: server.authorityFile,
    port: server.port,
    makeUser: async (username, { port }) => {
      const password = firstPassword(username)
      await server.sql(`CREATE USER ${username}@'%' IDENTIFIED BY '${password}'`)
      const place = { engine: 'mariadb', host: 'localhost', port }
      return {
        value: { ...place, username, password },
        master: { ...place, username: 'root', password: server.password },
      }
    },
    logIn: (credential) => logInAs(mariadb, credential, { port: server.port }, server.authority),
    stop: server.stop,
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
    makeUser: async (username, { port }) => {
      const password = firstPassword(username)
      await loggedIn(redis, readLogin(redis, admin), io, ({ send }) =>
        send('ACL', 'SETUSER', username, 'reset', 'on', `>${password}`, '+ping'),
      )
      const place = { engine: 'redis', host: 'localhost', port }
      return { value: { ...place, username, password }, master: { ...place, ...server.admin } }
    },
    logIn: (credential) => logInAs(redis, credential, { port: server.tlsPort }, server.authority),
    stop,
  }
}

async function startRotatedRabbitmq(): Promise<RotatedServer | { readonly reason: string }> {
  if (RABBITMQ_SKIP) return { reason: RABBITMQ_SKIP }
  const [scope, stop] = makeScope()
  const server = await startRabbitmq(scope)
  const { port, managementPort, authority } = server
  return {
    authorityFile: server.authorityFile,
    port,
    otherPorts: [managementPort],
    makeUser: async (username, at) => {
      const password = firstPassword(username)
      await server.api('PUT', `users/${username}`, { password, tags: '' })
      await server.api('PUT', `permissions/%2F/${username}`, { configure: '', write: '', read: '' })
      const place = { engine: 'rabbitmq', host: 'localhost', port: at.port, managementPort: at.otherPorts![0] }
      return { value: { ...place, username, password }, master: { ...place, ...server.admin } }
    },
    logIn: (credential) => logInAs(rabbitmq, credential, { port, managementPort }, authority),
    stop,
  }
}

async function startRotatedOpenldap(): Promise<RotatedServer | { readonly reason: string }> {
  if (OPENLDAP_SKIP) return { reason: OPENLDAP_SKIP }
  const [scope, stop] = makeScope()
  const server = await startOpenldap(scope)
  return {
    authorityFile: server.authorityFile,
    port: server.tlsPort,
    makeUser: async (name, { port }) => {
      const password = firstPassword(name)
      const username = `cn=${name},${server.suffix}`
      server.apply(`dn: ${username}\nobjectClass: person\ncn: ${name}\nsn: test\nuserPassword: ${password}\n`)
      const place = { engine: 'openldap', host: 'localhost', port }
      return { value: { ...place, username, password }, master: { ...place, ...server.admin } }
    },
    logIn: (credential) => logInAs(openldap, credential, { port: server.tlsPort }, server.authority),
    stop,
  }
}

async function startRotatedSamba(): Promise<RotatedServer | { readonly reason: string }> {
  if (SAMBA_SKIP) return { reason: SAMBA_SKIP }
  const [scope, stop] = makeScope()
  const server = await startSamba(scope, 1)
  const { host, port } = server
  return {
    authorityFile: server.authorityFile,
    host,
    port,
    makeUser: async (username, at) => {
      const password = firstPassword(username)
      server.tool('user', 'create', username, password)
      const place = { engine: 'activedirectory', host: at.host ?? 'localhost', port: at.port }
      return { value: { ...place, username, password }, master: { ...place, ...server.admin } }
    },
    logIn: (credential) => logInAs(activedirectory, credential, { host, port }, server.authority),
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
    makeUser: async (_, { port }) => {
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

/** Strongroom itself: its IAM and STS in a process of their own. */
async function startRotatedIam(): Promise<RotatedServer> {
  const [scope, stop] = makeScope()
  const dataDir = temporaryDirectory(scope)
  const server = await startProcess({ dataDir, options: [], after: scope.after })
  const iam = new IAM({ endpoint: server.url, region: REGION, credentials: { ...server.credentials } })
  scope.after(() => iam.destroy())
  return {
    port: Number(new URL(server.url).port),
    makeUser: async (UserName, { port }) => {
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
    makeUser: async (name, { port }) => {
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
    makeUser: async (name, { port }) => {
      const domains = [`${name.replaceAll('_', '-')}.example.com`]
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
