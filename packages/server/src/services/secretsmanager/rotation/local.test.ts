// Rotations by functions that the server has itself: made by the Lambda API, run in processes of Node.js, as a role narrowed to the secret.

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { CreateFunctionCommandInput } from '@aws-sdk/client-lambda'
import { withJobsOnDemand } from '../../../testing.ts'
import { nodeZip, startLambda, zip } from '../../lambda/testing.ts'
import { ask } from '../../strongroom/testing-rotations.ts'
import { assertRefused, call, events, labels, token } from '../testing.ts'

/** The frame of AWS's templates. It counts its steps, and says in an error what it could read that is not its own. */
const ROTATES = `
import { SecretsManager } from '@aws-sdk/client-secrets-manager'
const client = new SecretsManager()
let steps = 0
const read = (input) => client.getSecretValue(input).then(({ SecretString }) => JSON.parse(SecretString))
export const handler = async ({ Step, SecretId, ClientRequestToken, RotationToken }) => {
  steps += 1
  const pending = { SecretId, VersionId: ClientRequestToken, VersionStage: 'AWSPENDING' }
  const current = await read({ SecretId, VersionStage: 'AWSCURRENT' })
  if (Step === 'createSecret') {
    const { RandomPassword } = await client.getRandomPassword({})
    const value = { ...current, password: RandomPassword, master: (await read({ SecretId: current.masterarn })).password }
    await client.putSecretValue({ SecretId, ClientRequestToken, RotationToken, VersionStages: ['AWSPENDING'], SecretString: JSON.stringify(value) })
    const other = await read({ SecretId: process.env.OTHER }).then(() => 'read', (error) => error.name)
    if (other !== 'AccessDeniedException') throw new Error('another secret: ' + other)
    const change = await client.putSecretValue({ SecretId: current.masterarn, SecretString: '{}' }).then(() => 'changed', (error) => error.name)
    if (change !== 'AccessDeniedException') throw new Error('the master secret: ' + change)
  }
  if (Step === 'testSecret') await read(pending)
  if (Step === 'finishSecret') {
    const { VersionIdsToStages } = await client.describeSecret({ SecretId })
    const [from] = Object.entries(VersionIdsToStages).find(([, stages]) => stages.includes('AWSCURRENT'))
    await client.updateSecretVersionStage({ SecretId, VersionStage: 'AWSCURRENT', MoveToVersionId: ClientRequestToken, RemoveFromVersionId: from })
    if (steps !== 4) throw new Error('an instance of ' + steps + ' steps')
  }
}
`

async function start(t: TestContext) {
  const statements = [{ Effect: 'Allow', Action: ['secretsmanager:*', 'kms:*'], Resource: '*' }]
  const { server: started, lambda, create } = await startLambda(t, { statements })
  const server = await withJobsOnDemand(t, started)
  const secret = (Name: string, value: object) =>
    call(server, 'CreateSecret', { Name, SecretString: JSON.stringify(value), ClientRequestToken: token(Name) })
  const master = await secret('master', { password: 'of-the-master' })
  await secret('other', { password: 'of-another' })
  const { ARN } = await secret('db', { engine: 'postgres', password: 'first', masterarn: master.ARN })
  const { FunctionArn } = await create({
    FunctionName: 'rotate',
    Code: { ZipFile: zip({ name: 'index.mjs', content: ROTATES, mode: 0o100644 }) },
    Timeout: 60,
    MemorySize: 512,
    Environment: { Variables: { OTHER: 'other' } },
  })
  const permit = (SourceArn: string) =>
    lambda.addPermission({
      FunctionName: 'rotate',
      StatementId: `rotation-${SourceArn.slice(-6)}`,
      Action: 'lambda:InvokeFunction',
      Principal: 'secretsmanager.amazonaws.com',
      SourceArn,
    })
  const rotate = (input: object = {}) =>
    call(server, 'RotateSecret', {
      SecretId: 'db',
      ClientRequestToken: token(),
      RotationLambdaARN: FunctionArn,
      ...input,
    })
  const value = async (VersionStage = 'AWSCURRENT') =>
    JSON.parse((await call(server, 'GetSecretValue', { SecretId: 'db', VersionStage })).SecretString)
  return { server, lambda, create, ARN: ARN as string, FunctionArn: FunctionArn!, permit, rotate, value }
}

