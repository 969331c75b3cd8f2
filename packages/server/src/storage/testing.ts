// Databases for tests: SQLite in a temporary directory, or a fresh database of a PostgreSQL server that is there for the tests alone.

import { execFile, spawn } from 'node:child_process'
import { chownSync, copyFileSync, cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { isDeepStrictEqual, promisify } from 'node:util'
import { Client } from 'pg'
import { findOwner, findPrograms } from '../../../rotators/src/testing/postgresql-programs.ts'
import { loadConfig } from '../config.ts'
import { DATABASE_NAME, openDatabases } from '../databases.ts'
import { createLogger } from '../observe/log.ts'
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
  /** A migrated database that nobody works on: what TEST_DATABASE_TEMPLATE names, since copying one is quicker than migrating. @returns its name */
  createTemplate(): Promise<string>
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

const ALL_SETS: readonly MigrationSet[] = ['main', 'audit']

/** A fresh, migrated database, gone when the test ends. */
export async function openTestDatabase(t: TestScope, options: TestDatabaseOptions = {}): Promise<Database> {
  const { testDatabaseUrl = process.env.TEST_DATABASE ?? '', sets = ALL_SETS } = options
  const { open, remove } = testDatabaseUrl === '' ? freshSqlite(sets) : await freshPostgres(testDatabaseUrl, sets)
  const database = await open()
  t.after(async () => {
    await database.close()
    await remove()
  })
  await migrate(database, sets)
  return database
}

function freshSqlite(sets: readonly MigrationSet[]) {
  const directory = mkdtempSync(join(tmpdir(), 'strongroom-test-'))
  const path = join(directory, 'test.db')
  const template = sets.length === ALL_SETS.length ? sqliteTemplate() : undefined
  if (template !== undefined) copyFileSync(join(template, DATABASE_NAME), path)
  return {
    open: () => openSqlite({ path, durability: 'none' }),
    remove: async () => rmSync(directory, { recursive: true, force: true, maxRetries: 3 }),
  }
}

async function freshPostgres(server: string, sets: readonly MigrationSet[]) {
  const { url, drop } = await createDatabase(server, sets.length === ALL_SETS.length ? migratedTemplate() : undefined)
  return { open: () => openPostgres({ url }), remove: drop }
}

/** The URL of a fresh PostgreSQL database, gone when the test ends: empty, or `migrated`. Undefined where the tests run on SQLite. */
export async function openTestDatabaseUrl(
  t: TestScope,
  { migrated = false }: { readonly migrated?: boolean } = {},
): Promise<string | undefined> {
  const server = process.env.TEST_DATABASE ?? ''
  if (server === '') return undefined
  const { url, drop } = await createDatabase(server, migrated ? migratedTemplate() : undefined)
  t.after(drop)
  return url
}

/**
 * Migrated, empty SQLite databases of a server with one worker, which nobody works on: what TEST_SQLITE_TEMPLATE names, since copying them
 * is quicker than migrating.
 */
export async function createSqliteTemplate(directory: string): Promise<void> {
  mkdirSync(directory)
  const config = loadConfig({ dataDir: directory }, {})
  const databases = await openDatabases(config, 0, createLogger('silent'))
  await databases.close()
}

const sqliteTemplate = (): string | undefined => process.env.TEST_SQLITE_TEMPLATE

/** A data directory for a server in this process, gone when the test ends; migrated where there is a template. */
export function temporaryDataDirectory(t: TestScope): string {
  const directory = temporaryDirectory(t)
  const template = sqliteTemplate()
  if (template !== undefined) cpSync(template, directory, { recursive: true })
  return directory
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
    // It would go round all the databases of the tests, several times a second, and find nothing that is worth it.
    'autovacuum=off',
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
    createTemplate: async () => {
      const template = await createDatabase(url)
      const database = await openPostgres({ url: template.url })
      await migrate(database, ALL_SETS)
      await database.close()
      return nameIn(template.url)
    },
    crash,
    restart: async () => {
      running = start()
      await isReachable()
    },
    stop,
    pid: running.server.pid!,
  }
}

const START_TIMEOUT_MS = 60_000
const CONNECT_TIMEOUT_MS = 30_000

async function reachable(url: string, ended: () => boolean): Promise<void> {
  const deadline = performance.now() + START_TIMEOUT_MS
  for (;;) {
    try {
      return void (await administer(url, 'SELECT 1'))
    } catch (error) {
      if (ended() || performance.now() > deadline) throw new Error('PostgreSQL did not start', { cause: error })
      await sleep(50)
    }
  }
}

let created = 0

const migratedTemplate = (): string | undefined => process.env.TEST_DATABASE_TEMPLATE

type FreshDatabase = { readonly url: string; readonly drop: () => Promise<void> }

async function createDatabase(server: string, template?: string): Promise<FreshDatabase> {
  if (template !== undefined) return takeCopy(server, template)
  const url = await create(server, 'template0')
  return { url, drop: () => drop(server, url) }
}

/** Copies of the template that tests of this process are done with, empty again: emptying one is far quicker than making one. */
const emptied: string[] = []

async function takeCopy(server: string, template: string): Promise<FreshDatabase> {
  const url = emptied.pop() ?? (await create(server, template))
  schemaOfCopies ??= await administer(url, SCHEMA)
  const giveBack = async (): Promise<void> => {
    // What a test did to the schema itself is not undone.
    if (await connected(url, emptyAgain)) emptied.push(url)
    else await drop(server, url)
  }
  return { url, drop: giveBack }
}

/** Of every copy, as the first one tells. */
let schemaOfCopies: readonly unknown[] | undefined

/** Ends all other sessions. @returns whether the schema is still that of the template, and every table empty */
async function emptyAgain(client: Client): Promise<boolean> {
  await client.query(END_OTHERS)
  const { rows } = await client.query(SCHEMA)
  if (!isDeepStrictEqual(rows, schemaOfCopies)) return false
  await client.query(EMPTY_EVERY_TABLE)
  return true
}

const END_OTHERS = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
  WHERE datname = current_database() AND pid <> pg_backend_pid()`

const SCHEMA = `SELECT relname, relkind, relnatts, relchecks, (SELECT count(*) FROM schema_migration) AS migrations
  FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY relname`

const EMPTY_EVERY_TABLE = `SET session_replication_role = replica;
  DO $$ DECLARE name text; BEGIN
    FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'schema_migration' LOOP
      EXECUTE format('DELETE FROM %I', name);
    END LOOP;
  END $$`

const nameIn = (url: string): string => new URL(url).pathname.slice(1)

/** @returns its URL */
async function create(server: string, template: string): Promise<string> {
  const name = `test_${process.pid}_${++created}_${Math.random().toString(36).slice(2, 8)}`
  await administer(server, `CREATE DATABASE ${name} TEMPLATE ${template} ENCODING 'UTF8'`)
  const url = new URL(server)
  url.pathname = `/${name}`
  return url.href
}

async function drop(server: string, url: string): Promise<void> {
  await administer(server, `DROP DATABASE IF EXISTS ${nameIn(url)} WITH (FORCE)`)
}

const administer = (url: string, sql: string): Promise<readonly unknown[]> =>
  connected(url, async (client) => (await client.query(sql)).rows)

async function connected<T>(url: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: CONNECT_TIMEOUT_MS })
  client.on('error', () => {})
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}
