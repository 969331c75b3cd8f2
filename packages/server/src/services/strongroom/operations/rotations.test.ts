// 'AbandonRotation', 'DryRunRotation', 'ListRotations' and 'RollBackRotation' through the server: what an operator sees and does, and who may.

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { startTestServer } from '../../../testing.ts'
import {
  functionArn,
  memoryTarget,
  startFunctions,
  templateFunction,
} from '../../secretsmanager/rotation/testing-functions.ts'
import { call, createCaller, events, labels, token } from '../../secretsmanager/testing.ts'
import { ask } from '../testing-rotations.ts'

const [one, two] = [token('one'), token('two')]
const FUNCTION = functionArn('rotate')
const SecretId = 'db'
const UNFINISHED = "A previous rotation isn't complete. That rotation will be reattempted."

async function start(t: TestContext) {
  const functions = await startFunctions(t)
  const server = await startTestServer(t, functions.options)
  functions.trust(server.accountId)
  functions.functions.set('rotate', templateFunction(server.secretsManager, memoryTarget('first')))
  const { ARN } = await call(server, 'CreateSecret', { Name: 'db', SecretString: 'first', ClientRequestToken: one })
  const rotate = (input: object = {}) =>
    call(server, 'RotateSecret', { SecretId, ClientRequestToken: two, RotationLambdaARN: FUNCTION, ...input })
  const list = async () => (await ask(server, 'list', { SecretId })).body
  return { server, functions, ARN, rotate, list }
}

test('the history tells each run, its steps and when they were', async (t) => {
  const { server, ARN, rotate, list } = await start(t)
  assert.deepEqual(await list(), { ARN, Name: 'db', Rotations: [] })
  await rotate({ RotationRules: { AutomaticallyAfterDays: 3 } })
  const begun = await list()
  assert.equal(begun.RunningRotationId, begun.Rotations[0].RotationId)
  assert.equal(begun.Rotations[0].Outcome, undefined)
  await server.jobs.runDue()
  const { RunningRotationId, NextRotationDate, Rotations } = await list()
  assert.equal(RunningRotationId, undefined)
  assert.equal(NextRotationDate, (await call(server, 'DescribeSecret', { SecretId })).NextRotationDate)
  const [{ Kind, VersionId, FunctionArn, Outcome, Attempt, Calls }] = Rotations
  assert.deepEqual([Kind, VersionId, FunctionArn, Outcome, Attempt], ['rotation', two, FUNCTION, 'succeeded', 1])
  assert.deepEqual(
    Calls.map(({ Step }: { readonly Step: string }) => Step),
    ['createSecret', 'setSecret', 'testSecret', 'finishSecret'],
  )
  for (const { DurationMs, StartedAt } of Calls) assert.ok(DurationMs >= 0 && StartedAt > 1e9)
  server.clock.advance(1_000)
  await rotate({ ClientRequestToken: token() })
  const { body } = await ask(server, 'list', { SecretId, MaxResults: 1 })
  assert.deepEqual([body.Rotations.length, body.Rotations[0].Outcome], [1, undefined])
})

test('a dry run tries the function and changes nothing', async (t) => {
  const { server, functions, rotate, list } = await start(t)
  const { body: refused } = await ask(server, 'dry-run', { SecretId })
  assert.equal(refused.Message, 'No Lambda rotation function ARN is associated with this secret.')
  await rotate({ RotationRules: { AutomaticallyAfterDays: 3 } })
  assert.equal((await ask(server, 'dry-run', { SecretId })).body.Message, UNFINISHED)
  await server.jobs.runDue()
  const described = async () => {
    const { LastChangedDate: _, LastAccessedDate: __, ...rest } = await call(server, 'DescribeSecret', { SecretId })
    return rest
  }
  const before = await described()
  functions.calls.length = 0
  const { body } = await ask(server, 'dry-run', { SecretId })
  await server.jobs.runDue()
  const [trial] = (await list()).Rotations
  assert.deepEqual([trial.RotationId, trial.Kind, trial.Outcome], [body.RotationId, 'test', 'succeeded'])
  assert.deepEqual(
    functions.calls.map(({ Step }) => Step),
    ['testSecret'],
  )
  assert.deepEqual(await described(), before)
  functions.functions.delete('rotate')
  await ask(server, 'dry-run', { SecretId })
  await server.jobs.runDue()
  const failed = (await list()).Rotations.find(({ Outcome }: { readonly Outcome: string }) => Outcome === 'failed')
  assert.equal(failed.Calls[0].ErrorType, 'ResourceNotFoundException')
  assert.deepEqual(await described(), before)
})

