import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type TestContext, test } from 'node:test'
import { DatabaseError } from './database.ts'
import { openSqlite, type SqliteDatabase, type SqliteOptions } from './sqlite.ts'
import { temporaryDirectory } from './testing.ts'

async function open(t: TestContext, options: Partial<SqliteOptions> = {}): Promise<SqliteDatabase> {
  const path = join(temporaryDirectory(t), 'test.db')
  const database = await openSqlite({ path, durability: 'interval', ...options })
  t.after(() => database.close())
  await database.transaction('write', (tx) =>
    tx.run('CREATE TABLE IF NOT EXISTS item (key TEXT PRIMARY KEY, n BIGINT)'),
  )
  return database
}

const add = (database: SqliteDatabase, key: string) =>
  database.transaction('write', (tx) => tx.run('INSERT INTO item (key, n) VALUES ($1, 0)', key))

async function count(database: SqliteDatabase): Promise<number> {
  const row = await database.transaction('read', (tx) =>
    tx.get<{ count: number }>('SELECT COUNT(*) AS count FROM item'),
  )
  return row!.count
}

/** A process that runs `body` with `database` open on the same file. */
function inProcess(t: TestContext, path: string, durability: string, body: string): ChildProcess {
  const script = `
    import { openSqlite } from '${new URL('./sqlite.ts', import.meta.url)}'
    const database = await openSqlite({ path: ${JSON.stringify(path)}, durability: '${durability}' })
    ${body}`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.after(() => child.kill('SIGKILL'))
  return child
}

test('writes that wait together are committed together, and alone when they come alone', async (t) => {
  const database = await open(t, { durability: 'commit' })
  const before = database.stats()
  await Promise.all(Array.from({ length: 200 }, (_, i) => add(database, `crowd ${i}`)))
  const crowd = database.stats()
  assert.equal(crowd.transactions - before.transactions, 200)
  assert.ok(crowd.commits - before.commits <= 20, `${crowd.commits - before.commits} commits`)
  for (let i = 0; i < 5; i++) await add(database, `alone ${i}`)
  assert.equal(database.stats().commits - crowd.commits, 5)
})

test('a transaction without statements, and one that rejects, cost no commit', async (t) => {
  const database = await open(t)
  const { commits } = database.stats()
  assert.equal(await database.transaction('write', async () => 7), 7)
  const rejected = database.transaction('write', async (tx) => {
    await tx.run("INSERT INTO item (key) VALUES ('a')")
    throw new Error('gave up')
  })
  await assert.rejects(rejected, /gave up/)
  assert.equal(database.stats().commits, commits)
  assert.equal(await count(database), 0)
})

test('the snapshot number and the rows belong together, whichever is asked first and whoever writes in between', async (t) => {
  const database = await open(t)
  await add(database, 'a')
  const other = new DatabaseSync(database.path)
  t.after(() => other.close())
  const write = (n: number) => other.prepare('UPDATE item SET n = ?').run(n)
  const read = () =>
    database.transaction('read', async (tx) => [tx.snapshot, (await tx.get<{ n: number }>('SELECT n FROM item'))!.n])

  write(1)
  const [first] = await read()
  write(2)
  let runs = 0
  const together = await database.transaction('read', async (tx) => {
    const number = tx.snapshot
    assert.notEqual(number, first)
    if (++runs === 1) write(3) // after the number, before the first row: the work runs again
    const row = await tx.get<{ n: number }>('SELECT n FROM item')
    assert.equal(tx.snapshot, number)
    return [number, row!.n]
  })
  assert.equal(runs, 2)
  assert.deepEqual(await read(), together)
  const [third, three] = await read()
  assert.equal(three, 3)
  await database.transaction('read', async (tx) => {
    assert.equal(tx.snapshot, third)
    assert.deepEqual(await tx.get('SELECT n FROM item'), { n: 3 })
    write(4) // after the row
    assert.deepEqual(await tx.get('SELECT n FROM item'), { n: 3 })
    assert.equal(tx.snapshot, third)
  })
  const [fourth, four] = await read()
  assert.equal(four, 4)
  assert.notEqual(fourth, third)
  assert.deepEqual(await read(), [fourth, 4])
})

test('reads beyond the connections wait at their first statement; the number needs no connection', async (t) => {
  const database = await open(t, { readConnections: 2 })
  await add(database, 'a')
  const numbers: (number | undefined)[] = []
  let rows = 0
  const { promise: gate, resolve } = Promise.withResolvers<void>()
  const reads = Array.from({ length: 4 }, () =>
    database.transaction('read', async (tx) => {
      numbers.push(tx.snapshot)
      await tx.get('SELECT n FROM item')
      rows += 1
      await gate
    }),
  )
  await new Promise(setImmediate)
  assert.deepEqual([rows, database.stats().waitingReads], [2, 2])
  assert.equal(typeof numbers[0], 'number')
  assert.deepEqual(numbers, Array(4).fill(numbers[0]))
  resolve()
  await Promise.all(reads)
  assert.equal(rows, 4)
})

test('a number asked for only after a statement is not told, for nobody knows that it is that of the rows', async (t) => {
  const database = await open(t)
  await database.transaction('read', async (tx) => {
    await tx.get('SELECT n FROM item')
    assert.equal(tx.snapshot, undefined)
  })
})

test('the queue of writes is bounded', async (t) => {
  const database = await open(t)
  const { promise: gate, resolve } = Promise.withResolvers<void>()
  const first = database.transaction('write', () => gate)
  await new Promise(setImmediate)
  const waiting = Array.from({ length: 5_000 }, () => database.transaction('write', async () => {}))
  const outcomes = Promise.allSettled(waiting)
  resolve()
  const refused = (await outcomes).flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []))
  await first
  assert.ok(refused.length >= 5_000 - 4_096 && refused.length <= 5_000 - 4_095, `${refused.length}`)
  assert.ok(refused.every((error) => error instanceof DatabaseError && error.reason === 'unavailable'))
})

