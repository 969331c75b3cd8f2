// How a stream is followed that breaks, is refused, falls silent or says that too much was missed, by a clock of our own. That it tells of
// rotations is tested with the real server in secret-cache.test.ts.

import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { type EventStream, followEvents } from './event-stream.ts'
import { type TestTime, testTime } from './testing.ts'

type World = {
  readonly stream: EventStream
  readonly time: TestTime
  readonly requests: IncomingMessage[]
  readonly heard: string[]
  /** Until that many requests came and the last was answered in full. */
  asked(count: number): Promise<void>
  until(isIt: () => boolean): Promise<void>
}

async function makeWorld(
  t: TestContext,
  answer: (response: ServerResponse, request: IncomingMessage) => void,
): Promise<World> {
  const requests: IncomingMessage[] = []
  const server = createServer((request, response) => {
    requests.push(request)
    answer(response, request)
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  const client = new SecretsManagerClient({
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}/prefix/`,
    region: 'eu-central-1',
    credentials: { accessKeyId: 'a', secretAccessKey: 'b', sessionToken: 'c' },
    maxAttempts: 1,
  })
  const [time, heard] = [testTime(), [] as string[]]
  time.chance = 0.5
  const stream = followEvents({
    client,
    surroundings: time,
    began: () => heard.push('began'),
    reset: () => heard.push('reset'),
    changed: (event) => heard.push(`${event['detail-type']}`),
    report: (error) => heard.push(`${(error as Error).name}: ${(error as Error).message}`),
  })
  t.after(() => {
    stream.close()
    client.destroy()
    server.closeAllConnections()
    server.close()
  })
  const until = async (isIt: () => boolean): Promise<void> => {
    for (const deadline = performance.now() + 20_000; !isIt(); await sleep(2))
      assert.ok(performance.now() < deadline, JSON.stringify([requests.length, heard, stream.state()]))
  }
  return { stream, time, requests, heard, until, asked: (count) => until(() => requests.length >= count) }
}

const open = (response: ServerResponse, text: string): void => {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  response.write(text)
}
const refuse = (response: ServerResponse, status: number, type: string): void => {
  response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' })
  response.end(JSON.stringify({ __type: type, message: 'no' }))
}

const OPEN_MS_MAX = 10_000
const SILENCE_MS_MAX = 45_000

/** Milliseconds that it waits before it asks again, which then pass. */
async function pauseOf({ time, requests, asked, until }: World): Promise<number> {
  const isWaiting = (): boolean =>
    time.due().length === 1 && time.due()[0]! !== OPEN_MS_MAX && time.due()[0]! !== SILENCE_MS_MAX
  await until(isWaiting)
  const [ms] = time.due() as [number]
  const before = requests.length
  time.pass(ms)
  await asked(before + 1)
  return ms
}

test('the request is signed as calls are, at the endpoint with its path', async (t) => {
  const { requests, asked, heard, until } = await makeWorld(t, (response) => open(response, 'id: 1\n: ready\n\n'))
  await asked(1)
  const { method, url, headers } = requests[0]!
  assert.deepEqual([method, url, headers.accept], ['GET', '/prefix/_strongroom/events', 'text/event-stream'])
  assert.match(
    headers.authorization ?? '',
    /^AWS4-HMAC-SHA256 Credential=a\/\d{8}\/eu-central-1\/secretsmanager\/aws4_request/,
  )
  assert.equal(headers['x-amz-security-token'], 'c')
  assert.equal(headers['last-event-id'], undefined)
  assert.equal(headers['x-amz-target'], undefined)
  await until(() => heard.length > 0)
  assert.deepEqual(heard, ['began'])
})

test('a stream that breaks goes on after the last id that was heard', async (t) => {
  const events = [
    'id: 1\n: ready\n\nid: 2\ndata: {"detail-type":"first"}\n\nid: 3\ndata: {"detail',
    'id: 2\n: ready\n\nevent: reset\nid: 9\ndata: {"reason":"gone"}\n\n',
    'event: end\ndata: {"code":"ExpiredTokenException","message":"over"}\n\n',
    ': ready\n\n',
  ]
  const world = await makeWorld(t, (response) => {
    open(response, events.shift()!)
    response.end()
  })
  for (let request = 1; request <= 3; request++) assert.equal(await pauseOf(world), 1_000 * 2 ** (request - 1))
  const ids = world.requests.map(({ headers }) => headers['last-event-id'])
  assert.deepEqual(ids, [undefined, '2', '9', '9'])
  const ended = 'Error: The stream of change events was ended: ExpiredTokenException: over'
  assert.deepEqual(world.heard, ['began', 'first', 'reset', ended])
})

test('failures are waited out longer and longer, a minute at most, and forgotten once a stream held', async (t) => {
  let holds = false
  const world = await makeWorld(t, (response) => {
    if (holds) open(response, ': ready\n\n')
    else refuse(response, 500, 'InternalServiceError')
  })
  const pauses: number[] = []
  for (let count = 0; count < 8; count++) pauses.push(await pauseOf(world))
  assert.deepEqual(pauses, [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000])
  holds = true
  await pauseOf(world)
  await world.until(() => world.stream.state() === 'connected')
  world.time.pass(45_000)
  holds = false
  assert.equal(await pauseOf(world), 1_000, 'a silence of 45 seconds ends the stream')
})

for (const [what, status, type, pause] of [
  ['no permission', 400, 'AccessDeniedException', 60_000],
  ['no such route', 404, 'UnknownOperationException', 60_000],
  ['too many streams', 400, 'LimitExceededException', 1_000],
  ['too many requests', 400, 'ThrottlingException', 1_000],
] as const) {
  test(`${what}: it is asked again after ${pause / 1_000} s`, async (t) => {
    const world = await makeWorld(t, (response) => refuse(response, status, type))
    await world.until(() => world.heard.length > 0)
    assert.equal(await pauseOf(world), pause)
    assert.match(world.heard[0]!, new RegExp(`^${type}`))
  })
}

test('an endpoint that never answers is given up, and a closed stream asks nothing more', async (t) => {
  const { asked, time, heard, stream, requests, until } = await makeWorld(t, () => undefined)
  await asked(1)
  time.pass(10_000)
  await until(() => heard.length === 1)
  assert.equal(stream.state(), 'waiting')
  stream.close()
  time.pass(120_000)
  await sleep(20)
  assert.equal(requests.length, 1)
  assert.deepEqual(time.due(), [])
})

test('an event that is too long ends the stream', async (t) => {
  const { heard, until } = await makeWorld(t, (response) => open(response, `data: ${'x'.repeat(1_100_000)}`))
  await until(() => heard.length === 2)
  assert.deepEqual(heard, ['began', 'RangeError: A line is too long.'])
})
