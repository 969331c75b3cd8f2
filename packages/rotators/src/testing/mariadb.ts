// A private MariaDB server on a spare loopback port, with TLS and a log of every statement.

import { execFile, spawn } from 'node:child_process'
import { chownSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import mysql from 'mysql2/promise'
import { makeCertificate } from './certificates.ts'
import { sparePort } from './server.ts'

export type TestMariadb = {
  readonly port: number
  /** PEM. */
  readonly authority: string
  readonly authorityFile: string
  /** Of `root`, who may do everything. */
  readonly password: string
  /** As `root`, any number of statements: the rows of the last one. */
  sql(text: string): Promise<readonly { readonly [column: string]: unknown }[]>
  /** As an application does. @throws where it is not let in */
  logIn(username: string, password: string): Promise<void>
  /** Everything that the server has logged: every statement, slow or not, and refused logins. */
  log(): string
  stop(): Promise<void>
}

const PROGRAMS = { install: '/usr/bin/mariadb-install-db', server: '/usr/sbin/mariadbd' }

/** @returns a reason where MariaDB is not installed */
export async function startMariadb(
  options: { readonly settings?: readonly string[]; readonly tls?: boolean; readonly names?: readonly string[] } = {},
): Promise<TestMariadb | { readonly reason: string }> {
  if (!Object.values(PROGRAMS).every(existsSync)) return { reason: 'MariaDB (Debian mariadb-server) is not installed' }

  const directory = mkdtempSync(join(tmpdir(), 'strongroom-rotators-mariadb-'))
  const certificate = await makeCertificate(directory, options.names)
  const identity: { uid?: number; gid?: number } = process.getuid?.() === 0 ? await mysqlUser() : {}
  if (identity.uid !== undefined && identity.gid !== undefined) {
    for (const path of [directory, certificate.keyFile]) chownSync(path, identity.uid, identity.gid)
  }
  const surroundings = { ...identity, cwd: directory, env: { PATH: process.env.PATH, LC_ALL: 'C' } }
  // Temporary tables too are its own: in a folder that it shares, another server at the same work removes them.
  const data = [`--datadir=${join(directory, 'data')}`, `--tmpdir=${directory}`]
  const install = ['--no-defaults', ...data, '--auth-root-authentication-method=normal', '--skip-test-db']
  await promisify(execFile)(PROGRAMS.install, install, surroundings)

  const port = await sparePort()
  const socketPath = join(directory, 'socket')
  const logFile = join(directory, 'log')
  const statements = join(directory, 'statements')
  const slow = join(directory, 'slow')
  const log = openSync(logFile, 'a')
  const server = spawn(
    PROGRAMS.server,
    [
      ...['--no-defaults', ...data, `--port=${port}`, '--bind-address=127.0.0.1', `--socket=${socketPath}`],
      ...[`--pid-file=${join(directory, 'pid')}`, '--general-log', `--general-log-file=${statements}`],
      ...['--slow-query-log', '--long-query-time=0', `--slow-query-log-file=${slow}`, '--log-warnings=2'],
      ...['--innodb-flush-log-at-trx-commit=0', '--innodb-buffer-pool-size=16M', '--skip-name-resolve'],
      ...(options.tls === false
        ? ['--skip-ssl']
        : [`--ssl-cert=${certificate.certificateFile}`, `--ssl-key=${certificate.keyFile}`]),
      ...(options.settings ?? []),
    ],
    { ...surroundings, stdio: ['ignore', log, log] },
  )
  const kill = (): boolean => server.kill('SIGKILL')
  process.on('exit', kill)
  const stop = async (): Promise<void> => {
    process.off('exit', kill)
    if (server.exitCode === null && server.signalCode === null) {
      const ended = new Promise((resolve) => server.once('exit', resolve))
      kill()
      await ended
    }
    rmSync(directory, { recursive: true, force: true, maxRetries: 3 })
  }
  const password = 'super-user-of-the-test'
  const asRoot = async (own: string, text: string) => {
    const client = await mysql.createConnection({
      socketPath,
      user: 'root',
      password: own,
      multipleStatements: true,
      charset: 'utf8mb4',
    })
    try {
      const [rows] = await client.query(text)
      const last = Array.isArray(rows) && Array.isArray(rows.at(-1)) ? rows.at(-1) : rows
      return (Array.isArray(last) ? last : []) as { [column: string]: unknown }[]
    } finally {
      await client.end()
    }
  }
  const allLogs = (): string =>
    [logFile, statements, slow].map((file) => (existsSync(file) ? readFileSync(file, 'utf8') : '')).join('\n')
  for (let attempt = 0; ; attempt++) {
    try {
      await asRoot('', `ALTER USER root@localhost IDENTIFIED BY '${password}'`)
      await asRoot(
        password,
        `CREATE OR REPLACE USER root@'127.0.0.1' IDENTIFIED BY '${password}';
          GRANT ALL ON *.* TO root@'127.0.0.1' WITH GRANT OPTION`,
      )
      break
    } catch (cause) {
      if (attempt === 2_400 || server.exitCode !== null) {
        const said = allLogs()
        await stop()
        throw new Error(`MariaDB did not start: ${said}`, { cause })
      }
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
  return {
    port,
    authority: certificate.authority,
    authorityFile: certificate.authorityFile,
    password,
    sql: (text) => asRoot(password, text),
    logIn: async (user, password) => {
      const ssl = options.tls === false ? {} : { ssl: { ca: certificate.authority } }
      const connection = await mysql.createConnection({ host: '127.0.0.1', port, user, password, ...ssl })
      await connection.end()
    },
    log: allLogs,
    stop,
  }
}

async function mysqlUser(): Promise<{ readonly uid: number; readonly gid: number }> {
  const [uid, gid] = await Promise.all(
    ['-u', '-g'].map(async (option) => Number((await promisify(execFile)('id', [option, 'mysql'])).stdout)),
  )
  return { uid: uid!, gid: gid! }
}
