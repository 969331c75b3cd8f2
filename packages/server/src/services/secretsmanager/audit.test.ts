// What the audit trail holds of calls of this service, and what it never holds.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startTestServer } from '../../testing.ts'
import { call, events, token } from './testing.ts'

test('The trail tells what was asked and what came of it, never a value', async (t) => {
  const server = await startTestServer(t)
  const [one, two] = [token('one'), token('two')]
  const { ARN } = await call(server, 'CreateSecret', {
    Name: 'app',
    ClientRequestToken: one,
    SecretString: 'value-of-one',
    Description: 'main',
  })
  await call(server, 'PutSecretValue', {
    SecretId: 'app',
    ClientRequestToken: two,
    SecretBinary: Buffer.from('value-of-two').toString('base64'),
    RotationToken: 'rotation-token'.padEnd(36, '-'),
  })
  await call(server, 'UpdateSecret', { SecretId: 'app', Description: 'new' })
  await call(server, 'UpdateSecretVersionStage', { SecretId: ARN, VersionStage: 'x', MoveToVersionId: one })
  await call(server, 'GetSecretValue', { SecretId: 'app', VersionStage: 'AWSCURRENT' })
  await call(server, 'DescribeSecret', { SecretId: 'app' })
  await server.call('secretsmanager', 'GetSecretValue', { SecretId: 'none' })

  for (const [name, readOnly, requestParameters, responseElements] of [
    [
      'CreateSecret',
      false,
      { name: 'app', clientRequestToken: one, description: 'main' },
      { arn: ARN, name: 'app', versionId: one },
    ],
    [
      'PutSecretValue',
      false,
      { secretId: 'app', clientRequestToken: two },
      { arn: ARN, name: 'app', versionId: two, versionStages: ['AWSCURRENT'] },
    ],
    ['UpdateSecret', false, { secretId: 'app', description: 'new' }, { arn: ARN, name: 'app' }],
    [
      'UpdateSecretVersionStage',
      false,
      { secretId: ARN, versionStage: 'x', moveToVersionId: one },
      { arn: ARN, name: 'app' },
    ],
    ['DescribeSecret', true, { secretId: 'app' }, null],
  ] as const) {
    const [event] = await events(server, name)
    assert.deepEqual(
      [event?.eventType, event?.readOnly, event?.requestParameters, event?.responseElements],
      ['AwsApiCall', readOnly, requestParameters, responseElements],
    )
  }

  const [refused, read] = await events(server, 'GetSecretValue')
  assert.deepEqual(read?.requestParameters, { secretId: 'app', versionStage: 'AWSCURRENT' })
  assert.deepEqual(
    read?.resources?.map((resource) => resource.ARN),
    [ARN],
  )
  assert.equal(refused?.errorCode, 'ResourceNotFoundException')
  assert.equal(refused?.errorMessage, "Secrets Manager can't find the specified secret.")

  const whole = JSON.stringify(await server.call('cloudtrail', 'LookupEvents', {}))
  assert.ok(whole.includes('PutSecretValue'))
  for (const secret of ['value-of-', Buffer.from('value-of-two').toString('base64'), 'rotation-token']) {
    assert.ok(!whole.includes(secret), secret)
  }
})

test('A pruned version is an event of the service', async (t) => {
  const server = await startTestServer(t)
  Object.assign(server.app.limits, { versionsPerSecret: 3 })
  const ids = ['one', 'two', 'three', 'four'].map((name) => token(name))
  const { ARN } = await call(server, 'CreateSecret', { Name: 'p', ClientRequestToken: ids[0], SecretString: 'x' })
  for (const id of ids.slice(1)) {
    server.clock.advance(90_000_000)
    await call(server, 'PutSecretValue', { SecretId: 'p', ClientRequestToken: id, SecretString: 'x' })
  }
  const [event, ...more] = await events(server, 'SecretVersionDeletion')
  assert.equal(more.length, 0)
  assert.equal(event?.eventType, 'AwsServiceEvent')
  assert.equal(event.requestParameters, null)
  assert.deepEqual(event.additionalEventData, { SecretId: ARN, SecretVersionId: ids[0] })
})
