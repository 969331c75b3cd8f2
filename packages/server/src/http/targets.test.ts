import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OutboundError } from './outbound.ts'
import { createTargets, isNetwork } from './targets.ts'

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
    for (const address of ALWAYS_REFUSED) await assert.rejects(resolve(address), refused('forbidden'), address)
    for (const address of ['10.1.2.3', '192.168.0.1', '172.16.0.9', '100.64.0.1', '8.8.8.8', 'fd12::1', '2600::1']) {
      assert.equal(await resolve(address), address)
    }
    assert.equal(await resolve('[fd12::1]'), 'fd12::1')
  }
})

test('loopback is connected to where it is allowed, by any of its names', async () => {
  const names = ['127.0.0.1', '127.9.9.9', '::1', 'localhost']
  for (const name of names) {
    await createTargets({ networks: [], loopback: true })(name)
    await assert.rejects(createTargets({ networks: [], loopback: false })(name), refused('forbidden'), name)
    await assert.rejects(createTargets({ networks: ['10.0.0.0/8'], loopback: true })(name), refused('forbidden'), name)
    await createTargets({ networks: ['127.0.0.0/8', '::1/128'], loopback: false })(name)
  }
})

test('networks that are given narrow it', async () => {
  const resolve = createTargets({ networks: ['10.1.0.0/16', 'fd12::/16'], loopback: false })
  for (const address of ['10.1.255.1', 'fd12::9']) assert.equal(await resolve(address), address)
  for (const address of ['10.2.0.1', '192.168.0.1', '8.8.8.8', 'fd13::1']) {
    await assert.rejects(resolve(address), refused('forbidden'), address)
  }
})

test('a name without an address is unreachable', async () => {
  await assert.rejects(createTargets({ networks: [], loopback: true })('no-such-name.invalid'), refused('unreachable'))
})

test('a network is an address and a prefix', () => {
  for (const text of ['10.0.0.0/8', '10.1.2.3/32', '::/0', 'fd00::/8']) assert.ok(isNetwork(text), text)
  for (const text of ['10.0.0.0', '10.0.0.0/33', 'localhost/8', '/8', '10.0.0.0/x', 'fd00::/129', '']) {
    assert.ok(!isNetwork(text), text)
  }
})
