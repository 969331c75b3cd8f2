// The engine through the real server: labels at each moment, what goes wrong in a step, the RotationToken, several servers, and time.

import assert from 'node:assert/strict'
import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'
import type { Value } from '../../../storage/database.ts'
import { startPostgres, temporaryDirectory } from '../../../storage/testing.ts'
import { startTestServer, withJobsOnDemand } from '../../../testing.ts'
import { ask } from '../../strongroom/testing-rotations.ts'
import { assertRefused, call, createCaller, events, labels, token } from '../testing.ts'
import { callIn, OTHER, SYNCED, statuses } from '../testing-replication.ts'
import { ATTEMPTS_MAX, type Step } from './model.ts'
import { ROTATIONS_KEPT } from './store.ts'
import {
  type Answer,
  functionArn,
  memoryTarget,
  type RotationEvent,
  startFunctions,
  type Target,
  type TestFunction,
  templateFunction,
} from './testing-functions.ts'

const FUNCTION = functionArn('rotate')
const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const one = token('one')

async function start(t: TestContext) {
  const functions = await startFunctions(t)
  const server = await withJobsOnDemand(t, await startTestServer(t, functions.options))
  functions.trust(server.accountId)
  const target = memoryTarget('first')
  const good = templateFunction(server.secretsManager, target)
  functions.functions.set('rotate', good)
  const create = (Name = 'db', more: object = {}) =>
    call(server, 'CreateSecret', { Name, SecretString: 'first', ClientRequestToken: one, ...more })
  const rotate = (input: object = {}, SecretId = 'db') =>
    call(server, 'RotateSecret', { SecretId, ClientRequestToken: token(), RotationLambdaARN: FUNCTION, ...input })
  const history = async (SecretId = 'db') => (await ask(server, 'list', { SecretId })).body.Rotations
  const value = async (SecretId = 'db') => (await call(server, 'GetSecretValue', { SecretId })).SecretString
  const steps = () => functions.calls.map(({ Step }) => Step)
  return { server, functions, target, good, create, rotate, history, value, steps }
}

test('a password in a real database is rotated, and at each step the labels are where AWS has them', async (t) => {
  const postgres = await startPostgres({ settings: passwordsAsked(t) })
  if ('reason' in postgres) return t.skip(postgres.reason)
  t.after(() => postgres.stop())
  const { server, functions, create, rotate, value } = await start(t)
  const admin = new Client({ connectionString: postgres.url })
  await admin.connect()
  await admin.query("CREATE ROLE app LOGIN PASSWORD 'first'")
  await admin.end()
  const logIn = async (password: string): Promise<void> => {
    const url = new URL(postgres.url)
    url.username = 'app'
    url.password = password
    const client = new Client({ connectionString: url.href })
    await client.connect()
    await client.end()
  }
  const database: Target = {
    logIn,
    setPassword: async (password) => {
      const client = new Client({ connectionString: postgres.url })
      await client.connect()
      await client.query(`ALTER ROLE app PASSWORD ${client.escapeLiteral(password)}`)
      await client.end()
    },
  }
  const seen: [Step, object][] = []
  functions.functions.set(
    'rotate',
    templateFunction(server.secretsManager, database, (step, at) => seen.push([step, at])),
  )
  await create()
  const [zero, two] = [token('zero'), token('two')]
  await call(server, 'PutSecretValue', { SecretId: 'db', ClientRequestToken: zero, SecretString: 'first' })
  await rotate({ ClientRequestToken: two })
  await server.jobs.runDue()
  const before = { [one]: ['AWSPREVIOUS'], [zero]: ['AWSCURRENT'], [two]: ['AWSPENDING'] }
  assert.deepEqual(seen, [
    ['createSecret', before],
    ['setSecret', before],
    ['testSecret', before],
    ['finishSecret', before],
  ])
  assert.deepEqual(await labels(server, 'db'), { [zero]: ['AWSPREVIOUS'], [two]: ['AWSCURRENT'] })
  await logIn(await value())
  await assert.rejects(logIn('first'), /password authentication failed/)
})

