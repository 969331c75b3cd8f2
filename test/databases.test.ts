// Managed master passwords as users have them: the server and `strongroom database` as processes, AWS's own client, a real PostgreSQL and
// MariaDB, an instance and a cluster; an application that logs in with what GetSecretValue returns; kill -9 in the middle of what the driver sends.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { type MasterUserSecret, RDS } from '@aws-sdk/client-rds'
import { GetSecretValueCommand } from '@aws-sdk/client-secrets-manager'
import { startMariadb } from '../packages/rotators/src/testing/mariadb.ts'
import { startPostgresql } from '../packages/rotators/src/testing/postgresql.ts'
import { FIRST_PASSWORD } from '../packages/server/src/services/rds/testing.ts'
import { SOAK, sampleOf } from '../packages/server/src/testing-sample.ts'
import { startProxy } from './cutting-proxy.ts'
import { COMMAND, clientOf, makeHome, REGION, type ServerProcess, sdkOptions, startProcess } from './server-process.ts'

const run = promisify(execFile)
const ROUNDS = SOAK ? 20 : 1
const ROTATIONS_UNDER_LOAD = SOAK ? 20 : 3
const IDENTIFIER = 'orders'

type Started = {
  readonly port: number
  readonly authorityFile: string
  sql(text: string): Promise<unknown>
  logIn(username: string, password: string): Promise<void>
  stop(): Promise<void>
}

type Flavour = {
  readonly name: string
  readonly engine: string
  readonly cluster: boolean
  /** Makes the master user. */
  readonly making: string
  start(): Promise<Started | { readonly reason: string }>
}

const POSTGRES = {
  making: `CREATE ROLE master LOGIN CREATEROLE PASSWORD '${FIRST_PASSWORD}'`,
  start: startPostgresql,
}
const INSTANCE: Flavour = { name: 'PostgreSQL instance', engine: 'postgres', cluster: false, ...POSTGRES }
const FLAVOURS: readonly Flavour[] = [
  INSTANCE,
  { name: 'PostgreSQL cluster', engine: 'aurora-postgresql', cluster: true, ...POSTGRES },
  {
    name: 'MariaDB instance',
    engine: 'mariadb',
    cluster: false,
    making: `CREATE USER master@'%' IDENTIFIED BY '${FIRST_PASSWORD}'; GRANT ALL ON *.* TO master@'%' WITH GRANT OPTION`,
    start: startMariadb,
  },
]

async function makeWorld(t: TestContext, { engine, cluster, making, start: startDatabase }: Flavour) {
  const database = await startDatabase()
  if ('reason' in database) {
    t.skip(`NOT RUN: ${database.reason}`)
    return undefined
  }
  const home = await makeHome(t)
  home.after(() => database.stop())
  const proxy = await startProxy(database)
  home.after(() => proxy.close())
  await database.sql(making)
  const start = () => startProcess(home)
  /** By the command line, the password from a file. */
  const register = async ({ url }: ServerProcess): Promise<void> => {
    const passwordFile = join(home.dataDir, 'master-password')
    writeFileSync(passwordFile, `${FIRST_PASSWORD}\n`, { mode: 0o600 })
    const args = [
      ...[COMMAND, 'database', 'register', IDENTIFIER, '--engine', engine, '--host', 'localhost'],
      ...['--port', `${proxy.port}`, '--username', 'master', '--password-file', passwordFile],
      ...(cluster ? ['--cluster'] : []),
      ...['--ca', database.authorityFile, '--data-dir', home.dataDir, '--endpoint-url', url],
    ]
    const { stdout } = await run(process.execPath, args, { env: { ...process.env, AWS_REGION: REGION } })
    assert.equal(JSON.parse(stdout).Status, 'available')
  }
  return { database, cluster, proxy, start, register }
}

type World = Pick<NonNullable<Awaited<ReturnType<typeof makeWorld>>>, 'database' | 'cluster'>

async function withRds<T>(server: ServerProcess, work: (rds: RDS) => Promise<T>): Promise<T> {
  const rds = new RDS(sdkOptions(server))
  return work(rds).finally(() => rds.destroy())
}

type Shown = { readonly status: string | undefined; readonly secret: MasterUserSecret | undefined }

