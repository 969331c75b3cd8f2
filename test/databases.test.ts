// Managed master passwords as users have them: the server and `strongroom database` as processes, AWS's own client, a real PostgreSQL; an
// application that logs in with what GetSecretValue returns; kill -9 in the middle of what the driver sends.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { type DBInstance, RDS } from '@aws-sdk/client-rds'
import { GetSecretValueCommand } from '@aws-sdk/client-secrets-manager'
import { startPostgresql, type TestPostgresql } from '../packages/rotators/src/testing/postgresql.ts'
import { FIRST_PASSWORD, logIn } from '../packages/server/src/services/rds/testing.ts'
import { SOAK } from '../packages/server/src/testing-sample.ts'
import { startProxy } from './cutting-proxy.ts'
import { COMMAND, clientOf, makeHome, REGION, type ServerProcess, sdkOptions, startProcess } from './server-process.ts'

const run = promisify(execFile)
const ROUNDS = SOAK ? 20 : 1
const ROTATIONS_UNDER_LOAD = SOAK ? 20 : 3
const DBInstanceIdentifier = 'orders'

async function makeWorld(t: TestContext) {
  const postgres = await startPostgresql()
  if ('reason' in postgres) {
    t.skip(`NOT RUN: ${postgres.reason}`)
    return undefined
  }
  const home = await makeHome(t)
  home.after(() => postgres.stop())
  const proxy = await startProxy(postgres)
  home.after(() => proxy.close())
  await postgres.sql(`CREATE ROLE master LOGIN CREATEROLE PASSWORD '${FIRST_PASSWORD}'`)
  const start = () => startProcess(home)
  /** By the command line, the password from a file. */
  const register = async ({ url }: ServerProcess): Promise<void> => {
    const passwordFile = join(home.dataDir, 'master-password')
    writeFileSync(passwordFile, `${FIRST_PASSWORD}\n`, { mode: 0o600 })
    const args = [
      ...[COMMAND, 'database', 'register', DBInstanceIdentifier, '--engine', 'postgres', '--host', 'localhost'],
      ...['--port', `${proxy.port}`, '--username', 'master', '--password-file', passwordFile],
      ...['--ca', postgres.authorityFile, '--data-dir', home.dataDir, '--endpoint-url', url],
    ]
    const { stdout } = await run(process.execPath, args, { env: { ...process.env, AWS_REGION: REGION } })
    assert.equal(JSON.parse(stdout).Status, 'available')
  }
  return { postgres, proxy, start, register }
}

async function withRds<T>(server: ServerProcess, work: (rds: RDS) => Promise<T>): Promise<T> {
  const rds = new RDS(sdkOptions(server))
  return work(rds).finally(() => rds.destroy())
}

const describe = (server: ServerProcess): Promise<DBInstance> =>
  withRds(server, async (rds) => (await rds.describeDBInstances({ DBInstanceIdentifier })).DBInstances![0]!)

async function read(server: ServerProcess, SecretId: string): Promise<{ username: string; password: string }> {
  const client = clientOf(server)
  const { SecretString } = await client.send(new GetSecretValueCommand({ SecretId })).finally(() => client.destroy())
  return JSON.parse(SecretString!)
}

/** The instance once it is at rest. */
async function settled(server: ServerProcess): Promise<DBInstance> {
  for (const until = Date.now() + 60_000; ; await sleep(50)) {
    const instance = await describe(server)
    const secret = instance.MasterUserSecret?.SecretStatus ?? 'active'
    if (instance.DBInstanceStatus === 'available' && secret === 'active') return instance
    assert.ok(Date.now() < until, `it goes on: ${JSON.stringify(instance)} ${server.output()}`)
  }
}