/** Only the administrator of the test comes in without a password. */
function passwordsAsked(t: TestContext): readonly string[] {
  const directory = temporaryDirectory(t)
  // PostgreSQL runs as another user.
  chmodSync(directory, 0o755)
  const file = join(directory, 'pg_hba.conf')
  writeFileSync(file, 'local all postgres trust\nlocal all all scram-sha-256\n', { mode: 0o644 })
  return [`hba_file=${file}`]
}

test('a step that fails is tried again from the first on, with the same version, and then given up', async (t) => {
  const { server, functions, good, create, rotate, history, value, steps } = await start(t)
  const { ARN } = await create()
  let failures = 2
  const two = token('two')
  functions.functions.set('rotate', async (event, signal) => {
    if (event.Step === 'testSecret' && failures-- > 0) throw new RangeError(`the password ${await value()} is wrong`)
    return good(event, signal)
  })
  await rotate({ ClientRequestToken: two })
  await server.jobs.runDue()
  assert.deepEqual(steps(), ['createSecret', 'setSecret', 'testSecret'])
  assert.deepEqual((await labels(server, 'db'))[two], ['AWSPENDING'])
  server.clock.advance(9_000)
  await server.jobs.runDue()
  assert.equal(functions.calls.length, 3, 'not yet')
  for (const waitMs of [1_000, 60_000]) {
    server.clock.advance(waitMs)
    await server.jobs.runDue()
  }
  assert.equal(functions.calls.length, 3 + 3 + 4)
  assert.deepEqual(await labels(server, 'db'), { [one]: ['AWSPREVIOUS'], [two]: ['AWSCURRENT'] })
  const tokens = new Set(functions.calls.map(({ RotationToken }) => RotationToken))
  assert.equal(tokens.size, 3, 'each attempt has a token of its own')
  const failed = await events(server, 'RotationFailed')
  assert.deepEqual(
    failed.map(({ additionalEventData }) => additionalEventData),
    ['2', '1'].map((Attempt) => ({
      SecretId: ARN,
      ClientRequestToken: two,
      RotationLambdaArn: FUNCTION,
      Attempt,
      Step: 'testSecret',
      ErrorKind: 'function',
      ErrorType: 'RangeError',
      Reason: 'The function failed; its own log says why.',
    })),
  )
  const [run] = await history()
  assert.deepEqual([run.Outcome, run.Attempt, run.Calls.length], ['succeeded', 3, 10])
  assert.equal((await events(server, 'RotationStarted')).length, 1)

  // And one that fails for ever. What failed stays for the next window, which has the same version.
  functions.functions.set('rotate', async ({ Step }) => {
    if (Step === 'setSecret') throw new Error('no')
  })
  const three = token('three')
  await rotate({ ClientRequestToken: three, RotationRules: { AutomaticallyAfterDays: 1 } })
  for (let attempt = 0; attempt < ATTEMPTS_MAX + 2; attempt++) {
    await server.jobs.runDue()
    server.clock.advance(900_000)
  }
  const [last] = await history()
  assert.deepEqual([last.Outcome, last.Attempt, last.Calls.length], ['failed', ATTEMPTS_MAX, 2 * ATTEMPTS_MAX])
  assert.deepEqual((await labels(server, 'db'))[three], ['AWSPENDING'])
  assert.deepEqual((await labels(server, 'db'))[two], ['AWSCURRENT'])
  functions.functions.set('rotate', good)
  server.clock.advance(2 * DAY_MS)
  await server.jobs.runDue()
  assert.deepEqual(await labels(server, 'db'), { [two]: ['AWSPREVIOUS'], [three]: ['AWSCURRENT'] })
})

