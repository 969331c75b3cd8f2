// Buckets by a clock of our own, then the real server: who may call how often without a signature, and what is told then.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createAddressRates, networkOf } from './address-rates.ts'
import { askForCredentials, podClaims, startCluster } from './services/strongroom/testing-pods.ts'

const START = 1_800_000_000_000

test('an address is itself, and of IPv6 its first 64 bits', () => {
  const same: readonly (readonly [string, string])[] = [
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::FFFF:192.0.2.1', '192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:0db8:0001:0002::', '2001:db8:1:2::/64'],
    ['2001:db8::9', '2001:db8:0:0::/64'],
    ['2001:db8:1:2:3::192.0.2.1', '2001:db8:1:2::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['64:ff9b::192.0.2.1', '64:ff9b:0:0::/64'],
  ]
  for (const [address, network] of same) assert.equal(networkOf(address), network)
})

test('a failed call costs as much as five that succeed, also of those that go on side by side', () => {
  const rates = createAddressRates(20)
  const failing = (at: number, address = '192.0.2.1') => {
    let count = 0
    while (count < 2_000 && rates.take('proof', address, START + at)) count += 1
    return count
  }
  const succeeding = (at: number, address: string) => {
    let count = 0
    while (count < 2_000 && rates.take('proof', address, START + at)) {
      rates.succeeded('proof', address)
      count += 1
    }
    return count
  }
  assert.equal(failing(0), 200)
  assert.equal(failing(249), 0)
  assert.equal(failing(250), 1)
  assert.equal(failing(1_250), 4)
  assert.equal(failing(600_000), 200, 'no more than 50 seconds bring')
  assert.equal(failing(100_000), 0, 'the clock went back')
  assert.equal(failing(101_000), 4, 'and goes on from there')
  assert.equal(failing(101_000, '192.0.2.2'), 200, 'another address')
  assert.equal(failing(101_000, '2001:db8::1'), 200)
  assert.equal(failing(101_000, '2001:db8::2'), 0, 'the same site')
  assert.ok(rates.take('open', '192.0.2.1', START), 'health is counted apart')
  // Each takes 5 tokens and gives 4 back.
  assert.equal(succeeding(0, '192.0.2.3'), 996)
})

test('buckets are bounded in number, and 0 is no limit', () => {
  const rates = createAddressRates(1)
  const drain = (address: string) => {
    let count = 0
    while (rates.take('proof', address, START)) count += 1
    return count
  }
  assert.equal(drain('192.0.2.1'), 10)
  assert.equal(drain('192.0.2.1'), 0)
  for (let i = 0; i < 20_000; i++) rates.take('proof', `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`, START)
  assert.equal(drain('192.0.2.1'), 10, 'forgotten')
  const unlimited = createAddressRates(0)
  for (let i = 0; i < 10_000; i++) assert.ok(unlimited.take('proof', '192.0.2.1', START))
})

test('the server refuses an address that fails too often, whatever headers say, and still tells how it is', async (t) => {
  const { issuer, server } = await startCluster(t, { unsignedRate: '1' })
  const token = await issuer.sign(podClaims())
  const assume = (headers = {}) =>
    fetch(server.url, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
      body: new URLSearchParams({
        Action: 'AssumeRoleWithWebIdentity',
        Version: '2011-06-15',
        RoleArn: `arn:aws:iam::${server.accountId}:role/x`,
        RoleSessionName: 'x1',
        WebIdentityToken: 'no token',
      }),
    })
  assert.equal((await askForCredentials(server.url, server.accountId, token)).status, 200)
  // 50 tokens, one for the success, five for each failure; a few come back meanwhile.
  const spoofed = { 'x-forwarded-for': '192.0.2.9', forwarded: 'for=192.0.2.9', 'x-real-ip': '192.0.2.9' }
  let text = ''
  for (let i = 0; i < 100 && !text.includes('Throttling'); i++) text = await (await assume(spoofed)).text()
  assert.ok(text.includes('<Code>Throttling</Code>') && text.includes('Rate exceeded'), text)
  const { status, body } = await askForCredentials(server.url, server.accountId, token)
  assert.deepEqual([status, body.code, body.message], [429, 'ThrottlingException', 'Rate exceeded'])
  assert.equal((await fetch(`${server.url}/_strongroom/health`)).status, 200)

  let last = 200
  for (let i = 0; i < 300 && last === 200; i++) last = (await fetch(`${server.url}/_strongroom/health`)).status
  assert.equal(last, 429)
  assert.match(
    await server.app.metrics.text([]),
    /strongroom_unauthenticated_requests_total\{code="ThrottlingException"\} [1-9]/,
  )
  // Signed calls have rates of their own.
  assert.equal((await server.call('secretsmanager', 'ListSecrets', {})).status, 200)
})
