// The suite that every database passes: SQLite with its writer in a thread and inline, and PostgreSQL where the tests are given one.

import { join } from 'node:path'
import { test } from 'node:test'
import { exerciseDatabase } from './conformance.ts'
import { openPostgres } from './postgres.ts'
import { openSqlite } from './sqlite.ts'
import { openTestDatabaseUrl, temporaryDirectory } from './testing.ts'

const onPostgres = (process.env.TEST_DATABASE ?? '') !== ''

if (onPostgres) {
  exerciseDatabase(test, async (t) => {
    const url = await openTestDatabaseUrl(t)
    const database = await openPostgres({ url: url! })
    t.after(() => database.close())
    return database
  })
} else {
  for (const durability of ['commit', 'interval'] as const) {
    exerciseDatabase(
      (name, work) => test(`${durability}: ${name}`, work),
      async (t) => {
        const path = join(temporaryDirectory(t), 'test.db')
        const database = await openSqlite({ path, durability })
        t.after(() => database.close())
        return database
      },
    )
  }
}