test('what a function answers is told apart: its errors, time, reach, and rights', async (t) => {
  const { server, functions, create, rotate, history } = await start(t)
  await create()
  const body = (errorType: unknown) => JSON.stringify({ errorType, errorMessage: 'what it works with' })
  const failed = { 'x-amz-function-error': 'Unhandled' }
  const cases: readonly (readonly [answer: Answer, kind: string, errorType: string | undefined, tried: number])[] = [
    [{ status: 200, headers: failed, body: body('Sandbox.Timedout') }, 'timeout', 'Sandbox.Timedout', 2],
    [{ status: 200, headers: failed, body: body('with spaces') }, 'function', undefined, 2],
    [{ status: 200, headers: failed, body: 'no JSON' }, 'function', undefined, 2],
    [{ status: 200, headers: failed, body: body(7) }, 'function', undefined, 2],
    [{ status: 429 }, 'unreachable', undefined, 2],
    [{ status: 502 }, 'unreachable', undefined, 2],
    [
      { status: 404, headers: { 'x-amzn-errortype': 'ResourceNotFoundException:' } },
      'refused',
      'ResourceNotFoundException',
      1,
    ],
    [{ status: 403 }, 'refused', undefined, 1],
  ]
  for (const [answer, kind, errorType, tried] of cases) {
    functions.answers.set('rotate', { status: 204 })
    await rotate({ ClientRequestToken: token() })
    functions.answers.set('rotate', answer)
    await server.jobs.runDue()
    server.clock.advance(10_000)
    await server.jobs.runDue()
    const [run] = await history()
    const [error] = run.Calls
    assert.deepEqual(
      [error.ErrorKind, error.ErrorType, run.Calls.length],
      [kind, errorType, tried],
      JSON.stringify(answer),
    )
    assert.ok(!JSON.stringify(run).includes('what it works with'))
    await ask(server, 'abandon', { SecretId: 'db', Force: true })
  }

  // The endpoint is away, or there is no profile.
  await assertRefused(
    server,
    'RotateSecret',
    { SecretId: 'db', ClientRequestToken: token(), RotationLambdaARN: functionArn('slow', 'x'.repeat(12)) },
    'InvalidParameterException',
    `The RotationLambdaARN ${functionArn('slow', 'x'.repeat(12))} is not the ARN of a Lambda function.`,
  )
  const stranger = await createCaller(server, 'stranger', [{ Effect: 'Allow', Action: '*', Resource: '*' }], 'new')
  const options = { credentials: stranger.credentials }
  const input = { Name: 'db', SecretString: 'x', ClientRequestToken: one }
  assert.equal((await server.call('secretsmanager', 'CreateSecret', input, options)).status, 200)
  const rotation = { SecretId: 'db', ClientRequestToken: token(), RotationLambdaARN: FUNCTION }
  const { body: refusal } = await server.call('secretsmanager', 'RotateSecret', rotation, options)
  assert.deepEqual(refusal, {
    __type: 'InvalidRequestException',
    Message:
      'Secrets Manager cannot reach the specified Lambda function: there are no credentials of this account for the Lambda endpoint.',
  })
})

test('a function that says it is done and left AWSCURRENT where it was has not rotated anything', async (t) => {
  const { server, functions, good, create, rotate, history } = await start(t)
  await create()
  const two = token('two')
  functions.functions.set('rotate', async (event, signal) =>
    event.Step === 'finishSecret' ? null : good(event, signal),
  )
  await rotate({ ClientRequestToken: two })
  await server.jobs.runDue()
  assert.deepEqual((await history())[0].Calls.at(-1).ErrorKind, 'labels')
  // One that fails after it moved the label has.
  functions.functions.set('rotate', async (event, signal) => {
    await good(event, signal)
    if (event.Step === 'finishSecret') throw new Error('after all was done')
  })
  server.clock.advance(10_000)
  await server.jobs.runDue()
  assert.deepEqual(await labels(server, 'db'), { [one]: ['AWSPREVIOUS'], [two]: ['AWSCURRENT'] })
  assert.equal((await history())[0].Outcome, 'succeeded')
})

