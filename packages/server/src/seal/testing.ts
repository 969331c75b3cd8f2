// For tests: one installation's storage as any number of processes see it, and a keyring in memory.

import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { Database } from '../storage/database.ts'
import { migrate } from '../storage/migrate.ts'
import { openPostgres } from '../storage/postgres.ts'
import { openSqlite } from '../storage/sqlite.ts'
import { openTestDatabaseUrl, type TestScope, temporaryDirectory } from '../storage/testing.ts'
import { type ChangingKeyring, createKeyring, KEY_FAMILIES, type KeyringOptions } from './keyring.ts'
import { type LiveKeyring, loadKeyring, newDomainKey, openKeyring } from './lifecycle.ts'
import { fileRootKey } from './root-key.ts'

/** New key versions become active after 40 ms. */
export const testOptions: KeyringOptions = { wallNow: Date.now, randomBytes, activationDelayMs: 40 }

/** A keyring in memory, with fresh random keys. */
export const testKeyring = (options: KeyringOptions = testOptions): ChangingKeyring =>
  createKeyring(
    'test-instance',
    KEY_FAMILIES.map((family) => newDomainKey(family, 1, 0, 0, randomBytes)),
    options,
  )

export type TestStorage = {
  readonly folder: string
  /** One more process's view of the same database. */
  readonly open: () => Promise<Database>
}

/** A fresh folder and a fresh database: SQLite in the folder, or PostgreSQL where TEST_DATABASE names one. */
export async function testStorage(t: TestScope): Promise<TestStorage> {
  const folder = temporaryDirectory(t)
  const url = await openTestDatabaseUrl(t, { migrated: true })
  const open = async (): Promise<Database> => {
    const database =
      url === undefined
        ? await openSqlite({ path: join(folder, 'strongroom.db'), durability: 'none' })
        : await openPostgres({ url })
    t.after(() => database.close())
    await migrate(database, ['main'])
    return database
  }
  return { folder, open }
}

/** A fresh installation whose root key is a file. */
export async function testInstallation(t: TestScope) {
  const { folder, open } = await testStorage(t)
  const database = await open()
  const path = join(folder, 'root.key')
  const file = fileRootKey(path, randomBytes)
  return { folder, open, database, path, file, keyring: await openKeyring(database, [file], testOptions) }
}

/** What a fresh process finds on the disk. */
export const restart = (database: Database, path: string): Promise<LiveKeyring> =>
  loadKeyring(database, [fileRootKey(path, randomBytes)], testOptions)
