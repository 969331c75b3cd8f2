// Shares given one by one: what opens, what is refused, and what is forgotten.

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { inspect } from 'node:util'
import { loadKeyring } from './lifecycle.ts'
import { createShares, makeShares, shamirRootKey } from './shares.ts'
import { addRootKey, removeSlot } from './slots.ts'
import { testInstallation, testOptions } from './testing.ts'

test('enough shares of the set open the keyring, in any order, and each counts once', async (t) => {
  const { database, keyring } = await testInstallation(t)
  const mac = keyring.mac('row', 't', [Buffer.from('part')])
  const { provider, texts } = await makeShares(5, 3, randomBytes)
  await addRootKey(keyring, provider, testOptions)
  const shares = createShares({ readHeader: async () => keyring.opened().header })
  assert.equal((await shares.submit(texts[4]!)).received, 1)
  assert.equal((await shares.submit(texts[4]!)).received, 1)
  assert.equal((await shares.submit(texts[0]!)).received, 2)
  const [status] = await shares.status()
  assert.deepEqual(status, { ...provider.shareSet, slot: keyring.opened().header.slots[1]!.id, received: 2 })
  const { key, ...told } = await shares.submit(texts[2]!)
  assert.deepEqual(told, { ...status, received: 3 })
  assert.deepEqual((await shares.status())[0]!.received, 0, 'used shares are forgotten')
  const opened = await loadKeyring(database, [shamirRootKey(key!, provider.shareSet!)], testOptions)
  assert.ok(opened.verify('row', 't', mac, [Buffer.from('part')]))
  assert.ok(key!.every((byte) => byte === 0))
  const shown = inspect([shares, provider, opened, told], { depth: 9, showHidden: true })
  for (const text of texts) assert.ok(!shown.includes(text.slice(-40)))
})

test('shares of another set, of no set and wrong ones are refused, and which of them is wrong is not told', async (t) => {
  const { keyring } = await testInstallation(t)
  const { provider, texts } = await makeShares(3, 2, randomBytes)
  await addRootKey(keyring, provider, testOptions)
  let now = 0
  const shares = createShares({ readHeader: async () => keyring.opened().header, monotonicNow: () => now })
  const other = await makeShares(3, 2, randomBytes)
  const anotherSet = {
    name: 'RootKeyError',
    message: 'the share is of another set: no slot of this keyring is opened by it',
  }
  await assert.rejects(shares.submit(other.texts[0]!), anotherSet)
  await assert.rejects(shares.submit('hunter2'), { name: 'RootKeyError', message: /^this is not a whole share/ })

  // A forger who knows the set can make whole shares of it.
  const { splitKey } = await import('../crypto/shamir.ts')
  const forged = await splitKey(randomBytes(32), provider.shareSet!.set, 3, 2)
  await shares.submit(texts[0]!)
  const wrong = { name: 'RootKeyError', message: /^the shares do not open the keyring: they are forgotten/ }
  await assert.rejects(shares.submit(forged[1]!), wrong)
  assert.equal((await shares.status())[0]!.received, 0)
  await shares.submit(forged[0]!)
  await assert.rejects(shares.submit(forged[1]!), wrong)
  const threshold = await splitKey(randomBytes(32), provider.shareSet!.set, 3, 3)
  await assert.rejects(shares.submit(threshold[0]!), anotherSet)

  for (let tries = 0; tries < 23; tries++) await assert.rejects(shares.submit('x'), /not a whole share/)
  await assert.rejects(shares.submit(texts[0]!), {
    name: 'RootKeyError',
    message: 'too many shares were tried: wait a minute',
  })
  now = 60_000
  await shares.submit(texts[0]!)
  assert.ok((await shares.submit(texts[1]!)).key)

  // A set whose slot was removed opens nothing any more.
  await removeSlot(keyring, keyring.opened().header.slots[1]!.id, testOptions)
  await assert.rejects(shares.submit(texts[0]!), anotherSet)
  assert.deepEqual(await shares.status(), [])
})

test('shares are forgotten after their time', async (t) => {
  const { keyring } = await testInstallation(t)
  const { provider, texts } = await makeShares(3, 2, randomBytes)
  await addRootKey(keyring, provider, testOptions)
  const shares = createShares({ readHeader: async () => keyring.opened().header, keptMs: 30 })
  await shares.submit(texts[0]!)
  await sleep(60)
  assert.equal((await shares.status())[0]!.received, 0)
  assert.equal((await shares.submit(texts[1]!)).received, 1)
  shares.forget()
  assert.equal((await shares.status())[0]!.received, 0)
  for (const [count, threshold] of [
    [1, 1],
    [3, 4],
    [17, 2],
    [2.5, 2],
  ] as const)
    await assert.rejects(makeShares(count, threshold, randomBytes), { name: 'RootKeyError', message: /^--shares/ })
})
