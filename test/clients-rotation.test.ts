// Rotation as a user meets it: the AWS CLI, `strongroom rotation`, and days of a daily schedule on the test clock.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import {
  CreateSecretCommand,
  DescribeSecretCommand,
  GetSecretValueCommand,
  RotateSecretCommand,
} from '@aws-sdk/client-secrets-manager'
import { advanceClock } from '../packages/cli/src/clock.ts'
import {
  functionArn,
  memoryTarget,
  startFunctions,
  templateFunction,
} from '../packages/server/src/services/secretsmanager/rotation/testing-functions.ts'
import { SOAK } from '../packages/server/src/testing-sample.ts'
import { awsCli, hasAwsCli } from './aws-tools.ts'
import { COMMAND, clientOf, makeHome, REGION, startProcess } from './server-process.ts'

const run = promisify(execFile)
const FUNCTION = functionArn('rotate')
/** In a plain run a week, in the soak a month. */
const DAYS = SOAK ? 30 : 7

async function startWorld(t: TestContext) {
  const home = await makeHome(t)
  const functions = await startFunctions({ after: home.after })
  const { lambdaEndpoint, lambdaCredentials } = functions.options
  const lambda = ['--lambda-endpoint', lambdaEndpoint, '--lambda-credentials', lambdaCredentials]
  const server = await startProcess(home, '--test-clock', ...lambda)
  const client = clientOf(server)
  home.after(() => client.destroy())
  const target = memoryTarget('first')
  const template = templateFunction(client, target)
  functions.functions.set('rotate', template)
  /** `strongroom`, and what it prints. */
  const strongroom = async (...args: readonly string[]) => {
    const at = ['--endpoint-url', server.url, '--data-dir', server.dataDir]
    const env = { PATH: process.env.PATH, AWS_REGION: REGION }
    return JSON.parse((await run(process.execPath, [COMMAND, ...args, ...at], { env })).stdout)
  }
  const secretsmanager = awsCli(server)
  const aws = (...args: readonly string[]) => secretsmanager('secretsmanager', ...args)
  const SecretId = 'app/db'
  const describe = () => client.send(new DescribeSecretCommand({ SecretId }))
  const until = async (done: () => Promise<boolean>, what: string): Promise<void> => {
    for (let tries = 0; tries < 600; tries++) {
      if (await done()) return
      await sleep(200)
    }
    assert.fail(what)
  }
  const rotated = (before: string) => until(async () => (await value()) !== before, 'it did not rotate')
  const value = async (): Promise<string> =>
    (await client.send(new GetSecretValueCommand({ SecretId: 'app/db' }))).SecretString!
  const isOver = async (): Promise<boolean> =>
    (await client.send(new DescribeSecretCommand({ SecretId: 'app/db' }))).LastRotatedDate !== undefined
  return { server, client, functions, target, template, strongroom, aws, describe, until, isOver, rotated, value }
}

