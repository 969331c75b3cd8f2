// The databases of a server. PostgreSQL holds everything; on SQLite each process writes the events of reads to a file of its own, so
// that the trail of one never waits for another's.

import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { type Config, ConfigurationError } from './config.ts'
import type { Logger } from './observe/log.ts'
import { type Database, DatabaseError } from './storage/database.ts'
import { type MigrationSet, migrate, mustBeCurrent } from './storage/migrate.ts'
import { openSqlite } from './storage/sqlite.ts'

export type Databases = {
  readonly main: Database
  /** Where this process writes the events of reads. */
  readonly audit: Database
  /** Every database that holds a part of the trail. */
  readonly trail: readonly Database[]
  readonly close: () => Promise<void>
}

export const DATABASE_NAME = 'strongroom.db'

/**
 * Opens the databases and brings their schema up to date. `slot` tells the processes on one data directory apart.
 * @throws ConfigurationError where they cannot be opened
 */
export const openDatabases = (config: Config, slot: number, log: Logger): Promise<Databases> =>
  named(config, () => openAll(config, slot, log))

/** The database that holds everything but the events of reads, its schema as it is. @throws ConfigurationError where it cannot be opened */
export const openMainDatabase = (config: Config, log: Logger): Promise<Database> =>
  named(config, () => openMain(config, log))

/** @throws ConfigurationError where the data directory is that of no server on SQLite */
export function mustHoldDatabase({ dataDir }: Config): void {
  if (existsSync(join(dataDir, DATABASE_NAME))) return
  throw new ConfigurationError(`--data-dir ${dataDir} holds no database: name the data directory of a server`)
}

/**
 * Every database that holds a part of the trail, for who only reads it: none is brought up to date.
 * @throws ConfigurationError where one cannot be opened; SchemaTooOldError, SchemaTooNewError
 */
export const openTrail = (config: Config, log: Logger): Promise<Pick<Databases, 'main' | 'trail' | 'close'>> =>
  named(config, () => openExisting(config, log))

async function openExisting(config: Config, log: Logger): Promise<Pick<Databases, 'main' | 'trail' | 'close'>> {
  await using opening = new AsyncDisposableStack()
  const { database, dataDir } = config
  const trail: Database[] = []
  const add = async (opened: Database, sets: readonly MigrationSet[]): Promise<Database> => {
    opening.defer(() => opened.close())
    await mustBeCurrent(opened, sets)
    trail.push(opened)
    return opened
  }
  const main = await add(await openMain(config, log), ['main', 'audit'])
  for (const number of database === '' ? auditNumbers(dataDir, 0) : []) {
    await add(await openSqlite({ path: auditPath(dataDir, number), durability: 'interval', log }), ['audit'])
  }
  const closing = opening.move()
  return { main, trail, close: () => closing.disposeAsync() }
}

async function openAll(config: Config, slot: number, log: Logger): Promise<Databases> {
  await using opening = new AsyncDisposableStack()
  const opened = <T extends Database>(database: T): T => {
    opening.defer(() => database.close())
    return database
  }

  const main = opened(await openMain(config, log))
  if (config.database !== '') {
    await migrate(main, ['main', 'audit'])
    const closing = opening.move()
    return { main, audit: main, trail: [main], close: () => closing.disposeAsync() }
  }

  const { dataDir } = config
  await migrate(main, ['main', 'audit'])
  const audits = new Map<number, Database>()
  for (const number of auditNumbers(dataDir, config.workers)) {
    const durability = config.auditSync ? 'commit' : 'interval'
    const audit = opened(await openSqlite({ path: auditPath(dataDir, number), durability, log }))
    await migrate(audit, ['audit'])
    audits.set(number, audit)
  }
  const closing = opening.move()
  return {
    main,
    audit: audits.get(slot)!,
    trail: [main, ...audits.values()],
    close: () => closing.disposeAsync(),
  }
}

async function openMain({ database, dataDir }: Config, log: Logger): Promise<Database> {
  if (database === '') return openSqlite({ path: join(dataDir, DATABASE_NAME), durability: 'commit', log })
  // Loaded only here, so that a start without it is quick.
  const { openPostgres } = await import('./storage/postgres.ts')
  return openPostgres({ url: database, log })
}

/** A failure of the storage at the start is told with the option that names it. */
async function named<T>({ database, dataDir }: Config, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error
    const option = database === '' ? `--data-dir ${dataDir}` : `--database ${withoutUser(database)}`
    throw new ConfigurationError(`${option} cannot be used (${error.message}): mend it, or give another one`)
  }
}

/** A URL may hold a password, and a query anything. */
function withoutUser(database: string): string {
  const url = URL.parse(database)
  return url === null ? '(not shown)' : `${url.protocol}//${url.host}${url.pathname}`
}

const auditPath = (dataDir: string, number: number): string => join(dataDir, `audit-${number}.db`)

/** One for each worker, and those that more workers left behind. */
function auditNumbers(dataDir: string, workers: number): readonly number[] {
  const numbers = new Set(Array.from({ length: workers }, (_, slot) => slot))
  for (const name of readdirSync(dataDir)) {
    const number = /^audit-(\d{1,3})\.db$/.exec(name)?.[1]
    if (number !== undefined) numbers.add(Number(number))
  }
  return [...numbers].sort((a, b) => a - b)
}
