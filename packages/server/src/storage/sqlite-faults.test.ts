// What disks do: they fill up and become read-only. A small tmpfs stands for them, where we may mount one.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type Database, DatabaseError } from './database.ts'
import { openSqlite } from './sqlite.ts'

/** Of 8 MB; undefined where this system does not let us. */
function mountDisk(t: TestContext): string | undefined {
  const directory = mkdtempSync(join(tmpdir(), 'strongroom-disk-'))
  const mounted = mount('-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', directory)
  t.after(() => {
    if (mounted) execFileSync('umount', [directory])
    rmdirSync(directory)
  })
  return mounted ? directory : undefined
}

function mount(...options: readonly string[]): boolean {
  try {
    execFileSync('mount', options, { stdio: 'ignore' })
    return true
  } catch {
    return false // not root, or no such thing here
  }
}

const insert = (database: Database, key: string, size: number) =>
  database.transaction('write', async (tx) => {
    await tx.run('INSERT INTO item (key, body) VALUES ($1, $2)', key, new Uint8Array(size))
    return key
  })

const keys = async (database: Database) => {
  const rows = await database.transaction('read', (tx) => tx.all<{ key: string }>('SELECT key FROM item ORDER BY key'))
  return rows.map(({ key }) => key)
}

for (const durability of ['commit', 'interval'] as const) {
  test(`${durability}: on a full disk writes fail for that reason, reads go on, and writes do again once there is room`, async (t) => {
    const disk = mountDisk(t)
    if (disk === undefined) return t.skip('no disk can be mounted here')
    const database = await openSqlite({ path: join(disk, 'test.db'), durability })
    try {
      await database.transaction('write', (tx) => tx.run('CREATE TABLE item (key TEXT PRIMARY KEY, body BLOB)'))
      await insert(database, 'before', 1_000)
      const { bavail, bsize } = statfsSync(disk)
      const ballast = join(disk, 'ballast')
      writeFileSync(ballast, new Uint8Array(bavail * bsize - 600_000))

      const told: string[] = []
      const acknowledged: string[] = []
      const errors: unknown[] = []
      for (let round = 0; round < 4; round++) {
        const attempts = Array.from({ length: 10 }, async (_, i) => {
          const key = `key ${round}.${i}`
          try {
            await database.transaction('write', async (tx) => {
              tx.onRollback(() => told.push(key))
              await tx.run('INSERT INTO item (key, body) VALUES ($1, $2)', key, new Uint8Array(40_000))
            })
            acknowledged.push(key)
          } catch (error) {
            errors.push(error)
          }
        })
        await Promise.all(attempts)
      }
      assert.ok(errors.length > 0)
      for (const error of errors) {
        assert.ok(error instanceof DatabaseError, String(error))
        assert.equal(error.reason, 'full', error.message)
      }
      assert.equal(told.length, errors.length)
      assert.deepEqual(await keys(database), ['before', ...acknowledged].toSorted())

      rmSync(ballast)
      await insert(database, 'zz after', 500_000)
      assert.deepEqual(await keys(database), ['before', ...acknowledged, 'zz after'].toSorted())
    } finally {
      await database.close()
    }
    const again = await openSqlite({ path: join(disk, 'test.db'), durability })
    assert.ok((await keys(again)).includes('zz after'))
    await again.close()
  })
}

test('a statement that fills the disk takes its whole group with it, and the next group works', async (t) => {
  const disk = mountDisk(t)
  if (disk === undefined) return t.skip('no disk can be mounted here')
  const database = await openSqlite({ path: join(disk, 'test.db'), durability: 'commit' })
  await database.transaction('write', (tx) => tx.run('CREATE TABLE item (key TEXT PRIMARY KEY, body BLOB)'))
  const outcomes = await Promise.allSettled([
    insert(database, 'small', 10),
    // More than the cache holds: pages are written out before the commit.
    database.transaction('write', async (tx) => {
      for (let i = 0; i < 40; i++)
        await tx.run('INSERT INTO item VALUES ($1, $2)', `large ${i}`, new Uint8Array(1_000_000))
    }),
  ])
  for (const outcome of outcomes) {
    assert.equal(outcome.status, 'rejected')
    assert.equal(outcome.reason.reason, 'full', outcome.reason.message)
  }
  assert.deepEqual(await keys(database), [])
  await insert(database, 'next', 10)
  assert.deepEqual(await keys(database), ['next'])
  await database.close()
})

test('on a read-only disk writes are refused for that reason and reads are answered', async (t) => {
  const disk = mountDisk(t)
  if (disk === undefined) return t.skip('no disk can be mounted here')
  const keeper = await openSqlite({ path: join(disk, 'test.db'), durability: 'none' })
  await keeper.transaction('write', (tx) => tx.run('CREATE TABLE item (key TEXT PRIMARY KEY, body BLOB)'))
  await insert(keeper, 'before', 10)
  const readOnly = mkdtempSync(join(tmpdir(), 'strongroom-disk-'))
  assert.ok(mount('--bind', disk, readOnly) && mount('-o', 'remount,bind,ro', readOnly))
  try {
    const database = await openSqlite({ path: join(readOnly, 'test.db'), durability: 'commit' })
    assert.deepEqual(await keys(database), ['before'])
    await assert.rejects(insert(database, 'after', 10), (error: Error) => {
      assert.ok(error instanceof DatabaseError, String(error))
      assert.equal(error.reason, 'readonly', error.message)
      return true
    })
    assert.deepEqual(await keys(database), ['before'])
    await database.close()
    await assert.rejects(
      openSqlite({ path: join(readOnly, 'new.db'), durability: 'commit' }),
      (error: Error) => error instanceof DatabaseError && error.reason === 'readonly',
    )
  } finally {
    await keeper.close() // first: while it holds locks on the same file, SQLite keeps the other descriptors open
    execFileSync('umount', [readOnly])
    rmdirSync(readOnly)
  }
})