test('the event loop turns while a long group is committed', async (t) => {
  const database = await open(t, { durability: 'commit' })
  let turns = 0
  const timer = setInterval(() => turns++, 1)
  await Promise.all(Array.from({ length: 2_000 }, (_, i) => add(database, `key ${i}`)))
  clearInterval(timer)
  assert.ok(turns >= 5, `${turns} turns`)
})

test('several processes write to one file: every increment counts, and none starves', async (t) => {
  const database = await open(t)
  await add(database, 'counter')
  const increments = `
    const increment = () => database.transaction('write', async (tx) => {
      const row = await tx.get("SELECT n FROM item WHERE key = 'counter'")
      await tx.run("UPDATE item SET n = $1 WHERE key = 'counter'", row.n + 1)
    })
    await Promise.all(Array.from({ length: 4 }, async () => { for (let i = 0; i < 50; i++) await increment() }))
    await database.close()`
  const children = [1, 2].map(() => inProcess(t, database.path, 'interval', increments))
  const ended = Promise.all(children.map((child) => once(child, 'close')))
  const increment = () =>
    database.transaction('write', (tx) => tx.run("UPDATE item SET n = n + 1 WHERE key = 'counter'"))
  for (let i = 0; i < 100; i++) await increment()
  assert.deepEqual(await ended, [
    [0, null],
    [0, null],
  ])
  assert.deepEqual(await database.transaction('read', (tx) => tx.get('SELECT n FROM item')), { n: 500 })
})

test('a write waits for the transaction of another process without holding up the event loop', async (t) => {
  const database = await open(t)
  const other = new DatabaseSync(database.path)
  t.after(() => other.close())
  other.exec('BEGIN IMMEDIATE')
  const written = add(database, 'a')
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setTimeout(resolve, 5))
  assert.equal(await count(database), 0)
  other.exec('COMMIT')
  await written
  assert.equal(await count(database), 1)
})

for (const durability of ['commit', 'interval']) {
  test(`durability ${durability}: what was acknowledged survives kill -9`, async (t) => {
    const database = await open(t)
    const body = `
      for (let i = 0; ; i++) {
        await Promise.all([0, 1, 2].map((part) =>
          database.transaction('write', (tx) => tx.run('INSERT INTO item (key, n) VALUES ($1, 1)', i + ' ' + part))))
        process.stdout.write(i + '\\n')
      }`
    const child = inProcess(t, database.path, durability, body)
    let output = ''
    child.stdout!.setEncoding('utf8').on('data', (text) => {
      output += text
      if (output.split('\n').length > 40) child.kill('SIGKILL')
    })
    await once(child, 'close')
    const acknowledged = output.slice(0, output.lastIndexOf('\n')).split('\n').length
    assert.ok(acknowledged >= 40)
    const rows = await count(database)
    assert.ok(rows >= acknowledged * 3, `${rows} rows for ${acknowledged} acknowledged times three`)
  })
}

test('the log is checkpointed while transactions go on, and gone after close', async (t) => {
  const path = join(temporaryDirectory(t), 'test.db')
  const database = await openSqlite({ path, durability: 'none' })
  await database.transaction('write', (tx) => tx.run('CREATE TABLE item (key BIGINT PRIMARY KEY, body BLOB)'))
  const body = new Uint8Array(100_000)
  for (let i = 0; i < 1_000; i++) {
    await database.transaction('write', (tx) => tx.run('INSERT INTO item VALUES ($1, $2)', i, body))
  }
  const size = () => statSync(`${path}-wal`).size
  const deadline = performance.now() + 60_000
  while (size() > 70_000_000 && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 20))
  assert.ok(size() <= 70_000_000, `the log holds ${size()} bytes`)
  assert.ok(statSync(path).size > 30_000_000, `the database holds ${statSync(path).size} bytes`)
  await database.close()
  assert.deepEqual(readdirSync(join(path, '..')), ['test.db'])
  assert.equal(statSync(path).mode & 0o777, 0o600)
})

test('an interval database syncs its log soon after a commit, without harm to the locks on the database', async (t) => {
  const database = await open(t)
  await add(database, 'a')
  await new Promise((resolve) => setTimeout(resolve, 60)) // the log was opened and synced
  await database.transaction('write', async (tx) => {
    await tx.run("INSERT INTO item (key) VALUES ('b')")
    // Locks that were dropped would let another process write now.
    const other = inProcess(
      t,
      database.path,
      'interval',
      `
      const late = setTimeout(() => process.exit(3), 300)
      await database.transaction('write', (tx) => tx.run("DELETE FROM item"))
      clearTimeout(late); process.exit(4)`,
    )
    assert.deepEqual(await once(other, 'close'), [3, null])
  })
  assert.equal(await count(database), 2)
})

test('what is no database is refused', async (t) => {
  const path = join(temporaryDirectory(t), 'test.db')
  writeFileSync(path, 'x'.repeat(8192))
  await assert.rejects(
    openSqlite({ path, durability: 'none' }),
    (error: Error) => error instanceof DatabaseError && error.reason === 'corrupt',
  )
  await assert.rejects(
    openSqlite({ path: join(path, 'below'), durability: 'none' }),
    (error: Error) => error instanceof DatabaseError && error.reason === 'unavailable',
  )
  assert.ok(!existsSync(`${path}-wal`))
})
