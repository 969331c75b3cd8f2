// The purge job against a database that somebody else wrote to: it removes what the sealed row says is due, and nothing else.

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { CreateSecretCommand, DeleteSecretCommand, DescribeSecretCommand } from '@aws-sdk/client-secrets-manager'
import { schedule } from '../../jobs/job.ts'
import { startTestServer, type TestServer } from '../../testing.ts'
import { PURGE_SECRET } from './purge.ts'

const DAY_MS = 86_400_000

/** Jobs that are left; the server's own polling may have run the others. */
const pending = async ({ app }: TestServer): Promise<number> => {
  const row = await app.database.transaction('read', (tx) =>
    tx.get<{ n: number }>("SELECT COUNT(*) AS n FROM job WHERE kind LIKE 'secretsmanager.%'"),
  )
  return Number(row?.n)
}

async function start(t: TestContext) {
  const server = await startTestServer(t)
  const client = server.secretsManager
  const { ARN: arn } = await client.send(new CreateSecretCommand({ Name: 'db', SecretString: 'x' }))
  const { app, accountId: account, region } = server
  const forge = (payload: object) =>
    app.database.transaction('write', (tx) =>
      schedule(tx, { id: 'forged', kind: PURGE_SECRET, dueAt: 0, payload: JSON.stringify(payload) }),
    )
  const exists = async (): Promise<boolean> => {
    try {
      await client.send(new DescribeSecretCommand({ SecretId: 'db' }))
      return true
    } catch {
      return false
    }
  }
  return { server, client, forge, exists, payload: { account, region, name: 'db', arn } }
}

test('a job made in the database removes no secret that is not scheduled for deletion', async (t) => {
  const { server, forge, exists, payload } = await start(t)
  await forge(payload)
  await server.jobs.runDue()
  assert.equal(await pending(server), 0)
  assert.equal(await exists(), true)
})

test('a job made in the database removes no secret before its time, and the purge still comes', async (t) => {
  const { server, client, forge, exists, payload } = await start(t)
  await client.send(new DeleteSecretCommand({ SecretId: 'db', RecoveryWindowInDays: 7 }))
  await forge(payload)
  await server.jobs.runDue()
  assert.equal(await exists(), true)
  await server.clock.advance(7 * DAY_MS)
  await server.jobs.runDue()
  assert.equal(await exists(), false)
})

test('a job for an earlier secret of the name, or for none, does nothing', async (t) => {
  const { server, client, forge, exists, payload } = await start(t)
  await client.send(new DeleteSecretCommand({ SecretId: 'db', ForceDeleteWithoutRecovery: true }))
  await client.send(new CreateSecretCommand({ Name: 'db', SecretString: 'y' }))
  await client.send(new DeleteSecretCommand({ SecretId: 'db', RecoveryWindowInDays: 7 }))
  await forge(payload)
  await forge({ ...payload, name: 'none' })
  await server.jobs.runDue()
  assert.equal(await exists(), true)
})

test('a secret whose row was altered is not removed: the job fails, is counted, and is tried again', async (t) => {
  const { server, client } = await start(t)
  await client.send(new DeleteSecretCommand({ SecretId: 'db', RecoveryWindowInDays: 30 }))
  const { database, metrics } = server.app
  await database.transaction('write', (tx) => tx.run('UPDATE secret SET rev = rev + 1'))
  await server.clock.advance(30 * DAY_MS)
  await server.jobs.runDue()
  const left = await database.transaction('read', (tx) =>
    tx.get<{ secrets: number; attempts: number }>(
      "SELECT (SELECT COUNT(*) FROM secret) AS secrets, (SELECT attempts FROM job WHERE kind LIKE 'secretsmanager.%') AS attempts",
    ),
  )
  assert.deepEqual({ ...left }, { secrets: 1, attempts: 1 })
  const { values } = await metrics.integrityFailures.get()
  assert.deepEqual(
    values.map(({ labels }) => labels),
    [{ table: 'secret' }],
  )
})
