// The path of a request seen from outside: what every answer carries, how refusals are spelled, and which of two faults is told.

import assert from 'node:assert/strict'
import { request as httpRequest } from 'node:http'
import { test } from 'node:test'
import { createHandler } from './handle.ts'
import { listen } from './http/listen.ts'
import { createCaller, token } from './services/secretsmanager/testing.ts'
import { signedCall, startTestServer, type TestServer } from './testing.ts'

const REQUEST_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

type Answer = { readonly status: number; readonly headers: NodeJS.Dict<string | string[]>; readonly body: string }

/** A request without a signature, unless `headers` carry one. */
const send = (server: TestServer, method: string, path: string, headers: Record<string, string>): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const request = httpRequest(`${server.url}${path}`, { method, headers }, (response) => {
      let body = ''
      response.setEncoding('utf8').on('data', (chunk: string) => {
        body += chunk
      })
      response.on('end', () => resolve({ status: response.statusCode!, headers: response.headers, body }))
    })
    request.on('error', reject).end()
  })

test('every answer carries the time, a request id of its own and the type of a refusal', async (t) => {
  const server = await startTestServer(t)
  const ids = new Set<string>()
  for (const [operation, input, code] of [
    ['CreateSecret', { Name: 'db' }, undefined],
    ['TagResource', { SecretId: 'db', Tags: [] }, undefined],
    ['DescribeSecret', { SecretId: 'none' }, 'ResourceNotFoundException'],
    ['DescribeSecret', {}, 'ValidationException'],
    ['DescribeSecret', '{', 'SerializationException'],
    ['Describe', {}, 'UnknownOperationException'],
  ] as const) {
    const { status, headers } = await server.call('secretsmanager', operation, input)
    assert.equal(status, code === undefined ? 200 : 400)
    assert.equal(headers.get('content-type'), 'application/x-amz-json-1.1')
    assert.equal(headers.get('x-amzn-errortype'), code ?? null)
    assert.match(headers.get('x-amzn-requestid') ?? '', REQUEST_ID)
    ids.add(headers.get('x-amzn-requestid')!)
    const offMs = Math.abs(Date.parse(headers.get('date') ?? '') - server.app.wallNow())
    assert.ok(offMs < 60_000, `Date is off by ${offMs} ms`)
  }
  assert.equal(ids.size, 6)
})

test('Date stays the time of the world when the clock of the service is advanced', async (t) => {
  const server = await startTestServer(t)
  server.clock.advance(7 * 86_400_000)
  const { headers } = await server.call('secretsmanager', 'ListSecrets', {})
  assert.ok(Math.abs(Date.parse(headers.get('date') ?? '') - server.app.wallNow()) < 60_000)
})

test('the service says Message, the front end says message, and neither says both', async (t) => {
  const server = await startTestServer(t)
  const nobody = await createCaller(server, 'nobody', [{ Effect: 'Allow', Action: 'sts:*', Resource: '*' }])
  const wrong = { ...server.credentials, secretAccessKey: 'wrong' }
  const unknown = { accessKeyId: 'AKIAUNKNOWNUNKNOWN00', secretAccessKey: 'x' }
  for (const [operation, input, credentials, code, key] of [
    ['DescribeSecret', { SecretId: 'none' }, server.credentials, 'ResourceNotFoundException', 'Message'],
    ['DescribeSecret', {}, server.credentials, 'ValidationException', 'Message'],
    ['DescribeSecret', { SecretId: 'x' }, nobody.credentials, 'AccessDeniedException', 'Message'],
    ['DescribeSecret', '[]', server.credentials, 'SerializationException', 'message'],
    ['Describe', {}, server.credentials, 'UnknownOperationException', 'message'],
    ['DescribeSecret', { SecretId: 'x' }, wrong, 'InvalidSignatureException', 'message'],
    ['DescribeSecret', { SecretId: 'x' }, unknown, 'UnrecognizedClientException', 'message'],
  ] as const) {
    const { status, body } = await server.call('secretsmanager', operation, input, { credentials })
    assert.deepEqual([status, Object.keys(body), body.__type], [400, ['__type', key], code])
  }
})

test('of two faults the earlier one is told: signature, operation, types, limits, permission, state', async (t) => {
  const server = await startTestServer(t)
  const nobody = await createCaller(server, 'nobody', [{ Effect: 'Allow', Action: 'sts:*', Resource: '*' }])
  const stranger = { accessKeyId: 'AKIAUNKNOWNUNKNOWN00', secretAccessKey: 'x' }
  for (const [operation, input, credentials, code] of [
    ['Describe', '{', stranger, 'UnrecognizedClientException'],
    ['Describe', '{', nobody.credentials, 'UnknownOperationException'],
    ['DescribeSecret', '{"SecretId":"","X":', nobody.credentials, 'SerializationException'],
    ['DescribeSecret', { SecretId: '' }, nobody.credentials, 'ValidationException'],
    ['DescribeSecret', { SecretId: 'none' }, nobody.credentials, 'AccessDeniedException'],
    ['DescribeSecret', { SecretId: 'none' }, server.credentials, 'ResourceNotFoundException'],
  ] as const) {
    assert.equal((await server.call('secretsmanager', operation, input, { credentials })).body.__type, code)
  }
})

