import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { type TestContext, test } from 'node:test'
import { PAYLOAD_BYTES_MAX } from './failures.ts'
import { type RuntimeApi, type RuntimeApiOptions, startRuntimeApi } from './runtime-api.ts'
import { CREDENTIALS } from './testing.ts'

const TOKEN = 'a-token-of-the-instance'

async function start(t: TestContext, options: Partial<RuntimeApiOptions> = {}) {
  const troubles: string[] = []
  const api: RuntimeApi = await startRuntimeApi({
    token: TOKEN,
    credentials: () => Promise.resolve(CREDENTIALS),
    isOurs: () => Promise.resolve(true),
    onTrouble: (trouble) => troubles.push(trouble),
    ...options,
  })
  t.after(() => api.close())
  const call = (method: string, path: string, body?: string | Buffer, headers: Record<string, string> = {}) =>
    fetch(`http://127.0.0.1:${api.port}${path}`, {
      method,
      headers,
      ...(body === undefined ? {} : { body: new Uint8Array(Buffer.from(body)) }),
    })
  const next = () => call('GET', '/2018-06-01/runtime/invocation/next')
  const post = (path: string, body: string | Buffer = '{}', headers: Record<string, string> = {}) =>
    call('POST', `/2018-06-01/runtime/${path}`, body, headers)
  return { api, call, next, post, troubles }
}

const delivery = (requestId: string, payload = '{"a":1}') => ({
  requestId,
  payload: Buffer.from(payload),
  deadlineMs: 1_800_000_000_000,
  functionArn: 'arn:aws:lambda:eu-central-1:111122223333:function:f:live',
  traceId: 'Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=0',
  clientContext: undefined,
})

/** Delivers the invocation to a poll and reads it. */
async function deliver({ api, next }: Awaited<ReturnType<typeof start>>, id: string, payload?: string) {
  const polling = next()
  await api.polled()
  const answer = api.deliver(delivery(id, payload))
  const response = await polling
  return { answer, response, body: await response.text() }
}

test('an invocation is delivered with its headers, and its answer comes back', async (t) => {
  const started = await start(t)
  const { answer, response, body } = await deliver(started, 'one')
  assert.equal(body, '{"a":1}')
  assert.equal(response.status, 200)
  const headers = Object.fromEntries([...response.headers].filter(([name]) => name.startsWith('lambda-')))
  assert.deepEqual(headers, {
    'lambda-runtime-aws-request-id': 'one',
    'lambda-runtime-deadline-ms': '1800000000000',
    'lambda-runtime-invoked-function-arn': 'arn:aws:lambda:eu-central-1:111122223333:function:f:live',
    'lambda-runtime-trace-id': 'Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=0',
  })
  const posted = await started.post('invocation/one/response', '{"b":2}')
  assert.equal(posted.status, 202)
  assert.deepEqual(await posted.json(), { status: 'OK' })
  assert.deepEqual(await answer, { payload: Buffer.from('{"b":2}'), failure: undefined })
})

test('an error comes back untouched, its type from the body, else from the header', async (t) => {
  for (const [body, header, errorType, payload] of [
    ['{"errorType":"MyError","errorMessage":"no"}', 'Other', 'MyError', '{"errorType":"MyError","errorMessage":"no"}'],
    ['not JSON', 'Function.Broken', 'Function.Broken', 'not JSON'],
    ['', undefined, 'Runtime.Unknown', '{"errorType":"Runtime.Unknown","errorMessage":""}'],
  ] as const) {
    const started = await start(t)
    const { answer } = await deliver(started, 'one')
    const headers: Record<string, string> = header === undefined ? {} : { 'Lambda-Runtime-Function-Error-Type': header }
    assert.equal((await started.post('invocation/one/error', body, headers)).status, 202)
    const { failure } = await answer
    assert.equal(failure?.errorType, errorType)
    assert.equal(failure?.payload.toString(), payload)
  }
})

test('the order of calls is kept', async (t) => {
  const started = await start(t)
  const { post } = started
  const refusal = async (answer: Response) => [
    answer.status,
    ((await answer.json()) as { errorType: string }).errorType,
  ]
  assert.deepEqual(await refusal(await post('invocation/one/response')), [403, 'InvalidStateTransition'])
  await deliver(started, 'one')
  assert.deepEqual(await refusal(await post('init/error')), [403, 'InvalidStateTransition'])
  assert.deepEqual(await refusal(await started.next()), [403, 'InvalidStateTransition'])
  assert.deepEqual(await refusal(await post('invocation/other/response')), [400, 'InvalidRequestID'])
  assert.deepEqual(await refusal(await post('invocation/other/error')), [400, 'InvalidRequestID'])
  assert.equal((await post('invocation/one/response')).status, 202)
  assert.deepEqual(await refusal(await post('invocation/one/response')), [403, 'InvalidStateTransition'])
  assert.deepEqual(await refusal(await post('invocation/one/error')), [403, 'InvalidStateTransition'])
  assert.equal((await deliver(started, 'two')).body, '{"a":1}')
  assert.deepEqual(await refusal(await post('invocation/one/response')), [400, 'InvalidRequestID'])
  assert.equal((await started.call('GET', '/2018-06-01/ping')).status, 404)
  assert.equal((await started.call('DELETE', '/2018-06-01/runtime/invocation/next')).status, 404)
})

