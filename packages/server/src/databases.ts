// The databases of a server. PostgreSQL holds everything; on SQLite each process writes the events of reads to a file of its own, so
// that the trail of one never waits for another's.

import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { type Config, ConfigurationError } from './config.ts'
import type { Logger } from './observe/log.ts'
import { type Database, DatabaseError } from './storage/database.ts'
import { migrate } from './storage/migrate.ts'
import { openPostgres } from './storage/postgres.ts'
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
    const audit = opened(await openSqlite({ path: join(dataDir, `audit-${number}.db`), durability, log }))
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

const openMain = ({ database, dataDir }: Config, log: Logger): Promise<Database> =>
  database === ''
    ? openSqlite({ path: join(dataDir, DATABASE_NAME), durability: 'commit', log })
    : openPostgres({ url: database, log })

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

/** One for each worker, and those that more workers left behind. */
function auditNumbers(dataDir: string, workers: number): readonly number[] {
  const numbers = new Set(Array.from({ length: workers }, (_, slot) => slot))
  for (const name of readdirSync(dataDir)) {
    const number = /^audit-(\d{1,3})\.db$/.exec(name)?.[1]
    if (number !== undefined) numbers.add(Number(number))
  }
  return [...numbers].sort((a, b) => a - b)
}