const describe = (server: ServerProcess, { cluster }: World): Promise<Shown> =>
  withRds(server, async (rds) => {
    if (cluster) {
      const [found] = (await rds.describeDBClusters({ DBClusterIdentifier: IDENTIFIER })).DBClusters!
      return { status: found!.Status, secret: found!.MasterUserSecret }
    }
    const [found] = (await rds.describeDBInstances({ DBInstanceIdentifier: IDENTIFIER })).DBInstances!
    return { status: found!.DBInstanceStatus, secret: found!.MasterUserSecret }
  })

async function read(server: ServerProcess, SecretId: string): Promise<{ username: string; password: string }> {
  const client = clientOf(server)
  const { SecretString } = await client.send(new GetSecretValueCommand({ SecretId })).finally(() => client.destroy())
  return JSON.parse(SecretString!)
}

/** The database once it is at rest. */
async function settled(server: ServerProcess, world: World): Promise<Shown> {
  for (const until = Date.now() + 60_000; ; await sleep(50)) {
    const shown = await describe(server, world)
    if (shown.status === 'available' && (shown.secret?.SecretStatus ?? 'active') === 'active') return shown
    assert.ok(Date.now() < until, `it goes on: ${JSON.stringify(shown)} ${server.output()}`)
  }
}

const PHASES: readonly (readonly [name: string, input: object])[] = [
  ['managed', { ManageMasterUserPassword: true }],
  ['rotated', { RotateMasterUserPassword: true, ApplyImmediately: true }],
  ['given back', { ManageMasterUserPassword: false, MasterUserPassword: 'given-back-to-us' }],
  ['set by hand', { MasterUserPassword: 'set-by-hand' }],
]

const modify = (server: ServerProcess, { cluster }: World, input: object): Promise<unknown> =>
  withRds(server, async (rds) =>
    cluster
      ? rds.modifyDBCluster({ DBClusterIdentifier: IDENTIFIER, ...input })
      : rds.modifyDBInstance({ DBInstanceIdentifier: IDENTIFIER, ...input }),
  )

/** What is told to whoever may know, or was given, is what the database takes. */
async function mustBeKnown(world: World, server: ServerProcess, input: object): Promise<void> {
  const { secret } = await settled(server, world)
  const known = 'MasterUserPassword' in input ? String(input.MasterUserPassword) : undefined
  assert.equal(secret === undefined, known !== undefined)
  await world.database.logIn('master', known ?? (await read(server, secret!.SecretArn!)).password)
}

for (const flavour of sampleOf(FLAVOURS, FLAVOURS.length)) {
  test(`${flavour.name}: kill -9 at any piece that the driver sends: the password that is told is the one that works`, async (t) => {
    const world = await makeWorld(t, flavour)
    if (world === undefined) return
    const { proxy, start, register } = world
    let server = await start()
    await register(server)
    const pieces: number[] = []
    for (const [, input] of PHASES) {
      proxy.sent()
      await modify(server, world, input)
      await mustBeKnown(world, server, input)
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
        await modify(server, world, input)
        await killed.promise
        server = await start()
        await mustBeKnown(world, server, input).catch((cause: unknown) => {
          const where = `${name}, round ${round}: killed at piece ${at} of ${pieces[index]}, ${forwarded ? 'sent' : 'held back'}`
          throw new Error(where, { cause })
        })
      }
    }
    t.diagnostic(`${ROUNDS * PHASES.length} kills, at pieces out of ${pieces.join(', ')}`)
    assert.equal(await server.kill('SIGTERM'), 0)
  })
}

test('an application that logs in with what GetSecretValue returns goes on through rotations, but for the moment of each', async (t) => {
  const world = await makeWorld(t, INSTANCE)
  if (world === undefined) return
  const { database, start, register } = world
  const server = await start()
  await register(server)
  await modify(server, world, { ManageMasterUserPassword: true })
  const SecretId = (await settled(server, world)).secret!.SecretArn!
  let over = false
  const counts = { good: 0, refused: 0 }
  const longest = { ms: 0 }
  const application = (async () => {
    let lastGood = performance.now()
    while (!over) {
      const { username, password } = await read(server, SecretId)
      const good = await database.logIn(username, password).then(
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
    await modify(server, world, { RotateMasterUserPassword: true, ApplyImmediately: true })
    await settled(server, world)
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
