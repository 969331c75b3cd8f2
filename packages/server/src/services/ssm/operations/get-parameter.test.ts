// GetParameter and GetParameters, DeleteParameter and DeleteParameters: names, ARNs, selectors, and what is not there.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { GetParameterCommand, PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm'
import { startTestServer } from '../../../testing.ts'
import { call, codeOf, outcome, overwrite, put, read } from '../testing.ts'

test('names and ARNs, alone, with a version or with a label', async (t) => {
  const server = await startTestServer(t)
  const arn = `arn:aws:ssm:eu-central-1:${server.accountId}:parameter/app/host`
  await put(server, '/app/host', 'one')
  await overwrite(server, '/app/host', 'two')
  await call(server, 'LabelParameterVersion', { Name: '/app/host', ParameterVersion: 1, Labels: ['live.1-a_b'] })

  for (const name of ['/app/host', arn]) {
    for (const [selector, version] of [
      ['', 2],
      [':2', 2],
      [':1', 1],
      [':01', 1],
      [':live.1-a_b', 1],
    ] as const) {
      const { LastModifiedDate, ...found } = await read(server, name + selector)
      const expected = { Name: '/app/host', Type: 'String', Value: version === 1 ? 'one' : 'two', Version: version }
      const more = { ARN: arn, DataType: 'text', ...(selector !== '' && { Selector: selector }) }
      assert.deepEqual(found, { ...expected, ...more }, name + selector)
    }
  }

  const text = (version: string) =>
    `ParameterVersionNotFound: Systems Manager could not find version ${version} of /app/host. Verify the version and try again.`
  for (const [name, expected] of [
    ['/app/host:3', text('3')],
    ['/app/host:0', text('0')],
    [
      '/app/host:none',
      'ParameterVersionNotFound: Systems Manager could not find label none of /app/host. Verify the label and try again.',
    ],
    ['/app/none', 'ParameterNotFound: '],
    ['/app/none:1', 'ParameterNotFound: '],
    ['/app', 'ParameterNotFound: '],
    ['/App/host', 'ParameterNotFound: '],
    ['/aws/service/ami', 'ParameterNotFound: '],
    [arn.replace('eu-central-1', 'eu-west-1'), /^ParameterNotFound: /],
    ['/app/host:', /^ValidationException: Parameter name: can't be prefixed with "ssm"/],
    ['/app/host:1:2', /^ValidationException: Parameter name/],
    ['/app/ho st', /^ValidationException: Parameter name/],
    ['arn:aws:ssm:eu-central-1:account:parameter/app/host', /^ValidationException: Parameter name/],
    [arn.replace('arn:aws:', 'arn:aws-cn:'), /^ValidationException: Parameter name/],
  ] as const) {
    const told = await outcome(server, 'GetParameter', { Name: name })
    if (typeof expected === 'string') assert.equal(told, expected, name)
    else assert.match(told, expected, name)
  }
  assert.equal(
    await codeOf(server, 'GetParameter', { Name: '/app/host' }, { region: 'eu-west-1' }),
    'ParameterNotFound',
  )

  const asked = [`${arn}:1`, '/app/none', '/app/host:9', '/app/host', '/app/host:none']
  const { Parameters, InvalidParameters } = await call(server, 'GetParameters', { Names: asked })
  assert.deepEqual(
    Parameters.map(({ Selector, Value }: { Selector?: string; Value: string }) => [Selector, Value]),
    [
      [':1', 'one'],
      [undefined, 'two'],
    ],
  )
  assert.deepEqual(InvalidParameters, ['/app/none', '/app/host:9', '/app/host:none'])
  for (const Name of ['b', 'a', 'C']) await put(server, Name, Name)
  const sorted = await call(server, 'GetParameters', { Names: ['b', 'a', 'C', 'a'] })
  assert.deepEqual(
    sorted.Parameters.map(({ Name }: { Name: string }) => Name),
    ['C', 'a', 'b'],
  )
  assert.match(
    await outcome(server, 'GetParameters', { Names: [] }),
    /^ValidationException: .*greater than or equal to 1/,
  )
  assert.match(await outcome(server, 'GetParameters', { Names: Array(11).fill('a') }), /^ValidationException: .*to 10/)

  // What is deleted is gone with its versions and labels; the same name begins anew.
  assert.equal(await outcome(server, 'DeleteParameter', { Name: '/app/none' }), 'ParameterNotFound: ')
  assert.equal(await codeOf(server, 'DeleteParameter', { Name: arn }), 'ValidationException')
  assert.deepEqual(await call(server, 'DeleteParameter', { Name: '/app/host' }), {})
  assert.equal(await outcome(server, 'GetParameter', { Name: '/app/host' }), 'ParameterNotFound: ')
  assert.deepEqual(await put(server, '/app/host', 'three'), { Version: 1, Tier: 'Standard' })
  assert.equal(await codeOf(server, 'GetParameter', { Name: '/app/host:live.1-a_b' }), 'ParameterVersionNotFound')
  assert.deepEqual(await call(server, 'DeleteParameters', { Names: ['a', '/none', '/b', 'b'] }), {
    DeletedParameters: ['a', '/b'],
    InvalidParameters: ['/none'],
  })
})

test('the SDK meets its own exception classes', async (t) => {
  const server = await startTestServer(t)
  const client = new SSMClient({
    endpoint: server.url,
    region: server.region,
    credentials: { ...server.credentials },
    maxAttempts: 1,
  })
  t.after(() => client.destroy())
  await client.send(new PutParameterCommand({ Name: 'a', Value: 'b', Type: 'SecureString' }))
  const { Parameter } = await client.send(new GetParameterCommand({ Name: 'a', WithDecryption: true }))
  assert.equal(Parameter?.Value, 'b')
  assert.ok(Parameter.LastModifiedDate instanceof Date)
  await assert.rejects(client.send(new GetParameterCommand({ Name: 'none' })), { name: 'ParameterNotFound' })
  await assert.rejects(client.send(new PutParameterCommand({ Name: 'a', Value: 'b', Type: 'String' })), {
    name: 'ParameterAlreadyExists',
  })
})
