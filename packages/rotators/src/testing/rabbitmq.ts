// A real RabbitMQ with its management API, each with TLS and without. It takes about ten seconds to start.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeCertificate } from './certificates.ts'
import { listens, makeFolder, type Scope, skipWithout, sparePort, startProgram } from './server.ts'

export const RABBITMQ_SKIP = skipWithout('rabbitmq-server', 'rabbitmq-server')

export type TestRabbitmq = {
  readonly port: number
  readonly plainPort: number
  readonly managementPort: number
  readonly plainManagementPort: number
  /** PEM. */
  readonly authority: string
  readonly authorityFile: string
  readonly folder: string
  readonly admin: { readonly username: string; readonly password: string }
  /** The management API, as its administrator: what it answers as JSON; undefined for a 404. */
  api(method: string, path: string, body?: object): Promise<unknown>
}

export async function startRabbitmq(scope: Scope): Promise<TestRabbitmq> {
  const folder = makeFolder(scope)
  const { certificateFile, keyFile, authorityFile, authority } = await makeCertificate(folder, [
    'DNS:localhost',
    'IP:127.0.0.1',
  ])
  const ports = await Promise.all(Array.from({ length: 6 }, () => sparePort()))
  const [port, plainPort, managementPort, plainManagementPort, epmdPort, distributionPort] = ports as [
    ...[number, number, number],
    ...[number, number, number],
  ]
  const admin = { username: 'admin', password: 'of the admin' }
  const files = (prefix: string) =>
    `${prefix}.cacertfile = ${authorityFile}\n${prefix}.certfile = ${certificateFile}\n${prefix}.keyfile = ${keyFile}\n`
  writeFileSync(
    join(folder, 'rabbitmq.conf'),
    `listeners.tcp.1 = 127.0.0.1:${plainPort}
listeners.ssl.1 = 127.0.0.1:${port}
${files('ssl_options')}ssl_options.verify = verify_none
management.tcp.ip = 127.0.0.1
management.tcp.port = ${plainManagementPort}
management.ssl.ip = 127.0.0.1
management.ssl.port = ${managementPort}
${files('management.ssl')}default_user = ${admin.username}
default_pass = ${admin.password}
cluster_name = test-${port}
log.file = rabbit.log
log.file.level = debug
`,
  )
  writeFileSync(join(folder, 'plugins'), '[rabbitmq_management].\n')
  const env = {
    PATH: process.env.PATH,
    HOME: folder,
    ERL_EPMD_PORT: String(epmdPort),
    ERL_EPMD_ADDRESS: '127.0.0.1',
    RABBITMQ_NODENAME: `test${port}@localhost`,
    RABBITMQ_DIST_PORT: String(distributionPort),
    RABBITMQ_CONFIG_FILE: join(folder, 'rabbitmq.conf'),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, 'plugins'),
    RABBITMQ_MNESIA_BASE: join(folder, 'data'),
    RABBITMQ_LOG_BASE: join(folder, 'log'),
    RABBITMQ_PID_FILE: join(folder, 'pid'),
  }
  // Otherwise the server starts one that outlives it.
  const epmd = ['epmd', '-port', String(epmdPort), '-address', '127.0.0.1'] as const
  await startProgram(scope, epmd, { cwd: folder, env, ready: () => listens(epmdPort) })
  await startProgram(scope, ['/usr/lib/rabbitmq/bin/rabbitmq-server'], {
    cwd: folder,
    env,
    readyMs: 120_000,
    ready: async () => (await listens(port)) && (await listens(managementPort)) && listens(plainManagementPort),
  })
  const api: TestRabbitmq['api'] = async (method, path, body) => {
    const response = await fetch(`http://127.0.0.1:${plainManagementPort}/api/${path}`, {
      method,
      headers: {
        authorization: `Basic ${btoa(`${admin.username}:${admin.password}`)}`,
        'content-type': 'application/json',
      },
      ...(body && { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    if (!response.ok && response.status !== 404) throw new Error(`${method} ${path}: ${response.status} ${text}`)
    return text.startsWith('{') || text.startsWith('[') ? JSON.parse(text) : undefined
  }
  return { port, plainPort, managementPort, plainManagementPort, authority, authorityFile, folder, admin, api }
}
