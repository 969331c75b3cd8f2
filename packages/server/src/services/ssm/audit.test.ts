// What the audit trail holds of calls of this service, and what it never holds.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startTestServer } from '../../testing.ts'
import { events } from '../secretsmanager/testing.ts'
import { call, overwrite, put, read } from './testing.ts'

test('the trail tells what was asked and what came of it, never a value', async (t) => {
  const server = await startTestServer(t)
  const arn = `arn:aws:ssm:eu-central-1:${server.accountId}:parameter/app/key`
  await put(server, '/app/key', 'value-of-one', { Type: 'SecureString', Description: 'main' })
  await overwrite(server, '/app/key', 'value-of-two')
  await call(server, 'LabelParameterVersion', { Name: '/app/key', Labels: ['live', '1st'] })
  await read(server, '/app/key:live', { WithDecryption: true })
  await call(server, 'GetParametersByPath', { Path: '/app', WithDecryption: true })
  await call(server, 'UnlabelParameterVersion', { Name: '/app/key', ParameterVersion: 2, Labels: ['live'] })
  await call(server, 'DeleteParameters', { Names: ['/app/key', '/none'] })
  await server.call('ssm', 'GetParameter', { Name: '/app/key' })

  for (const [name, readOnly, requestParameters, responseElements, resource] of [
    [
      'LabelParameterVersion',
      false,
      { name: '/app/key', labels: ['live', '1st'] },
      { invalidLabels: ['1st'], parameterVersion: 2 },
      arn,
    ],
    ['GetParametersByPath', true, { path: '/app', withDecryption: true }, null, undefined],
    [
      'UnlabelParameterVersion',
      false,
      { name: '/app/key', parameterVersion: 2, labels: ['live'] },
      { removedLabels: ['live'], invalidLabels: [] },
      arn,
    ],
    [
      'DeleteParameters',
      false,
      { names: ['/app/key', '/none'] },
      { deletedParameters: ['/app/key'], invalidParameters: ['/none'] },
      arn,
    ],
  ] as const) {
    const [event] = await events(server, name)
    assert.deepEqual(
      [event?.eventSource, event?.eventType, event?.readOnly, event?.requestParameters, event?.responseElements],
      ['ssm.amazonaws.com', 'AwsApiCall', readOnly, requestParameters, responseElements],
    )
    assert.equal(event?.resources?.[0]?.ARN, resource, name)
  }
  const [second, first] = await events(server, 'PutParameter')
  assert.deepEqual(first?.requestParameters, { name: '/app/key', type: 'SecureString', description: 'main' })
  assert.deepEqual(second?.requestParameters, { name: '/app/key', overwrite: true })
  assert.deepEqual(second?.responseElements, { version: 2, tier: 'Standard' })
  const [refused, found] = await events(server, 'GetParameter')
  assert.deepEqual(found?.requestParameters, { name: '/app/key:live', withDecryption: true })
  assert.deepEqual(
    found?.resources?.map((one) => one.ARN),
    [arn],
  )
  assert.equal(refused?.errorCode, 'ParameterNotFound')

  const whole = JSON.stringify(await server.call('cloudtrail', 'LookupEvents', {}))
  assert.ok(whole.includes('PutParameter'))
  assert.ok(!whole.includes('value-of-'))
})
