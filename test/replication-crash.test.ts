// kill -9 between a change of a primary and its copy: the job stands in the database, and the next start brings the replica up to date.

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  CreateSecretCommand,
  DescribeSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager'
import { openPostgresUrl, openSqliteFile } from './raw-sql.ts'
import { clientOf, type Home, makeHome, type ServerProcess, startProcess } from './server-process.ts'

const REPLICAS = ['eu-west-1', 'us-east-1']
const ROUNDS = 3

test('a server killed between a change and its copies makes them at its next start', async (t) => {
  const home = await makeHome(t)
  let between = 0
  for (let round = 0; round < ROUNDS; round++) {
    const value = `value of round ${round}`
    const first = await startProcess(home)
    const client = clientOf(first)
    if (round === 0) {
      const AddReplicaRegions = REPLICAS.map((Region) => ({ Region }))
      await client.send(new CreateSecretCommand({ Name: 'db', SecretString: value, AddReplicaRegions }))
    } else await client.send(new PutSecretValueCommand({ SecretId: 'db', SecretString: value }))
    await first.kill('SIGKILL')
    client.destroy()
    between += (await waitingCopies(home)) > 0 ? 1 : 0

    const second = await startProcess(home)
    await inSync(second)
    for (const region of REPLICAS) assert.equal(await valueIn(second, region), value)
    assert.equal(await waitingCopies(home), 0)
    assert.equal(await second.kill('SIGTERM'), 0)
  }
  t.diagnostic(`${between} of ${ROUNDS} kills fell between a change and its copies`)
  assert.ok(between > 0, 'the server was killed in between')
})

async function waitingCopies(home: Home): Promise<number> {
  const scope = new AsyncDisposableStack()
  const after = (end: () => unknown): void => scope.defer(async () => void (await end()))
  const [, url] = home.options
  const raw =
    url === undefined
      ? openSqliteFile({ after }, join(home.dataDir, 'strongroom.db'))
      : await openPostgresUrl({ after }, url)
  const [row] = await raw.query("SELECT COUNT(*) AS waiting FROM job WHERE kind = 'secretsmanager.CopySecret'")
  await scope.disposeAsync()
  return Number(row!.waiting)
}

async function inSync(server: ServerProcess): Promise<void> {
  const client = clientOf(server)
  for (const until = Date.now() + 120_000; ; await sleep(100)) {
    const { ReplicationStatus = [] } = await client.send(new DescribeSecretCommand({ SecretId: 'db' }))
    if (ReplicationStatus.every(({ Status }) => Status === 'InSync')) break
    assert.ok(Date.now() < until, JSON.stringify(ReplicationStatus))
  }
  client.destroy()
}

async function valueIn({ url, credentials }: ServerProcess, region: string): Promise<string | undefined> {
  const client = new SecretsManagerClient({ endpoint: url, region, credentials: { ...credentials }, maxAttempts: 1 })
  const { SecretString } = await client.send(new GetSecretValueCommand({ SecretId: 'db' }))
  client.destroy()
  return SecretString
}