const DENIED =
  'Secrets Manager cannot invoke the specified Lambda function. Ensure that the function policy grants access to the principal secretsmanager.amazonaws.com.'

test('a function of the server rotates a secret, in one instance, with that secret and its master secret alone', async (t) => {
  const { server, ARN, FunctionArn, permit, rotate, value } = await start(t)
  const RotationRules = { AutomaticallyAfterDays: 30 }
  const asked = { SecretId: 'db', ClientRequestToken: token('two'), RotationLambdaARN: FunctionArn, RotationRules }
  await assertRefused(server, 'RotateSecret', asked, 'AccessDeniedException', DENIED)
  await permit(`${ARN.slice(0, -6)}other1`)
  await assertRefused(server, 'RotateSecret', asked, 'AccessDeniedException', DENIED)
  await permit(ARN)
  await rotate({ ClientRequestToken: token('two'), RotationRules })
  await server.jobs.runDue()
  assert.deepEqual((await labels(server, 'db'))[token('two')]?.[0], 'AWSCURRENT')
  const [current, previous] = [await value(), await value('AWSPREVIOUS')]
  assert.equal(previous.password, 'first')
  assert.notEqual(current.password, 'first')
  assert.equal(current.master, 'of-the-master')
  const { LastRotatedDate, RotationEnabled } = await call(server, 'DescribeSecret', { SecretId: 'db' })
  assert.equal(RotationEnabled, true)
  assert.ok(LastRotatedDate)
})

test('a function that is not there is not found; one that may be invoked no more fails the rotation, and nothing changes', async (t) => {
  const { server, lambda, ARN, FunctionArn, permit, rotate, value } = await start(t)
  const missing = { SecretId: 'db', ClientRequestToken: token('two'), RotationLambdaARN: `${FunctionArn}-2` }
  const words = `Secrets Manager can't find the Lambda function ${FunctionArn}-2.`
  await assertRefused(server, 'RotateSecret', missing, 'ResourceNotFoundException', words)
  await permit(ARN)
  await rotate()
  await lambda.removePermission({ FunctionName: 'rotate', StatementId: `rotation-${ARN.slice(-6)}` })
  await server.jobs.runDue()
  assert.equal((await value()).password, 'first')
})

/** A secret whose rotation by a function with this body fails, each time. */
async function failing(t: TestContext, body: string, more: Partial<CreateFunctionCommandInput> = {}) {
  const world = await start(t)
  const { server, create, ARN, lambda, rotate } = world
  const FunctionName = 'fails'
  const { FunctionArn } = await create({ FunctionName, Code: { ZipFile: nodeZip(body) }, Timeout: 20, ...more })
  await lambda.addPermission({
    FunctionName,
    StatementId: 'rotation',
    Action: 'lambda:InvokeFunction',
    Principal: 'secretsmanager.amazonaws.com',
    SourceArn: ARN,
  })
  await rotate({ RotationLambdaARN: FunctionArn, ClientRequestToken: token('two') })
  /** The latest call, and what the event of its failure says. */
  const outcome = async () => {
    const [rotation] = (await ask(server, 'list', { SecretId: 'db' })).body.Rotations
    const [event] = await events(server, 'RotationFailed')
    return { last: rotation.Calls.at(-1), told: event?.additionalEventData as Record<string, string>, rotation }
  }
  return { ...world, FunctionArn: FunctionArn!, outcome }
}

const IMPORTS = `
const { SecretsManager } = await import('@aws-sdk/client-secrets-manager')
const client = new SecretsManager()
const { SecretId, ClientRequestToken, Step } = event
`

