// Managed external secrets through the real server: what their Type selects, and what is refused.

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { datadogApiKey, partnerRotator } from '../../../../../rotators/src/issuers/partners.ts'
import { DatadogDouble, startDouble } from '../../../../../rotators/src/testing/partners.ts'
import { startTestServer, withJobsOnDemand } from '../../../testing.ts'
import { ask } from '../../strongroom/testing-rotations.ts'
import { assertRefused, call, createCaller, token } from '../testing.ts'
import { EXTERNAL } from './functions.ts'
import { createManagedRotation } from './ready-made.ts'
import { partnerOf } from './ready-made-settings.ts'

async function start(t: TestContext) {
  const { double, requests, url, authority, stop } = await startDouble(new DatadogDouble())
  t.after(stop)
  const server = await withJobsOnDemand(t, await startTestServer(t))
  // As start.ts has it, but for the address of the product.
  const rotation = createManagedRotation(server.app.databaseNetwork, async (_, { secret }) => {
    assert.equal(partnerOf(secret).name, 'DatadogApiKey')
    return { rotator: partnerRotator(datadogApiKey, () => url), authorities: [authority] }
  })
  server.app.rotationFunctions.managed.set(EXTERNAL, rotation)
  const create = async (Name: string, Type: string, content: object): Promise<string> => {
    const SecretString = JSON.stringify(content)
    return (await call(server, 'CreateSecret', { Name, Type, ClientRequestToken: token(), SecretString })).ARN
  }
  const adminSecretArn = await create('admin', 'DatadogAdminKey', double.admin)
  const options = { ExternalSecretRotationMetadata: [{ Key: 'adminSecretArn', Value: adminSecretArn }] }
  const rotate = (more: object = {}) =>
    call(server, 'RotateSecret', { SecretId: 'key', ClientRequestToken: token(), ...more })
  const read = async (VersionStage = 'AWSCURRENT') =>
    JSON.parse((await call(server, 'GetSecretValue', { SecretId: 'key', VersionStage })).SecretString)
  const latest = async () => (await ask(server, 'list', { SecretId: 'key' })).body.Rotations[0]
  return { server, double, requests, create, adminSecretArn, options, rotate, read, latest }
}

test('the Type of a secret rotates it without a function, at once and by its schedule', async (t) => {
  const { server, double, create, adminSecretArn, options, rotate, read, latest } = await start(t)
  await create('key', 'DatadogApiKey', double.issue('by hand'))
  await rotate({ ...options, RotationRules: { AutomaticallyAfterDays: 30 } })
  await server.jobs.runDue()
  const { Outcome, Calls, FunctionArn } = await latest()
  assert.deepEqual([Outcome, FunctionArn], ['succeeded', undefined], JSON.stringify(Calls))
  assert.equal(Calls.at(-1).PreviousStillValid, true)
  const described = await call(server, 'DescribeSecret', { SecretId: 'key' })
  assert.deepEqual(
    [described.Type, described.RotationEnabled, described.RotationLambdaARN, described.ExternalSecretRotationMetadata],
    ['DatadogApiKey', true, undefined, [{ Key: 'adminSecretArn', Value: adminSecretArn }]],
  )
  const second = await read()
  await rotate()
  await server.jobs.runDue()
  assert.equal((await latest()).Outcome, 'succeeded')
  const kept = [second.apiKeyId, (await read()).apiKeyId]
  assert.deepEqual([...double.keys.keys()].sort(), kept.sort())

  server.clock.advance(31 * 86_400_000)
  await server.jobs.runDue()
  await server.jobs.runDue()
  assert.ok(!kept.includes((await read()).apiKeyId))
  assert.equal((await latest()).Outcome, 'succeeded')
})

test('a trial changes nothing, and another Type has the rights of RotateSecret no more', async (t) => {
  const { server, double, requests, create, options, rotate, latest } = await start(t)
  await create('key', 'DatadogApiKey', double.issue('by hand'))
  await rotate({ ...options, RotateImmediately: false })
  await server.jobs.runDue()
  const { Kind, Outcome, Calls } = await latest()
  assert.deepEqual([Kind, Outcome, double.keys.size], ['test', 'succeeded', 1], JSON.stringify(Calls))
  assert.ok(requests.every((request) => request.startsWith('GET ')))
  // Of the same members, for another product.
  await call(server, 'UpdateSecret', { SecretId: 'key', Type: 'ConfluentCloudApiKey' })
  requests.length = 0
  const again = await server.call('secretsmanager', 'RotateSecret', { SecretId: 'key', ClientRequestToken: token() })
  assert.equal(again.status, 400, JSON.stringify(again.body))
  await call(server, 'UpdateSecret', { SecretId: 'key', Type: 'DatadogApiKey' })
  await rotate(options)
  await call(server, 'UpdateSecret', { SecretId: 'key', Type: 'ConfluentCloudApiKey' })
  await server.jobs.runDue()
  const refused = await latest()
  assert.deepEqual([refused.Outcome, refused.Calls[0].ErrorType], ['failed', 'permission'], JSON.stringify(refused))
  assert.deepEqual(requests, [])
})

test('what a Type cannot do is refused in words, and so is a master that the caller may not read', async (t) => {
  const { server, double, create, options, adminSecretArn } = await start(t)
  const ARN = await create('key', 'DatadogApiKey', double.issue('by hand'))
  const refuse = (input: object, code: string, message: string | RegExp) =>
    assertRefused(
      server,
      'RotateSecret',
      { SecretId: 'key', ClientRequestToken: token(), ...input },
      code,
      message as string,
    )
  const [parameter, request] = ['InvalidParameterException', 'InvalidRequestException']
  const role = { ExternalSecretRotationRoleArn: `arn:aws:iam::${server.accountId}:role/rotates` }
  await refuse(
    { ...options, ...role },
    parameter,
    "ExternalSecretRotationRoleArn can't be used: a secret is rotated with the rights of who calls RotateSecret.",
  )
  await refuse(
    {},
    request,
    "The rotator can't rotate this secret. A DatadogApiKey like this one needs the option adminSecretArn.",
  )
  await refuse(
    { ExternalSecretRotationMetadata: [{ Key: 'apiVersion', Value: 'v1' }] },
    parameter,
    'The rotator has no option apiVersion. It has: adminSecretArn.',
  )
  await create('jenkins', 'JenkinsApiToken', {})
  await refuse(
    { SecretId: 'jenkins' },
    request,
    'This server rotates no secret of the Type JenkinsApiToken by itself: give a RotationLambdaARN.',
  )
  const unknown = "The Type Unknown isn't the type of a managed external secret."
  await assertRefused(server, 'CreateSecret', { Name: 'x', Type: 'Unknown' }, parameter, unknown)

  const { credentials } = await createCaller(server, 'rotates', [
    { Effect: 'Allow', Action: 'secretsmanager:RotateSecret', Resource: ARN },
  ])
  const input = { SecretId: ARN, ClientRequestToken: token(), ...options }
  const { status, body } = await server.call('secretsmanager', 'RotateSecret', input, { credentials })
  assert.equal(status, 400)
  assert.ok(
    JSON.stringify(body).includes(
      `not authorized to perform: secretsmanager:GetSecretValue on resource: ${adminSecretArn}`,
    ),
  )
})