test('the RotationToken of the pending rotation is verified, and asked of other accounts', async (t) => {
  const { server, functions, create, rotate } = await start(t)
  const { ARN } = await create()
  const key = (await server.call('kms', 'CreateKey', { Policy: keyPolicy(server.accountId) })).body.KeyMetadata.Arn
  await call(server, 'UpdateSecret', { SecretId: 'db', KmsKeyId: key })
  const other = await createCaller(server, 'other', [{ Effect: 'Allow', Action: '*', Resource: '*' }], 'new')
  const statement = {
    Effect: 'Allow',
    Principal: { AWS: other.account },
    Action: 'secretsmanager:PutSecretValue',
    Resource: '*',
  }
  const ResourcePolicy = JSON.stringify({ Version: '2012-10-17', Statement: statement })
  await call(server, 'PutResourcePolicy', { SecretId: 'db', ResourcePolicy })

  const put = async (RotationToken: string | undefined, ClientRequestToken: string, caller?: typeof other) => {
    const input = {
      SecretId: ARN,
      ClientRequestToken,
      SecretString: 'next',
      VersionStages: ['AWSPENDING'],
      RotationToken,
    }
    const { body } = await server.call(
      'secretsmanager',
      'PutSecretValue',
      input,
      caller && { credentials: caller.credentials },
    )
    return body.__type === undefined ? 'stored' : `${body.__type}: ${body.Message}`
  }
  const wrong = 'InvalidParameterException: The RotationToken is not that of the pending rotation.'
  const missing =
    'InvalidParameterException: You must provide the RotationToken of the pending rotation from another account.'
  const answers: string[] = []
  functions.functions.set('rotate', async ({ Step, RotationToken, ClientRequestToken }) => {
    if (Step !== 'createSecret') throw new Error('enough')
    const changed = RotationToken.replace(/.$/, (last) => (last === '0' ? '1' : '0'))
    answers.push(await put(changed, ClientRequestToken), await put(undefined, ClientRequestToken, other))
    answers.push(await put(changed, ClientRequestToken, other), await put(RotationToken, ClientRequestToken, other))
    answers.push(await put(RotationToken, ClientRequestToken), await put(undefined, ClientRequestToken))
    // Of another version no notice is taken.
    answers.push(await put(changed, token()))
  })
  await rotate()
  await server.jobs.runDue()
  assert.deepEqual(answers, [wrong, missing, wrong, 'stored', 'stored', 'stored', 'stored'])
  const trail = JSON.stringify(await events(server, 'PutSecretValue'))
  for (const { RotationToken } of functions.calls) assert.ok(!trail.includes(RotationToken))
})

const keyPolicy = (account: string): string =>
  JSON.stringify({
    Version: '2012-10-17',
    Statement: [
      { Effect: 'Allow', Principal: { AWS: account }, Action: 'kms:*', Resource: '*' },
      { Effect: 'Allow', Principal: '*', Action: ['kms:GenerateDataKey', 'kms:Decrypt'], Resource: '*' },
    ],
  })

test('schedules: once in each window, not for windows that went by unseen, and whatever the clock does', async (t) => {
  const { server, functions, create, rotate, value } = await start(t)
  await create()
  await rotate({ RotationRules: { ScheduleExpression: 'cron(0 8 * * ? *)', Duration: '4h' }, RotateImmediately: false })
  await server.jobs.runDue()
  functions.calls.length = 0
  const next = async () => (await call(server, 'DescribeSecret', { SecretId: 'db' })).NextRotationDate * 1_000 + 1_000
  const rotations = () => functions.calls.filter(({ Step }) => Step === 'finishSecret').length
  const to = async (at: number): Promise<void> => {
    server.clock.advance(at - server.app.now())
    await server.jobs.runDue()
  }
  let closes = await next()
  assert.equal(new Date(closes).getUTCHours(), 12)
  await to(closes - 4 * HOUR_MS - 1_000)
  assert.equal(rotations(), 0, 'not before the window')
  await to(closes - 1_000)
  assert.equal(rotations(), 1)
  const rotated = await value()
  await to(closes + HOUR_MS)
  assert.equal(rotations(), 1)
  assert.equal(await next(), closes + DAY_MS)

  // The clock goes back into the window that was used.
  server.clock.advance(-2 * HOUR_MS)
  await server.jobs.runDue()
  await call(server, 'RotateSecret', {
    SecretId: 'db',
    ClientRequestToken: token(),
    RotationRules: { ScheduleExpression: 'cron(0 8 * * ? *)', Duration: '4h' },
    RotateImmediately: false,
  })
  await server.jobs.runDue()
  assert.equal(await next(), closes + DAY_MS)
  assert.deepEqual([rotations(), await value()], [1, rotated])

  // A jump of the test clock is lived through: one rotation, however many windows it passes.
  await to(closes + 10 * DAY_MS)
  assert.equal(rotations(), 2)
  closes = await next()
  assert.ok(closes > server.app.now() && closes <= server.app.now() + DAY_MS)

  // A server that was not there when the window was open uses the next one.
  const offset = server.app.testClock!.offsetMs()
  await server.app.database.transaction('write', async (tx) => {
    await tx.run(
      `UPDATE job SET payload = REPLACE(payload, '"aheadMs":${offset}', '"aheadMs":${offset + DAY_MS * 30}')`,
    )
  })
  await to(closes + HOUR_MS)
  assert.equal(rotations(), 2)
  assert.equal(await next(), closes + DAY_MS)
  await to(closes + DAY_MS - 1_000)
  assert.equal(rotations(), 3)
})

