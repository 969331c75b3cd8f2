// What PostgreSQL alone does: conflicts that are retried, connections that break, servers that go away.

import assert from 'node:assert/strict'
import { connect, createServer, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { Client } from 'pg'
import { type Database, DatabaseError } from './database.ts'
import { openPostgres, type PostgresDatabase } from './postgres.ts'
import { openTestDatabaseUrl } from './testing.ts'

const options = { skip: (process.env.TEST_DATABASE ?? '') === '' && 'needs TEST_DATABASE' }

async function open(t: TestContext, url?: string): Promise<{ database: PostgresDatabase; admin: Client }> {
  const fresh = url ?? (await openTestDatabaseUrl(t))!
  const database = await openPostgres({ url: fresh, poolSize: 4 })
  const admin = new Client({ connectionString: fresh })
  admin.on('error', () => {})
  await admin.connect()
  t.after(async () => {
    await database.close()
    await admin.end()
  })
  await admin.query('CREATE TABLE IF NOT EXISTS item (key TEXT PRIMARY KEY, n BIGINT)')
  return { database, admin }
}

const count = (database: Database) =>
  database.transaction('read', async (tx) => (await tx.get<{ n: number }>('SELECT COUNT(*) AS n FROM item'))!.n)

const killOthers = (admin: Client) =>
  admin.query(
    'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()',
  )

test(
  'work is run again after a conflict, and its earlier runs are told that they were rolled back',
  options,
  async (t) => {
    const { database } = await open(t)
    await database.transaction('write', (tx) => tx.run("INSERT INTO item VALUES ('a', 0)"))
    let runs = 0
    let rolledBack = 0
    await Promise.all(
      Array.from({ length: 4 }, () =>
        database.transaction('write', async (tx) => {
          runs += 1
          tx.onRollback(() => {
            rolledBack += 1
          })
          const row = await tx.get<{ n: number }>("SELECT n FROM item WHERE key = 'a'")
          await new Promise((resolve) => setTimeout(resolve, 5))
          await tx.run("UPDATE item SET n = $1 WHERE key = 'a'", row!.n + 1)
        }),
      ),
    )
    assert.deepEqual(await database.transaction('read', (tx) => tx.get('SELECT n FROM item')), { n: 4 })
    assert.ok(runs > 4)
    assert.equal(rolledBack, runs - 4)
    assert.equal(database.stats().retries, runs - 4)
  },
)

test('work that took a key by what it had read is run again where another took it meanwhile', options, async (t) => {
  const { database, admin } = await open(t)
  await admin.query('CREATE TABLE last (n BIGINT)')
  await admin.query('INSERT INTO last VALUES (0)')
  await Promise.all(
    Array.from({ length: 8 }, () =>
      database.transaction('write', async (tx) => {
        const { n } = (await tx.get<{ n: number }>('SELECT n FROM last'))!
        await tx.run('INSERT INTO item VALUES ($1, $2)', `${n + 1}`, n + 1)
        await tx.run('UPDATE last SET n = $1', n + 1)
      }),
    ),
  )
  assert.equal(await count(database), 8)
  let runs = 0
  const blind = database.transaction('write', (tx) => {
    runs += 1
    return tx.run("INSERT INTO item VALUES ('1', 1)")
  })
  await assert.rejects(blind, { reason: 'constraint' })
  assert.equal(runs, 1)
})

test('connections that broke while they were idle are replaced without anybody noticing', options, async (t) => {
  const { database, admin } = await open(t)
  await Promise.all(Array.from({ length: 8 }, () => count(database)))
  await killOthers(admin)
  assert.deepEqual(await Promise.all([count(database), count(database)]), [0, 0])
  await killOthers(admin)
  await database.transaction('write', (tx) => tx.run("INSERT INTO item VALUES ('a', 0)"))
  assert.equal(await count(database), 1)
})

test(
  'a connection that breaks in the middle of a transaction loses none of it and doubles none of it',
  options,
  async (t) => {
    const { database, admin } = await open(t)
    let runs = 0
    await database.transaction('write', async (tx) => {
      runs += 1
      await tx.run("INSERT INTO item VALUES ('a', 0)")
      if (runs === 1) await killOthers(admin)
      await tx.run("INSERT INTO item VALUES ('b', 0)")
    })
    assert.equal(runs, 2)
    assert.equal(await count(database), 2)
  },
)

test(
  'when the connection breaks at COMMIT the outcome is unknown: work is not run again, and is told',
  options,
  async (t) => {
    const server = await openTestDatabaseUrl(t)
    const proxy = await cutAt(t, server!, 'COMMIT')
    const { admin } = await open(t, server)
    const database = await openPostgres({ url: proxy, poolSize: 2 })
    t.after(() => database.close())
    let runs = 0
    let told = 0
    const work = database.transaction('write', async (tx) => {
      runs += 1
      tx.onRollback(() => {
        told += 1
      })
      await tx.run("INSERT INTO item VALUES ('a', 0)")
    })
    await assert.rejects(work, (error: Error) => error instanceof DatabaseError && error.reason === 'unavailable')
    assert.deepEqual([runs, told], [1, 1])
    const { rows } = await admin.query('SELECT COUNT(*)::int AS n FROM item')
    assert.ok(rows[0].n === 0 || rows[0].n === 1)
  },
)

test(
  'a server that cannot be reached, a database that is not there: unavailable, in words for the operator',
  options,
  async (t) => {
    await assert.rejects(
      openPostgres({ url: 'postgres://nobody:HUSH@127.0.0.1:1/none' }),
      (error: Error) =>
        error instanceof DatabaseError &&
        error.reason === 'unavailable' &&
        /ECONNREFUSED/.test(error.message) &&
        !/HUSH/.test(error.message),
    )
    const url = new URL((await openTestDatabaseUrl(t))!)
    url.pathname = '/no_such_database'
    await assert.rejects(
      openPostgres({ url: url.href }),
      (error: Error) =>
        error instanceof DatabaseError && error.reason === 'unavailable' && /no_such_database/.test(error.message),
    )
  },
)

test('who waits for a connection too long is refused, and no transaction of his is begun', options, async (t) => {
  const database = await openPostgres({ url: (await openTestDatabaseUrl(t))!, poolSize: 1, waitMs: 20 })
  const { promise, resolve } = Promise.withResolvers<void>()
  const holding = database.transaction('read', async (tx) => {
    await tx.get('SELECT 1 AS one')
    await promise
  })
  let begun = false
  const waiting = database.transaction('read', async () => {
    begun = true
  })
  await assert.rejects(waiting, { reason: 'unavailable', message: 'no connection was free for 20 ms' })
  assert.equal(database.stats().waiting, 0)
  resolve()
  await holding
  assert.deepEqual(await database.transaction('read', (tx) => tx.get('SELECT 1 AS one')), { one: 1 })
  assert.equal(begun, false)
  await database.close()
})

test('statements prepared before a change of the schema go on working after it', options, async (t) => {
  const { database, admin } = await open(t)
  const all = () => database.transaction('read', (tx) => tx.all('SELECT * FROM item'))
  await database.transaction('write', (tx) => tx.run("INSERT INTO item VALUES ('a', 1)"))
  for (let i = 0; i < 3; i++) assert.deepEqual(await all(), [{ key: 'a', n: 1 }])
  await admin.query('ALTER TABLE item ADD COLUMN more BIGINT DEFAULT 5')
  assert.deepEqual(await all(), [{ key: 'a', n: 1, more: 5 }])
})

test('a table that has to be read whole is read at once: no statement is compiled first', options, async (t) => {
  const { database } = await open(t)
  const explained = await database.transaction('read', (tx) =>
    tx.all('EXPLAIN (ANALYZE) SELECT key FROM item WHERE n = 1'),
  )
  const lines = explained.map((row) => Object.values(row as object).join())
  assert.match(lines[0]!, /^Seq Scan on item/)
  assert.ok(!lines.some((line) => line.startsWith('JIT')), lines.join('\n'))
})

/** A proxy that breaks the connection as soon as the client says `word`, before the server hears it. @returns its URL */
async function cutAt(t: TestContext, server: string, word: string): Promise<string> {
  const target = new URL(server)
  const directory = target.searchParams.get('host')
  const sockets = new Set<Socket>()
  const proxy = createServer((client) => {
    const upstream =
      directory === null
        ? connect(Number(target.port || 5432), target.hostname)
        : connect(`${directory}/.s.PGSQL.${target.port || 5432}`)
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', () => {})
    }
    client.on('data', (data) => {
      if (data.includes(word)) {
        client.destroy()
        upstream.destroy()
      } else upstream.write(data)
    })
    upstream.pipe(client)
  })
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    proxy.close()
  })
  const url = new URL(server)
  url.searchParams.delete('host')
  url.hostname = '127.0.0.1'
  url.port = String((proxy.address() as { port: number }).port)
  return url.href
}