const PHASES: readonly (readonly [name: string, input: object])[] = [
  ['managed', { ManageMasterUserPassword: true }],
  ['rotated', { RotateMasterUserPassword: true, ApplyImmediately: true }],
  ['given back', { ManageMasterUserPassword: false, MasterUserPassword: 'given-back-to-us' }],
  ['set by hand', { MasterUserPassword: 'set-by-hand' }],
]

const modify = (server: ServerProcess, input: object): Promise<unknown> =>
  withRds(server, (rds) => rds.modifyDBInstance({ DBInstanceIdentifier, ...input }))

/** What is told to whoever may know, or was given, is what the database takes. */
async function mustBeKnown(postgres: TestPostgresql, server: ServerProcess, input: object): Promise<void> {
  const { MasterUserSecret } = await settled(server)
  const known = 'MasterUserPassword' in input ? String(input.MasterUserPassword) : undefined
  assert.equal(MasterUserSecret === undefined, known !== undefined)
  await logIn(postgres, 'master', known ?? (await read(server, MasterUserSecret!.SecretArn!)).password)
}

test('kill -9 at any piece that the driver sends: the password that is told is the one that works', async (t) => {
  const world = await makeWorld(t)
  if (world === undefined) return
  const { postgres, proxy, start, register } = world
  let server = await start()
  await register(server)
  const pieces: number[] = []
  for (const [, input] of PHASES) {
    proxy.sent()
    await modify(server, input)
    await mustBeKnown(postgres, server, input)
    pieces.push(proxy.sent())
  }
  for (let round = 0; round < ROUNDS; round++) {
    for (const [index, [name, input]] of PHASES.entries()) {
      const at = 1 + randomInt(pieces[index]!)
      const forwarded = randomInt(2) === 1
      const killed = Promise.withResolvers<void>()
      proxy.stopAt(at, forwarded, async () => {
        await server.kill('SIGKILL')
        killed.resolve()
      })
      await modify(server, input)
      await killed.promise
      server = await start()
      await mustBeKnown(postgres, server, input).catch((cause: unknown) => {
        const where = `${name}, round ${round}: killed at piece ${at} of ${pieces[index]}, ${forwarded ? 'sent' : 'held back'}`
        throw new Error(where, { cause })
      })
    }
  }
  t.diagnostic(`${ROUNDS * PHASES.length} kills, at pieces out of ${pieces.join(', ')}`)
  assert.equal(await server.kill('SIGTERM'), 0)
})

test('an application that logs in with what GetSecretValue returns goes on through rotations, but for the moment of each', async (t) => {
  const world = await makeWorld(t)
  if (world === undefined) return
  const { postgres, start, register } = world
  const server = await start()
  await register(server)
  await modify(server, { ManageMasterUserPassword: true })
  const SecretId = (await settled(server)).MasterUserSecret!.SecretArn!
  let over = false
  const counts = { good: 0, refused: 0 }
  const longest = { ms: 0 }
  const application = (async () => {
    let lastGood = performance.now()
    while (!over) {
      const { username, password } = await read(server, SecretId)
      const good = await logIn(postgres, username, password).then(
        () => true,
        () => false,
      )
      counts[good ? 'good' : 'refused']++
      if (good) {
        longest.ms = Math.max(longest.ms, performance.now() - lastGood)
        lastGood = performance.now()
      }
    }
  })()
  const seen = new Set<string>()
  for (let rotation = 0; rotation < ROTATIONS_UNDER_LOAD; rotation++) {
    seen.add((await read(server, SecretId)).password)
    await modify(server, { RotateMasterUserPassword: true, ApplyImmediately: true })
    await settled(server)
  }
  await sleep(200)
  over = true
  await application
  assert.equal(seen.size, ROTATIONS_UNDER_LOAD)
  t.diagnostic(
    `${ROTATIONS_UNDER_LOAD} rotations: ${counts.good} logins, ${counts.refused} refused; the longest time between two that were let in was ${Math.round(longest.ms)} ms`,
  )
  assert.ok(counts.good > ROTATIONS_UNDER_LOAD)
})
