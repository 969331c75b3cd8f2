// What is done with the data of a server while none runs on it.

import { reportOf, verifyTrail } from './audit/verify.ts'
import { systemClock } from './clock.ts'
import type { Config } from './config.ts'
import { systemRandomBytes as randomBytes } from './crypto/aead.ts'
import { holdDataDirectory, prepareDataDirectory } from './data-directory.ts'
import { mustHoldDatabase, openMainDatabase, openTrail } from './databases.ts'
import { closeMemory } from './memory.ts'
import { createLogger } from './observe/log.ts'
import { loadKeyring } from './seal/lifecycle.ts'
import { rootKeyAt } from './seal/place.ts'
import { restore } from './storage/backup.ts'

/**
 * `strongroom restore FILE`: fills the empty database of a data directory that no server holds.
 * @throws what isForOperator knows
 */
export async function restoreOffline(config: Config, file: string): Promise<object> {
  await using work = new AsyncDisposableStack()
  process.umask(0o077)
  prepareDataDirectory(config.dataDir)
  const lock = await holdDataDirectory(config.dataDir)
  work.defer(() => lock.release())
  const database = await openMainDatabase(config, createLogger(config.logLevel))
  work.defer(() => database.close())
  await restore(file, [{ database, sets: ['main', 'audit'] }])
  return { restored: file, rootKey: config.rootKeys.map(({ file, rootKey }) => file || rootKey).join(', ') }
}

/**
 * `strongroom audit verify` where no server runs. On PostgreSQL others may: nothing is changed.
 * @throws what isForOperator knows
 */
export async function verifyOffline(config: Config): Promise<object> {
  await using work = new AsyncDisposableStack()
  process.umask(0o077)
  await closeMemory()
  if (config.database === '') {
    mustHoldDatabase(config)
    const lock = await holdDataDirectory(config.dataDir)
    work.defer(() => lock.release())
  }
  const databases = await openTrail(config, createLogger(config.logLevel))
  work.defer(() => databases.close())
  const options = { wallNow: systemClock.wallNow, randomBytes }
  const keyring = await loadKeyring(
    databases.main,
    config.rootKeys.map((place) => rootKeyAt(place, randomBytes)),
    options,
  )
  return reportOf(await verifyTrail(databases.trail, keyring))
}
