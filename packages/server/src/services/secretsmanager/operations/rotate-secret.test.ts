// RotateSecret and CancelRotateSecret through the real server, with functions that another Lambda API has. What goes wrong inside a run is in
// rotation/steps.test.ts.

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { startTestServer, withJobsOnDemand } from '../../../testing.ts'
import { functionArn, memoryTarget, startFunctions, templateFunction } from '../rotation/testing-functions.ts'
import { assertRefused, call, createCaller, events, labels, token } from '../testing.ts'

const FUNCTION = functionArn('rotate')
const FAILS = functionArn('fails')
const DAY_MS = 86_400_000
const UNFINISHED = "A previous rotation isn't complete. That rotation will be reattempted."

async function start(t: TestContext) {
  const functions = await startFunctions(t)
  const server = await withJobsOnDemand(t, await startTestServer(t, functions.options))
  functions.trust(server.accountId)
  const target = memoryTarget('first')
  functions.functions.set('rotate', templateFunction(server.secretsManager, target))
  functions.functions.set('fails', async () => {
    throw new Error('no')
  })
  const create = (Name: string) =>
    call(server, 'CreateSecret', { Name, SecretString: 'first', ClientRequestToken: token('one') })
  const rotate = (SecretId: string, input: object = {}) =>
    call(server, 'RotateSecret', { SecretId, ClientRequestToken: token(), ...input })
  const describe = (SecretId: string) => call(server, 'DescribeSecret', { SecretId })
  const value = async (SecretId: string) => (await call(server, 'GetSecretValue', { SecretId })).SecretString
  return { server, functions, target, create, rotate, describe, value }
}

