// What every database must do, whichever it is: the tests behind the interface in database.ts.

import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { type Database, DatabaseError, type DatabaseFailure, type Transaction } from './database.ts'
import { runScript } from './migrate.ts'

type Test = (name: string, work: (t: TestContext) => Promise<void>) => unknown

/** `open` gives a fresh, empty database that ends with the test. */
export function exerciseDatabase(test: Test, open: (t: TestContext) => Promise<Database>): void {
  const withTables = async (t: TestContext): Promise<Database> => {
    const database = await open(t)
    await database.transaction('write', (tx) => runScript(tx, database.dialect, TABLES))
    return database
  }

  test('values come back as they were stored, integers beyond 2^53 as BigInt', async (t) => {
    const database = await withTables(t)
    const bytes = Uint8Array.from({ length: 256 }, (_, i) => i)
    const cases: readonly (readonly [string, number | bigint | null, Uint8Array | null, string | null])[] = [
      ['zero', 0, new Uint8Array(0), ''],
      ['null', null, null, null],
      ['safe', Number.MAX_SAFE_INTEGER, bytes, 'äöü € 𝄞 \u{10FFFF}'],
      ['negative', -Number.MAX_SAFE_INTEGER, bytes.subarray(10, 20), '\'"\\%_\n\t\u0001'],
      ['beyond', 2n ** 53n, bytes, '$1 ?1'],
      ['largest', 2n ** 63n - 1n, bytes, 'x'.repeat(70_000)],
      ['smallest', -(2n ** 63n), Buffer.alloc(70_000, 7), '-- /* ;'],
    ]
    for (const [key, n, body, note] of cases) {
      await database.transaction('write', async (tx) => {
        await tx.run('INSERT INTO item (key, n, body, note) VALUES ($1, $2, $3, $4)', key, n, body, note)
        const row = await tx.get('SELECT n, body, note FROM item WHERE key = $1', key)
        assert.deepEqual(row, { n, body: body && new Uint8Array(body), note }, `${key} in its own transaction`)
      })
      const row = await database.transaction('read', (tx) =>
        tx.get('SELECT n, body, note FROM item WHERE key = $1', key),
      )
      assert.deepEqual(row, { n, body: body && new Uint8Array(body), note }, key)
    }
    const rows = await database.transaction('read', (tx) =>
      tx.all<{ n: unknown }>('SELECT n FROM item WHERE n IS NOT NULL ORDER BY n'),
    )
    assert.deepEqual(
      rows.map(({ n }) => n),
      [-(2n ** 63n), -Number.MAX_SAFE_INTEGER, 0, Number.MAX_SAFE_INTEGER, 2n ** 53n, 2n ** 63n - 1n],
    )
  })

  test('placeholders may be repeated and out of order, and take whole numbers as integers', async (t) => {
    const database = await withTables(t)
    await database.transaction('write', async (tx) => {
      await tx.run('INSERT INTO item (note, key, n) VALUES ($2, $1, $3)', 'key', 'note', 7)
      assert.deepEqual(
        await tx.get('SELECT key FROM item WHERE note = $2 AND key = $1 AND n / $3 = 3', 'key', 'note', 2),
        {
          key: 'key',
        },
      )
      assert.deepEqual(await tx.all('SELECT key FROM item WHERE key = $1 OR note = $1', 'note'), [{ key: 'key' }])
    })
  })

  test('counts, sums and comparisons come as numbers', async (t) => {
    const database = await withTables(t)
    await database.transaction('write', async (tx) => {
      await tx.run("INSERT INTO item (key, n) VALUES ('a', 1), ('b', 2)")
      const row = await tx.get('SELECT COUNT(*) AS count, SUM(n) AS sum, MAX(n) AS max, MAX(n) > 1 AS truth FROM item')
      assert.deepEqual(row, { count: 2, sum: 3, max: 2, truth: 1 })
      assert.equal(await tx.get("SELECT key FROM item WHERE key = 'none'"), undefined)
      assert.deepEqual(await tx.all("SELECT key FROM item WHERE key = 'none'"), [])
    })
  })

  test('changes are counted, and RETURNING gives the rows', async (t) => {
    const database = await withTables(t)
    await database.transaction('write', async (tx) => {
      assert.deepEqual(await tx.run("INSERT INTO item (key, n) VALUES ('a', 1), ('b', 2)"), { changes: 2 })
      assert.deepEqual(await tx.run('UPDATE item SET n = n WHERE n > $1', 1), { changes: 1 })
      assert.deepEqual(await tx.run("INSERT INTO item (key, n) VALUES ('a', 5) ON CONFLICT (key) DO NOTHING"), {
        changes: 0,
      })
      const upsert =
        'INSERT INTO item (key, n) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET n = item.n + excluded.n RETURNING n'
      assert.deepEqual(await tx.get(upsert, 'a', 10), { n: 11 })
      assert.deepEqual(await tx.get(upsert, 'big', 2n ** 62n), { n: 2n ** 62n })
      assert.deepEqual(await tx.run("DELETE FROM item WHERE key = 'none'"), { changes: 0 })
      assert.deepEqual(await tx.run('DELETE FROM item'), { changes: 3 })
    })
  })

  test('text is ordered by its bytes', async (t) => {
    const database = await withTables(t)
    const keys = ['Z', 'a', 'é', 'B', '_', '10', '9', 'a/b', 'a-b', 'ab', '€', '𝄞', '\uFFFD']
    await database.transaction('write', async (tx) => {
      for (const key of keys) await tx.run('INSERT INTO item (key) VALUES ($1)', key)
    })
    const rows = await database.transaction('read', (tx) =>
      tx.all<{ key: string }>('SELECT key FROM item ORDER BY key'),
    )
    const byBytes = keys.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
    assert.deepEqual(
      rows.map(({ key }) => key),
      byBytes,
    )
    const above = await database.transaction('read', (tx) => tx.all('SELECT key FROM item WHERE key > $1', 'a'))
    assert.equal(above.length, byBytes.length - 1 - byBytes.indexOf('a'))
  })

  test('text with NUL or a lone surrogate and numbers that no column holds are refused', async (t) => {
    const database = await withTables(t)
    for (const value of ['a\0b', 'a\uD800b', '\uDC00', Number.NaN, Number.POSITIVE_INFINITY, 2n ** 63n]) {
      for (const access of ['read', 'write'] as const) {
        const query = database.transaction(access, (tx) => tx.get('SELECT key FROM item WHERE key = $1', value))
        await assert.rejects(query, (error: Error) => {
          assert.ok(error instanceof DatabaseError)
          assert.equal(error.reason, 'constraint')
          assert.match(error.message, /^the value of \$1 cannot be stored: /)
          return true
        })
      }
    }
    const wrong = undefined as unknown as null
    await assert.rejects(
      database.transaction('write', (tx) => tx.run('INSERT INTO item (key) VALUES ($1)', wrong)),
      TypeError,
    )
    assert.equal(await count(database), 0)
  })

  test('a transaction whose work rejects leaves nothing, and passes its error on', async (t) => {
    const database = await withTables(t)
    const gaveUp = new Error('gave up')
    const work = database.transaction('write', async (tx) => {
      await tx.run("INSERT INTO item (key) VALUES ('a')")
      throw gaveUp
    })
    await assert.rejects(work, (error) => error === gaveUp)
    assert.equal(await count(database), 0)
  })

  test('failures are told by their reason, and never with a value', async (t) => {
    const database = await withTables(t)
    await database.transaction('write', (tx) => tx.run("INSERT INTO item (key, n) VALUES ('HUSH', 1)"))
    await rejectsFor('constraint', database, (tx) => tx.run("INSERT INTO item (key) VALUES ('HUSH')"))
    await rejectsFor('constraint', database, (tx) => tx.run('INSERT INTO item (key) VALUES (NULL)'))
    await rejectsFor('constraint', database, (tx) => tx.run("INSERT INTO child (item) VALUES ('HUSH, no such parent')"))
    await rejectsFor('other', database, (tx) => tx.run("SELEC 'HUSH'"))
    await assert.rejects(
      database.transaction('read', (tx) => tx.run("INSERT INTO item (key) VALUES ('HUSH too')")),
      (error: DatabaseError) => error.reason === 'readonly',
    )
    assert.equal(await count(database), 1)
  })

  test('a statement that failed dooms its transaction, even where its error was caught or not awaited', async (t) => {
    const database = await withTables(t)
    await database.transaction('write', (tx) => tx.run("INSERT INTO item (key) VALUES ('a')"))
    await rejectsFor('constraint', database, async (tx) => {
      await tx.run("INSERT INTO item (key) VALUES ('b')")
      await tx.run("INSERT INTO item (key) VALUES ('a')").catch(() => {})
    })
    await rejectsFor('constraint', database, async (tx) => {
      void tx.run("INSERT INTO item (key) VALUES ('a')")
      void tx.run("INSERT INTO item (key) VALUES ('c')")
    })
    assert.equal(await count(database), 1)
  })

  test('statements issued without waiting run in order, and are part of the transaction', async (t) => {
    const database = await withTables(t)
    await database.transaction('write', async (tx) => {
      void tx.run("INSERT INTO item (key, n) VALUES ('a', 1)")
      void tx.run("UPDATE item SET n = n + 1 WHERE key = 'a'")
      const [row] = await Promise.all([
        tx.get("SELECT n FROM item WHERE key = 'a'"),
        tx.run("UPDATE item SET n = n * 10 WHERE key = 'a'"),
      ])
      assert.deepEqual(row, { n: 2 })
      void tx.run("UPDATE item SET n = n + 1 WHERE key = 'a'")
    })
    assert.deepEqual(await database.transaction('read', (tx) => tx.get('SELECT n FROM item')), { n: 21 })
  })

  test('a transaction that is over takes no more statements', async (t) => {
    const database = await withTables(t)
    for (const access of ['read', 'write'] as const) {
      let kept: Transaction | undefined
      await database.transaction(access, async (tx) => {
        kept = tx
        await tx.get('SELECT COUNT(*) AS count FROM item')
      })
      await assert.rejects(kept!.get('SELECT COUNT(*) AS count FROM item'), /the transaction is over/)
    }
  })

  test('a constraint failure in one transaction does not touch those that run with it', async (t) => {
    const database = await withTables(t)
    const outcomes = await Promise.allSettled(
      Array.from({ length: 60 }, (_, i) =>
        database.transaction('write', async (tx) => {
          await tx.run('INSERT INTO item (key, n) VALUES ($1, $2)', `before ${i}`, i)
          await tx.run('INSERT INTO item (key, n) VALUES ($1, $2)', i % 3 === 0 ? `before ${i}` : `after ${i}`, i)
        }),
      ),
    )
    assert.equal(outcomes.filter(({ status }) => status === 'rejected').length, 20)
    assert.equal(await count(database), 80)
  })

  test('500 concurrent read-modify-write increments of 20 counters end exact', async (t) => {
    const database = await withTables(t)
    await database.transaction('write', async (tx) => {
      for (let i = 0; i < 20; i++) await tx.run('INSERT INTO item (key, n) VALUES ($1, 0)', `counter ${i}`)
    })
    await Promise.all(
      Array.from({ length: 500 }, (_, i) =>
        database.transaction('write', async (tx) => {
          const key = `counter ${i % 20}`
          const row = await tx.get<{ n: number }>('SELECT n FROM item WHERE key = $1', key)
          await tx.run('UPDATE item SET n = $1 WHERE key = $2', row!.n + 1, key)
        }),
      ),
    )
    const rows = await database.transaction('read', (tx) => tx.all<{ n: number }>('SELECT n FROM item'))
    assert.deepEqual(
      rows.map(({ n }) => n),
      Array.from({ length: 20 }, () => 25),
    )
  })

  test('300 transactions that all change one row all succeed: no one loses to the others for ever', async (t) => {
    const database = await withTables(t)
    await database.transaction('write', (tx) => tx.run("INSERT INTO item (key, n) VALUES ('counter', 0)"))
    await Promise.all(
      Array.from({ length: 300 }, () =>
        database.transaction('write', async (tx) => {
          await tx.run("UPDATE item SET n = n + 1 WHERE key = 'counter'")
          await tx.get("SELECT n FROM item WHERE key = 'counter'")
        }),
      ),
    )
    const row = await database.transaction('read', (tx) => tx.get<{ n: number }>('SELECT n FROM item'))
    assert.equal(row!.n, 300)
  })

  test('write skew is impossible: two transactions that each rely on what the other changes do not both commit', async (t) => {
    const database = await withTables(t)
    await database.transaction('write', (tx) => tx.run("INSERT INTO item (key, n) VALUES ('left', 1), ('right', 1)"))
    const goOffCall = (key: string) =>
      database.transaction('write', async (tx) => {
        const row = await tx.get<{ sum: number }>('SELECT SUM(n) AS sum FROM item')
        if (row!.sum < 2) return false
        await tx.run('UPDATE item SET n = 0 WHERE key = $1', key)
        return true
      })
    const gone = await Promise.all(['left', 'right'].map(goOffCall))
    assert.deepEqual(gone.toSorted(), [false, true])
  })

  test('a read sees one state of the database, however long it takes and whatever is committed meanwhile', async (t) => {
    const database = await withTables(t)
    await database.transaction('write', (tx) => tx.run("INSERT INTO item (key, n) VALUES ('a', 1)"))
    await database.transaction('read', async (tx) => {
      const before = await tx.get('SELECT n FROM item')
      await database.transaction('write', (other) => other.run('UPDATE item SET n = n + 1'))
      assert.deepEqual(await tx.get('SELECT n FROM item'), before)
      assert.equal(await count(database), 1)
    })
    assert.deepEqual(await database.transaction('read', (tx) => tx.get('SELECT n FROM item')), { n: 2 })
  })

  test('what was acknowledged is seen by every later read, and what is not committed by none', async (t) => {
    const database = await withTables(t)
    for (let n = 1; n <= 20; n++) {
      await database.transaction('write', async (tx) => {
        await tx.run('INSERT INTO item (key, n) VALUES ($1, $2)', `key ${n}`, n)
        assert.equal(await count(database), n - 1)
      })
      assert.deepEqual(await Promise.all([count(database), count(database), count(database)]), [n, n, n])
    }
  })

  test('a snapshot number returns only while nothing was committed', async (t) => {
    const database = await withTables(t)
    const number = () => database.transaction('read', async (tx) => tx.snapshot)
    const first = await number()
    assert.equal(await number(), first)
    assert.equal(database.newest(), first)
    await database.transaction('write', async (tx) => {
      assert.equal(tx.snapshot, undefined)
      await tx.run("INSERT INTO item (key) VALUES ('a')")
    })
    if (first !== undefined) assert.notEqual(database.newest(), first)
    const second = await number()
    assert.equal(database.newest(), second)
    if (database.dialect === 'postgres') assert.equal(second, undefined)
    else {
      assert.equal(typeof first, 'number')
      assert.notEqual(second, first)
    }
  })

  test('transactions of one lane never overlap, and reads have none', async (t) => {
    const database = await withTables(t)
    const busy = new Map<number, number>()
    const lanes = new Set<number>()
    await Promise.all(
      Array.from({ length: 100 }, (_, i) =>
        database.transaction('write', async (tx) => {
          assert.ok(tx.lane >= 0)
          lanes.add(tx.lane)
          busy.set(tx.lane, (busy.get(tx.lane) ?? 0) + 1)
          assert.equal(busy.get(tx.lane), 1)
          try {
            await tx.run('INSERT INTO item (key, n) VALUES ($1, 1)', `key ${i}`)
            await new Promise(setImmediate)
          } finally {
            busy.set(tx.lane, 0)
          }
        }),
      ),
    )
    assert.equal(lanes.size === 1, database.dialect === 'sqlite')
    assert.equal(await database.transaction('read', async (tx) => tx.lane), -1)
  })

  test('onRollback tells of work that was not committed, and only of that', async (t) => {
    const database = await withTables(t)
    const told: string[] = []
    await database.transaction('write', async (tx) => {
      tx.onRollback(() => told.push('committed'))
      await tx.run("INSERT INTO item (key) VALUES ('a')")
    })
    const rejected = database.transaction('write', async (tx) => {
      tx.onRollback(() => told.push('first'))
      tx.onRollback(() => told.push('second'))
      await tx.run("INSERT INTO item (key) VALUES ('b')")
      throw new Error('gave up')
    })
    await assert.rejects(rejected, /gave up/)
    await rejectsFor('constraint', database, async (tx) => {
      tx.onRollback(() => told.push('doomed'))
      await tx.run("INSERT INTO item (key) VALUES ('a')")
    })
    assert.deepEqual(told, ['second', 'first', 'doomed'])
  })

  test('closing waits for the work in progress and refuses more', async (t) => {
    const database = await withTables(t)
    // Of what conflicts, PostgreSQL has one run again.
    const done = new Set<string>()
    const work = (['write', 'write', 'read'] as const).map((access, i) =>
      database.transaction(access, async (tx) => {
        await tx.get('SELECT COUNT(*) AS count FROM item')
        await new Promise((resolve) => setTimeout(resolve, 20))
        if (access === 'write') await tx.run('INSERT INTO item (key) VALUES ($1)', `key ${i}`)
        done.add(`${access} ${i}`)
      }),
    )
    const closed = database.close().then(() => done.add('closed'))
    await rejectsFor('unavailable', database, async () => {})
    await Promise.all([...work, closed])
    assert.equal(done.size, 4)
    assert.equal([...done].at(-1), 'closed')
    await database.close()
  })
}

const TABLES = `
CREATE TABLE item (key TEXT NOT NULL PRIMARY KEY, n BIGINT, body BLOB, note TEXT);
CREATE TABLE child (item TEXT NOT NULL REFERENCES item (key));`

async function count(database: Database): Promise<number> {
  const row = await database.transaction('read', (tx) =>
    tx.get<{ count: number }>('SELECT COUNT(*) AS count FROM item'),
  )
  return row!.count
}

async function rejectsFor(
  reason: DatabaseFailure,
  database: Database,
  work: (tx: Transaction) => Promise<unknown>,
): Promise<void> {
  await assert.rejects(database.transaction('write', work), (error: Error) => {
    assert.ok(error instanceof DatabaseError, String(error))
    assert.equal(error.reason, reason, error.message)
    assert.doesNotMatch(`${error.message} ${JSON.stringify(error)} ${error.cause}`, /HUSH/)
    return true
  })
}
