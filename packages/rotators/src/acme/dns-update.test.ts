// Against a real BIND.

import assert from 'node:assert/strict'
import { Resolver } from 'node:dns/promises'
import { createServer } from 'node:net'
import { type TestContext, test } from 'node:test'
import { testIo } from '../testing/io.ts'
import { NAMED_SKIP, startNamed } from '../testing/named.ts'
import { fails } from '../testing/refusals.ts'
import { sparePort, startBlackHole } from '../testing/server.ts'
import { changeTxt, type DnsZone } from './dns-update.ts'

const skip = NAMED_SKIP
const name = '_acme-challenge.www.example.com'

async function start(t: TestContext) {
  const { port, key } = await startNamed(t)
  const secret = Buffer.from(key.tsigSecret, 'base64')
  const zone: DnsZone = {
    host: 'localhost',
    port,
    zone: 'example.com',
    key: { name: key.tsigKeyName, algorithm: 'hmac-sha256', secret },
  }
  const resolver = new Resolver()
  resolver.setServers([`127.0.0.1:${port}`])
  const texts = async () => (await resolver.resolveTxt(name).catch(() => [])).flat().sort()
  const change = (kind: 'add' | 'remove', text: string, more: object = {}, record = name) =>
    changeTxt({ ...zone, ...more }, { kind, name: record, text }, testIo({ timeoutMs: 2_000 }))
  return { zone, texts, change }
}

test('texts are added and taken away one by one, and doing so again changes nothing', { skip }, async (t) => {
  const { texts, change } = await start(t)
  for (const text of ['one', 'two', 'two']) await change('add', text)
  assert.deepEqual(await texts(), ['one', 'two'])
  for (const text of ['one', 'one', 'none']) await change('remove', text)
  assert.deepEqual(await texts(), ['two'])
  await change('remove', 'two', { zone: 'Example.COM.' }, name.toUpperCase())
  assert.deepEqual(await texts(), [])
})

test('what the server does not take, or cannot have answered, is told by kind', { skip }, async (t) => {
  const { zone, texts, change } = await start(t)
  await fails('permission', change('add', 'x', {}, 'www.example.com'), /does not change example\.com: REFUSED/)
  await fails('permission', change('add', 'x', { zone: 'example.org' }, '_acme-challenge.example.org'), /NOTAUTH/)
  await fails('permission', change('add', 'x', { key: { ...zone.key, secret: Buffer.alloc(32) } }), /BADSIG/)
  await fails('permission', change('add', 'x', { key: { ...zone.key, name: 'another' } }), /BADKEY/)
  const late = testIo({ now: () => Date.now() - 3_600_000 })
  await fails('permission', changeTxt(zone, { kind: 'add', name, text: 'x' }, late), /BADTIME/)
  await fails('unreachable', change('add', 'x', { port: await sparePort() }))
  await fails('unreachable', change('add', 'x', { port: await startBlackHole(t) }), /none within 2000 ms/)
  assert.deepEqual(await texts(), [])

  // Who answers in its place, without the key: that it was done, and nonsense.
  let answer = (request: Buffer): Buffer => Buffer.concat([request.subarray(2, 4), Buffer.of(0xa8, 0), Buffer.alloc(8)])
  const liar = createServer((socket) =>
    socket.on('data', (request: Buffer) => {
      const bytes = answer(request)
      socket.end(Buffer.concat([Buffer.of(0, bytes.length), bytes]))
    }),
  )
  await new Promise<void>((resolve) => liar.listen(0, '127.0.0.1', resolve))
  t.after(() => liar.close())
  const { port } = liar.address() as { port: number }
  await fails('other', change('add', 'x', { port }), /is not signed with the key/)
  for (const bytes of [Buffer.alloc(1), Buffer.alloc(12), Buffer.alloc(200, 0xff)]) {
    answer = () => bytes
    await fails('other', change('add', 'x', { port }), /does not answer as a DNS server/)
  }
})
