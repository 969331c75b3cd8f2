import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Lru, SnapshotCache } from './cache.ts'
import type { Database } from './database.ts'
import { openTestDatabase } from './testing.ts'

test('an LRU forgets what was used least recently, and holds no more than it may', () => {
  const cache = new Lru<string, number>(2)
  cache.set('a', 1)
  cache.set('b', 2)
  assert.equal(cache.get('a'), 1)
  cache.set('c', 3)
  assert.deepEqual([cache.get('a'), cache.get('b'), cache.get('c')], [1, undefined, 3])
  cache.set('a', 4)
  assert.deepEqual([cache.size, cache.get('a')], [2, 4])
  cache.delete('a')
  cache.delete('none')
  assert.deepEqual([cache.size, cache.get('a')], [1, undefined])
  cache.set('b', 5)
  cache.set('c', 6)
  cache.deleteWhere((value) => value === 5)
  assert.deepEqual([cache.size, cache.get('b'), cache.get('c')], [1, undefined, 6])
  cache.clear()
  assert.equal(cache.size, 0)
})

type Usage = { readonly used: number }

const write = (database: Database, used: number) =>
  database.transaction('write', (tx) =>
    tx.run(
      `INSERT INTO quota_usage (account_id, region, resource, used) VALUES ('1', 'r', 'a', $1)
       ON CONFLICT (account_id, region, resource) DO UPDATE SET used = excluded.used`,
      used,
    ),
  )

test('a snapshot cache never answers with what was read before a commit, and reads once between commits', async (t) => {
  const database = await openTestDatabase(t)
  const cache = new SnapshotCache<Usage>(10)
  let loads = 0
  const read = () =>
    database.transaction('read', async (tx) =>
      cache.read(tx, 'a', () => {
        loads += 1
        return tx.get<Usage>('SELECT used FROM quota_usage')
      }),
    )
  assert.equal(await read(), undefined)
  for (let used = 1; used <= 5; used++) {
    await write(database, used)
    loads = 0
    assert.deepEqual(await read(), { used })
    assert.deepEqual(await read(), { used })
    assert.deepEqual(await read(), { used })
    assert.equal(loads, database.dialect === 'sqlite' ? 1 : 3)
  }
})

test('a snapshot cache remembers that there was nothing', async (t) => {
  const database = await openTestDatabase(t)
  const cache = new SnapshotCache<Usage>(10)
  let loads = 0
  const read = () =>
    database.transaction('read', async (tx) =>
      cache.read(tx, 'none', async () => {
        loads += 1
        return undefined
      }),
    )
  await read()
  await read()
  assert.equal(loads, database.dialect === 'sqlite' ? 1 : 2)
})

test('in a write the cache is not asked, so that the transaction sees its own changes', async (t) => {
  const database = await openTestDatabase(t)
  const cache = new SnapshotCache<Usage>(10)
  await write(database, 1)
  const select = 'SELECT used FROM quota_usage'
  await database.transaction('read', async (tx) => cache.read(tx, 'a', () => tx.get<Usage>(select)))
  await database
    .transaction('write', async (tx) => {
      await tx.run('UPDATE quota_usage SET used = 2')
      assert.deepEqual(await cache.read(tx, 'a', () => tx.get<Usage>(select)), { used: 2 })
      throw new Error('undo')
    })
    .catch((error: Error) => assert.equal(error.message, 'undo'))
  const row = await database.transaction('read', async (tx) => cache.read(tx, 'a', () => tx.get<Usage>(select)))
  assert.deepEqual(row, { used: 1 })
})
