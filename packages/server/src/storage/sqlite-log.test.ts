import assert from 'node:assert/strict'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type TestContext, test } from 'node:test'
import { endCheckpoints } from './sqlite-checkpoint.ts'
import { LogSync } from './sqlite-log.ts'
import { temporaryDirectory } from './testing.ts'

/** A database with something in its log, and a disk whose syncs go as the test wants. */
function open(t: TestContext) {
  const path = join(temporaryDirectory(t), 'test.db')
  const database = new DatabaseSync(path)
  t.after(async () => {
    await log.close()
    database.close()
    await endCheckpoints(path)
  })
  database.exec('PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; CREATE TABLE item (n)')
  const disk = { syncs: 0, failure: undefined as Error | undefined, release: Promise.resolve() }
  let version = 1
  const log = new LogSync(
    path,
    () => version,
    undefined,
    async () => {
      disk.syncs += 1
      await disk.release
      if (disk.failure) throw disk.failure
    },
  )
  const commit = () => {
    database.exec('INSERT INTO item VALUES (1)')
    version += 1
    return version
  }
  return { database, disk, log, commit }
}

test('one sync serves all that was committed before it began, and those that came during it share the next', async (t) => {
  const { disk, log, commit } = open(t)
  const { promise, resolve } = Promise.withResolvers<void>()
  disk.release = promise
  const first = commit()
  const syncs = [log.sync()]
  while (disk.syncs === 0) await new Promise(setImmediate)
  syncs.push(log.sync())
  const second = commit()
  syncs.push(log.sync(), log.sync())
  resolve()
  await syncs[0]
  assert.deepEqual([log.holds(first), log.holds(second)], [true, false])
  await Promise.all(syncs)
  assert.equal(log.holds(second), true)
  assert.equal(disk.syncs, 2)
})

test('after a failed sync nothing is held until the whole log was copied into the database', async (t) => {
  const { database, disk, log, commit } = open(t)
  const version = commit()
  disk.failure = Object.assign(new Error('io'), { code: 'EIO' })
  await assert.rejects(log.sync(), { name: 'DatabaseError', reason: 'unavailable', message: /EIO/ })
  assert.equal(log.holds(version), false)

  // A reader keeps the log from being copied whole: not sound yet, though the disk works again.
  disk.failure = undefined
  const reader = new DatabaseSync(database.location()!)
  reader.exec('BEGIN')
  reader.prepare('SELECT * FROM item').all()
  commit()
  await assert.rejects(log.mustBeSound(), { reason: 'unavailable' })
  await assert.rejects(log.sync(), { reason: 'unavailable' })
  reader.close()

  await log.sync()
  assert.equal(log.holds(version + 1), true)
  await log.mustBeSound()
})