test('an empty body and {} have no members; null is absent; members that nobody knows are ignored', async (t) => {
  const server = await startTestServer(t)
  for (const input of ['', '{}', '{"SecretId":null}', '{"Secretid":"db"}']) {
    const { body } = await server.call('secretsmanager', 'DescribeSecret', input)
    assert.deepEqual(body, {
      __type: 'ValidationException',
      Message:
        "1 validation error detected: Value null at 'secretId' failed to satisfy constraint: Member must not be null",
    })
  }
  const input = { Name: 'db', Description: null, Tags: null, SecretBinary: null, Unknown: { Name: 1 } }
  const { status, body } = await server.call('secretsmanager', 'CreateSecret', input)
  assert.deepEqual([status, Object.keys(body).sort()], [200, ['ARN', 'Name']])
})

test('whatever the content type, the target says that the body is JSON', async (t) => {
  const server = await startTestServer(t)
  await server.call('secretsmanager', 'CreateSecret', {
    Name: 'db',
    ClientRequestToken: token(),
    SecretString: 'x',
  })
  const { url, region, credentials } = server
  for (const contentType of ['application/json', 'text/plain; charset=utf-8', 'application/x-www-form-urlencoded']) {
    const { status, body } = await signedCall(
      url,
      'secretsmanager',
      'secretsmanager.GetSecretValue',
      { SecretId: 'db' },
      { credentials, region, contentType },
    )
    assert.deepEqual([status, body.SecretString], [200, 'x'], contentType)
  }
})

test('a target is matched letter by letter, and an operation is a POST to / and nothing else', async (t) => {
  const server = await startTestServer(t)
  const { url, region, credentials } = server
  for (const target of [
    'secretsmanager.getsecretvalue',
    'SecretsManager.GetSecretValue',
    'secretsmanager.',
    'secretsmanager',
    'GetSecretValue',
    'secretsmanager.toString',
    undefined,
  ]) {
    const { status, body } = await signedCall(url, 'secretsmanager', target, {}, { credentials, region })
    assert.deepEqual([status, body.__type], [400, 'UnknownOperationException'], String(target))
  }
  const elsewhere = await signedCall(
    `${url}/secrets`,
    'secretsmanager',
    'secretsmanager.ListSecrets',
    {},
    { credentials, region },
  )
  assert.equal(elsewhere.body.__type, 'UnknownOperationException')
})

test('a stranger hears that the token is missing, by whatever method and on whatever path', async (t) => {
  const server = await startTestServer(t)
  for (const method of ['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'HEAD']) {
    for (const path of ['/', '/secrets', '/_strongroom/clock', '/?x=y']) {
      const { status, headers, body } = await send(server, method, path, {
        'x-amz-target': 'secretsmanager.GetSecretValue',
      })
      assert.deepEqual([status, headers['x-amzn-errortype']], [400, 'MissingAuthenticationTokenException'])
      assert.match(String(headers['x-amzn-requestid']), REQUEST_ID)
      assert.equal(
        body,
        method === 'HEAD'
          ? ''
          : '{"__type":"MissingAuthenticationTokenException","message":"Missing Authentication Token"}',
      )
    }
  }
})

test('a Query service says of an action that it does not have which one it was', async (t) => {
  const { url, region, credentials } = await startTestServer(t)
  const contentType = 'application/x-www-form-urlencoded'
  for (const [service, form, code, message] of [
    [
      'iam',
      'Action=CreateSAMLProvider&Version=2010-05-08',
      'InvalidAction',
      'CreateSAMLProvider for version 2010-05-08',
    ],
    ['sts', 'Action=%3Cb%3E&Version=2011-06-15', 'InvalidAction', ' for version 2011-06-15'],
    ['iam', 'Action=GetUser&Version=%3Cb%3E', 'UnknownOperationException', ''],
  ] as const) {
    const { status, body } = await signedCall(url, service, undefined, form, { credentials, region, contentType })
    assert.equal(status, 400)
    assert.match(body, new RegExp(`<Code>${code}</Code><Message>[^<]*${message}[^<]*</Message>`))
  }
})

test('who runs jobs is woken by a change that asks for work at once, and by no other', async (t) => {
  const server = await startTestServer(t)
  let woken = 0
  const answers = { health: async () => ({ ok: true, problems: [], warnings: [] }), metrics: async () => '' }
  const options = { host: '127.0.0.1', port: 0, allowedHosts: [], connectionsMax: 10 }
  const listener = await listen(
    options,
    createHandler(server.app, answers, () => void woken++),
  )
  t.after(() => listener.close(1_000))
  const wakes = async (name: string, input: object, expected: number): Promise<void> => {
    woken = 0
    const url = `http://127.0.0.1:${listener.port}/`
    const { region, credentials } = server
    await signedCall(url, 'secretsmanager', `secretsmanager.${name}`, input, { credentials, region })
    assert.equal(woken, expected, name)
  }
  const value = { engine: 'postgres', host: '127.0.0.1', port: 1, username: 'app', password: 'x' }
  await wakes('CreateSecret', { Name: 'db', ClientRequestToken: token(), SecretString: JSON.stringify(value) }, 0)
  const arn = `arn:aws:lambda:${server.region}:${server.accountId}:function:strongroom-postgresql-single-user`
  const rotate = { SecretId: 'db', ClientRequestToken: token(), RotationLambdaARN: arn }
  await wakes('RotateSecret', { ...rotate, RotationRules: { AutomaticallyAfterDays: 0 } }, 0)
  await wakes('RotateSecret', rotate, 1)
  await wakes('DescribeSecret', { SecretId: 'db' }, 0)
  await wakes('DeleteSecret', { SecretId: 'db' }, 0)
})
