// Change events over processes: what was acknowledged before a kill -9 is told, once it is started again, to streams and sinks; what is
// committed on any server reaches the streams of every server within a second, two workers on SQLite and two servers on PostgreSQL.

import assert from 'node:assert/strict'
import { copyFileSync, existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { CreateSecretCommand, PutSecretValueCommand } from '@aws-sdk/client-secrets-manager'
import { type Listening, listenTo } from '../packages/server/src/services/strongroom/testing.ts'
import { SOAK } from '../packages/server/src/testing-sample.ts'
import { clientOf, makeHome, REGION, type ServerProcess, startProcess } from './server-process.ts'

const KILLS = SOAK ? 20 : 2
const WRITERS = 6

const versionsIn = (listened: readonly Listening[]): readonly string[] =>
  listened
    .flatMap(({ frames }) => frames)
    .filter(({ data }) => data['detail-type'] === 'Secret Label Updated')
    .map(({ data }) => data.detail.versionId)

test('no change that was acknowledged before a kill -9 is missed by a stream that goes on, or by a sink', async (t) => {
  const home = await makeHome(t)
  const log = join(home.dataDir, 'events.jsonl')
  const start = () => startProcess(home, '--event-sink', `log=file:${log}`)
  let server = await start()
  const acknowledged: string[] = []
  const listened: Listening[] = []
  for (let round = 0; round < KILLS; round++) {
    const lastId = listened.at(-1)?.lastId()
    const stream = await listenTo(server.url, server.credentials, {
      region: REGION,
      ...(lastId !== undefined && { lastId }),
    })
    assert.equal(stream.status, 200)
    listened.push(stream)
    const client = clientOf(server)
    const write = async (writer: number): Promise<never> => {
      const Name = `r${round}-w${writer}`
      const { VersionId } = await client.send(new CreateSecretCommand({ Name, SecretString: 'x' }))
      acknowledged.push(VersionId!)
      for (;;) {
        const put = await client.send(new PutSecretValueCommand({ SecretId: Name, SecretString: 'y' }))
        acknowledged.push(put.VersionId!)
      }
    }
    // Each ends with the server.
    const writes = Promise.allSettled(Array.from({ length: WRITERS }, (_, writer) => write(writer)))
    const enough = acknowledged.length + 2 * WRITERS + round
    for (let waits = 0; waits < 6_000 && acknowledged.length < enough; waits++) await sleep(10)
    await server.kill('SIGKILL')
    await writes
    client.destroy()
    await stream.ended
    server = await start()
  }
  const last = await listenTo(server.url, server.credentials, { region: REGION, lastId: listened.at(-1)!.lastId() })
  listened.push(last)
  const client = clientOf(server)
  t.after(() => client.destroy())
  const { VersionId } = await client.send(new CreateSecretCommand({ Name: 'last', SecretString: 'x' }))
  await last.waitFor(({ data }) => data.detail?.versionId === VersionId)
  assert.ok(!listened.some(({ frames }) => frames.some(({ event }) => event === 'reset')))

  const told = versionsIn(listened)
  assert.ok(acknowledged.length > WRITERS * KILLS)
  const missed = acknowledged.filter((id) => !told.includes(id))
  assert.deepEqual(missed, [], `of ${acknowledged.length}`)

  // A job that was under way when its server died is taken over when its lease ends.
  const lines = () => (existsSync(log) ? readFileSync(log, 'utf8') : '')
  for (let waits = 0; waits < 1_200 && !lines().includes(VersionId!); waits++) await sleep(100)
  const written = lines()
  assert.deepEqual(
    [...acknowledged, VersionId!].filter((id) => !written.includes(id)),
    [],
  )
  t.diagnostic(`${acknowledged.length} changes over ${KILLS} kills`)

  const stopped = performance.now()
  await server.kill('SIGTERM')
  await last.ended
  assert.ok(performance.now() - stopped < 20_000, 'a stop waits for no stream')
})

test('what is committed on one server reaches the streams of every server within a second, in order', async (t) => {
  const home = await makeHome(t)
  const servers: ServerProcess[] = []
  if (home.options.length === 0) {
    servers.push(await startProcess(home, '--workers', '2'))
  } else {
    const one = await startProcess(home)
    const other = await makeHome(t)
    for (const file of ['root.key', 'credentials']) copyFileSync(join(home.dataDir, file), join(other.dataDir, file))
    const two = await startProcess({ ...other, options: home.options })
    servers.push(one, { ...two, credentials: one.credentials })
  }
  const [first] = servers as [ServerProcess]
  // Enough connections that each of two workers has some.
  const streams = await Promise.all(
    servers.flatMap(({ url }) => Array.from({ length: 6 }, () => listenTo(url, first.credentials, { region: REGION }))),
  )
  t.after(() => {
    for (const stream of streams) stream.close()
  })
  const clients = servers.map(({ url }) => clientOf({ url, credentials: first.credentials }))
  t.after(() => {
    for (const client of clients) client.destroy()
  })
  const { VersionId } = await clients[0]!.send(new CreateSecretCommand({ Name: 'db', SecretString: 'x' }))
  const versions = [VersionId!]
  const took: number[] = []
  for (let round = 0; round < 12; round++) {
    const client = clients[round % clients.length]!
    const put = await client.send(new PutSecretValueCommand({ SecretId: 'db', SecretString: `${round}` }))
    const committed = performance.now()
    versions.push(put.VersionId!)
    await Promise.all(
      streams.map((stream) =>
        stream.waitFor(({ data }) => data.detail.labelUpdated && data.detail.versionId === put.VersionId),
      ),
    )
    took.push(performance.now() - committed)
  }
  for (const stream of streams) assert.deepEqual(versionsIn([stream]), versions)
  // On a busy machine any of them may be late, but not all.
  assert.ok(Math.min(...took) < 1_000, `they took ${took} ms`)
  t.diagnostic(`the slowest of 12 took ${Math.max(...took).toFixed(0)} ms to reach ${streams.length} streams`)
})
