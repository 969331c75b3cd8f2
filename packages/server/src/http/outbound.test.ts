// The guarded client: where it calls, what it takes for an answer, and when it gives up.

import assert from 'node:assert/strict'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { startIssuer } from '../services/sts/testing-issuer.ts'
import { createOutbound, isPublicAddress, OutboundError } from './outbound.ts'

const failing = (kind: OutboundError['kind']) => (error: unknown) => {
  assert.ok(error instanceof OutboundError, String(error))
  assert.equal(error.kind, kind)
  return true
}

test('addresses that nobody on the Internet answers from are told from those that somebody may', () => {
  for (const inside of [
    '127.0.0.1',
    '10.1.2.3',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.1.1',
    '169.254.169.254',
    '100.64.0.1',
    '0.0.0.0',
    '224.0.0.1',
    '255.255.255.255',
    '::1',
    '::',
    'fe80::1',
    'fc00::1',
    'fd00:ec2::254',
    '::ffff:127.0.0.1',
    '::ffff:8.8.8.8',
    '64:ff9b::7f00:1',
    '2002:7f00:1::',
    '2001::1',
    'ff02::1',
    'no address',
  ]) {
    assert.equal(isPublicAddress(inside), false, inside)
  }
  for (const outside of ['8.8.8.8', '172.32.0.1', '192.0.3.1', '2606:4700::1111', '2a00:1450::1']) {
    assert.equal(isPublicAddress(outside), true, outside)
  }
})

test('only https is called, outside or where the operator allowed it, and every answer is bounded', async (t) => {
  const issuer = await startIssuer(t)
  const thumbprints = [issuer.thumbprint]
  const { port } = new URL(issuer.url)
  const guarded = createOutbound({ allowed: [] })
  const get = (url: string) => guarded.get(url, { bytesMax: 1_000, thumbprints })
  for (const url of [
    `${issuer.url}/keys`,
    `https://127.0.0.1:${port}/keys`,
    `https://2130706433:${port}/keys`,
    `https://0x7f.1:${port}/keys`,
    `https://[::1]:${port}/keys`,
    `https://[::ffff:7f00:1]:${port}/keys`,
    'https://169.254.169.254/latest/meta-data',
    'http://example.com/',
    'file:///etc/passwd',
    'https://user:word@example.com/',
    'nothing',
  ]) {
    await assert.rejects(get(url), failing('forbidden'), url)
  }
  assert.equal(issuer.fetches(), 0)

  const allowed = createOutbound({ allowed: [issuer.url], timeoutMs: 400 })
  const ask = (path: string, trust: readonly string[] = thumbprints) =>
    allowed.get(issuer.url + path, { bytesMax: 1_000, thumbprints: trust })
  assert.match(String(await ask('/keys')), /"keys"/)
  await assert.rejects(ask('/keys', []), failing('untrusted'))
  await assert.rejects(ask('/keys', ['0'.repeat(40)]), failing('untrusted'))
  await assert.rejects(
    createOutbound({ allowed: [`https://127.0.0.1:${port}`] }).get(`https://127.0.0.1:${port}/keys`, {
      bytesMax: 1_000,
      thumbprints,
    }),
    failing('untrusted'),
    'its certificate is for localhost',
  )
  issuer.answers.set('/big', { status: 200, body: 'x'.repeat(1_001) })
  issuer.answers.set('/moved', { status: 302, body: '', location: `${issuer.url}/keys` })
  issuer.answers.set('/slow', undefined)
  await assert.rejects(ask('/big'), failing('size'))
  await assert.rejects(ask('/moved'), failing('status'))
  await assert.rejects(ask('/slow'), failing('unreachable'))
  await issuer.stop()
  await assert.rejects(ask('/keys'), failing('unreachable'))
  await issuer.start()
})

test('a POST to who is not known to be the right one sends nothing', async (t) => {
  const issuer = await startIssuer(t)
  const outbound = createOutbound({ allowed: [issuer.url] })
  const options = { headers: {}, body: Buffer.from('x'), bytesMax: 1_000, timeoutMs: 5_000 }
  for (let tries = 0; tries < 20; tries++) {
    const post = outbound.post(`${issuer.url}/keys`, { ...options, signal: new AbortController().signal })
    await assert.rejects(post, failing('untrusted'))
  }
  await sleep(100)
  assert.equal(issuer.fetches(), 0)
})

test('a POST sends what it is given, reads answers of every status, and ends when it is told to', async (t) => {
  const seen: { method?: string | undefined; headers: IncomingHttpHeaders; body: string }[] = []
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk) => {
      body += chunk
    })
    request.on('end', () => {
      seen.push({ method: request.method, headers: request.headers, body })
      if (request.url === '/hangs') return
      response.writeHead(request.url === '/refused' ? 403 : 200, { 'X-Amz-Function-Error': 'Unhandled' })
      response.end(request.url === '/big' ? 'x'.repeat(101) : 'answer')
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const outbound = createOutbound({ allowed: [url] })
  const never = new AbortController().signal
  const post = (path: string, signal = never, timeoutMs = 5_000) =>
    outbound.post(url + path, {
      headers: { 'content-type': 'application/json', 'x-of-ours': 'a' },
      body: Buffer.from('{}'),
      bytesMax: 100,
      timeoutMs,
      signal,
    })
  const { status, headers, body } = await post('/')
  assert.deepEqual([status, headers['x-amz-function-error'], String(body)], [200, 'Unhandled', 'answer'])
  assert.deepEqual([seen[0]!.method, seen[0]!.body, seen[0]!.headers['x-of-ours']], ['POST', '{}', 'a'])
  assert.equal((await post('/refused')).status, 403)
  await assert.rejects(post('/big'), failing('size'))
  await assert.rejects(post('/hangs', never, 50), failing('unreachable'))
  await assert.rejects(post('/hangs', AbortSignal.timeout(50)), failing('unreachable'))
  const calls = seen.length
  await assert.rejects(post('/', AbortSignal.abort()), failing('unreachable'))
  assert.equal(seen.length, calls, 'what is over before it began is not sent')
  const stranger = createOutbound({ allowed: [] })
  const options = { headers: {}, body: Buffer.from(''), bytesMax: 100, timeoutMs: 1_000, signal: never }
  await assert.rejects(stranger.post(url, options), failing('forbidden'))
  await assert.rejects(stranger.post('https://127.0.0.1:1', options), failing('forbidden'))
})
