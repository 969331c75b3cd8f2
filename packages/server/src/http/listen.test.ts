// The listener against clients that are broken, slow, greedy or hostile: bounded, answered, never down.

import assert from 'node:assert/strict'
import { connect, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { type Handler, type Listener, type ListenOptions, listen } from './listen.ts'
import type { WireRequest } from './request.ts'

const BODY_MAX = 1_000

async function start(
  t: TestContext,
  options: Partial<ListenOptions> = {},
): Promise<{ listener: Listener; seen: WireRequest[] }> {
  const seen: WireRequest[] = []
  const handler: Handler = {
    bodyBytesMax: () => BODY_MAX,
    open: (method, path) =>
      method === 'GET' && path === '/open'
        ? Promise.resolve({ status: 200, contentType: 'text/plain', body: 'open' })
        : undefined,
    handle: (request) => {
      seen.push(request)
      return Promise.resolve({
        status: 200,
        contentType: 'text/plain',
        requestId: 'r',
        body: String(request.body.length),
      })
    },
  }
  const listener = await listen(
    { host: '127.0.0.1', port: 0, allowedHosts: [], connectionsMax: 50, ...options },
    handler,
  )
  t.after(() => listener.close(0))
  return { listener, seen }
}

/**
 * Sends bytes and reads what comes back until the server closes, or nothing more comes after the first of it. With `quietMs` it waits no
 * longer than that for the first either.
 */
function exchange(port: number, bytes: string | Buffer, quietMs?: number): Promise<string> {
  return new Promise((resolve) => {
    let answer = ''
    const socket: Socket = connect(port, '127.0.0.1', () => socket.write(bytes))
    let timer = setTimeout(() => socket.destroy(), quietMs ?? 60_000)
    socket.on('data', (chunk) => {
      answer += chunk.toString('latin1')
      clearTimeout(timer)
      timer = setTimeout(() => socket.destroy(), quietMs ?? 150)
    })
    socket.on('error', () => {})
    socket.on('close', () => {
      clearTimeout(timer)
      resolve(answer)
    })
  })
}

const post = (headers: string, body: string) => `POST / HTTP/1.1\r\nHost: x\r\n${headers}\r\n${body}`

test('a request arrives as bytes: raw headers, raw target, whole body; the answer carries Date and the request id', async (t) => {
  const { listener, seen } = await start(t)
  const answer = await exchange(
    listener.port,
    post('A: 1\r\na:  2\r\nContent-Length: 3\r\n', 'abc').replace('/ HTTP', '/%41?b=%62 HTTP'),
  )
  assert.match(answer, /^HTTP\/1\.1 200 /)
  assert.match(answer, /\r\nDate: [A-Z][a-z]{2}, /)
  assert.match(answer, /\r\nx-amzn-RequestId: r\r\n/)
  assert.equal(seen[0]!.target, '/%41?b=%62')
  assert.deepEqual(seen[0]!.rawHeaders.slice(0, 6), ['Host', 'x', 'A', '1', 'a', '2'])
  assert.equal(Buffer.from(seen[0]!.body).toString(), 'abc')
})

test('bodies that are large are taken as long as they fit into memory together, and the others told to come again', async (t) => {
  const seen: number[] = []
  const finish = Promise.withResolvers<void>()
  const handler: Handler = {
    bodyBytesMax: () => 4_000_000,
    open: () => undefined,
    handle: async ({ body }) => {
      seen.push(body.length)
      await finish.promise
      return { status: 204, contentType: '', body: '' }
    },
  }
  const options = { host: '127.0.0.1', port: 0, allowedHosts: [], connectionsMax: 50, largeBodiesBytesMax: 4_500_000 }
  const listener = await listen(options, handler)
  t.after(() => listener.close(0))
  const send = (bytes: number) => exchange(listener.port, post(`Content-Length: ${bytes}\r\n`, 'x'.repeat(bytes)))
  const first = send(3_000_000)
  while (seen.length === 0) await new Promise((resolve) => setTimeout(resolve, 5))
  assert.match(await send(2_000_000), /^HTTP\/1\.1 429 [\s\S]*TooManyRequestsException/)
  const chunked = `1e8480\r\n${'x'.repeat(2_000_000)}\r\n0\r\n\r\n`
  assert.match(await exchange(listener.port, post('Transfer-Encoding: chunked\r\n', chunked)), /^HTTP\/1\.1 429 /)
  const small = send(1_000_000)
  while (seen.length === 1) await new Promise((resolve) => setTimeout(resolve, 5))
  finish.resolve()
  const answer = await first
  assert.match(answer, /^HTTP\/1\.1 204 /)
  assert.doesNotMatch(answer, /content-(type|length)/i)
  assert.match(await small, /^HTTP\/1\.1 204 /)
  assert.match(await send(2_000_000), /^HTTP\/1\.1 204 /)
  assert.deepEqual(seen, [3_000_000, 1_000_000, 2_000_000])
})

const refused: readonly [what: string, bytes: string | Buffer, status: RegExp][] = [
  ['a body that says it is too large', post(`Content-Length: ${BODY_MAX + 1}\r\n`, ''), /^HTTP\/1\.1 413 /],
  [
    'a chunked body that turns out too large',
    post(
      'Transfer-Encoding: chunked\r\n',
      `${(BODY_MAX + 1).toString(16)}\r\n${'x'.repeat(BODY_MAX + 1)}\r\n0\r\n\r\n`,
    ),
    /^HTTP\/1\.1 413 /,
  ],
  [
    'too many headers',
    post(`${Array.from({ length: 101 }, (_, at) => `h${at}: 1\r\n`).join('')}`, ''),
    /^HTTP\/1\.1 400 /,
  ],
  ['headers that are too large', post(`A: ${'x'.repeat(20_000)}\r\n`, ''), /^HTTP\/1\.1 431 /],
  ['both lengths', post('Content-Length: 3\r\nTransfer-Encoding: chunked\r\n', 'abc'), /^HTTP\/1\.1 400 /],
  ['a folded header', post('A: 1\r\n folded\r\n', ''), /^HTTP\/1\.1 400 /],
  ['no HTTP at all', Buffer.from([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc]), /^HTTP\/1\.1 400 /],
  ['no host', 'POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n', /^HTTP\/1\.1 400 /],
]

for (const [what, bytes, status] of refused) {
  test(`${what} is refused and the next client is served`, async (t) => {
    const { listener, seen } = await start(t)
    assert.match(await exchange(listener.port, bytes), status)
    assert.equal(seen.length, 0)
    assert.match(await exchange(listener.port, post('Content-Length: 0\r\n', '')), /^HTTP\/1\.1 200 /)
  })
}

for (const [how, framing] of [
  ['says its length', (bytes: number) => `Content-Length: ${bytes}\r\n`],
  ['does not say its length', () => 'Transfer-Encoding: chunked\r\n'],
] as const) {
  test(`a body that ${how} and is far too large can be written to its end, and then the answer be read`, async (t) => {
    const { listener } = await start(t)
    const bytes = 4 * 1_048_576
    const chunked = `${bytes.toString(16)}\r\n${'x'.repeat(bytes)}\r\n0\r\n\r\n`
    const body = how === 'says its length' ? 'x'.repeat(bytes) : chunked
    const socket = connect(listener.port, '127.0.0.1')
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject)
      socket.write(post(framing(bytes), body), (error) => (error ? reject(error) : resolve()))
    })
    let answer = ''
    for await (const chunk of socket) answer += chunk
    assert.match(answer, /^HTTP\/1\.1 413 .*Connection: close\r\n.*"The request body may have at most 1000 bytes\."}$/s)
  })
}

