// What is read here, node:http reads the same way: proved with node:http itself.

import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { type TestContext, test } from 'node:test'
import { readWhole, type WholeRequest } from './read-whole.ts'

const HEAD_MAX = 16_384

const SIGNED =
  'POST / HTTP/1.1\r\nHost: 127.0.0.1:4650\r\nContent-Type: application/x-amz-json-1.1\r\nx-amz-target: secretsmanager.GetSecretValue\r\n' +
  'X-Amz-Date:20261127T195148Z\r\nuser-agent: aws-sdk-js/3.1 ua/2.1 os/linux lang/js md/nodejs#26\r\nConnection: keep-alive\r\n' +
  'Authorization: AWS4-HMAC-SHA256 Credential=AKIA/20261127/eu-central-1/secretsmanager/aws4_request, SignedHeaders=host, Signature=ab\r\n' +
  'Content-Length: 17\r\n\r\n{"SecretId":"a"}\n'

const read = (bytes: string | Buffer): WholeRequest | undefined =>
  readWhole(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes, HEAD_MAX)

test('a request as clients send it is read: names and values as they came, the body as bytes', () => {
  const request = read(SIGNED)!
  assert.deepEqual(request.rawHeaders.slice(0, 4), [
    'Host',
    '127.0.0.1:4650',
    'Content-Type',
    'application/x-amz-json-1.1',
  ])
  assert.equal(request.rawHeaders.at(-1), '17')
  assert.equal(Buffer.from(request.body).toString(), '{"SecretId":"a"}\n')
  assert.equal(read('POST / HTTP/1.1\r\nA: \xff\r\nHost: x\r\nContent-Length: 0\r\n\r\n'), undefined)
  assert.equal(read('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n')!.body.length, 0)
  assert.equal(read('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n\x00\xff')!.body[1], 0xff)
})

const short = (line: string, body = ''): string =>
  `POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n${line}\r\n${body}`

for (const [what, bytes] of [
  ['a part of it', SIGNED.slice(0, -1)],
  ['no end of the headers', SIGNED.slice(0, 100)],
  ['nothing', ''],
  ['more than one', SIGNED + SIGNED],
  ['a byte too many', `${SIGNED}x`],
  ['another method', SIGNED.replace('POST', 'GET')],
  ['another target', SIGNED.replace('/ HTTP', '/a HTTP')],
  ['another version', SIGNED.replace('HTTP/1.1', 'HTTP/1.0')],
  ['no host', SIGNED.replace('Host', 'Hosts')],
  ['two hosts', short('host: y\r\n')],
  ['no length', SIGNED.replace('Content-Length: 17', 'X: y')],
  ['two lengths', short('content-length: 0\r\n')],
  ['a length with a sign', short('').replace('Length: 0', 'Length: +0')],
  ['a length with zeros before it', short('').replace('Length: 0', 'Length: 00')],
  ['a length in hexadecimal', short('').replace('Length: 0', 'Length: 0x0')],
  ['chunks', short('Transfer-Encoding: chunked\r\n')],
  ['the end of the connection', short('Connection: close\r\n')],
  ['a list of what is about the connection', short('Connection: keep-alive, x\r\n')],
  ['an upgrade', short('Upgrade: h2c\r\n')],
  ['an expectation', short('Expect: 100-continue\r\n')],
  ['trailers', short('Trailer: x\r\n')],
  ['a folded header', short('A: b\r\n c\r\n')],
  ['a name with a space', short('A : b\r\n')],
  ['no name', short(': b\r\n')],
  ['no value', short('A:\r\n')],
  ['a value with spaces around it', short('A:  b\r\n')],
  ['a value with a space at its end', short('A: b \r\n')],
  ['a tab in a value', short('A: b\tc\r\n')],
  ['a NUL in a value', short('A: b\0c\r\n')],
  ['a bare line feed', short('A: b\nB: c\r\n')],
  ['a bare carriage return', short('A: b\rB: c\r\n')],
  ['a line without a colon', short('A\r\n')],
  ['too much of headers', short(`A: ${'x'.repeat(HEAD_MAX)}\r\n`)],
] as const) {
  test(`${what} is left to node:http`, () => assert.equal(read(bytes), undefined))
}

test('whatever is done to its bytes: what is still read, node:http reads the same way', async (t) => {
  const ask = await startNode(t)
  const PIECES = [
    '\r\n',
    '\r',
    '\n',
    ' ',
    '\t',
    ':',
    '\0',
    '\x7f',
    '\x80',
    '0',
    'Content-Length: 17\r\n',
    'Host: y\r\n',
    'A: b\r\n',
    ';',
    '\v',
    '{',
  ]
  let state = 20_261_127
  const random = (below: number): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff
    return (state >> 8) % below
  }
  let same = 0
  for (let round = 0; round < 6_000; round++) {
    let bytes = SIGNED
    for (let change = 0; change <= round % 3; change++) {
      const at = random(bytes.length)
      const piece = PIECES[random(PIECES.length)]!
      const end = at + [0, 1, 1, 4][random(4)]!
      bytes = bytes.slice(0, at) + (random(4) === 0 ? '' : piece) + bytes.slice(end)
    }
    // Most changes of its length make it another request, or none.
    if (random(2) === 0)
      bytes = bytes.replace(/(?<=Content-Length: )17/, String(bytes.length - bytes.indexOf('\r\n\r\n') - 4))
    const request = read(bytes)
    if (request === undefined) continue
    same++
    assert.deepEqual(request, await ask(bytes), JSON.stringify(bytes))
  }
  assert.ok(same > 500, `${same} were read`)
})

/** Sends bytes, each on a connection of their own, and tells what node:http made of them; undefined where it refuses. */
async function startNode(t: TestContext): Promise<(bytes: string) => Promise<WholeRequest | undefined>> {
  let seen: WholeRequest | undefined
  const server = createServer({ maxHeaderSize: HEAD_MAX }, (request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk) => chunks.push(chunk))
    request.on('end', () => {
      const { method = '', url: target = '', rawHeaders } = request
      seen = { method, target, rawHeaders, body: Buffer.concat(chunks) }
      response.setHeader('connection', 'close').end()
    })
  })
  server.on('clientError', (_, socket) => socket.destroy())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  const { port } = server.address() as AddressInfo
  return async (bytes) => {
    seen = undefined
    const socket = connect(port, '127.0.0.1').on('error', () => undefined)
    socket.write(bytes, 'latin1')
    socket.resume()
    await new Promise((resolve) => socket.once('close', resolve))
    return seen
  }
}