test('days are counted from a value that was put by hand, expressions are not', async (t) => {
  const { server, create, rotate } = await start(t)
  await create('days')
  await create('rate')
  const next = async (SecretId: string) => (await call(server, 'DescribeSecret', { SecretId })).NextRotationDate
  await rotate({ RotationRules: { AutomaticallyAfterDays: 10 }, RotateImmediately: false }, 'days')
  await rotate({ RotationRules: { ScheduleExpression: 'rate(10 days)' }, RotateImmediately: false }, 'rate')
  await server.jobs.runDue()
  const [days, rate] = [await next('days'), await next('rate')]
  server.clock.advance(3 * DAY_MS)
  for (const SecretId of ['days', 'rate']) {
    await call(server, 'PutSecretValue', { SecretId, ClientRequestToken: token(), SecretString: 'by hand' })
  }
  assert.equal(await next('days'), days + (3 * DAY_MS) / 1_000)
  assert.equal(await next('rate'), rate)
  assert.equal((await call(server, 'DescribeSecret', { SecretId: 'days' })).LastRotatedDate, undefined)
})

test('a rotation goes on where the server was stopped in the middle of a step', async (t) => {
  const { server, functions, create, rotate } = await start(t)
  await create()
  const begun = Promise.withResolvers<void>()
  const hangs: TestFunction = async (_event: RotationEvent, signal) => {
    begun.resolve()
    await sleep(60_000, undefined, { signal }).catch(() => undefined)
    throw new Error('aborted')
  }
  functions.functions.set('rotate', hangs)
  await rotate()
  void server.jobs.runDue().catch(() => undefined)
  await begun.promise
  await server.jobs.stop()
  const again = await server.restart()
  functions.functions.set('rotate', templateFunction(again.secretsManager, memoryTarget('first')))
  for (let tries = 0; tries < 600 && (await labels(again, 'db'))[one]?.[0] !== 'AWSPREVIOUS'; tries++) {
    await again.jobs.runDue()
    await sleep(100)
  }
  assert.deepEqual((await labels(again, 'db'))[one], ['AWSPREVIOUS'])
  const { Rotations } = (await ask(again, 'list', { SecretId: 'db' })).body
  assert.deepEqual([Rotations[0].Outcome, Rotations[0].Attempt], ['succeeded', 1])
  assert.equal(Rotations[0].Calls[0].DurationMs, undefined, 'nobody knows how the first call ended')
  assert.equal(Rotations[0].Calls.length, 5)
})

test('replicas show the rotation of their primary and get its values; one that is made a secret of its own rotates no more', async (t) => {
  const { server, create, rotate, value } = await start(t)
  await create('db', { AddReplicaRegions: [{ Region: OTHER }] })
  await rotate({ RotationRules: { AutomaticallyAfterDays: 30 } })
  await server.jobs.runDue()
  await server.jobs.runDue()
  assert.deepEqual(await statuses(server, 'db'), { [OTHER]: SYNCED })
  const read = (operation: string) => callIn(server, OTHER, operation, { SecretId: 'db' })
  assert.equal((await read('GetSecretValue')).SecretString, await value())
  const [primary, replica] = [await call(server, 'DescribeSecret', { SecretId: 'db' }), await read('DescribeSecret')]
  for (const member of [
    'RotationEnabled',
    'RotationLambdaARN',
    'RotationRules',
    'LastRotatedDate',
    'NextRotationDate',
  ]) {
    assert.notEqual(primary[member], undefined)
    assert.deepEqual(replica[member], primary[member], member)
  }
  const refused = await server.call(
    'secretsmanager',
    'RotateSecret',
    { SecretId: 'db', ClientRequestToken: token() },
    { region: OTHER },
  )
  assert.equal(refused.body.__type, 'InvalidParameterException')
  await read('StopReplicationToReplica')
  const own = await read('DescribeSecret')
  assert.deepEqual(
    [own.RotationEnabled, own.RotationLambdaARN, own.NextRotationDate],
    [undefined, undefined, undefined],
  )
})