test('RotateSecret answers at once, and the function then rotates the secret in four steps', async (t) => {
  const { server, functions, target, create, rotate, describe, value } = await start(t)
  const { ARN } = await create('db')
  const two = token('two')
  const answer = await rotate('db', {
    ClientRequestToken: two,
    RotationLambdaARN: FUNCTION,
    RotationRules: { AutomaticallyAfterDays: 7 },
  })
  assert.deepEqual(answer, { ARN, Name: 'db', VersionId: two })
  assert.deepEqual(await labels(server, 'db'), { [token('one')]: ['AWSCURRENT'], [two]: ['AWSPENDING'] })
  await assertRefused(
    server,
    'GetSecretValue',
    { SecretId: 'db', VersionStage: 'AWSPENDING' },
    'ResourceNotFoundException',
    "Secrets Manager can't find the specified secret value for staging label: AWSPENDING",
  )
  assert.deepEqual(functions.dryRuns, ['rotate'])

  await server.jobs.runDue()
  assert.deepEqual(
    functions.calls.map(({ Step }) => Step),
    ['createSecret', 'setSecret', 'testSecret', 'finishSecret'],
  )
  for (const event of functions.calls) {
    assert.deepEqual(Object.keys(event), ['Step', 'SecretId', 'ClientRequestToken', 'RotationToken'])
    assert.deepEqual([event.SecretId, event.ClientRequestToken], [ARN, two])
    assert.match(event.RotationToken, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
  }
  assert.equal(new Set(functions.calls.map(({ RotationToken }) => RotationToken)).size, 1)
  assert.deepEqual(await labels(server, 'db'), { [token('one')]: ['AWSPREVIOUS'], [two]: ['AWSCURRENT'] })
  assert.equal(await value('db'), target.passwords.at(-1))
  assert.equal(target.passwords.length, 2)

  const described = await describe('db')
  const { RotationEnabled, RotationLambdaARN, RotationRules } = described
  assert.deepEqual([RotationEnabled, RotationLambdaARN, RotationRules], [true, FUNCTION, { AutomaticallyAfterDays: 7 }])
  const now = server.app.now()
  assert.ok(Math.abs(described.LastRotatedDate * 1_000 - now) < 60_000)
  const midnight = now - (now % DAY_MS)
  assert.equal(described.NextRotationDate * 1_000, midnight + 8 * DAY_MS - 1_000, 'the end of the seventh day')
  const { SecretList } = await call(server, 'ListSecrets', {})
  for (const member of [
    'RotationEnabled',
    'RotationLambdaARN',
    'RotationRules',
    'LastRotatedDate',
    'NextRotationDate',
  ]) {
    assert.deepEqual(SecretList[0][member], described[member], member)
  }

  const told = (await events(server, 'RotationSucceeded'))[0]!
  assert.deepEqual(
    [told.eventType, told.additionalEventData],
    ['AwsServiceEvent', { SecretId: ARN, ClientRequestToken: two, RotationLambdaArn: FUNCTION, Attempt: '1' }],
  )
  const started = (await events(server, 'RotationStarted'))[0]!
  assert.equal(started.additionalEventData?.ClientRequestToken, two)
  assert.deepEqual((await events(server, 'RotateSecret'))[0]!.responseElements, {
    arn: ARN,
    name: 'db',
    versionId: two,
  })

  // Again, with what is stored; and the same call once more changes nothing.
  const three = token('three')
  await rotate('db', { ClientRequestToken: three })
  assert.equal((await rotate('db', { ClientRequestToken: three })).VersionId, three)
  await server.jobs.runDue()
  assert.equal((await rotate('db', { ClientRequestToken: three })).VersionId, three)
  assert.deepEqual(await labels(server, 'db'), { [two]: ['AWSPREVIOUS'], [three]: ['AWSCURRENT'] })
  assert.equal(functions.calls.length, 8)
})

test('RotateSecret refuses in AWS’s words', async (t) => {
  const { server, functions, create, rotate } = await start(t)
  await create('db')
  await call(server, 'CreateSecret', { Name: 'empty' })
  const refused = (input: object, code: string, message: string) =>
    assertRefused(server, 'RotateSecret', { SecretId: 'db', ClientRequestToken: token(), ...input }, code, message)
  const parameter = 'InvalidParameterException'
  const request = 'InvalidRequestException'
  await refused({}, request, 'No Lambda rotation function ARN is associated with this secret.')
  await assertRefused(
    server,
    'CancelRotateSecret',
    { SecretId: 'db' },
    request,
    'No Lambda rotation function ARN is associated with this secret.',
  )
  const both = { AutomaticallyAfterDays: 7, ScheduleExpression: 'rate(7 days)' }
  await refused(
    { RotationLambdaARN: FUNCTION, RotationRules: both },
    parameter,
    'You cannot specify both rotation frequency and schedule expression together.',
  )
  await refused(
    { RotationLambdaARN: FUNCTION, RotationRules: { ScheduleExpression: 'rate(2 hours)' } },
    parameter,
    "Invalid rotation schedule. A secret can't be rotated more often than every 4 hours.",
  )
  await refused(
    { RotationLambdaARN: functionArn('absent') },
    'ResourceNotFoundException',
    `Secrets Manager can't find the Lambda function ${functionArn('absent')}.`,
  )
  functions.answers.set('shut', { status: 403 })
  await refused(
    { RotationLambdaARN: functionArn('shut') },
    'AccessDeniedException',
    'Secrets Manager cannot invoke the specified Lambda function. Ensure that the function policy grants access to the principal secretsmanager.amazonaws.com.',
  )
  await refused(
    { RotationLambdaARN: 'rotate' },
    parameter,
    'The RotationLambdaARN rotate is not the ARN of a Lambda function.',
  )
  await refused(
    { SecretId: 'empty', RotationLambdaARN: FUNCTION },
    request,
    "You can't rotate a secret that has no value.",
  )
  await refused(
    { ExternalSecretRotationRoleArn: 'arn:aws:iam::111122223333:role/x' },
    parameter,
    "ExternalSecretRotationRoleArn can't be used: a secret is rotated with the rights of who calls RotateSecret.",
  )
  await refused(
    { RotationLambdaARN: FUNCTION, ClientRequestToken: undefined },
    request,
    'You must provide a ClientRequestToken value. We recommend a UUID-type value.',
  )
  await refused(
    { RotationLambdaARN: FUNCTION, ClientRequestToken: token('one') },
    request,
    `You can't use ClientRequestToken ${token('one')} because that value is already in use for a version of secret ${(await call(server, 'DescribeSecret', { SecretId: 'db' })).ARN}.`,
  )
  await refused(
    { RotationRules: { AutomaticallyAfterDays: 0 } },
    'ValidationException',
    "1 validation error detected: Value '0' at 'rotationRules.automaticallyAfterDays' failed to satisfy constraint: Member must have value greater than or equal to 1",
  )
  assert.equal(functions.calls.length, 0)

  await rotate('db', { RotationLambdaARN: FUNCTION })
  await refused({}, request, UNFINISHED)
  await call(server, 'DeleteSecret', { SecretId: 'db' })
  await refused({}, request, "You can't perform this operation on the secret because it was marked for deletion.")
  await assertRefused(
    server,
    'CancelRotateSecret',
    { SecretId: 'db' },
    request,
    "You can't perform this operation on the secret because it was marked for deletion.",
  )
})

test('the caller needs secretsmanager:RotateSecret, and lambda:InvokeFunction on the function', async (t) => {
  const { server, create } = await start(t)
  const { ARN } = await create('db')
  const allow = (Action: string, Resource: string) => ({ Effect: 'Allow', Action, Resource })
  const ask = async (name: string, statements: readonly object[], input: object) => {
    const { credentials } = await createCaller(server, name, statements)
    return (
      await server.call(
        'secretsmanager',
        'RotateSecret',
        { SecretId: 'db', ClientRequestToken: token(), ...input },
        { credentials },
      )
    ).body
  }
  const given = { RotationLambdaARN: FUNCTION }
  const rotation = allow('secretsmanager:RotateSecret', ARN)
  assert.match((await ask('nobody', [], given)).Message, /secretsmanager:RotateSecret on resource/)
  assert.match(
    (await ask('half', [rotation], given)).Message,
    new RegExp(`is not authorized to perform: lambda:InvokeFunction on resource: ${FUNCTION} because`),
  )
  assert.match(
    (await ask('other', [rotation, allow('lambda:InvokeFunction', functionArn('other'))], given)).Message,
    /lambda:InvokeFunction/,
  )
  assert.equal((await ask('all', [rotation, allow('lambda:InvokeFunction', FUNCTION)], given)).Name, 'db')
  await server.jobs.runDue()
  assert.match((await ask('stored', [rotation], {})).Message, /lambda:InvokeFunction/)
  const conditional = {
    ...rotation,
    Condition: { StringEquals: { 'secretsmanager:resource/AllowRotationLambdaArn': FUNCTION } },
  }
  assert.equal((await ask('by-function', [conditional, allow('lambda:InvokeFunction', FUNCTION)], {})).Name, 'db')
})

test('with RotateImmediately false only testSecret is called, on a version that is gone afterwards', async (t) => {
  const { server, functions, create, rotate, describe } = await start(t)
  const { ARN } = await create('db')
  const trial = token('trial')
  const rules = { ScheduleExpression: 'cron(0 4 ? * SUN *)', Duration: '2h' }
  const answer = await rotate('db', {
    ClientRequestToken: trial,
    RotationLambdaARN: FUNCTION,
    RotationRules: rules,
    RotateImmediately: false,
  })
  assert.deepEqual(answer, { ARN, Name: 'db' })
  assert.deepEqual(await labels(server, 'db'), { [token('one')]: ['AWSCURRENT'], [trial]: ['AWSPENDING'] })
  assert.equal(
    (await call(server, 'GetSecretValue', { SecretId: 'db', VersionStage: 'AWSPENDING' })).SecretString,
    'first',
  )
  await server.jobs.runDue()
  assert.deepEqual(
    functions.calls.map(({ Step }) => Step),
    ['testSecret'],
  )
  assert.deepEqual(await labels(server, 'db'), { [token('one')]: ['AWSCURRENT'] })
  await assertRefused(
    server,
    'GetSecretValue',
    { SecretId: 'db', VersionId: trial },
    'ResourceNotFoundException',
    `Secrets Manager can't find the specified secret value for VersionId: ${trial}`,
  )
  const described = await describe('db')
  assert.deepEqual(
    [described.RotationEnabled, described.RotationRules, described.LastRotatedDate],
    [true, rules, undefined],
  )
  const next = new Date(described.NextRotationDate * 1_000)
  assert.deepEqual([next.getUTCDay(), next.getUTCHours(), next.getUTCMinutes(), next.getUTCSeconds()], [0, 5, 59, 59])
  assert.equal((await events(server, 'TestRotationStarted')).length, 1)
  assert.equal((await events(server, 'TestRotationSucceeded')).length, 1)
  assert.equal((await events(server, 'RotationStarted')).length, 0)

  await rotate('db', { RotationLambdaARN: FAILS, RotateImmediately: false })
  await server.jobs.runDue()
  assert.deepEqual(await labels(server, 'db'), { [token('one')]: ['AWSCURRENT'] })
  const failed = (await events(server, 'TestRotationFailed'))[0]!.additionalEventData
  assert.deepEqual([failed?.Step, failed?.ErrorKind, failed?.ErrorType], ['testSecret', 'function', 'Error'])
  assert.equal(functions.calls.length, 2, 'a trial is not tried again')
})

test('CancelRotateSecret turns rotation off and leaves AWSPENDING', async (t) => {
  const { server, functions, create, rotate, describe } = await start(t)
  const { ARN } = await create('db')
  const two = token('two')
  await rotate('db', {
    ClientRequestToken: two,
    RotationLambdaARN: FUNCTION,
    RotationRules: { AutomaticallyAfterDays: 7 },
  })
  assert.deepEqual(await call(server, 'CancelRotateSecret', { SecretId: 'db' }), { ARN, Name: 'db', VersionId: two })
  await server.jobs.runDue()
  assert.equal(functions.calls.length, 0)
  assert.deepEqual(await labels(server, 'db'), { [token('one')]: ['AWSCURRENT'], [two]: ['AWSPENDING'] })
  const { RotationEnabled, RotationLambdaARN, RotationRules, LastRotatedDate, NextRotationDate } = await describe('db')
  assert.deepEqual(
    { RotationEnabled, RotationLambdaARN, RotationRules, LastRotatedDate, NextRotationDate },
    {
      RotationEnabled: false,
      RotationLambdaARN: FUNCTION,
      RotationRules: { AutomaticallyAfterDays: 7 },
      LastRotatedDate: undefined,
      NextRotationDate: undefined,
    },
  )
  server.clock.advance(30 * DAY_MS)
  await server.jobs.runDue()
  assert.equal(functions.calls.length, 0)

  // What it left behind blocks, as on AWS, until the label is taken off; or is tried again by naming it.
  await assertRefused(
    server,
    'RotateSecret',
    { SecretId: 'db', ClientRequestToken: token() },
    'InvalidRequestException',
    UNFINISHED,
  )
  assert.equal((await rotate('db', { ClientRequestToken: two })).VersionId, two)
  await server.jobs.runDue()
  assert.deepEqual(await labels(server, 'db'), { [token('one')]: ['AWSPREVIOUS'], [two]: ['AWSCURRENT'] })
  assert.equal((await describe('db')).RotationEnabled, true)
  assert.deepEqual(await call(server, 'CancelRotateSecret', { SecretId: 'db' }), { ARN, Name: 'db' })
})

test('a value that is put by hand during a rotation abandons it', async (t) => {
  const { server, functions, create, rotate } = await start(t)
  await create('db')
  const [two, three] = [token('two'), token('three')]
  await rotate('db', { ClientRequestToken: two, RotationLambdaARN: FUNCTION })
  await call(server, 'PutSecretValue', { SecretId: 'db', ClientRequestToken: three, SecretString: 'by hand' })
  assert.deepEqual(await labels(server, 'db'), { [token('one')]: ['AWSPREVIOUS'], [three]: ['AWSCURRENT'] })
  await server.jobs.runDue()
  assert.equal(functions.calls.length, 0)
  const abandoned = (await events(server, 'RotationAbandoned'))[0]!.additionalEventData
  assert.deepEqual([abandoned?.ClientRequestToken, abandoned?.Reason], [two, 'Another version became AWSCURRENT.'])

  // As AWS's guide cures one that is stuck.
  const four = token('four')
  await rotate('db', { ClientRequestToken: four })
  await call(server, 'UpdateSecretVersionStage', {
    SecretId: 'db',
    VersionStage: 'AWSPENDING',
    RemoveFromVersionId: four,
  })
  assert.equal((await events(server, 'RotationAbandoned')).length, 2)
  await rotate('db', { RotationLambdaARN: FAILS })
})

test('a secret that is scheduled for deletion does not rotate, and goes on where it is restored', async (t) => {
  const { server, functions, create, rotate, describe } = await start(t)
  await create('db')
  await rotate('db', { RotationLambdaARN: FUNCTION, RotationRules: { ScheduleExpression: 'rate(1 day)' } })
  await server.jobs.runDue()
  await rotate('db')
  await call(server, 'DeleteSecret', { SecretId: 'db' })
  const before = functions.calls.length
  assert.equal((await describe('db')).NextRotationDate, undefined)
  server.clock.advance(2 * DAY_MS)
  await server.jobs.runDue()
  assert.equal(functions.calls.length, before)
  await call(server, 'RestoreSecret', { SecretId: 'db' })
  assert.ok((await describe('db')).NextRotationDate * 1_000 > server.app.now())
  server.clock.advance(2 * DAY_MS)
  await server.jobs.runDue()
  assert.equal(functions.calls.length, before + 4)
})
