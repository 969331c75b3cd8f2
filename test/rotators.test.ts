// Ready-made rotators as their users have them: the server as a process, the AWS SDK, real servers whose credentials are rotated; under a load of
// logins, and with kill -9 in the middle of what drivers send.

import assert from 'node:assert/strict'
import { randomInt, randomUUID } from 'node:crypto'
import { after, type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  CreateSecretCommand,
  DescribeSecretCommand,
  GetSecretValueCommand,
  RotateSecretCommand,
  type SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager'
import { signedCall } from '../packages/server/src/testing.ts'
import { SOAK, sampleOf } from '../packages/server/src/testing-sample.ts'
import { type CuttingProxy, startProxy } from './cutting-proxy.ts'
import { type Credential, ROTATED, type RotatedKind, type RotatedServer } from './rotated-servers.ts'
import { clientOf, makeHome, REGION, type ServerProcess, startProcess } from './server-process.ts'

const ROUNDS = SOAK ? 20 : 1
const ROTATIONS_UNDER_LOAD = SOAK ? 20 : 2
const CLIENTS = 4

type World = {
  readonly rotated: RotatedServer
  readonly proxy: CuttingProxy
  start(): Promise<ServerProcess>
  /** Makes the secret `db`, and the master's. */
  create(server: ServerProcess): Promise<void>
}

/** Some take long to start: one of a kind serves every test, with users of its own. */
const started = new Map<RotatedKind['start'], ReturnType<RotatedKind['start']>>()
after(async () => {
  for (const server of await Promise.all(started.values())) if ('stop' in server) await server.stop()
})
let users = 0

async function makeWorld(t: TestContext, { start }: RotatedKind): Promise<World | undefined> {
  const starting = started.get(start) ?? start()
  started.set(start, starting)
  const rotated = await starting
  if ('reason' in rotated) {
    t.skip(`NOT RUN: ${rotated.reason}`)
    return undefined
  }
  const home = await makeHome(t)
  const proxy = await startProxy(rotated)
  home.after(() => proxy.close())
  return {
    rotated,
    proxy,
    start: () =>
      startProcess(
        home,
        ...(rotated.authorityFile ? ['--rotation-ca', rotated.authorityFile] : []),
        ...(rotated.options ?? []),
      ),
    create: (server) =>
      withClient(server, async (client) => {
        const { value, master } = await rotated.makeUser(`app_${++users}`, proxy)
        const secret = (Name: string, content: object) =>
          client.send(new CreateSecretCommand({ Name, SecretString: JSON.stringify(content) }))
        const masterarn = master && (await secret('master', master)).ARN
        await secret('db', { ...value, ...(masterarn !== undefined && { masterarn }) })
      }),
  }
}

const withClient = async <T>(server: ServerProcess, work: (client: SecretsManagerClient) => Promise<T>): Promise<T> => {
  const client = clientOf(server)
  return work(client).finally(() => client.destroy())
}

async function rotate(client: SecretsManagerClient, rotator: string): Promise<string> {
  const { ARN } = await client.send(new DescribeSecretCommand({ SecretId: 'db' }))
  const account = ARN!.split(':')[4]
  const ClientRequestToken = randomUUID()
  const RotationLambdaARN = `arn:aws:lambda:${REGION}:${account}:function:strongroom-${rotator}`
  await client.send(new RotateSecretCommand({ SecretId: 'db', ClientRequestToken, RotationLambdaARN }))
  return ClientRequestToken
}

const read = async (client: SecretsManagerClient, VersionStage = 'AWSCURRENT'): Promise<Credential> =>
  JSON.parse((await client.send(new GetSecretValueCommand({ SecretId: 'db', VersionStage }))).SecretString!)

type Run = {
  readonly Outcome?: string
  readonly Attempt: number
  readonly Calls: readonly {
    readonly PreviousStillValid?: boolean
    readonly ErrorKind?: string
    readonly Message?: string
  }[]
}

async function latest({ url, credentials }: ServerProcess): Promise<{ running: boolean; run: Run | undefined }> {
  const input = { SecretId: 'db', MaxResults: 1 }
  const route = `${url}/_strongroom/rotations/list`
  const { body } = await signedCall(route, 'secretsmanager', undefined, input, { credentials, region: REGION })
  return { running: body.RunningRotationId !== undefined, run: body.Rotations[0] }
}

async function ended(server: ServerProcess, while_: () => Promise<void> = async () => {}): Promise<Run> {
  for (const until = Date.now() + 60_000; ; await sleep(50)) {
    await while_()
    const { running, run } = await latest(server)
    if (!running && run !== undefined) return run
    assert.ok(Date.now() < until, `it goes on: ${JSON.stringify(run)} ${server.output()}`)
  }
}

// What starts slowly has such a load in the test of its engine too.
for (const kind of sampleOf(
  ROTATED.filter(({ startsSlowly }) => SOAK || !startsSlowly),
  4,
)) {
  const { rotator, keepsPrevious } = kind
  test(`${rotator}: logins while it rotates, and what each credential opens`, async (t) => {
    const world = await makeWorld(t, kind)
    if (world === undefined) return
    const { rotated } = world
    const server = await world.start()
    await world.create(server)
    const counts = { current: 0, previous: 0, failed: 0 }
    const gaps: number[] = []
    await withClient(server, async (client) => {
      for (let turn = 0; turn < ROTATIONS_UNDER_LOAD; turn++) {
        const before = await read(client)
        let over = false
        let failedAt: number | undefined
        let lastGood = performance.now()
        const attempt = async (credential: Credential): Promise<boolean> =>
          rotated.logIn(credential).then(
            () => true,
            () => false,
          )
        const clients = Array.from({ length: CLIENTS }, async (_, index) => {
          while (!over) {
            const previous = keepsPrevious === true && index % 2 === 1
            const credential = previous ? before : await read(client)
            const began = performance.now()
            if (await attempt(credential)) {
              counts[previous ? 'previous' : 'current']++
              if (failedAt !== undefined && began > failedAt) {
                gaps.push(performance.now() - lastGood)
                failedAt = undefined
              }
              if (failedAt === undefined) lastGood = performance.now()
            } else {
              counts.failed++
              failedAt ??= began
            }
          }
        })
        await rotate(client, rotator)
        const run = await ended(server)
        await sleep(100)
        over = true
        await Promise.all(clients)
        assert.equal(run.Outcome, 'succeeded', JSON.stringify(run))
        // A server under load on a busy machine may answer too late, which is tried again; nothing else may fail.
        const failures = run.Calls.flatMap(({ ErrorKind }) => ErrorKind ?? [])
        assert.ok(
          failures.every((kind) => kind === 'unreachable') && failures.length === run.Attempt - 1,
          JSON.stringify(run),
        )
        assert.equal(run.Calls.at(-1)?.PreviousStillValid, keepsPrevious === true ? true : undefined)
        if (keepsPrevious !== 'perhaps') assert.equal(await attempt(before), keepsPrevious)
        assert.ok(await attempt(await read(client)))
      }
    })
    assert.ok(counts.current > ROTATIONS_UNDER_LOAD * 5, JSON.stringify(counts))
    if (keepsPrevious === true) {
      assert.ok(counts.previous > ROTATIONS_UNDER_LOAD * 5, JSON.stringify(counts))
      assert.equal(counts.failed, 0)
    }
    const longest = gaps.length === 0 ? 'none' : `${Math.round(Math.max(...gaps))} ms`
    t.diagnostic(
      `${ROTATIONS_UNDER_LOAD} rotations: ${counts.current} logins with the current credential, ${counts.previous} with the previous one, ${counts.failed} failed; longest gap between logins that a failed one lies in: ${longest}`,
    )
  })
}

for (const kind of sampleOf(ROTATED, 6)) {
  const { rotator, keepsPrevious, piecesMin = 6 } = kind
  test(`${rotator}: a server killed in the middle of what its driver sends goes on, and AWSCURRENT works`, async (t) => {
    const world = await makeWorld(t, kind)
    if (world === undefined) return
    const { rotated, proxy } = world
    let server = await world.start()
    await world.create(server)
    await withClient(server, (client) => rotate(client, rotator))
    await ended(server)
    const pieces = proxy.sent()
    assert.ok(pieces > piecesMin, `${pieces} pieces were sent in one rotation`)

    for (let round = 0; round < ROUNDS; round++) {
      const at = 1 + Math.floor(((round + randomInt(1_000) / 1_000) * pieces) / ROUNDS)
      const forwarded = randomInt(2) === 1
      const where = `round ${round}: killed at piece ${at} of ${pieces}, ${forwarded ? 'sent' : 'held back'}`
      const killed = Promise.withResolvers<void>()
      proxy.stopAt(at, forwarded, async () => {
        await server.kill('SIGKILL')
        killed.resolve()
      })
      const id = await withClient(server, (client) => rotate(client, rotator))
      await killed.promise
      server = await world.start()
      await withClient(server, async (client) => {
        const works = async (): Promise<void> => {
          if (keepsPrevious === true) await rotated.logIn(await read(client))
        }
        const run = await ended(server, works).catch((cause: unknown) => {
          throw new Error(where, { cause })
        })
        assert.deepEqual([run.Outcome, run.Attempt], ['succeeded', 1], `${where} ${JSON.stringify(run)}`)
        await rotated.logIn(await read(client))
        const { VersionIdsToStages = {} } = await client.send(new DescribeSecretCommand({ SecretId: 'db' }))
        assert.deepEqual(VersionIdsToStages[id], ['AWSCURRENT'], where)
        assert.ok(!Object.values(VersionIdsToStages).flat().includes('AWSPENDING'), where)
      })
    }
    t.diagnostic(`${ROUNDS} kills, each at another of ${pieces} pieces`)
    assert.equal(await server.kill('SIGTERM'), 0)
  })
}