test('the history of a secret is bounded, and goes with it', async (t) => {
  const { server, functions, create, rotate } = await start(t)
  await create()
  functions.answers.set('rotate', { status: 204 })
  for (let run = 0; run < ROTATIONS_KEPT + 3; run++) {
    await rotate({ RotateImmediately: false })
    server.clock.advance(1_000)
    await server.jobs.runDue()
  }
  const rows = async (): Promise<number> =>
    server.app.database.transaction('read', async (tx) => {
      const row = await tx.get<{ readonly n: number }>('SELECT COUNT(*) AS n FROM rotation')
      return Number(row!.n)
    })
  assert.equal(await rows(), ROTATIONS_KEPT)
  await call(server, 'DeleteSecret', { SecretId: 'db', ForceDeleteWithoutRecovery: true })
  assert.equal(await rows(), 0)
})

test('jobs that somebody made with SQL rotate nothing', async (t) => {
  const { server, functions, create, rotate } = await start(t)
  const { ARN } = await create()
  await rotate({ RotationRules: { AutomaticallyAfterDays: 30 }, RotateImmediately: false })
  await server.jobs.runDue()
  functions.calls.length = 0
  const names = { account: server.accountId, region: server.region, name: 'db', arn: ARN }
  await server.app.database.transaction('write', async (tx) => {
    const insert = 'INSERT INTO job (job_id, kind, due_at, payload) VALUES ($1, $2, 0, $3)'
    await tx.run(insert, 'x', 'secretsmanager.StartRotation', JSON.stringify({ ...names, aheadMs: 0 }))
    await tx.run(insert, 'y', 'secretsmanager.RotationStep', JSON.stringify({ ...names, rotationId: 'none' }))
  })
  await server.jobs.runDue()
  assert.equal(functions.calls.length, 0)
  assert.deepEqual(await labels(server, 'db'), { [one]: ['AWSCURRENT'] })
})

test('a journal that was altered, swapped or deleted with SQL is not gone on with, and can be given up', async (t) => {
  const { server, functions, create, rotate } = await start(t)
  await create()
  await rotate()
  const sql = (text: string, ...values: readonly Value[]) =>
    server.app.database.transaction('write', (tx) => tx.run(text, ...values))
  type Columns = { readonly body: Uint8Array; readonly mac: Uint8Array }
  const row = await server.app.database.transaction('read', (tx) => tx.get<Columns>('SELECT body, mac FROM rotation'))
  const altered = Buffer.from(
    Buffer.from(row!.body).toString('latin1').replace('createSecret', 'finishSecret'),
    'latin1',
  )
  assert.notDeepEqual(altered, Buffer.from(row!.body))
  const dueAgain = () => sql('UPDATE job SET due_at = 0')
  await sql('UPDATE rotation SET body = $1', altered)
  await server.jobs.runDue()
  await sql('UPDATE rotation SET body = $1, started_at = started_at + 1', row!.body)
  await dueAgain()
  await server.jobs.runDue()
  await sql('DELETE FROM rotation')
  await dueAgain()
  await server.jobs.runDue()
  assert.equal(functions.calls.length, 0)
  const metrics = await (await fetch(`${server.url}/_strongroom/metrics`)).text()
  assert.match(metrics, /strongroom_integrity_failures_total\{table="rotation"\} [3-9]/)
  // What its journal would say is not known.
  assert.equal((await ask(server, 'abandon', { SecretId: 'db' })).body.__type, 'InvalidRequestException')
  assert.equal((await ask(server, 'abandon', { SecretId: 'db', Force: true })).body.MayBeSet, true)
  await rotate()
  await server.jobs.runDue()
  assert.equal(functions.calls.length, 4)
})