test('what a function throws is an error of the rotation, without its words; the end of its log is kept, without values', async (t) => {
  const body = `${IMPORTS}
    const { SecretString } = await client.getSecretValue({ SecretId })
    const { password, masterarn } = JSON.parse(SecretString)
    const master = await client.getSecretValue({ SecretId: masterarn })
    const made = 'made-by-the-function'
    console.log('working with', made, encodeURIComponent(made), Buffer.from('x' + made).toString('base64'))
    await client.putSecretValue({ SecretId, ClientRequestToken, VersionStages: ['AWSPENDING'], SecretString: JSON.stringify({ password: made }) })
    console.log(SecretString, master.SecretString, JSON.stringify(SecretString))
    throw new TypeError('cannot log in to the database with ' + password)`
  const { server, value, outcome } = await failing(t, body)
  await server.jobs.runDue()
  const { last, told } = await outcome()
  const { ErrorKind, ErrorType, Message, Log } = last
  assert.deepEqual([ErrorKind, ErrorType, Message], ['function', 'TypeError', 'The function failed.'])
  assert.deepEqual([told.Reason, told.ErrorType, told.Step], ['The function failed.', 'TypeError', 'createSecret'])
  assert.match(Log, /cannot log in to the database with \*\*\*/)
  assert.match(Log, /working with \*\*\* \*\*\*/)
  assert.match(Log, /REPORT RequestId/)
  for (const secret of ['first', 'made-by', 'bWFkZS1ieS', 'of-the-master', 'tYWRlLWJ5'])
    assert.ok(!Log.includes(secret), secret)
  assert.ok(!JSON.stringify(told).includes('working'), 'events have no log')
  assert.equal((await value()).password, 'first')
})

test('of a long log the end is kept, from a whole line; of a secret with values too short to be found, none', async (t) => {
  const { server, outcome, lambda } = await failing(
    t,
    "for (let n = 0; n < 200; n++) console.log('line', n, 'first'); throw new Error('first')",
  )
  await server.jobs.runDue()
  const { Log } = (await outcome()).last
  assert.ok(Buffer.byteLength(Log) <= 2_048)
  assert.match(Log, /^\d{4}-\d\d-\d\dT.*line \d+ \*\*\*\n/)
  assert.ok(!Log.includes('first'))
  await call(server, 'PutSecretValue', {
    SecretId: 'db',
    ClientRequestToken: token('two'),
    VersionStages: ['AWSPENDING'],
    SecretString: '{"password":"abc"}',
  })
  await lambda.updateFunctionConfiguration({ FunctionName: 'fails', Description: 'the same' })
  server.clock.advance(10_000)
  await server.jobs.runDue()
  assert.match((await outcome()).last.Log, /^The log is not kept/)
})

test('a function that hangs, crashes or answers garbage fails the rotation, with the reason', async (t) => {
  const cases = [
    ['await new Promise(() => setInterval(() => undefined, 1_000))', { Timeout: 1 }, 'timeout', 'Sandbox.Timedout'],
    ["console.log('bye'); process.exit(7)", {}, 'function', 'Runtime.ExitError'],
    ['return 10n', {}, 'function', undefined],
  ] as const
  for (const [body, more, kind, errorType] of cases) {
    const { server, value, outcome } = await failing(t, body, more)
    await server.jobs.runDue()
    const { told, last } = await outcome()
    assert.deepEqual([told.ErrorKind, told.Step, last.ErrorKind], [kind, 'createSecret', kind], body)
    if (errorType !== undefined) assert.equal(told.ErrorType, errorType)
    assert.match(told.Reason!, kind === 'timeout' ? /did not end in time/ : /^The function failed\.$/)
    assert.equal((await value()).password, 'first')
  }
})

