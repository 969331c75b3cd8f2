// Databases for tests: SQLite in a temporary directory, or a fresh database of a PostgreSQL server that is there for the tests alone.

import { execFile, spawn } from 'node:child_process'
import { chownSync, existsSync, globSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { Client } from 'pg'
import type { Database } from './database.ts'
import { type MigrationSet, migrate } from './migrate.ts'
import { openPostgres } from './postgres.ts'
import { openSqlite } from './sqlite.ts'

/** What is needed of node:test's context. */
export type TestScope = { after(end: () => unknown): void }

export type TestPostgres = {
  /** Of a database in which others may be created. */
  readonly url: string
  /** A fresh, empty database. @returns its URL */
  createDatabase(): Promise<string>
  /** Ends every session at once and writes nothing more, as where it is killed. Resolves when the server is gone. */
  crash(): Promise<void>
  /** Starts it again on what is there. */
  restart(): Promise<void>
  stop(): Promise<void>
  /** The first postmaster's process id. */
  readonly pid: number
}

export type TestDatabaseOptions = {
  /** A PostgreSQL server in which databases may be created. The environment's TEST_DATABASE where it is not given; empty for SQLite. */
  readonly testDatabaseUrl?: string
  readonly sets?: readonly MigrationSet[]
}

/** A fresh, migrated database, gone when the test ends. */
export async function openTestDatabase(t: TestScope, options: TestDatabaseOptions = {}): Promise<Database> {
  const { testDatabaseUrl = process.env.TEST_DATABASE ?? '', sets = ['main', 'audit'] } = options
  const { open, remove } = testDatabaseUrl === '' ? freshSqlite() : await freshPostgres(testDatabaseUrl)
  const database = await open()
  t.after(async () => {
    await database.close()
    await remove()
  })
  await migrate(database, sets)
  return database
}

function freshSqlite() {
  const directory = mkdtempSync(join(tmpdir(), 'strongroom-test-'))
  return {
    open: () => openSqlite({ path: join(directory, 'test.db'), durability: 'none' }),
    remove: async () => rmSync(directory, { recursive: true, force: true, maxRetries: 3 }),
  }
}

async function freshPostgres(server: string) {
  const { url, drop } = await createDatabase(server)
  return { open: () => openPostgres({ url }), remove: drop }
}

/** The URL of a fresh, empty PostgreSQL database, gone when the test ends; undefined where the tests run on SQLite. */
export async function openTestDatabaseUrl(
  t: TestScope,
  { testDatabaseUrl = process.env.TEST_DATABASE ?? '' }: TestDatabaseOptions = {},
): Promise<string | undefined> {
  if (testDatabaseUrl === '') return undefined
  const { url, drop } = await createDatabase(testDatabaseUrl)
  t.after(drop)
  return url
}

/** A directory that is removed when the test ends. Hooks run in the order in which they were registered, so before those registered later. */
export function temporaryDirectory(t: TestScope): string {
  const directory = mkdtempSync(join(tmpdir(), 'strongroom-test-'))
  t.after(() => rmSync(directory, { recursive: true, force: true, maxRetries: 3 }))
  return directory
}

/**
 * A private PostgreSQL server in a temporary directory, on a Unix socket there. Not as root, which it refuses to run as.
 * With `fsync` it keeps through a crash what it committed. @returns a reason where PostgreSQL is not installed
 */
export async function startPostgres(
  options: { readonly fsync?: boolean; readonly settings?: readonly string[] } = {},
): Promise<TestPostgres | { readonly reason: string }> {
  const programs = findPrograms()
  if (programs === undefined) return { reason: 'PostgreSQL is not installed' }
  const owner = await findOwner()
  if (owner === undefined) return { reason: 'there is no user but root to run PostgreSQL as' }

  const directory = mkdtempSync(join(tmpdir(), 'strongroom-pg-'))
  const identity = owner === 'self' ? {} : owner
  if (owner !== 'self') chownSync(directory, owner.uid, owner.gid)
  const data = join(directory, 'data')
  const process_ = { ...identity, cwd: directory, env: { PATH: process.env.PATH, LC_ALL: 'C' } }
  const initdb = ['-D', data, '-U', 'postgres', '--auth=trust', '--encoding=UTF8', '--locale=C', '--no-sync']
  await promisify(execFile)(programs.initdb, initdb, process_)

  const fsync = options.fsync === true ? 'on' : 'off'
  const settings = [
    'listen_addresses=',
    `unix_socket_directories=${directory}`,
    `fsync=${fsync}`,
    'max_connections=200',
  ]
  if (!options.fsync) settings.push('full_page_writes=off', 'synchronous_commit=off')
  const parameters = [...settings, ...(options.settings ?? [])].flatMap((setting) => ['-c', setting])
  const url = `postgres://postgres@localhost/postgres?host=${encodeURIComponent(directory)}`
  const start = () => {
    const server = spawn(programs.postgres, ['-D', data, ...parameters], { ...process_, stdio: 'ignore' })
    return { server, exited: new Promise<void>((resolve) => server.on('close', () => resolve())) }
  }
  let running = start()
  const kill = () => running.server.kill('SIGQUIT')
  process.on('exit', kill)
  const crash = async () => {
    kill()
    await running.exited
  }
  const stop = async () => {
    process.off('exit', kill)
    await crash()
    rmSync(directory, { recursive: true, force: true, maxRetries: 3 })
  }
  const isReachable = () => reachable(url, () => running.server.exitCode !== null)

  try {
    await isReachable()
  } catch (error) {
    await stop()
    throw error
  }
  return {
    url,
    createDatabase: async () => (await createDatabase(url)).url,
    crash,
    restart: async () => {
      running = start()
      await isReachable()
    },
    stop,
    pid: running.server.pid!,
  }
}

const START_TIMEOUT_MS = 30_000

async function reachable(url: string, ended: () => boolean): Promise<void> {
  const deadline = performance.now() + START_TIMEOUT_MS
  for (;;) {
    try {
      return await administer(url, 'SELECT 1')
    } catch (error) {
      if (ended() || performance.now() > deadline) throw new Error('PostgreSQL did not start', { cause: error })
      await sleep(50)
    }
  }
}

let created = 0

async function createDatabase(server: string): Promise<{ readonly url: string; readonly drop: () => Promise<void> }> {
  const name = `test_${process.pid}_${++created}_${Math.random().toString(36).slice(2, 8)}`
  await administer(server, `CREATE DATABASE ${name} TEMPLATE template0 ENCODING 'UTF8'`)
  const url = new URL(server)
  url.pathname = `/${name}`
  return { url: url.href, drop: () => administer(server, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`) }
}

async function administer(url: string, sql: string): Promise<void> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 5_000 })
  client.on('error', () => {})
  await client.connect()
  try {
    await client.query(sql)
  } finally {
    await client.end()
  }
}

function findPrograms(): { readonly initdb: string; readonly postgres: string } | undefined {
  const onPath = (process.env.PATH ?? '').split(delimiter)
  const installed = globSync('/usr/lib/postgresql/*/bin').sort().reverse()
  for (const folder of [...installed, ...onPath, '/usr/local/pgsql/bin', '/opt/homebrew/bin']) {
    const found = { initdb: join(folder, 'initdb'), postgres: join(folder, 'postgres') }
    if (existsSync(found.initdb) && existsSync(found.postgres)) return found
  }
  return undefined
}

async function findOwner(): Promise<'self' | { readonly uid: number; readonly gid: number } | undefined> {
  if (process.getuid?.() !== 0) return 'self'
  for (const user of ['postgres', 'nobody']) {
    try {
      const [uid, gid] = await Promise.all(
        ['-u', '-g'].map(async (option) => Number((await promisify(execFile)('id', [option, user])).stdout)),
      )
      return { uid: uid!, gid: gid! }
    } catch {} // no such user
  }
  return undefined
}