test('an error of the start is told, once', async (t) => {
  const { api, post } = await start(t)
  assert.equal((await post('init/error', '{"errorType":"Runtime.HandlerNotFound"}')).status, 202)
  assert.equal((await api.initFailure).errorType, 'Runtime.HandlerNotFound')
  assert.equal((await post('init/error')).status, 403)
})

test('a runtime that loses its connection asks again', async (t) => {
  const started = await start(t)
  const socket = connect(started.api.port, '127.0.0.1')
  socket.write('GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: x\r\n\r\n')
  await started.api.polled()
  const asked = started.api.polled()
  socket.destroy()
  for (let tries = 0; tries < 3_000 && asked === started.api.polled(); tries++) {
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  assert.equal((await deliver(started, 'one')).body, '{"a":1}')
})

test('answers of 6 MiB come back whole, larger ones are refused', async (t) => {
  const started = await start(t)
  const largest = Buffer.alloc(PAYLOAD_BYTES_MAX, 'x')
  const first = await deliver(started, 'one')
  assert.equal((await started.post('invocation/one/response', largest)).status, 202)
  assert.deepEqual(await first.answer, { payload: largest, failure: undefined })
  for (const kind of ['response', 'error']) {
    const { answer } = await deliver(started, kind)
    const refused = await started.post(`invocation/${kind}/${kind}`, Buffer.alloc(PAYLOAD_BYTES_MAX + 1, 'x'))
    assert.equal(refused.status, 413)
    assert.equal(((await refused.json()) as { errorType: string }).errorType, 'RequestEntityTooLarge')
    const { failure } = await answer
    assert.equal(failure?.errorType, 'Function.ResponseSizeTooLarge')
  }
})

test('credentials are given for the token alone', async (t) => {
  const { call } = await start(t)
  const path = '/2021-04-23/credentials'
  const given = await call('GET', path, undefined, { Authorization: TOKEN })
  assert.deepEqual(await given.json(), {
    AccessKeyId: 'ASIAEXAMPLE',
    SecretAccessKey: 'secret',
    Token: 'token',
    Expiration: '2030-01-01T00:00:00.000Z',
  })
  for (const wrong of [
    {},
    { Authorization: '' },
    { Authorization: `${TOKEN}x` },
    { Authorization: 'b'.repeat(TOKEN.length) },
  ]) {
    const refused = await call('GET', path, undefined, wrong as Record<string, string>)
    assert.equal(refused.status, 403)
    assert.doesNotMatch(await refused.text(), /ASIA/)
  }
})

test('credentials that cannot be made are an error that tells nothing', async (t) => {
  const { call, troubles } = await start(t, { credentials: () => Promise.reject(new Error('the reason')) })
  const answer = await call('GET', '/2021-04-23/credentials', undefined, { Authorization: TOKEN })
  assert.equal(answer.status, 500)
  assert.doesNotMatch(await answer.text(), /the reason/)
  assert.deepEqual(troubles, ['no credentials could be made for a function'])
})

test('a connection that is not of the instance is given nothing', async (t) => {
  const { call, post, troubles } = await start(t, { isOurs: () => Promise.resolve(false) })
  assert.equal((await call('GET', '/2021-04-23/credentials', undefined, { Authorization: TOKEN })).status, 403)
  assert.equal((await post('init/error')).status, 403)
  assert.ok(troubles.length > 0)
})

test('a stranger cannot keep connections', async (t) => {
  const { api } = await start(t, { isOurs: () => Promise.resolve(false) })
  const socket = connect(api.port, '127.0.0.1')
  await new Promise((resolve) => socket.on('close', resolve).resume())
})

test('what is not HTTP ends its own connection', async (t) => {
  const started = await start(t)
  const socket = connect(started.api.port, '127.0.0.1')
  socket.write('\x00\x01garbage\r\n\r\n')
  await new Promise((resolve) => socket.on('close', resolve).resume())
  assert.equal((await deliver(started, 'one')).body, '{"a":1}')
})
