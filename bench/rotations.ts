// Rotations of real passwords by the ready-made rotators: of many PostgreSQL users on one and on two servers, which rotate one at a time on each,
// by one Strongroom on SQLite and by one and two on a PostgreSQL; and of one secret by each rotator, from the call of RotateSecret to its first
// step, and from there to the end of the last one.
// Usage: node bench/rotations.ts [users] [turns]

import { randomUUID } from 'node:crypto'
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  CreateSecretCommand,
  DescribeSecretCommand,
  RotateSecretCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager'
import { startPostgres } from '../packages/server/src/storage/testing.ts'
import { signedCall } from '../packages/server/src/testing.ts'
import { ROTATED, type RotatedServer } from '../test/rotated-servers.ts'
import { type Measured, REGION, signerOf, startStrongroom } from './servers.ts'

const USERS = Number(process.argv[2] ?? 500)
const TURNS = Number(process.argv[3] ?? 10)
const BOTH_CORES = '0,1'

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!

async function startAll(kind: (typeof ROTATED)[number], count: number): Promise<readonly RotatedServer[]> {
  const started = await Promise.all(Array.from({ length: count }, () => kind.start()))
  return started.map((server) => {
    if ('reason' in server) throw new Error(server.reason)
    return server
  })
}

type Times = { readonly waitMs: number; readonly stepsMs: number }

/** Strongrooms on one store: on SQLite where no `database` is given, and then there is one. */
async function withStrongroom(
  servers: readonly RotatedServer[],
  { count = 1, database }: { readonly count?: number; readonly database?: string },
  work: (clients: readonly SecretsManagerClient[], timesOf: (arn: string) => Promise<Times>) => Promise<void>,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'strongroom-bench-'))
  const authorities = join(folder, 'authorities.pem')
  writeFileSync(
    authorities,
    servers.map(({ authorityFile = '/dev/null' }) => readFileSync(authorityFile, 'utf8')).join('\n'),
  )
  const options = ['--rotation-ca', authorities, ...(database === undefined ? [] : ['--database', database])]
  const dataDirs = Array.from({ length: count }, () => mkdtempSync(join(folder, 'data-')))
  const strongrooms: Measured[] = []
  for (const dataDir of dataDirs) {
    for (const file of dataDir === dataDirs[0] ? [] : ['root.key', 'credentials']) {
      copyFileSync(join(dataDirs[0]!, file), join(dataDir, file))
    }
    strongrooms.push(await startStrongroom(BOTH_CORES, dataDir, ...options))
  }
  const { accessKeyId, secretAccessKey, host } = signerOf(dataDirs[0]!, strongrooms[0]!.port)
  const credentials = { accessKeyId, secretAccessKey }
  const clients = strongrooms.map(
    ({ port }) => new SecretsManagerClient({ endpoint: `http://127.0.0.1:${port}`, region: REGION, credentials }),
  )
  const timesOf = async (SecretId: string): Promise<Times> => {
    const url = `http://${host}/_strongroom/rotations/list`
    const options = { credentials, region: REGION }
    const { body } = await signedCall(url, 'secretsmanager', undefined, { SecretId, MaxResults: 1 }, options)
    const { StartedAt, Calls, EndedAt } = body.Rotations[0]
    const began = Calls[0].StartedAt
    return { waitMs: 1_000 * (began - StartedAt), stepsMs: 1_000 * (EndedAt - began) }
  }
  try {
    await work(clients, timesOf)
  } finally {
    for (const client of clients) client.destroy()
    for (const strongroom of strongrooms) await strongroom.stop()
    for (const server of servers) await server.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

async function createSecret(client: SecretsManagerClient, server: RotatedServer, name: string): Promise<string> {
  const { value, master } = await server.makeUser(name, server)
  const secret = async (Name: string, content: object): Promise<string> =>
    (await client.send(new CreateSecretCommand({ Name, SecretString: JSON.stringify(content) }))).ARN!
  const masterarn = master && (await secret(`${name}-master`, master))
  return secret(name, { ...value, masterarn })
}

const rotate = (client: SecretsManagerClient, arn: string, rotator: string) =>
  client.send(
    new RotateSecretCommand({
      SecretId: arn,
      ClientRequestToken: randomUUID(),
      RotationLambdaARN: `arn:aws:lambda:${REGION}:${arn.split(':')[4]}:function:strongroom-${rotator}`,
    }),
  )

async function isRotated(client: SecretsManagerClient, arn: string, after: number): Promise<boolean> {
  const { LastRotatedDate } = await client.send(new DescribeSecretCommand({ SecretId: arn }))
  return LastRotatedDate !== undefined && LastRotatedDate.getTime() > after
}

const postgres = await startPostgres({ fsync: true })
if ('reason' in postgres) throw new Error(postgres.reason)
const kind = ROTATED.find(({ rotator }) => rotator === 'postgresql-single-user')!
for (const [targets, count, store] of [
  [1, 1, 'SQLite'],
  [2, 1, 'SQLite'],
  [2, 1, 'PostgreSQL'],
  [2, 2, 'PostgreSQL'],
] as const) {
  const servers = await startAll(kind, targets)
  const database = store === 'SQLite' ? {} : { database: await postgres.createDatabase() }
  await withStrongroom(servers, { count, ...database }, async (clients) => {
    const arns: string[] = []
    for (let user = 0; user < USERS; user++) {
      arns.push(await createSecret(clients[0]!, servers[user % targets]!, `user_${user}`))
    }
    const began = Date.now()
    for (const [index, arn] of arns.entries()) await rotate(clients[index % count]!, arn, kind.rotator)
    const asked = Date.now() - began
    for (let left: readonly string[] = arns; left.length > 0; ) {
      if (await isRotated(clients[0]!, left[0]!, began - 1)) left = left.slice(1)
      else await sleep(100)
    }
    const seconds = (Date.now() - began) / 1_000
    console.log(
      `${kind.rotator}, ${USERS} users on ${targets} server${targets === 1 ? '' : 's'}, ${count} Strongroom on ${store}: ${seconds.toFixed(1)} s, ${((USERS * 60) / seconds).toFixed(0)} rotations a minute (asked for within ${(asked / 1_000).toFixed(1)} s; load ${loadavg()[0]!.toFixed(0)})`,
    )
  })
}
await postgres.stop()

for (const kind of ROTATED) {
  const servers = await startAll(kind, 1)
  await withStrongroom(servers, {}, async ([client], timesOf) => {
    const arn = await createSecret(client!, servers[0]!, 'one')
    const times: Times[] = []
    for (let turn = 0; turn < TURNS; turn++) {
      const before = Date.now()
      await rotate(client!, arn, kind.rotator)
      while (!(await isRotated(client!, arn, before - 1))) await sleep(5)
      times.push(await timesOf(arn))
      await sleep(50)
    }
    const steps = times.map(({ stepsMs }) => stepsMs)
    const wait = median(times.map(({ waitMs }) => waitMs))
    console.log(
      `${kind.rotator}, one secret: median ${median(steps).toFixed(0)} ms, best ${Math.min(...steps).toFixed(0)} ms of ${TURNS}; begins after ${wait.toFixed(0)} ms (median); load ${loadavg()[0]!.toFixed(0)}`,
    )
  })
}