test('a function that moves the wrong label fails or ends the rotation, and AWSCURRENT stays right', async (t) => {
  // AWSCURRENT cannot go to what has no value, and a label of its own moves nothing that counts.
  const body = `${IMPORTS}
    if (Step === 'createSecret') {
      await client.putSecretValue({ SecretId, ClientRequestToken, VersionStages: ['AWSPENDING'], SecretString: '{"password":"second"}' })
    }
    if (Step === 'finishSecret') {
      await client.updateSecretVersionStage({ SecretId, VersionStage: 'MINE', MoveToVersionId: ClientRequestToken })
    }`
  const { server, value, outcome } = await failing(t, body)
  await server.jobs.runDue()
  const { told } = await outcome()
  assert.deepEqual([told.ErrorKind, told.Step], ['labels', 'finishSecret'])
  assert.equal(told.Reason, 'The function left AWSCURRENT where it was.')
  assert.equal((await value()).password, 'first')

  // Another version than the one that it rotates to: the rotation is given up, for what is current was chosen by somebody.
  const other = await failing(
    t,
    `${IMPORTS}
    const { VersionId } = await client.putSecretValue({ SecretId, SecretString: '{"password":"third"}', VersionStages: ['MINE'] })
    const { VersionIdsToStages } = await client.describeSecret({ SecretId })
    const [from] = Object.entries(VersionIdsToStages).find(([, stages]) => stages.includes('AWSCURRENT'))
    await client.updateSecretVersionStage({ SecretId, VersionStage: 'AWSCURRENT', MoveToVersionId: VersionId, RemoveFromVersionId: from })`,
  )
  await other.server.jobs.runDue()
  assert.equal((await other.outcome()).rotation.Outcome, 'abandoned')
  const [abandoned] = await events(other.server, 'RotationAbandoned')
  assert.equal((abandoned!.additionalEventData as Record<string, string>).Reason, 'Another version became AWSCURRENT.')
  assert.ok(
    !Object.values(await labels(other.server, 'db'))
      .flat()
      .includes('AWSPENDING'),
  )
})

test('a function that is deleted, or may be invoked no more, in the middle of a rotation fails it', async (t) => {
  for (const end of ['deleted', 'forbidden'] as const) {
    const { server, lambda, value, outcome } = await failing(t, "if (event.Step === 'setSecret') throw new Error('no')")
    await server.jobs.runDue()
    assert.equal((await outcome()).last.Step, 'setSecret', 'createSecret went well')
    if (end === 'deleted') await lambda.deleteFunction({ FunctionName: 'fails' })
    else await lambda.removePermission({ FunctionName: 'fails', StatementId: 'rotation' })
    server.clock.advance(10_000)
    await server.jobs.runDue()
    const { told, last, rotation } = await outcome()
    assert.deepEqual([last.ErrorKind, rotation.Outcome], ['refused', 'failed'], end)
    assert.match(told.Reason!, /function/i)
    assert.equal((await value()).password, 'first')
  }
})

test('what is read for a rotation is in the trail as read by Secrets Manager, with the rights of the function', async (t) => {
  const { server, ARN, permit, rotate } = await start(t)
  await permit(ARN)
  await rotate({ ClientRequestToken: token('two') })
  await server.jobs.runDue()
  const all = await events(server, 'GetSecretValue')
  const inside = all.filter(({ additionalEventData }) => additionalEventData !== undefined)
  assert.ok(inside.length > 0)
  for (const event of inside) {
    assert.equal(event.sourceIPAddress, 'secretsmanager.amazonaws.com')
    assert.deepEqual(event.additionalEventData, { readBy: 'secretsmanager.amazonaws.com', readFor: 'rotation' })
    assert.match((event.userIdentity as { arn: string }).arn, /assumed-role\/execution\/rotate$/)
  }
  const ofFunction = all.filter(({ additionalEventData }) => additionalEventData === undefined)
  assert.ok(ofFunction.length > 0)
  for (const { sourceIPAddress } of ofFunction) assert.equal(sourceIPAddress, '127.0.0.1')
})