test('a rotation is given up freely before setSecret, and by force afterwards', async (t) => {
  const { server, functions, ARN, rotate, list } = await start(t)
  const abandon = async (Force?: boolean) => (await ask(server, 'abandon', { SecretId, Force })).body
  assert.equal((await abandon()).Message, 'No rotation of this secret is unfinished.')
  await rotate()
  assert.deepEqual(await abandon(), { ARN, Name: 'db', VersionId: two, MayBeSet: false })
  assert.deepEqual(await labels(server, 'db'), { [one]: ['AWSCURRENT'] })
  await server.jobs.runDue()
  assert.equal(functions.calls.length, 0)
  assert.deepEqual(
    [(await list()).Rotations[0].Outcome, (await events(server, 'RotationAbandoned')).length],
    ['abandoned', 1],
  )

  const good = functions.functions.get('rotate')!
  functions.functions.set('rotate', async (event, signal) => {
    if (event.Step === 'testSecret') throw new Error('no')
    return good(event, signal)
  })
  const three = token('three')
  await rotate({ ClientRequestToken: three })
  await server.jobs.runDue()
  const message = `The rotation was already told to set the new value: whatever the secret opens may take only version ${three} by now. Give Force to abandon it all the same.`
  assert.equal((await abandon()).Message, message)
  // The same where nothing goes on any more.
  await call(server, 'CancelRotateSecret', { SecretId })
  assert.equal((await abandon()).Message, message)
  assert.deepEqual(await abandon(true), { ARN, Name: 'db', VersionId: three, MayBeSet: true })
  assert.deepEqual(await labels(server, 'db'), { [one]: ['AWSCURRENT'] })
  const { SecretString } = await call(server, 'GetSecretValue', { SecretId, VersionId: three })
  assert.equal(typeof SecretString, 'string', 'its value is kept')
  assert.equal((await events(server, 'RotationAbandoned')).length, 2)
  await rotate({ ClientRequestToken: token() })
})

test('a rollback moves the labels back, once no rotation is unfinished', async (t) => {
  const { server, ARN, rotate } = await start(t)
  const back = async () => (await ask(server, 'roll-back', { SecretId })).body
  assert.equal((await back()).Message, 'No version has staging label AWSPREVIOUS.')
  await rotate()
  assert.equal((await back()).Message, UNFINISHED)
  await server.jobs.runDue()
  assert.deepEqual(await back(), { ARN, Name: 'db', VersionId: one, PreviousVersionId: two })
  assert.deepEqual(await labels(server, 'db'), { [one]: ['AWSCURRENT'], [two]: ['AWSPREVIOUS'] })
  assert.equal((await call(server, 'GetSecretValue', { SecretId })).SecretString, 'first')
})

test('each asks for its own permission on the secret, and a trial for the function too', async (t) => {
  const { server, ARN, rotate } = await start(t)
  await rotate()
  await server.jobs.runDue()
  const { credentials: nobody } = await createCaller(server, 'nobody', [])
  for (const [route, action] of [
    ['list', 'ListRotations'],
    ['dry-run', 'DryRunRotation'],
    ['abandon', 'AbandonRotation'],
    ['roll-back', 'RollBackRotation'],
  ] as const) {
    const { body } = await ask(server, route, { SecretId }, nobody)
    assert.match(
      body.Message,
      new RegExp(`not authorized to perform: strongroom:${action} on resource: ${ARN} because`),
    )
  }
  const statement = { Effect: 'Allow', Action: 'strongroom:*', Resource: ARN }
  const { credentials } = await createCaller(server, 'operator', [statement])
  assert.equal((await ask(server, 'list', { SecretId }, credentials)).status, 200)
  assert.match((await ask(server, 'dry-run', { SecretId }, credentials)).body.Message, /lambda:InvokeFunction/)
})
