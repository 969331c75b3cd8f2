// Ready-made rotators through the real server, against a real PostgreSQL.

import assert from 'node:assert/strict'
import { after, before, type TestContext, test } from 'node:test'
import { type Rotator, RotatorError } from '@strongroom/rotators'
import { startPostgresql, type TestPostgresql } from '../../../../../rotators/src/testing/postgresql.ts'
import type { GivenOptions } from '../../../config.ts'
import { startTestServer, type TestAnswer, type TestServer, withJobsOnDemand } from '../../../testing.ts'
import { ask } from '../../strongroom/testing-rotations.ts'
import { call, createCaller, events, labels, token } from '../testing.ts'
import { createRotationFunctions } from './functions.ts'
import { createReadyMade, ioOf } from './ready-made.ts'

const PASSWORD = 'first-password-of-a-user'
let postgres: TestPostgresql
let missing: string | undefined

before(async () => {
  const started = await startPostgresql()
  if ('reason' in started) missing = started.reason
  else postgres = started
})
after(() => postgres?.stop())

let users = 0

function assertRefused({ status, body }: TestAnswer, code: string, message: RegExp): void {
  assert.deepEqual([status, body.__type], [400, code], JSON.stringify(body))
  assert.match(body.Message, message)
}

/** What the service read and wrote by itself, newest first. */
const ownCalls = async (server: TestServer, name: string) =>
  (await events(server, name)).filter(({ eventType }) => eventType === 'AwsServiceEvent')

async function start(t: TestContext, given: GivenOptions = {}) {
  const server = await withJobsOnDemand(t, await startTestServer(t, { rotationCa: postgres.authorityFile, ...given }))
  const username = `app_${++users}`
  await postgres.sql(
    `CREATE ROLE ${username} LOGIN PASSWORD '${PASSWORD}'; GRANT CREATE ON SCHEMA public TO ${username}`,
  )
  const value = { engine: 'postgres', host: 'localhost', port: postgres.port, username, password: PASSWORD }
  const arnOf = (name: string) => `arn:aws:lambda:${server.region}:${server.accountId}:function:strongroom-${name}`
  const create = async (Name: string, content: object): Promise<string> =>
    (await call(server, 'CreateSecret', { Name, ClientRequestToken: token(), SecretString: JSON.stringify(content) }))
      .ARN
  const rotate = (SecretId: string, name: string, more: object = {}) =>
    call(server, 'RotateSecret', { SecretId, ClientRequestToken: token(), RotationLambdaARN: arnOf(name), ...more })
  const refuseRotation = (SecretId: string, name: string, more: object = {}, credentials = server.credentials) =>
    server.call(
      'secretsmanager',
      'RotateSecret',
      { SecretId, ClientRequestToken: token(), RotationLambdaARN: arnOf(name), ...more },
      { credentials },
    )
  const read = async (SecretId: string, VersionStage = 'AWSCURRENT') =>
    JSON.parse((await call(server, 'GetSecretValue', { SecretId, VersionStage })).SecretString)
  const latest = async (SecretId: string) => (await ask(server, 'list', { SecretId })).body.Rotations[0]
  return { server, username, value, arnOf, create, rotate, refuseRotation, read, latest }
}

const skip = (t: TestContext): boolean => {
  if (missing !== undefined) t.skip(`NOT RUN: ${missing}`)
  return missing !== undefined
}

const logIn = ({ username, password }: { username: string; password: string }): Promise<void> =>
  postgres.logIn(username, password)

const master = () => ({
  engine: 'postgres',
  host: 'localhost',
  port: postgres.port,
  username: 'postgres',
  password: postgres.password,
})

