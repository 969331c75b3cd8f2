// Many secrets that are due at once, several servers: each rotates exactly once in its window, also where servers are killed meanwhile. Four
// servers on PostgreSQL; on SQLite two workers, of which none is killed alone.

import assert from 'node:assert/strict'
import { randomInt, randomUUID } from 'node:crypto'
import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { CreateSecretCommand, DescribeSecretCommand, RotateSecretCommand } from '@aws-sdk/client-secrets-manager'
import {
  functionArn,
  startFunctions,
  templateFunction,
} from '../packages/server/src/services/secretsmanager/rotation/testing-functions.ts'
import { signedCall } from '../packages/server/src/testing.ts'
import { SOAK } from '../packages/server/src/testing-sample.ts'
import { clientOf, type Home, makeHome, REGION, type ServerProcess, startProcess } from './server-process.ts'

const SECRETS = SOAK ? 1_000 : 12
const KILLS = SOAK ? 24 : 2
const SERVERS = 4
const AT_ONCE = 8

type Rotation = {
  readonly Kind: string
  readonly Outcome?: string
  readonly WindowOpensAt?: number
  readonly VersionId: string
}
type History = { readonly RunningRotationId?: string; readonly Rotations: readonly Rotation[] }

test('each of many due secrets rotates exactly once, however many servers there are and whichever are killed', async (t) => {
  const home = await makeHome(t)
  const functions = await startFunctions({ after: home.after })
  const { lambdaEndpoint, lambdaCredentials } = functions.options
  const onPostgres = home.options.length > 0
  const options = ['--test-clock', '--lambda-endpoint', lambdaEndpoint, '--lambda-credentials', lambdaCredentials]
  const start = (at: Home) => startProcess(at, ...options, ...(onPostgres ? [] : ['--workers', '2']))
  const homes = [home]
  const servers: ServerProcess[] = [await start(home)]
  for (let n = 1; onPostgres && n < SERVERS; n++) {
    const { dataDir } = await makeHome(t)
    for (const file of ['root.key', 'credentials']) copyFileSync(join(home.dataDir, file), join(dataDir, file))
    homes.push({ ...home, dataDir })
    servers.push(await start(homes[n]!))
  }
  const any = (): ServerProcess => servers[randomInt(servers.length)]!
  /** On whichever server answers. */
  const run = async <T>(work: (client: ReturnType<typeof clientOf>) => Promise<T>): Promise<T> => {
    const client = clientOf(any())
    return work(client).finally(() => client.destroy())
  }
  const route = async <T>(path: string, input: object): Promise<T> => {
    for (let tries = 0; ; tries++) {
      const { url, credentials } = any()
      try {
        const { status, body } = await signedCall(`${url}/_strongroom/${path}`, 'secretsmanager', undefined, input, {
          credentials,
          region: REGION,
        })
        if (status === 200) return body
      } catch (error) {
        if (tries > 50) throw error
      }
      await sleep(100)
    }
  }
  const history = (SecretId: string) => route<History>('rotations/list', { SecretId, MaxResults: 10 })

  const names = Array.from({ length: SECRETS }, (_, n) => `db-${n}`)
  const promotions = new Map<string, number>()
  functions.functions.set('rotate', (event, signal) =>
    run((client) => {
      const accepts = { setPassword: async () => undefined, logIn: async () => undefined }
      if (event.Step === 'finishSecret') promotions.set(event.SecretId, (promotions.get(event.SecretId) ?? 0) + 1)
      return templateFunction(client, accepts)(event, signal)
    }),
  )
  await eachOf(names, async (Name) => {
    const { ARN } = await run((client) => client.send(new CreateSecretCommand({ Name, SecretString: 'first' })))
    if (Name === names[0]) functions.trust(ARN!.split(':')[4]!)
  })
  await eachOf(names, (SecretId) =>
    run((client) =>
      client.send(
        new RotateSecretCommand({
          SecretId,
          RotationLambdaARN: functionArn('rotate'),
          RotationRules: { AutomaticallyAfterDays: 2 },
          RotateImmediately: false,
          ClientRequestToken: randomUUID(),
        }),
      ),
    ),
  )
  const settled = async (done: (history: History) => boolean): Promise<void> => {
    let left = names
    for (const until = Date.now() + (SOAK ? 1_200_000 : 180_000); left.length > 0; await sleep(500)) {
      const waiting: string[] = []
      await eachOf(left, async (name) => {
        if (!done(await history(name))) waiting.push(name)
      })
      // What met a dead server waits for its next attempt.
      if (waiting.length > 0 && waiting.length === left.length) await route('clock', { advance: 'PT20S' })
      left = waiting
      assert.ok(Date.now() < until, `${left.length} are left: ${JSON.stringify(await history(left[0] ?? names[0]!))}`)
    }
  }
  await settled(({ RunningRotationId }) => RunningRotationId === undefined)

  await route('clock', { advance: 'P3D' })
  for (let kill = 0; onPostgres && kill < KILLS; kill++) {
    await sleep(randomInt(300, 1_200))
    const victim = randomInt(servers.length)
    await servers[victim]!.kill('SIGKILL')
    servers[victim] = await start(homes[victim]!)
  }
  const inWindow = ({ Rotations }: History) => Rotations.filter(({ WindowOpensAt }) => WindowOpensAt !== undefined)
  await settled((all) => all.RunningRotationId === undefined && inWindow(all).length > 0)

  let more = 0
  await eachOf(names, async (SecretId) => {
    const rotations = inWindow(await history(SecretId))
    assert.deepEqual(
      rotations.map(({ Outcome }) => Outcome),
      ['succeeded'],
      SecretId,
    )
    const { VersionIdsToStages = {}, ARN } = await run((client) => client.send(new DescribeSecretCommand({ SecretId })))
    assert.deepEqual(VersionIdsToStages[rotations[0]!.VersionId], ['AWSCURRENT'])
    assert.deepEqual(Object.values(VersionIdsToStages).flat().sort(), ['AWSCURRENT', 'AWSPREVIOUS'])
    more += promotions.get(ARN!)! - 1
  })
  t.diagnostic(`${SECRETS} secrets, ${servers.length} servers, ${more} calls of finishSecret were made again`)
})

async function eachOf<T>(items: readonly T[], work: (item: T) => Promise<unknown>): Promise<void> {
  const left = [...items]
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (let item = left.shift(); item !== undefined; item = left.shift()) await work(item)
    }),
  )
}
