// A real Redis with TLS, users in an ACL file, and a second port without TLS.

import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeCertificate } from './certificates.ts'
import { listens, makeFolder, type Scope, skipWithout, sparePort, startProgram } from './server.ts'

export const REDIS_SKIP = skipWithout('redis-server', 'redis-server')

export type TestRedis = {
  readonly tlsPort: number
  readonly plainPort: number
  readonly admin: { readonly username: string; readonly password: string }
  /** PEM. */
  readonly authority: string
  readonly authorityFile: string
  readonly folder: string
  /** Stops and starts again with what it has on disk. */
  restart(): Promise<void>
}

const ADMIN = { username: 'admin', password: 'of the admin' }

/** `users` says where they are kept. */
export async function startRedis(
  scope: Scope,
  {
    users = 'acl file',
    names = ['DNS:localhost', 'IP:127.0.0.1', 'IP:127.0.0.2'],
  }: { readonly users?: 'acl file' | 'configuration' | 'nowhere'; readonly names?: readonly string[] } = {},
): Promise<TestRedis> {
  const folder = makeFolder(scope)
  const certificate = await makeCertificate(folder, names)
  const [plainPort, tlsPort] = await Promise.all([sparePort(), sparePort()])
  const hash = createHash('sha256').update(ADMIN.password).digest('hex')
  const lines = ['default off', `${ADMIN.username} on #${hash} ~* &* +@all`]
  const aclFile = join(folder, 'users.acl')
  writeFileSync(aclFile, lines.map((line) => `user ${line}\n`).join(''))
  const settings: readonly (readonly [string, string])[] = [
    ['port', String(plainPort)],
    ['tls-port', String(tlsPort)],
    ['bind', '127.0.0.1 127.0.0.2'],
    ['tls-cert-file', certificate.certificateFile],
    ['tls-key-file', certificate.keyFile],
    ['tls-ca-cert-file', certificate.authorityFile],
    ['tls-auth-clients', 'no'],
    ['slowlog-log-slower-than', '0'],
    ['slowlog-max-len', '1000'],
    ['logfile', join(folder, 'redis.log')],
    ['loglevel', 'debug'],
    ['dir', folder],
    ['save', '""'],
    ...(users === 'acl file' ? [['aclfile', aclFile] as const] : lines.map((line) => ['user', line] as const)),
  ]
  const file = join(folder, 'redis.conf')
  writeFileSync(file, settings.map((setting) => `${setting.join(' ')}\n`).join(''))
  // Without a file of its own the server is told everything as arguments.
  const words = settings.flatMap(([name, value]) => [`--${name}`, ...(value === '""' ? [''] : value.split(' '))])
  const start = () =>
    startProgram(scope, ['redis-server', ...(users === 'nowhere' ? words : [file])], {
      cwd: folder,
      ready: () => listens(tlsPort),
    })
  let running = await start()
  return {
    tlsPort,
    plainPort,
    admin: ADMIN,
    authority: certificate.authority,
    authorityFile: certificate.authorityFile,
    folder,
    async restart() {
      await running.stop()
      running = await start()
    },
  }
}
