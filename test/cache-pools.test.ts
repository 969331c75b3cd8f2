// Pools of pg and mysql2 whose passwords rotate under load, as their users have them: the server as a process, the ready-made rotators, real
// databases. No query fails.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import {
  CreateSecretCommand,
  DescribeSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  RotateSecretCommand,
  type SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager'
import callbacks from 'mysql2'
import mysql from 'mysql2/promise'
import pg from 'pg'
import { SecretCache, type SecretCacheOptions } from '../packages/cache/src/index.ts'
import { mysqlPool } from '../packages/cache/src/mysql2.ts'
import { pgPool } from '../packages/cache/src/pg.ts'
import { SOAK } from '../packages/server/src/testing-sample.ts'
import { ROTATED } from './rotated-servers.ts'
import { clientOf, makeHome, REGION, startProcess } from './server-process.ts'

const QUERIES = SOAK ? 10_000 : 600
const ROTATIONS = SOAK ? 5 : 2
const AT_ONCE = 8
/** One query in so many has a connection of its own, which is closed after it. */
const NEW_CONNECTION_EACH = 10

type World = {
  readonly client: SecretsManagerClient
  readonly cache: SecretCache
  readonly ca: string
  /** Runs an example of the documentation. @returns what it printed */
  example(name: string): Promise<string>
  /** Runs before what was registered earlier. */
  readonly after: (end: () => unknown) => void
  /** Resolves when the new version is the current one. */
  rotate(): Promise<void>
}

async function makeWorld(
  t: TestContext,
  rotator: string,
  options: SecretCacheOptions = {},
): Promise<World | undefined> {
  const rotated = await ROTATED.find((kind) => kind.rotator === rotator)!.start()
  if ('reason' in rotated) {
    t.skip(`NOT RUN: ${rotated.reason}`)
    return undefined
  }
  const home = await makeHome(t)
  home.after(() => rotated.stop())
  const server = await startProcess(home, '--rotation-ca', rotated.authorityFile!)
  const client = clientOf(server)
  home.after(() => client.destroy())
  const { value, master } = await rotated.makeUser('app', rotated)
  const create = (Name: string, content: object) =>
    client.send(new CreateSecretCommand({ Name, SecretString: JSON.stringify(content) }))
  const { ARN: masterarn } = await create('master', master!)
  const { ARN } = await create('app/db', {
    ...value,
    masterarn,
    dbname: rotator.startsWith('postgres') ? 'postgres' : undefined,
  })
  const RotationLambdaARN = `arn:aws:lambda:${REGION}:${ARN!.split(':')[4]}:function:strongroom-${rotator}`
  const cache = new SecretCache(client, options)
  home.after(() => cache.close())
  return {
    client,
    cache,
    after: home.after,
    example: async (name) => {
      const { accessKeyId, secretAccessKey } = server.credentials
      const env = {
        ...{ PATH: process.env.PATH, AWS_ENDPOINT_URL: server.url, AWS_REGION: REGION },
        ...{ AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey },
        NODE_EXTRA_CA_CERTS: rotated.authorityFile!,
      }
      const path = join(import.meta.dirname, '../packages/cache/examples', name)
      const { stdout } = await promisify(execFile)(process.execPath, [path], { env, timeout: 60_000 })
      return stdout
    },
    ca: readFileSync(rotated.authorityFile!, 'utf8'),
    rotate: async () => {
      const ClientRequestToken = randomUUID()
      const deadline = Date.now() + 120_000
      // Once AWSCURRENT has moved the rotation before looks back, and is not over until it has.
      const begin = () =>
        client
          .send(new RotateSecretCommand({ SecretId: 'app/db', ClientRequestToken, RotationLambdaARN }))
          .then(() => true)
          .catch((error: Error) => {
            if (error.name !== 'InvalidRequestException') throw error
            return false
          })
      while (!(await begin())) {
        assert.ok(Date.now() < deadline, server.output())
        await sleep(50)
      }
      for (; ; await sleep(50)) {
        const { VersionIdsToStages = {} } = await client.send(new DescribeSecretCommand({ SecretId: 'app/db' }))
        if (VersionIdsToStages[ClientRequestToken]?.includes('AWSCURRENT')) return
        assert.ok(Date.now() < deadline, server.output())
      }
    },
  }
}

type Pool = {
  /** @returns the user that the connection logged in as */
  query(): Promise<string>
  /** By a connection that is made for it and closed after it. */
  queryAnew(): Promise<string>
}

/** Queries without a pause until there were enough of them and of rotations. */
async function load(
  t: TestContext,
  { query, queryAnew }: Pool,
  { rotate, cache }: World,
): Promise<ReadonlySet<string>> {
  const users = new Set<string>()
  const failures: unknown[] = []
  let [begun, over, rotations, stopped] = [0, 0, 0, false]
  const isDone = (): boolean => stopped || (begun >= QUERIES && rotations >= ROTATIONS)
  const client = async (): Promise<void> => {
    while (!isDone()) {
      const one = begun++ % NEW_CONNECTION_EACH === 0 ? queryAnew : query
      await one().then(
        (user) => users.add(user),
        (error: unknown) => failures.push(error),
      )
      over++
    }
  }
  const rotating = async (): Promise<void> => {
    // Spread over the queries.
    for (; rotations < ROTATIONS; rotations++) {
      while (over < (QUERIES * rotations) / ROTATIONS) await sleep(5)
      await rotate()
    }
  }
  const rotated = rotating().finally(() => {
    stopped = rotations < ROTATIONS
  })
  await Promise.all([rotated, ...Array.from({ length: AT_ONCE }, client)])
  assert.deepEqual(failures, [])
  const { fetches, stale } = cache.metrics()
  t.diagnostic(`${over} queries, ${rotations} rotations, 0 failed; ${fetches} calls of GetSecretValue, ${stale} stale`)
  return users
}

