// kill -9 of the server at every moment of a rotation: the next start goes on where the journal says, and what AWSCURRENT opens works all the time.

import assert from 'node:assert/strict'
import { randomInt, randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  CreateSecretCommand,
  DescribeSecretCommand,
  GetSecretValueCommand,
  RotateSecretCommand,
} from '@aws-sdk/client-secrets-manager'
import { STEPS, type Step } from '../packages/server/src/services/secretsmanager/rotation/model.ts'
import {
  functionArn,
  startFunctions,
  type Target,
  templateFunction,
} from '../packages/server/src/services/secretsmanager/rotation/testing-functions.ts'
import { signedCall } from '../packages/server/src/testing.ts'
import { SOAK, sampleOf } from '../packages/server/src/testing-sample.ts'
import { clientOf, makeHome, REGION, type ServerProcess, startProcess } from './server-process.ts'

/** `asked`: before the function does anything; `done`: when it did it, before its answer; `answered`: at some moment after that. */
const MOMENTS = ['asked', 'done', 'answered'] as const
type Kill = { readonly step: Step; readonly moment: (typeof MOMENTS)[number] }

const ALL: readonly Kill[] = STEPS.flatMap((step) => MOMENTS.map((moment) => ({ step, moment })))
const KILLS = SOAK ? Array.from({ length: 100 }, (_, round) => ALL[round % ALL.length]!) : sampleOf(ALL, 4)

/** Takes the latest two passwords, so that neither the old value nor the new one may ever fail. */
class TwoPasswords implements Target {
  #passwords: readonly string[] = ['first']

  async setPassword(password: string): Promise<void> {
    if (!this.#passwords.includes(password)) this.#passwords = [this.#passwords.at(-1)!, password]
  }

  async logIn(password: string): Promise<void> {
    if (!this.#passwords.includes(password)) throw new Error('password authentication failed')
  }
}

test('a server killed at any moment of a rotation finishes it at its next start', async (t) => {
  const home = await makeHome(t)
  const functions = await startFunctions({ after: home.after })
  const { lambdaEndpoint, lambdaCredentials } = functions.options
  const lambda = ['--lambda-endpoint', lambdaEndpoint, '--lambda-credentials', lambdaCredentials]
  // Each rotation adds a version, and in less than a day none of them may go.
  const start = () => startProcess(home, ...lambda, '--versions-per-secret', String(KILLS.length + 10))
  let server = await start()
  const target = new TwoPasswords()
  const run = async <T>(work: (client: ReturnType<typeof clientOf>) => Promise<T>): Promise<T> => {
    const client = clientOf(server)
    return work(client).finally(() => client.destroy())
  }
  const { ARN } = await run((client) => client.send(new CreateSecretCommand({ Name: 'db', SecretString: 'first' })))
  functions.trust(ARN!.split(':')[4]!)

  let due: Kill | undefined
  let killed = Promise.withResolvers<void>()
  const kill = async (): Promise<void> => {
    due = undefined
    await server.kill('SIGKILL')
    killed.resolve()
  }
  functions.functions.set('rotate', async (event, signal) => {
    const moment = due?.step === event.Step ? due.moment : undefined
    if (moment === 'asked') {
      await kill()
      throw new Error('too late')
    }
    await run((client) => templateFunction(client, target)(event, signal))
    if (moment === 'done') await kill()
    if (moment === 'answered') setTimeout(kill, randomInt(20))
  })
  const current = async (): Promise<void> => {
    const { SecretString } = await run((client) => client.send(new GetSecretValueCommand({ SecretId: 'db' })))
    await target.logIn(SecretString!)
  }

  for (const [round, planned] of KILLS.entries()) {
    killed = Promise.withResolvers()
    due = planned
    const ClientRequestToken = randomUUID()
    await run((client) =>
      client.send(
        new RotateSecretCommand({ SecretId: 'db', RotationLambdaARN: functionArn('rotate'), ClientRequestToken }),
      ),
    )
    await killed.promise
    server = await start()
    const where = `round ${round}, ${planned.step} ${planned.moment}`
    await current()
    for (const until = Date.now() + 60_000; ; await sleep(200)) {
      await current()
      const { Rotations, RunningRotationId } = await history(server)
      if (RunningRotationId === undefined) {
        const { VersionIdsToStages = {}, LastRotatedDate } = await run((client) =>
          client.send(new DescribeSecretCommand({ SecretId: 'db' })),
        )
        assert.deepEqual(VersionIdsToStages[ClientRequestToken], ['AWSCURRENT'], where)
        assert.ok(!Object.values(VersionIdsToStages).flat().includes('AWSPENDING'), where)
        assert.deepEqual([Rotations[0]!.Outcome, Rotations[0]!.Attempt], ['succeeded', 1], where)
        assert.ok(LastRotatedDate, where)
        break
      }
      assert.ok(Date.now() < until, `${where}: ${JSON.stringify(Rotations[0])} ${server.output()}`)
    }
  }
  assert.equal(await server.kill('SIGTERM'), 0)
})

type History = {
  readonly RunningRotationId?: string
  readonly Rotations: readonly { readonly Outcome?: string; readonly Attempt: number }[]
}

async function history({ url, credentials }: ServerProcess): Promise<History> {
  const options = { credentials, region: REGION }
  const input = { SecretId: 'db', MaxResults: 1 }
  return (await signedCall(`${url}/_strongroom/rotations/list`, 'secretsmanager', undefined, input, options)).body
}