test('random bytes never take the listener down', async (t) => {
  const { listener } = await start(t)
  let state = 12_345
  const random = () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648
    return state
  }
  for (let round = 0; round < 60; round++) {
    const bytes = Buffer.from(post('Content-Length: 10\r\nX-Amz-Target: a.b\r\n', '0123456789'))
    for (let change = 0; change < 1 + (round % 5); change++) bytes[random() % bytes.length] = random() % 256
    await exchange(listener.port, bytes, 15)
  }
  assert.match(await exchange(listener.port, post('Content-Length: 0\r\n', '')), /^HTTP\/1\.1 200 /)
})

test('a sender that is too slow is answered 408 and cut off', async (t) => {
  const { listener } = await start(t, { timeouts: { headersMs: 100, requestMs: 200, checkMs: 50 } })
  assert.match(await exchange(listener.port, 'POST / HTTP/1.1\r\nHost: x\r\n'), /^HTTP\/1\.1 408 /)
  assert.match(await exchange(listener.port, post('Content-Length: 5\r\n', 'a')), /^HTTP\/1\.1 408 /)
})

test('connections beyond the limit are dropped and those within it go on', async (t) => {
  const { listener } = await start(t, { connectionsMax: 3 })
  const held = await Promise.all(
    Array.from(
      { length: 3 },
      () =>
        new Promise<Socket>((resolve) => {
          const socket: Socket = connect(listener.port, '127.0.0.1', () => resolve(socket))
        }),
    ),
  )
  assert.equal(await exchange(listener.port, post('Content-Length: 0\r\n', '')), '')
  for (const socket of held) socket.destroy()
  // Until the listener has heard of it.
  let answer = ''
  for (let tries = 0; tries < 1_000 && answer === ''; tries++) {
    answer = await exchange(listener.port, post('Content-Length: 0\r\n', ''))
  }
  assert.match(answer, /^HTTP\/1\.1 200 /)
})