/** The user of the current version, once the cache has heard of the last rotation: within a second. */
async function settledUser({ client, cache }: World): Promise<string> {
  for (const deadline = Date.now() + 10_000; ; await sleep(20)) {
    const { SecretString } = await client.send(new GetSecretValueCommand({ SecretId: 'app/db' }))
    if ((await cache.getSecretString('app/db')) === SecretString) return JSON.parse(SecretString!).username
    assert.ok(Date.now() < deadline, 'the cache never heard of the last rotation')
  }
}

/** With a wrong password in the secret each query fails, as often as it is tried; with the right one it works again. */
async function assertMends({ client, cache }: World, query: () => Promise<unknown>, code: string): Promise<void> {
  const put = async (SecretString: string): Promise<void> => {
    await client.send(new PutSecretValueCommand({ SecretId: 'app/db', SecretString }))
    await cache.refreshNow('app/db')
  }
  const right = await cache.getSecretString('app/db')
  await put(JSON.stringify({ ...JSON.parse(right), password: 'wrong' }))
  // More often than the pool may have connections.
  for (let count = 0; count < AT_ONCE + 2; count++) await assert.rejects(query(), { code })
  await put(right)
  await query()
}

test('options that would override the secret are refused, and so is another kind of pool', () => {
  const cache = undefined as never
  for (const name of ['user', 'password', 'connectionString'])
    assert.throws(() => pgPool(cache, 'app/db', pg.Pool, { [name]: 'x' }), new RegExp(`leave ${name} out$`))
  for (const name of ['user', 'password', 'uri'])
    assert.throws(
      () => mysqlPool(cache, 'app/db', callbacks.createPool, { [name]: 'x' }),
      new RegExp(`leave ${name} out$`),
    )
  assert.throws(() => mysqlPool(cache, 'app/db', () => ({}), {}), /does not know this kind of pool/)
})

test('pg: no query fails while the password rotates, alternating', async (t) => {
  const world = await makeWorld(t, 'postgresql-alternating-users')
  if (world === undefined) return
  const { cache, ca, after } = world
  const pool = pgPool(cache, 'app/db', pg.Pool, { max: AT_ONCE, ssl: { ca, servername: 'localhost' } as object })
  after(() => pool.end())
  assert.ok(pool instanceof pg.Pool)
  const text = 'SELECT session_user AS name'
  const users = await load(
    t,
    {
      query: async () => (await pool.query(text)).rows[0].name,
      queryAnew: async () => {
        const client = await pool.connect()
        const { rows } = await client.query(text)
        client.release(true)
        return rows[0].name
      },
    },
    world,
  )
  assert.deepEqual([...users].sort(), ['app', 'app_clone'])
  const username = await settledUser(world)
  const viaCallback = await new Promise((resolve, reject) => {
    pool.query(text, (error: unknown, result: pg.QueryResult) => (error ? reject(error) : resolve(result.rows[0].name)))
  })
  assert.equal(viaCallback, username, 'connections of older versions are closed')
  assert.ok(pool.totalCount <= AT_ONCE)
  assert.doesNotMatch(JSON.stringify(pool.options), /password/)
  for (const name of ['pg-pool.mjs', 'connect.mjs']) assert.equal(await world.example(name), `${username}\n`)
  await assertMends(world, () => pool.query(text), '28P01')
})

test('mysql2: no query fails while the password rotates, dual, though no event tells of it', async (t) => {
  const world = await makeWorld(t, 'mariadb-dual-passwords', { events: false })
  if (world === undefined) return
  const { cache, ca, after } = world
  const options = { connectionLimit: AT_ONCE, ssl: { ca } }
  const pool = mysqlPool(cache, 'app/db', mysql.createPool, options)
  after(() => pool.end())
  const text = 'SELECT CURRENT_USER() AS name'
  const nameIn = ([rows]: readonly [unknown, unknown]): string => (rows as { name: string }[])[0]!.name
  const users = await load(
    t,
    {
      query: async () => nameIn(await pool.query(text)),
      queryAnew: async () => {
        const connection = await pool.getConnection()
        const name = nameIn(await connection.query(text))
        connection.destroy()
        return name
      },
    },
    world,
  )
  assert.equal(users.size, 1)

  const other = mysqlPool(cache, 'app/db', callbacks.createPool, options)
  after(() => new Promise<void>((ended) => other.end(() => ended())))
  const name = await new Promise((resolve, reject) => {
    other.query(text, (error, rows) => (error ? reject(error) : resolve((rows as { name: string }[])[0]!.name)))
  })
  assert.equal(name, [...users][0])
  assert.equal(await world.example('mysql2-pool.mjs'), `${name}\n`)
  await assertMends(world, () => other.promise().query(text), 'ER_ACCESS_DENIED_ERROR')
})