test('the AWS CLI turns rotation on, and strongroom rotation tells, tries, gives up and takes back', async (t) => {
  if (!hasAwsCli()) return t.skip('the AWS CLI is not installed')
  const { functions, target, template, strongroom, client, aws, describe, until, isOver, rotated, value } =
    await startWorld(t)
  const { ARN } = await client.send(new CreateSecretCommand({ Name: 'app/db', SecretString: 'first' }))
  functions.trust(ARN!.split(':')[4]!)
  const on = [
    '--rotation-lambda-arn',
    FUNCTION,
    '--rotation-rules',
    'ScheduleExpression="cron(0 3 ? * SUN *)",Duration=2h',
  ]
  const answer = await aws('rotate-secret', '--secret-id', 'app/db', ...on)
  assert.deepEqual(Object.keys(answer), ['ARN', 'Name', 'VersionId'])
  await rotated('first')
  assert.equal(await value(), target.passwords.at(-1))
  await until(isOver, 'it has no LastRotatedDate')
  const { RotationEnabled, RotationLambdaARN, RotationRules, NextRotationDate } = await aws(
    ...['describe-secret', '--secret-id', 'app/db'],
  )
  assert.deepEqual([RotationEnabled, RotationLambdaARN], [true, FUNCTION])
  assert.deepEqual(RotationRules, {
    AutomaticallyAfterDays: 7,
    Duration: '2h',
    ScheduleExpression: 'cron(0 3 ? * SUN *)',
  })
  // Of the CLI's versions one says seconds and the other a date.
  const next = typeof NextRotationDate === 'number' ? NextRotationDate * 1_000 : NextRotationDate
  assert.equal(new Date(next).getUTCDay(), 0)

  const { Rotations } = await strongroom('rotation', 'history', 'app/db')
  assert.deepEqual([Rotations[0].Outcome, Rotations[0].VersionId], ['succeeded', answer.VersionId])
  assert.equal((await strongroom('rotation', 'dry-run', 'app/db')).ok, true)
  assert.equal((await describe()).VersionIdsToStages![answer.VersionId]![0], 'AWSCURRENT')

  functions.functions.set('rotate', async (event, signal) => {
    if (event.Step === 'testSecret') throw new Error('no')
    return template(event, signal)
  })
  await assert.rejects(
    strongroom('rotation', 'dry-run', 'app/db'),
    ({ code, stdout }: { code: number; stdout: string }) => {
      assert.equal(code, 1)
      assert.match(stdout, /"ErrorKind": "function"/)
      return true
    },
  )
  await client.send(new RotateSecretCommand({ SecretId: 'app/db' }))
  const failed = async () => (await strongroom('rotation', 'history', 'app/db')).Rotations[0].Attempt === 2
  await until(failed, 'it did not fail')
  await assert.rejects(strongroom('rotation', 'abandon', 'app/db'), { stderr: /Force abandons it all the same/ })
  assert.match((await strongroom('rotation', 'abandon', 'app/db', '--force')).Note, /may take only version/)
  const back = await strongroom('rotation', 'rollback', 'app/db')
  assert.match(back.Note, /only labels were moved/)
  assert.equal(await value(), 'first')
  const cancelled = await aws('cancel-rotate-secret', '--secret-id', 'app/db')
  assert.equal(cancelled.Name, 'app/db')
  assert.equal((await describe()).RotationEnabled, false)
})

test('days of a daily schedule pass on the test clock: one rotation a day', async (t) => {
  const { functions, target, server, client, strongroom } = await startWorld(t)
  const SecretId = 'app/db'
  const { ARN } = await client.send(new CreateSecretCommand({ Name: SecretId, SecretString: 'first' }))
  functions.trust(ARN!.split(':')[4]!)
  const RotationRules = { ScheduleExpression: 'rate(1 day)' }
  await client.send(new RotateSecretCommand({ SecretId, RotationLambdaARN: FUNCTION, RotationRules }))
  const next = async (): Promise<number> =>
    (await client.send(new DescribeSecretCommand({ SecretId }))).NextRotationDate!.getTime()
  const connection = { endpoint: new URL(server.url), region: REGION, credentials: server.credentials }
  const rotations = async (count: number): Promise<void> => {
    for (let tries = 0; tries < 1_200; tries++) {
      const { LastRotatedDate } = await client.send(new DescribeSecretCommand({ SecretId }))
      if (target.passwords.length === count + 1 && LastRotatedDate !== undefined) return
      await sleep(100)
    }
    assert.fail(`rotation ${count} did not come`)
  }
  await rotations(1)
  let now = Date.now()
  for (let day = 0; day < DAYS; day++) {
    const closes = await next()
    // As `strongroom clock advance` does it: to where every rotation of the window has begun, ten minutes before its end.
    const advance = `PT${Math.ceil((closes - 599_000 - now) / 1_000)}S`
    const answer = (await advanceClock(advance, connection)) as { readonly now: string }
    now = Date.parse(answer.now)
    await rotations(day + 2)
    for (let tries = 0; tries < 2_400 && (await next()) === closes; tries++) await sleep(50)
  }
  const { Rotations } = await strongroom('rotation', 'history', SecretId)
  for (const { Outcome, Attempt } of Rotations) assert.deepEqual([Outcome, Attempt], ['succeeded', 1])
  // The first was asked for, in no window.
  const windows = Rotations.slice(0, DAYS).map((one: { readonly WindowOpensAt: string }) => one.WindowOpensAt)
  const days = windows.map((opens: string) => Date.parse(opens) / 86_400_000)
  assert.equal(windows.length, Math.min(DAYS, 10))
  for (const [at, day] of days.entries()) assert.equal(day, days[0] - at, 'one window a day, each at midnight')
})