test('single user: one call rotates the password of a real server, and nothing but the labels and the password changes', async (t) => {
  if (skip(t)) return
  const { server, value, create, rotate, read, latest } = await start(t)
  const ARN = await create('db', { ...value, note: 'kept' })
  const VersionId = token('new')
  await rotate('db', 'postgresql-single-user', { ClientRequestToken: VersionId })
  await server.jobs.runDue()
  const { Outcome, Attempt, Calls } = await latest('db')
  assert.deepEqual([Outcome, Attempt, Calls.length], ['succeeded', 1, 4], JSON.stringify(Calls))
  assert.deepEqual((await labels(server, 'db'))[VersionId], ['AWSCURRENT'])
  const now = await read('db')
  assert.deepEqual({ ...now, password: '' }, { ...value, password: '', note: 'kept' })
  await logIn(now)
  await assert.rejects(logIn(value as never), /password authentication failed/)
  assert.deepEqual(await read('db', 'AWSPREVIOUS'), { ...value, note: 'kept' })

  for (const [name, count] of [
    ['GetSecretValue', 9],
    ['PutSecretValue', 1],
    ['UpdateSecretVersionStage', 1],
  ] as const) {
    const told = await ownCalls(server, name)
    assert.equal(told.length, count, name)
    assert.equal(told[0]!.resources?.[0]?.ARN, ARN)
    assert.ok(!JSON.stringify(told).includes(now.password) && !JSON.stringify(told).includes(PASSWORD))
  }
})

test('alternating users: the previous credential still works, which the history tells', async (t) => {
  if (skip(t)) return
  const { server, value, create, rotate, read, latest, username } = await start(t)
  const masterarn = await create('master', master())
  await create('db', { ...value, masterarn })
  await rotate('db', 'postgresql-alternating-users', {
    ExternalSecretRotationMetadata: [{ Key: 'passwordLength', Value: '48' }],
  })
  await server.jobs.runDue()
  const { Outcome, Calls } = await latest('db')
  assert.equal(Outcome, 'succeeded', JSON.stringify(Calls))
  assert.deepEqual(Calls.at(-1).Findings, [{ Level: 'ok', Message: 'The previous credential still works.' }])
  assert.equal(Calls.at(-1).PreviousStillValid, true)
  const now = await read('db')
  assert.deepEqual([now.username, now.password.length], [`${username}_clone`, 48])
  await logIn(now)
  await logIn(value as never)

  await call(server, 'RotateSecret', { SecretId: 'db', ClientRequestToken: token() })
  await server.jobs.runDue()
  assert.equal((await read('db')).username, username)
  assert.equal((await read('db')).password.length, 48)
  const described = await call(server, 'DescribeSecret', { SecretId: 'db' })
  assert.deepEqual(described.ExternalSecretRotationMetadata, [{ Key: 'passwordLength', Value: '48' }])
  const reads = (await ownCalls(server, 'GetSecretValue')).filter(({ resources }) => resources?.[0]?.ARN === masterarn)
  // Once by RotateSecret that named the rotator, and once in each step of two rotations.
  assert.equal(reads.length, 9)
})

