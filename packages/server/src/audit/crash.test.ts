// kill -9 at any moment: what was accepted is in the trail, and the trail verifies.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { openSqlite } from '../storage/sqlite.ts'
import { lookupEvents } from './query.ts'
import { ACCOUNT, REGION, testKeyring } from './testing.ts'
import { verifyTrail } from './verify.ts'

const ROUNDS = 3

test('after kill -9 every accepted event is there and the chains of every start verify', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'strongroom-crash-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const seed = randomBytes(32)
  for (let round = 1; round <= ROUNDS; round++) {
    const accepted = await runUntilKilled(folder, seed.toString('hex'), 100 + round * 40)
    const database = await openSqlite({ path: join(folder, 'main.db'), durability: 'none' })
    const auditDatabase = await openSqlite({ path: join(folder, 'audit.db'), durability: 'none' })
    try {
      const { problems, events } = await verifyTrail([database, auditDatabase], testKeyring(seed))
      assert.deepEqual(problems, [])
      assert.ok(accepted.length >= 20 && events >= accepted.length, `${accepted.length} accepted, ${events} there`)
      const query = { account: ACCOUNT, region: REGION, startTime: 0, endTime: 2 ** 45, limit: 1_000_000 }
      const found = new Set<string>()
      for (let after: object = {}; ; ) {
        const page = await lookupEvents([database, auditDatabase], { ...query, ...after })
        for (const { record } of page.events) found.add(record.eventID)
        if (page.next === undefined) break
        after = { after: page.next }
      }
      assert.deepEqual(
        accepted.filter((id) => !found.has(id)),
        [],
      )
    } finally {
      await auditDatabase.close()
      await database.close()
    }
  }
})

/** @returns the ids that the process had printed as accepted */
async function runUntilKilled(folder: string, seed: string, killAfterMs: number): Promise<string[]> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'testing-crash.ts'), folder, seed], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let printed = ''
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    printed += chunk
  })
  const closed = once(child, 'close')
  await Promise.race([once(child.stdout, 'data'), closed])
  await new Promise((resolve) => setTimeout(resolve, killAfterMs))
  child.kill('SIGKILL')
  await closed
  return printed.slice(0, printed.lastIndexOf('\n')).split('\n')
}
