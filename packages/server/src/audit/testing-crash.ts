// A process that writes to the trail until it is killed, and says on standard output what was accepted. Run by crash.test.ts only.

import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { migrate } from '../storage/migrate.ts'
import { openSqlite } from '../storage/sqlite.ts'
import { event, silent, testKeyring } from './testing.ts'
import { createTrail } from './trail.ts'

const [folder, seed] = process.argv.slice(2) as [string, string]
const database = await openSqlite({ path: join(folder, 'main.db'), durability: 'commit' })
const auditDatabase = await openSqlite({ path: join(folder, 'audit.db'), durability: 'interval' })
await migrate(database, ['main', 'audit'])
await migrate(auditDatabase, ['audit'])
const wallNow = () => Math.floor(performance.timeOrigin + performance.now())
const trail = await createTrail({
  database,
  auditDatabase,
  keyring: testKeyring(Buffer.from(seed, 'hex')),
  log: silent,
  wallNow,
  randomBytes,
  headEveryMs: 10,
})

async function writeForEver(name: string): Promise<void> {
  for (let i = 0; ; i++) {
    const one = event({ eventId: `${name}-${i}`, time: wallNow() })
    if (name.startsWith('change')) await database.transaction('write', (tx) => trail.record(tx, [one]))
    else await trail.append([one])
    process.stdout.write(`${one.eventId}\n`)
  }
}

await Promise.all(['read-a', 'read-b', 'read-c', 'change-a', 'change-b'].map(writeForEver))