test('what RotateSecret is given, and what the secret holds, is checked before anything is kept', async (t) => {
  if (skip(t)) return
  const { server, value, create, refuseRotation, arnOf } = await start(t)
  await create('db', value)
  const options = (...given: readonly object[]) => ({ ExternalSecretRotationMetadata: given })
  const single = 'postgresql-single-user'
  const refused = async (answer: ReturnType<typeof refuseRotation>, code: string, message: RegExp) =>
    assertRefused(await answer, code, message)
  await refused(
    refuseRotation('db', single, options({ Key: 'colour', Value: 'red' })),
    'InvalidParameterException',
    /has no option colour/,
  )
  await refused(
    refuseRotation('db', single, options({ Key: 'passwordLength' })),
    'InvalidParameterException',
    /Key and a Value/,
  )
  const length = { Key: 'passwordLength', Value: '40' }
  await refused(refuseRotation('db', single, options(length, length)), 'InvalidParameterException', /more than once/)
  await refused(
    refuseRotation('db', single, options({ ...length, Value: '4' })),
    'InvalidRequestException',
    /16 to 128/,
  )
  await refused(
    refuseRotation('db', 'postgresql-triple-user'),
    'ResourceNotFoundException',
    /can't find the Lambda function/,
  )
  await refused(refuseRotation('db', 'postgresql-alternating-users'), 'InvalidRequestException', /masterarn is missing/)
  const elsewhere = { RotationLambdaARN: arnOf(single).replace(server.region, 'us-east-1') }
  await refused(refuseRotation('db', single, elsewhere), 'ResourceNotFoundException', /can't find/)
  const stranger = { RotationLambdaARN: arnOf(single).replace(server.accountId, '999999999999') }
  await refused(refuseRotation('db', single, stranger), 'ResourceNotFoundException', /can't find/)
  await refused(
    refuseRotation('db', single, { RotationLambdaARN: `${arnOf(single)}:1` }),
    'ResourceNotFoundException',
    /can't find/,
  )
  await create('text', 'no JSON object' as never)
  await refused(refuseRotation('text', single), 'InvalidRequestException', /not a JSON object/)
  await create('odd', { ...value, port: 'http', engine: 'mysql' })
  await refused(
    refuseRotation('odd', single),
    'InvalidRequestException',
    /engine is not postgres.*port is not a number/,
  )
  for (const SecretId of ['db', 'text', 'odd']) {
    assert.equal((await call(server, 'DescribeSecret', { SecretId })).RotationEnabled, undefined)
  }
  await call(server, 'CreateSecret', { Name: 'other', ClientRequestToken: token(), SecretString: '{}' })
  const { body } = await server.call('secretsmanager', 'RotateSecret', {
    SecretId: 'other',
    ClientRequestToken: token(),
    RotationLambdaARN: `arn:aws:lambda:${server.region}:${server.accountId}:function:mine`,
    ...options(length),
  })
  assert.match(body.Message ?? body.message, /ExternalSecretRotationMetadata can't be used/)
})

test('the rotator may do what its caller may, and nothing else', async (t) => {
  if (skip(t)) return
  const { server, value, create, refuseRotation, latest } = await start(t)
  const masterarn = await create('master', master())
  const ARN = await create('db', { ...value, masterarn })
  const allow = (Action: string | readonly string[], Resource: string) => ({ Effect: 'Allow', Action, Resource })
  const alternating = 'postgresql-alternating-users'
  const rotates = allow('secretsmanager:RotateSecret', ARN)
  const { credentials: without } = await createCaller(server, 'without', [rotates])
  const refusal = await refuseRotation('db', alternating, {}, without)
  assertRefused(refusal, 'AccessDeniedException', /secretsmanager:GetSecretValue on resource: \S+:secret:master-/)

  const { credentials: withMaster } = await createCaller(server, 'with', [
    rotates,
    allow('secretsmanager:GetSecretValue', masterarn),
  ])
  assert.equal((await refuseRotation('db', alternating, {}, withMaster)).status, 200)
  await server.jobs.runDue()
  assert.equal((await latest('db')).Outcome, 'succeeded')
  // Who may only write the secret has no other master used, and this one nowhere else.
  const before = JSON.parse((await call(server, 'GetSecretValue', { SecretId: 'db' })).SecretString)
  const otherMaster = await create('other-master', master())
  for (const changed of [
    { ...before, masterarn: otherMaster },
    { ...before, host: '127.0.0.1' },
  ]) {
    await call(server, 'PutSecretValue', {
      SecretId: 'db',
      ClientRequestToken: token(),
      SecretString: JSON.stringify(changed),
    })
    const answer = await server.call(
      'secretsmanager',
      'RotateSecret',
      { SecretId: 'db', ClientRequestToken: token() },
      { credentials: without },
    )
    assert.equal(answer.status, 200)
    await server.jobs.runDue()
    const { Outcome, Attempt, Calls } = await latest('db')
    assert.deepEqual([Outcome, Attempt], ['failed', 1])
    assert.deepEqual([Calls[0].ErrorKind, Calls[0].ErrorType], ['refused', 'permission'])
    assert.match(Calls[0].Message, /call RotateSecret again/)
    await ask(server, 'abandon', { SecretId: 'db', Force: true })
  }
  await call(server, 'PutSecretValue', {
    SecretId: 'db',
    ClientRequestToken: token(),
    SecretString: JSON.stringify(before),
  })
  await call(server, 'DeleteSecret', { SecretId: 'master' })
  await call(server, 'RotateSecret', { SecretId: 'db', ClientRequestToken: token() })
  await server.jobs.runDue()
  assert.equal((await latest('db')).Outcome, 'failed')
})

test('a customer key is used with the rights of the caller', async (t) => {
  if (skip(t)) return
  const { server, value, refuseRotation, latest } = await start(t)
  const { KeyMetadata } = (await server.call('kms', 'CreateKey', {})).body
  const { ARN } = await call(server, 'CreateSecret', {
    Name: 'db',
    ClientRequestToken: token(),
    KmsKeyId: KeyMetadata.KeyId,
    SecretString: JSON.stringify(value),
  })
  const rotates = { Effect: 'Allow', Action: 'secretsmanager:RotateSecret', Resource: ARN }
  const { credentials: keyless } = await createCaller(server, 'keyless', [rotates])
  assertRefused(await refuseRotation('db', 'postgresql-single-user', {}, keyless), 'AccessDeniedException', /KMS/)
  const Action = ['kms:Decrypt', 'kms:GenerateDataKey']
  const { credentials: able } = await createCaller(server, 'able', [
    rotates,
    { Effect: 'Allow', Action, Resource: KeyMetadata.Arn },
  ])
  assert.equal((await refuseRotation('db', 'postgresql-single-user', {}, able)).status, 200)
  await server.jobs.runDue()
  assert.equal((await latest('db')).Outcome, 'succeeded')

  const another = (await server.call('kms', 'CreateKey', {})).body.KeyMetadata
  await call(server, 'UpdateSecret', { SecretId: 'db', KmsKeyId: another.KeyId })
  await call(server, 'RotateSecret', { SecretId: 'db', ClientRequestToken: token() })
  await server.jobs.runDue()
  const { Outcome, Calls } = await latest('db')
  assert.equal(Outcome, 'failed')
  assert.match(Calls[0].Message, /with the rights of who called RotateSecret/)
})

test('a dry run connects, tells what it finds, and changes nothing', async (t) => {
  if (skip(t)) return
  const { server, value, create, rotate, read, latest } = await start(t)
  await create('db', value)
  await rotate('db', 'postgresql-single-user', { RotateImmediately: false })
  await server.jobs.runDue()
  const first = await latest('db')
  assert.deepEqual([first.Kind, first.Outcome], ['test', 'succeeded'])
  assert.deepEqual(
    first.Calls[0].Findings.map(({ Level }: { Level: string }) => Level),
    ['ok', 'ok', 'ok'],
  )
  assert.match(first.Calls[0].Findings[0].Message, /32 characters/)
  await logIn(value as never)
  await call(server, 'PutSecretValue', {
    SecretId: 'db',
    ClientRequestToken: token(),
    SecretString: JSON.stringify({ ...value, password: 'wrong' }),
  })
  await ask(server, 'dry-run', { SecretId: 'db' })
  await server.jobs.runDue()
  const second = await latest('db')
  assert.deepEqual([second.Outcome, second.Calls[0].ErrorType], ['failed', 'problem'])
  assert.match(second.Calls[0].Message, /password is refused/)
  assert.equal((await read('db')).password, 'wrong')
})

test('only the networks that are given may be connected to', async (t) => {
  if (skip(t)) return
  const { server, value, create, rotate, latest } = await start(t, { rotationNetwork: ['10.0.0.0/8'] })
  await create('db', value)
  await rotate('db', 'postgresql-single-user')
  await server.jobs.runDue()
  const { Outcome, Attempt, Calls } = await latest('db')
  assert.deepEqual([Outcome, Attempt, Calls.at(-1).Step], ['failed', 1, 'setSecret'])
  assert.match(Calls.at(-1).Message, /--rotation-network/)
})

test('a password that is refused gives way to another one, three times at most', async (t) => {
  if (skip(t)) return
  const { server, value, create, rotate, read, latest } = await start(t)
  await create('db', value)
  const tried: unknown[] = []
  // What the other side may have as a name.
  const endless = `\u001b[31m\n${'x'.repeat(5_000)}`
  let refusals = 2
  const choosy: Rotator = {
    name: 'postgresql-single-user',
    title: 'A server that refuses some passwords',
    strategy: 'single',
    verified: false,
    members: [],
    options: [],
    master: 'unused',
    check: () => ({}),
    create: async ({ current }, io) => ({ ...current, password: io.randomBytes(8).toString('hex') }),
    set: async ({ pending }) => {
      // It is kept before it is tried.
      assert.equal((await read('db', 'AWSPENDING')).password, pending.password)
      tried.push(pending.password)
      if (refusals-- > 0) throw new RotatorError('policy', `The server refuses the new password: ${endless}`)
    },
    test: async () => {},
    settle: async () => Array(200).fill({ level: 'ok', message: endless }),
    dryRun: async () => [],
  }
  const { invoke } = createRotationFunctions([
    createReadyMade({ resolve: async () => '127.0.0.1', authorities: [], rotators: [choosy] }),
  ])
  Object.assign(server.app.rotationFunctions, { invoke })
  await rotate('db', 'postgresql-single-user')
  await server.jobs.runDue()
  const rotated = await latest('db')
  assert.equal(rotated.Outcome, 'succeeded')
  const { Findings } = rotated.Calls.at(-1)
  assert.deepEqual([Findings.length, Findings[0].Message], [100, `?[31m?${'x'.repeat(994)}`])
  assert.equal(new Set(tried).size, 3)
  assert.equal((await read('db')).password, tried[2])
  refusals = 3
  await rotate('db', 'postgresql-single-user')
  await server.jobs.runDue()
  const { Outcome, Attempt, Calls } = await latest('db')
  assert.deepEqual(
    [Outcome, Attempt, Calls.at(-1).ErrorKind, Calls.at(-1).ErrorType],
    ['failed', 1, 'refused', 'policy'],
  )
  assert.match(Calls.at(-1).Message, /^The server refuses the new password: \?\[31m\?x+$/)
  assert.equal(Calls.at(-1).Message.length, 1_000)
  assert.equal(tried.length, 6)
})

test('a name that changes its address in the middle of a step leads the master nowhere else', async (t) => {
  const server = await startTestServer(t)
  const answers = ['10.0.0.1', '10.0.0.2']
  const options = { resolve: async () => answers.shift() ?? assert.fail('asked again'), authorities: [] }
  const io = ioOf(server.app, options, new AbortController().signal)
  assert.deepEqual(
    [await io.resolve('db.example', 5432), await io.resolve('DB.example', 15_672)],
    ['10.0.0.1', '10.0.0.1'],
  )
  const next = ioOf(server.app, options, new AbortController().signal)
  assert.equal(await next.resolve('db.example', 5432), '10.0.0.2')
})

test('whoever writes the secret cannot have the master go without TLS', async (t) => {
  if (skip(t)) return
  const { server, value, create, rotate, read, latest } = await start(t)
  const masterarn = await create('master', { username: 'postgres', password: postgres.password })
  await create('db', { ...value, masterarn })
  await rotate('db', 'postgresql-alternating-users')
  await server.jobs.runDue()
  assert.equal((await latest('db')).Outcome, 'succeeded')
  const changed = JSON.stringify({ ...(await read('db')), ssl: false })
  await call(server, 'PutSecretValue', { SecretId: 'db', ClientRequestToken: token(), SecretString: changed })
  await call(server, 'RotateSecret', { SecretId: 'db', ClientRequestToken: token() })
  await server.jobs.runDue()
  const { Outcome, Calls } = await latest('db')
  assert.deepEqual([Outcome, Calls.at(-1).ErrorType], ['failed', 'permission'], JSON.stringify(Calls))
  assert.match(Calls.at(-1).Message, /way there/)
})
