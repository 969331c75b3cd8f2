import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { Database } from './database.ts'
import {
  findApplied,
  hasTable,
  listMigrations,
  migrate,
  mustBeCurrent,
  splitScript,
  underMigrationLock,
} from './migrate.ts'
import { openPostgres } from './postgres.ts'
import { openSqlite } from './sqlite.ts'
import { openTestDatabase, openTestDatabaseUrl, temporaryDirectory } from './testing.ts'

/** Two connections, as of two processes, to one empty database. */
async function openTwice(t: TestContext): Promise<readonly [Database, Database]> {
  const url = await openTestDatabaseUrl(t)
  const path = url ?? join(temporaryDirectory(t), 'test.db')
  const open = () => (url === undefined ? openSqlite({ path, durability: 'none' }) : openPostgres({ url, poolSize: 3 }))
  const both = [await open(), await open()] as const
  t.after(() => Promise.all(both.map((database) => database.close())))
  return both
}

test('migrations are numbered from one and applied once each, in order', async (t) => {
  const database = await openTestDatabase(t)
  await migrate(database, ['main', 'audit'])
  const rows = await database.transaction('read', (tx) =>
    tx.all('SELECT set_name, number, name FROM schema_migration ORDER BY set_name DESC, number'),
  )
  const expected = (['main', 'audit'] as const).flatMap((set) =>
    listMigrations(set).map(({ number, name }) => ({ set_name: set, number, name })),
  )
  assert.deepEqual(rows, expected)
  assert.equal(listMigrations('main')[0]!.name, 'initial')
})

test('who must not change a database is told that it is of an older server', async (t) => {
  const [database] = await openTwice(t)
  await assert.rejects(mustBeCurrent(database, ['main']), { name: 'SchemaTooOldError' })
  assert.equal(await database.transaction('read', (tx) => hasTable(tx, database.dialect, 'schema_migration')), false)
  await migrate(database, ['main'])
  await mustBeCurrent(database, ['main'])
  await assert.rejects(mustBeCurrent(database, ['main', 'audit']), { name: 'SchemaTooOldError' })
})

test('processes that start at once migrate once', async (t) => {
  const [first, second] = await openTwice(t)
  await Promise.all([migrate(first, ['main', 'audit']), migrate(second, ['main', 'audit']), migrate(first, ['audit'])])
  const applied = await second.transaction('read', (tx) => findApplied(tx, 'main'))
  assert.equal(applied, listMigrations('main').length)
})

test('the migration lock keeps others out, and may be taken again by its holder', async (t) => {
  const [first, second] = await openTwice(t)
  const order: string[] = []
  const held = Promise.withResolvers<void>()
  const holding = underMigrationLock(first, async () => {
    held.resolve()
    await migrate(first, ['main'])
    await new Promise((resolve) => setTimeout(resolve, 50))
    order.push('first')
  })
  await held.promise
  await underMigrationLock(second, async () => order.push('second'))
  await holding
  assert.deepEqual(order, ['first', 'second'])
})

test('a server that is older than the schema refuses it', async (t) => {
  const database = await openTestDatabase(t)
  await database.transaction('write', (tx) => tx.run("INSERT INTO schema_migration VALUES ('audit', 999, 'future')"))
  const known = listMigrations('audit').length
  await assert.rejects(migrate(database, ['main', 'audit']), {
    name: 'SchemaTooNewError',
    message: `the schema "audit" of the database is at 999, but this server knows it only up to ${known}: run a newer server`,
  })
})

test('a process that is killed while it migrates leaves nothing half done', {
  skip: process.platform === 'win32',
}, async (t) => {
  if ((process.env.TEST_DATABASE ?? '') !== '') return t.skip('on SQLite')
  const path = join(temporaryDirectory(t), 'test.db')
  const script = `
    import { openSqlite } from '${new URL('./sqlite.ts', import.meta.url)}'
    const database = await openSqlite({ path: ${JSON.stringify(path)}, durability: 'none' })
    await database.exclusively(() => database.transaction('write', async (tx) => {
      await tx.run('CREATE TABLE half (done TEXT)')
      process.kill(process.pid, 'SIGKILL')
    }))`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'ignore' })
  await new Promise((resolve) => child.on('close', resolve))
  assert.equal(child.signalCode, 'SIGKILL')
  const database = await openSqlite({ path, durability: 'none' })
  await migrate(database, ['main'])
  const half = await database.transaction('read', (tx) => tx.get("SELECT name FROM sqlite_schema WHERE name = 'half'"))
  assert.equal(half, undefined)
  await database.close()
})

test('scripts are split at semicolons that end a statement', () => {
  const script = `-- a; comment
    CREATE TABLE a (b TEXT DEFAULT ';--'); -- more
    INSERT INTO "odd;name" VALUES ('it''s; fine', 3 - 1);
    ;
    SELECT 1`
  assert.deepEqual(splitScript(script), [
    "CREATE TABLE a (b TEXT DEFAULT ';--')",
    `INSERT INTO "odd;name" VALUES ('it''s; fine', 3 - 1)`,
    'SELECT 1',
  ])
})
