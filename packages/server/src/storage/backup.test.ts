import assert from 'node:assert/strict'
import { readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { BackupError, backup, backupSqlite, restore } from './backup.ts'
import type { Database } from './database.ts'
import { migrate } from './migrate.ts'
import { openPostgres } from './postgres.ts'
import { openSqlite } from './sqlite.ts'
import { openTestDatabase, openTestDatabaseUrl, temporaryDirectory } from './testing.ts'

async function openEmpty(t: TestContext): Promise<Database> {
  const url = await openTestDatabaseUrl(t)
  const database =
    url === undefined
      ? await openSqlite({ path: join(temporaryDirectory(t), 'empty.db'), durability: 'none' })
      : await openPostgres({ url })
  t.after(() => database.close())
  return database
}

const body = Uint8Array.from({ length: 300 }, (_, i) => i)

async function fill(database: Database, rows: number): Promise<void> {
  await database.transaction('write', async (tx) => {
    for (let i = 0; i < rows; i++) {
      void tx.run(
        'INSERT INTO setting (name, rev, body, mac) VALUES ($1, $2, $3, $4)',
        `näme ${i}`,
        2n ** 53n + BigInt(i),
        body,
        body,
      )
    }
    void tx.run(
      "INSERT INTO quota_usage (account_id, region, resource, used) VALUES ('1', 'r', 'a', 1), ('1', 'r', 'b', 2)",
    )
  })
  await addBlock(database, 'main', 1)
}

const addBlock = (database: Database, chain: string, seq: number) =>
  database.transaction('write', (tx) =>
    tx.run(
      'INSERT INTO audit_block (chain, seq, first_time, last_time, events, body, mac) VALUES ($1, $2, 1, 2, 3, $3, $3)',
      chain,
      seq,
      body,
    ),
  )

const contents = (database: Database) =>
  database.transaction('read', async (tx) => ({
    settings: await tx.all('SELECT name, rev, body, mac FROM setting ORDER BY name'),
    usage: await tx.all('SELECT account_id, region, resource, used FROM quota_usage ORDER BY resource'),
    blocks: await tx.all('SELECT chain, seq, events, body FROM audit_block ORDER BY chain, seq'),
    migrations: await tx.all('SELECT set_name, number, name FROM schema_migration ORDER BY set_name, number'),
  }))

test('what was backed up while it was used is restored whole', async (t) => {
  const directory = temporaryDirectory(t)
  const file = join(directory, 'backup.db')
  const source = await openTestDatabase(t)
  const trail = await openTestDatabase(t, { testDatabaseUrl: '', sets: ['audit'] })
  await fill(source, 450)
  await addBlock(trail, 'worker 0', 1)
  const before = await contents(source)

  let writing = true
  const writes = (async () => {
    for (let i = 0; writing; i++) await addBlock(source, 'later', i)
  })()
  await backup([source, trail], file)
  writing = false
  await writes

  assert.equal(statSync(file).mode & 0o777, 0o600)
  assert.deepEqual(readdirSync(directory), ['backup.db'])
  const target = await openEmpty(t)
  await restore(file, [{ database: target, sets: ['main', 'audit'] }])
  const after = await contents(target)
  assert.equal(after.settings.length, 450)
  assert.deepEqual(
    { ...after, blocks: after.blocks.filter((block) => (block as { chain: string }).chain !== 'later') },
    { ...before, blocks: [...before.blocks, { chain: 'worker 0', seq: 1, events: 3, body }] },
  )
  assert.deepEqual(readdirSync(directory), ['backup.db'])
})

test('a restored database takes writes and a second restore is refused', async (t) => {
  const file = join(temporaryDirectory(t), 'backup.db')
  const source = await openTestDatabase(t)
  await fill(source, 1)
  await backup([source], file)
  const target = await openEmpty(t)
  await restore(file, [{ database: target, sets: ['main', 'audit'] }])
  await addBlock(target, 'new', 1)
  const before = await contents(target)
  await assert.rejects(restore(file, [{ database: target, sets: ['main', 'audit'] }]), (error: Error) => {
    assert.ok(error instanceof BackupError)
    assert.match(error.message, /is not empty: it has rows in setting$/)
    return true
  })
  assert.deepEqual(await contents(target), before)
})

test('a backup of SQLite and a restore into two databases put each table where its schema is', async (t) => {
  const directory = temporaryDirectory(t)
  const file = join(directory, 'backup.db')
  const main = await openTestDatabase(t, { testDatabaseUrl: '', sets: ['main'] })
  const trail = await openTestDatabase(t, { testDatabaseUrl: '', sets: ['audit'] })
  await main.transaction('write', (tx) =>
    tx.run("INSERT INTO quota_usage (account_id, region, resource, used) VALUES ('1', 'r', 'a', 1)"),
  )
  await addBlock(trail, 'worker 0', 1)
  await backup([main, trail], file)
  const open = (name: string) => openSqlite({ path: join(directory, name), durability: 'none' })
  const [newMain, newTrail] = [await open('main.db'), await open('trail.db')]
  t.after(() => Promise.all([newMain.close(), newTrail.close()]))
  await restore(file, [
    { database: newMain, sets: ['main'] },
    { database: newTrail, sets: ['audit'] },
  ])
  const count = (database: Database, table: string) =>
    database.transaction('read', (tx) => tx.get(`SELECT COUNT(*) AS count FROM ${table}`))
  assert.deepEqual(await count(newMain, 'quota_usage'), { count: 1 })
  assert.deepEqual(await count(newTrail, 'audit_block'), { count: 1 })
})

test('nothing is overwritten, and what is no backup is refused', async (t) => {
  const directory = temporaryDirectory(t)
  const taken = join(directory, 'taken')
  writeFileSync(taken, 'something dear')
  const source = await openTestDatabase(t)
  await assert.rejects(backup([source], taken), { name: 'BackupError', message: `${taken} exists already` })
  await assert.rejects(restore(taken, [{ database: await openEmpty(t), sets: ['main'] }]), { name: 'BackupError' })
  await assert.rejects(restore(join(directory, 'none'), []), { name: 'BackupError', message: /^there is no backup at/ })
  await assert.rejects(backupSqlite(join(directory, 'none'), join(directory, 'new')), { name: 'BackupError' })
  assert.deepEqual(readdirSync(directory), ['taken'])
})

test('a SQLite file is copied as it was at one moment while transactions go on', async (t) => {
  const directory = temporaryDirectory(t)
  const path = join(directory, 'live.db')
  const live = await openSqlite({ path, durability: 'none' })
  await live.transaction('write', async (tx) => {
    await tx.run('CREATE TABLE pair (key TEXT PRIMARY KEY, n BIGINT NOT NULL, filler BLOB NOT NULL)')
    for (let i = 0; i < 2_000; i++)
      void tx.run('INSERT INTO pair VALUES ($1, 0, $2)', `key ${i}`, new Uint8Array(2_000))
  })
  let copying = true
  const writes = (async () => {
    for (let n = 1; copying; n++) await live.transaction('write', (tx) => tx.run('UPDATE pair SET n = $1', n))
    return live.stats().commits
  })()
  await backupSqlite(path, join(directory, 'copy.db'))
  copying = false
  assert.ok((await writes) > 2)
  await live.close()
  const copy = await openSqlite({ path: join(directory, 'copy.db'), durability: 'none' })
  const row = await copy.transaction('read', (tx) =>
    tx.get<{ rows: number; states: number }>('SELECT COUNT(*) AS rows, COUNT(DISTINCT n) AS states FROM pair'),
  )
  assert.deepEqual(row, { rows: 2_000, states: 1 })
  await copy.close()
})

test('a backup of a newer server is refused in one line', async (t) => {
  const directory = temporaryDirectory(t)
  const path = join(directory, 'new.db')
  const newer = await openSqlite({ path, durability: 'none' })
  await migrate(newer, ['main'])
  await newer.transaction('write', (tx) => tx.run("INSERT INTO schema_migration VALUES ('main', 999, 'future')"))
  await newer.close()
  await assert.rejects(restore(path, [{ database: await openEmpty(t), sets: ['main'] }]), {
    name: 'SchemaTooNewError',
    message: /"main" of the database is at 999, but this server knows it only up to \d+/,
  })
})
