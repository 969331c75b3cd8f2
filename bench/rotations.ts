// Rotations of real PostgreSQL passwords by the ready-made rotators: of many users on one and on two servers, which rotate one at a time on each;
// and of one secret by each rotator, from the beginning of its first step to the end of its last one: a job may wait up to a second for its turn before.
// Usage: node bench/rotations.ts [users] [turns]

import { randomUUID } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  CreateSecretCommand,
  DescribeSecretCommand,
  RotateSecretCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager'
import { signedCall } from '../packages/server/src/testing.ts'
import { ROTATED, type RotatedServer } from '../test/rotated-servers.ts'
import { REGION, signerOf, startStrongroom } from './servers.ts'

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

async function withStrongroom(
  servers: readonly RotatedServer[],
  work: (client: SecretsManagerClient, stepsMs: (arn: string) => Promise<number>) => Promise<void>,
): Promise<void> {
  const dataDir = mkdtempSync(join(tmpdir(), 'strongroom-bench-'))
  const authorities = join(dataDir, 'authorities.pem')
  writeFileSync(authorities, servers.map(({ authorityFile }) => readFileSync(authorityFile!, 'utf8')).join('\n'))
  const strongroom = await startStrongroom(BOTH_CORES, dataDir, '--rotation-ca', authorities)
  const { accessKeyId, secretAccessKey, host } = signerOf(dataDir, strongroom.port)
  const credentials = { accessKeyId, secretAccessKey }
  const client = new SecretsManagerClient({ endpoint: `http://${host}`, region: REGION, credentials })
  const stepsMs = async (SecretId: string): Promise<number> => {
    const url = `http://${host}/_strongroom/rotations/list`
    const options = { credentials, region: REGION }
    const { body } = await signedCall(url, 'secretsmanager', undefined, { SecretId, MaxResults: 1 }, options)
    const { Calls, EndedAt } = body.Rotations[0]
    return 1_000 * (EndedAt - Calls[0].StartedAt)
  }
  try {
    await work(client, stepsMs)
  } finally {
    client.destroy()
    await strongroom.stop()
    for (const server of servers) await server.stop()
    rmSync(dataDir, { recursive: true, force: true })
  }
}

async function createSecret(client: SecretsManagerClient, server: RotatedServer, name: string): Promise<string> {
  const { value, master } = await server.makeUser(name, server.port)
  const secret = async (Name: string, content: object): Promise<string> =>
    (await client.send(new CreateSecretCommand({ Name, SecretString: JSON.stringify(content) }))).ARN!
  const masterarn = await secret(`${name}-master`, master!)
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

const kind = ROTATED.find(({ rotator }) => rotator === 'postgresql-single-user')!
for (const count of [1, 2]) {
  const servers = await startAll(kind, count)
  await withStrongroom(servers, async (client) => {
    const arns: string[] = []
    for (let user = 0; user < USERS; user++) {
      arns.push(await createSecret(client, servers[user % count]!, `user_${user}`))
    }
    const began = Date.now()
    for (const arn of arns) await rotate(client, arn, kind.rotator)
    const asked = Date.now() - began
    for (let left: readonly string[] = arns; left.length > 0; ) {
      if (await isRotated(client, left[0]!, began - 1)) left = left.slice(1)
      else await sleep(100)
    }
    const seconds = (Date.now() - began) / 1_000
    console.log(
      `${kind.rotator}, ${USERS} users on ${count} server${count === 1 ? '' : 's'}: ${seconds.toFixed(1)} s, ${((USERS * 60) / seconds).toFixed(0)} rotations a minute (asked for within ${(asked / 1_000).toFixed(1)} s)`,
    )
  })
}

for (const kind of ROTATED) {
  const servers = await startAll(kind, 1)
  await withStrongroom(servers, async (client, stepsMs) => {
    const arn = await createSecret(client, servers[0]!, 'one')
    const times: number[] = []
    for (let turn = 0; turn < TURNS; turn++) {
      const before = Date.now()
      await rotate(client, arn, kind.rotator)
      while (!(await isRotated(client, arn, before - 1))) await sleep(5)
      times.push(await stepsMs(arn))
      await sleep(50)
    }
    console.log(
      `${kind.rotator}, one secret: median ${median(times).toFixed(0)} ms, best ${Math.min(...times).toFixed(0)} ms of ${TURNS}`,
    )
  })
}