test('hosts that are not allowed are refused, with and without port', async (t) => {
  const { listener } = await start(t, { allowedHosts: ['vault.example.org'] })
  const asHost = (host: string) =>
    exchange(listener.port, post('Content-Length: 0\r\n', '').replace('Host: x', `Host: ${host}`))
  assert.match(await asHost('evil.example.org'), /^HTTP\/1\.1 421 /)
  assert.match(await asHost('Vault.Example.org:4650'), /^HTTP\/1\.1 200 /)
})

test('a close lets requests in flight finish', async (t) => {
  const received = Promise.withResolvers<void>()
  const held = Promise.withResolvers<void>()
  const listener = await listen(
    { host: '127.0.0.1', port: 0, allowedHosts: [], connectionsMax: 10 },
    {
      bodyBytesMax: () => 10,
      open: () => undefined,
      handle: async () => {
        received.resolve()
        await held.promise
        return { status: 200, contentType: 'text/plain', body: 'late' }
      },
    },
  )
  t.after(() => listener.close(0))
  const answer = exchange(listener.port, post('Content-Length: 0\r\n', ''))
  await received.promise
  const closed = listener.close(60_000)
  held.resolve()
  assert.match(await answer, /late$/)
  await closed
})

test('an answer that goes on waits for its reader, and one who takes nothing is cut off', async (t) => {
  let made = 0
  let ended = 0
  const piece = 'x'.repeat(65_536)
  const listener = await listen(
    { host: '127.0.0.1', port: 0, allowedHosts: [], connectionsMax: 10, timeouts: { stallMs: 200 } },
    {
      bodyBytesMax: () => 10,
      open: () => undefined,
      handle: async () => ({
        status: 200,
        contentType: 'text/event-stream',
        body: '',
        async *stream(signal) {
          try {
            for (; !signal.aborted; made++) yield piece
          } finally {
            ended += 1
          }
        },
      }),
    },
  )
  t.after(() => listener.close(0))
  const socket = connect(listener.port, '127.0.0.1')
  socket.on('error', () => undefined)
  socket.write(post('Content-Length: 0\r\n', '').replace('/ HTTP', '/events HTTP'))
  socket.pause()
  for (let waits = 0; waits < 3_000 && ended === 0; waits++) await new Promise((resolve) => setTimeout(resolve, 20))
  assert.equal(ended, 1)
  assert.ok(made * piece.length < 64 * 1_048_576, `${made} pieces for nobody`)
  socket.destroy()
})
