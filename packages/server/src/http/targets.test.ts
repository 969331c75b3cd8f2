import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { test } from 'node:test'
import { OutboundError } from './outbound.ts'
import { createTargets, isNetwork } from './targets.ts'

const PORT = 5_432

const refused = (kind: OutboundError['kind']) => (error: unknown) =>
  error instanceof OutboundError && error.kind === kind

const ALWAYS_REFUSED = [
  '0.0.0.0',
  '169.254.169.254',
  '169.254.1.1',
  '224.0.0.1',
  '255.255.255.255',
  '100.100.100.200',
  '168.63.129.16',
  '::',
  'fe80::1',
  'ff02::1',
  'fd00:ec2::254',
  '::ffff:169.254.169.254',
  '::ffff:127.0.0.1',
  '::ffff:10.0.0.1',
  '64:ff9b::a9fe:a9fe',
  '2002:a9fe:a9fe::1',
  '[fe80::1]',
]

test('databases stand in private networks; what no database is at is never connected to', async () => {
  for (const options of [
    { networks: [], loopback: true },
    { networks: ['0.0.0.0/0', '::/0'], loopback: true },
  ]) {
    const resolve = createTargets(options)
    for (const address of ALWAYS_REFUSED) await assert.rejects(resolve(address, PORT), refused('forbidden'), address)
    for (const address of ['10.1.2.3', '192.168.0.1', '172.16.0.9', '100.64.0.1', '8.8.8.8', 'fd12::1', '2600::1']) {
      assert.equal(await resolve(address, PORT), address)
    }
    assert.equal(await resolve('[fd12::1]', PORT), 'fd12::1')
  }
})

test('loopback is connected to where it is allowed, by any of its names', async () => {
  const names = ['127.0.0.1', '127.9.9.9', '::1', 'localhost']
  for (const name of names) {
    await createTargets({ networks: [], loopback: true })(name, PORT)
    await assert.rejects(createTargets({ networks: [], loopback: false })(name, PORT), refused('forbidden'), name)
    await assert.rejects(
      createTargets({ networks: ['10.0.0.0/8'], loopback: true })(name, PORT),
      refused('forbidden'),
      name,
    )
    await createTargets({ networks: ['127.0.0.0/8', '::1/128'], loopback: false })(name, PORT)
  }
})

test('networks that are given narrow it', async () => {
  const resolve = createTargets({ networks: ['10.1.0.0/16', 'fd12::/16'], loopback: false })
  for (const address of ['10.1.255.1', 'fd12::9']) assert.equal(await resolve(address, PORT), address)
  for (const address of ['10.2.0.1', '192.168.0.1', '8.8.8.8', 'fd13::1']) {
    await assert.rejects(resolve(address, PORT), refused('forbidden'), address)
  }
})

test('a name without an address is unreachable', async () => {
  await assert.rejects(
    createTargets({ networks: [], loopback: true })('no-such-name.invalid', PORT),
    refused('unreachable'),
  )
})

test('a network is an address and a prefix', () => {
  for (const text of ['10.0.0.0/8', '10.1.2.3/32', '::/0', 'fd00::/8']) assert.ok(isNetwork(text), text)
  for (const text of ['10.0.0.0', '10.0.0.0/33', 'localhost/8', '/8', '10.0.0.0/x', 'fd00::/129', '']) {
    assert.ok(!isNetwork(text), text)
  }
})

test('of several addresses, each of them allowed, one that answers is taken', async (t) => {
  const server = createServer((socket) => socket.destroy())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  const { port } = server.address() as { readonly port: number }
  const ofThese = (...addresses: readonly string[]) =>
    createTargets({
      networks: [],
      loopback: true,
      addressesOf: async () => addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    })
  assert.equal(await ofThese('::1', '127.0.0.1')('db', port), '127.0.0.1')
  assert.equal(await ofThese('127.0.0.2', '127.0.0.1')('db', port), '127.0.0.1')
  assert.equal(await ofThese('127.0.0.1', '::1')('db', port), '127.0.0.1')
  server.close()
  // Then whoever connects says why not.
  assert.equal(await ofThese('::1', '127.0.0.1')('db', port), '::1')
  await assert.rejects(ofThese('127.0.0.1', '169.254.169.254')('db', port), refused('forbidden'))
})
