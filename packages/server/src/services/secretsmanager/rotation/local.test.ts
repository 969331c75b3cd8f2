// Rotations by functions that the server has itself: made by the Lambda API, run in processes of Node.js, as a role narrowed to the secret.

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { withJobsOnDemand } from '../../../testing.ts'
import { nodeZip, startLambda, zip } from '../../lambda/testing.ts'
import { ask } from '../../strongroom/testing-rotations.ts'
import { assertRefused, call, labels, token } from '../testing.ts'

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

test('what a function throws is an error of the rotation, without its words', async (t) => {
  const { server, create, ARN, lambda, rotate, value } = await start(t)
  const { FunctionArn } = await create({
    FunctionName: 'fails',
    Code: { ZipFile: nodeZip("throw new TypeError('first')") },
  })
  await lambda.addPermission({
    FunctionName: 'fails',
    StatementId: 'rotation',
    Action: 'lambda:InvokeFunction',
    Principal: 'secretsmanager.amazonaws.com',
    SourceArn: ARN,
  })
  await rotate({ RotationLambdaARN: FunctionArn })
  await server.jobs.runDue()
  const [rotation] = (await ask(server, 'list', { SecretId: 'db' })).body.Rotations
  const { ErrorKind, ErrorType, Message } = rotation.Calls[0]
  assert.deepEqual(
    { ErrorKind, ErrorType, Message },
    { ErrorKind: 'function', ErrorType: 'TypeError', Message: 'The function failed.' },
  )
  assert.equal((await value()).password, 'first')
})
