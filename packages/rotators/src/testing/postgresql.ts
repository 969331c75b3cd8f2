// A private PostgreSQL server on a spare loopback port, with TLS and a log of everything.

import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { chownSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'
import { makeCertificate } from './certificates.ts'
import { findOwner, findPrograms } from './postgresql-programs.ts'
import { sparePort } from './server.ts'

export type TestPostgresql = {
  readonly port: number
  /** PEM. */
  readonly authority: string
  readonly authorityFile: string
  /** As the superuser `postgres`, whose password this is. */
  readonly password: string
  /** As the superuser: all results' rows of the last statement. */
  sql(text: string, database?: string): Promise<readonly { readonly [column: string]: unknown }[]>
  /** As an application does. @throws where it is not let in */
  logIn(username: string, password: string): Promise<void>
  /** Everything that the server has logged. */
  log(): string
  stop(): Promise<void>
}

/** @returns a reason where PostgreSQL is not installed */
export async function startPostgresql(
  options: { readonly settings?: readonly string[]; readonly tls?: boolean } = {},
): Promise<TestPostgresql | { readonly reason: string }> {
  const programs = findPrograms()
  if (programs === undefined) return { reason: 'PostgreSQL is not installed' }
  const owner = await findOwner()
  if (owner === undefined) return { reason: 'there is no user but root to run PostgreSQL as' }

  const directory = mkdtempSync(join(tmpdir(), 'strongroom-rotators-pg-'))
  const data = join(directory, 'data')
  const certificate = await makeCertificate(directory)
  const passwordFile = join(directory, 'password')
  const password = 'superuser'
  writeFileSync(passwordFile, password)
  const identity = owner === 'self' ? {} : owner
  if (owner !== 'self')
    for (const path of [directory, passwordFile, certificate.keyFile]) chownSync(path, owner.uid, owner.gid)
  const surroundings = { ...identity, cwd: directory, env: { PATH: process.env.PATH, LC_ALL: 'C' } }
  const initdb = ['-A', 'scram-sha-256', `--pwfile=${passwordFile}`, '--encoding=UTF8', '--locale=C', '--no-sync']
  await promisify(execFile)(programs.initdb, ['-D', data, '-U', 'postgres', ...initdb], surroundings)

  const port = await sparePort()
  const settings = [
    `port=${port}`,
    'listen_addresses=127.0.0.1',
    `unix_socket_directories=${directory}`,
    'fsync=off',
    'max_connections=100',
    'log_statement=all',
    'log_connections=on',
    'log_min_duration_statement=0',
    'log_parameter_max_length=-1',
    ...(options.tls === false
      ? []
      : ['ssl=on', `ssl_cert_file=${certificate.certificateFile}`, `ssl_key_file=${certificate.keyFile}`]),
    ...(options.settings ?? []),
  ]
  const logFile = join(directory, 'log')
  const log = openSync(logFile, 'a')
  const server = spawn(programs.postgres, ['-D', data, ...settings.flatMap((setting) => ['-c', setting])], {
    ...surroundings,
    stdio: ['ignore', log, log],
  })
  const kill = (): boolean => server.kill('SIGQUIT')
  process.on('exit', kill)
  const stop = async (): Promise<void> => {
    process.off('exit', kill)
    if (server.exitCode === null) await ended(server, kill)
    rmSync(directory, { recursive: true, force: true, maxRetries: 3 })
  }
  const sql: TestPostgresql['sql'] = async (text, database = 'postgres') => {
    const client = new pg.Client({ host: directory, port, user: 'postgres', password, database, ssl: false })
    client.on('error', () => {})
    await client.connect()
    try {
      const result: pg.QueryResult | pg.QueryResult[] = await client.query(text)
      return (Array.isArray(result) ? result.at(-1)! : result).rows
    } finally {
      await client.end()
    }
  }
  const logIn: TestPostgresql['logIn'] = async (user, password) => {
    const ssl = options.tls === false ? false : { ca: certificate.authority, servername: 'localhost' }
    const client = new pg.Client({ host: '127.0.0.1', port, user, password, database: 'postgres', ssl })
    client.on('error', () => {})
    await client.connect()
    await client.end()
  }
  const running = {
    port,
    authority: certificate.authority,
    authorityFile: certificate.authorityFile,
    password,
    sql,
    logIn,
    log: () => readFileSync(logFile, 'utf8'),
    stop,
  }
  for (let attempt = 0; ; attempt++) {
    try {
      await sql('SELECT 1')
      return running
    } catch (cause) {
      if (attempt === 2_400 || server.exitCode !== null) {
        const said = running.log()
        await stop()
        throw new Error(`PostgreSQL did not start: ${said}`, { cause })
      }
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
}

const ended = (child: ChildProcess, kill: () => void): Promise<void> =>
  new Promise((resolve) => {
    child.on('exit', () => resolve())
    kill()
  })
