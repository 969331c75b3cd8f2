// What the keyring makes and checks, and which of its key versions does so when.

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { createKeyring, type DomainKey, KEY_FAMILIES, type MacFamily, sealedVersion } from './keyring.ts'
import { newDomainKey } from './lifecycle.ts'
import { testKeyring } from './testing.ts'

const parts = [Buffer.from('a'), Buffer.from('bc')]
const generation = (version: number, activeFrom = 0): DomainKey[] =>
  KEY_FAMILIES.map((family) => newDomainKey(family, version, 0, activeFrom, randomBytes))

test('a MAC is for one family, one purpose and one division into parts', () => {
  const keyring = testKeyring()
  const mac = keyring.mac('row', 'secret', parts)
  assert.equal(mac.length, 36)
  assert.ok(keyring.verify('row', 'secret', mac, parts))
  for (const family of ['audit', 'token'] as MacFamily[]) assert.ok(!keyring.verify(family, 'secret', mac, parts))
  assert.ok(!keyring.verify('row', 'account', mac, parts))
  assert.ok(!keyring.verify('row', 'secret', mac, [Buffer.from('ab'), Buffer.from('c')]))
  assert.ok(!keyring.verify('row', 'secret', mac, [Buffer.from('abc')]))
  assert.ok(!testKeyring().verify('row', 'secret', mac, parts))
})

test('no bit of a MAC or of sealed bytes can be flipped', () => {
  const keyring = testKeyring()
  const mac = keyring.mac('row', 'secret', parts)
  const sealed = keyring.seal('p', Buffer.from('sesame'), parts)
  const flipped = (bytes: Uint8Array, bit: number) => {
    const altered = Buffer.from(bytes)
    altered[bit >> 3]! ^= 1 << (bit & 7)
    return altered
  }
  for (let bit = 0; bit < mac.length * 8; bit++) assert.ok(!keyring.verify('row', 'secret', flipped(mac, bit), parts))
  for (let bit = 0; bit < sealed.length * 8; bit++)
    assert.equal(keyring.open('p', flipped(sealed, bit), parts), undefined)
  for (let length = 0; length < mac.length; length++)
    assert.ok(!keyring.verify('row', 'secret', mac.subarray(0, length), parts))
  for (let length = 0; length < sealed.length; length++)
    assert.equal(keyring.open('p', sealed.subarray(0, length), parts), undefined)
})

test('sealed bytes open under their purpose and AAD only', () => {
  const keyring = testKeyring()
  const sealed = keyring.seal('p', Buffer.from('sesame'), parts)
  assert.equal(keyring.open('p', sealed, parts)?.toString(), 'sesame')
  assert.equal(keyring.open('q', sealed, parts), undefined)
  assert.equal(keyring.open('p', sealed, [Buffer.from('ab'), Buffer.from('c')]), undefined)
  assert.notDeepEqual(keyring.seal('p', Buffer.from('sesame'), parts), sealed)
})

test('a new key version verifies and opens at once, and seals only after its delay here', () => {
  let wall = 1_000
  let monotonic = 0
  const options = { wallNow: () => wall, monotonicNow: () => monotonic, randomBytes, activationDelayMs: 5_000 }
  const first = generation(1)
  const both = [...first, ...generation(2, 6_000)]
  const early = createKeyring('i', first, options)
  const ahead = createKeyring('i', both, { ...options, wallNow: () => 60_000 }) // its clock runs ahead, and it seals at once
  const mac = ahead.mac('row', 't', parts)
  assert.equal(sealedVersion(mac), 2)
  assert.ok(!early.verify('row', 't', mac, parts))

  early.adopt(both)
  assert.ok(early.verify('row', 't', mac, parts))
  assert.equal(early.activeVersion('row'), 1)
  wall = 6_000
  assert.equal(early.activeVersion('row'), 1)
  monotonic = 5_000
  assert.equal(early.activeVersion('row'), 2)
  assert.equal(sealedVersion(early.seal('p', parts[0]!, parts)), 2)
})

test('a clock that goes back does not bring an old version back', () => {
  let wall = 10_000
  const keyring = createKeyring('i', [...generation(1), ...generation(2, 9_000)], { wallNow: () => wall, randomBytes })
  assert.equal(keyring.activeVersion('domain'), 2)
  wall = 0
  keyring.adopt([...keyring.keys(), ...generation(3, 20_000)])
  assert.equal(keyring.activeVersion('domain'), 2)
})

test('an unknown version is told, once for each time it is met', () => {
  let unknown = 0
  const keyring = testKeyring({ wallNow: Date.now, randomBytes, onUnknownVersion: () => unknown++ })
  const mac = Buffer.from(keyring.mac('row', 't', parts))
  mac.writeUInt32BE(7)
  assert.ok(!keyring.verify('row', 't', mac, parts))
  assert.equal(keyring.open('p', Buffer.alloc(64), parts), undefined)
  assert.equal(unknown, 2)
})

test('a key for a format of its own is found again by its version, for its family and purpose only', () => {
  const keyring = createKeyring('i', [...generation(1), ...generation(2)], { wallNow: () => 10_000, randomBytes })
  const { version, key } = keyring.newestKey('token', 'session')
  assert.equal(version, 2)
  assert.ok(keyring.findKey('token', 'session', 2)?.equals(key))
  const others = [
    keyring.findKey('token', 'session', 1),
    keyring.findKey('token', 'other', 2),
    keyring.findKey('row', 'session', 2),
    createKeyring('j', keyring.keys(), { wallNow: () => 10_000, randomBytes }).findKey('token', 'session', 2),
  ]
  for (const other of others) assert.equal(other?.equals(key), false)
  assert.equal(keyring.findKey('token', 'session', 3), undefined)
})

test('a keyring shows no key when printed', () => {
  const keyring = testKeyring()
  keyring.mac('row', 'secret', parts)
  const secrets = keyring.keys().map(({ key }) => key.export())
  const shown =
    inspect(keyring, { depth: 9, showHidden: true }) +
    JSON.stringify([keyring, keyring.keys()]) +
    inspect(keyring.keys(), { depth: 9 })
  for (const secret of secrets)
    for (const encoding of ['hex', 'base64', 'latin1'] as const) assert.ok(!shown.includes(secret.toString(encoding)))
})
