// Slots added, tried and removed while other processes serve, with a crash after every step.

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { WrongRootKeyError } from './errors.ts'
import { decodeHeader, encodeHeader } from './keyring-format.ts'
import { loadKeyring } from './lifecycle.ts'
import { envRootKey, fileRootKey, type RootKeyProvider } from './root-key.ts'
import { moveRootKey, retireRootKeys, rotateRootKey } from './rotate-root-key.ts'
import { addRootKey, removeSlot, rootKeyStatus, verifySlots } from './slots.ts'
import { restart, testInstallation, testOptions } from './testing.ts'

const parts = [Buffer.from('part')]
const newKey = (name: string): RootKeyProvider => envRootKey(name, () => randomBytes(32).toString('hex'))
class Crash extends Error {}

test('a root key that was added opens the keyring by itself, and after its slot is removed it does not', async (t) => {
  const { folder, open, database, path, file, keyring } = await testInstallation(t)
  const other = await restart(await open(), path)
  const mac = keyring.mac('row', 't', parts)
  const second = fileRootKey(join(folder, 'second.key'), randomBytes)
  await addRootKey(keyring, second, testOptions)
  await assert.rejects(addRootKey(keyring, second, testOptions), {
    name: 'RootKeyError',
    message: /opens the keyring already/,
  })
  for (const provider of [file, second]) {
    assert.ok((await loadKeyring(database, [provider], testOptions)).verify('row', 't', mac, parts))
  }
  keyring.useRootKeys([file, second])
  assert.equal(await other.refresh(), true)

  const id = keyring.opened().header.slots[1]!.id
  const first = keyring.opened().header.slots[0]!.id
  const before = keyring.opened().keyringKey
  assert.equal(await removeSlot(keyring, id, testOptions), true)
  assert.ok(!keyring.opened().keyringKey.equals(before), 'the removed key never wrapped the new keyring key')
  assert.deepEqual(
    keyring.opened().header.slots.map((slot) => slot.id),
    [first],
    'the slot that stays keeps its id',
  )
  await assert.rejects(loadKeyring(database, [second], testOptions), WrongRootKeyError)
  assert.equal(await other.refresh(), true)
  assert.ok((await restart(database, path)).verify('row', 't', mac, parts))
})

test('the last slot is never removed, nor all that this server could open, nor one that is not there', async (t) => {
  const { database, file, keyring } = await testInstallation(t)
  const [first] = keyring.opened().header.slots
  await assert.rejects(removeSlot(keyring, first!.id, testOptions), {
    name: 'RootKeyError',
    message: /is the last one/,
  })
  await assert.rejects(removeSlot(keyring, 'nothing', testOptions), {
    name: 'RootKeyError',
    message: /has no slot nothing/,
  })
  const elsewhere = newKey('ELSEWHERE')
  await addRootKey(keyring, elsewhere, testOptions)
  await assert.rejects(removeSlot(keyring, first!.id, testOptions), {
    name: 'RootKeyError',
    message: /has no root key of any other slot/,
  })
  assert.equal(keyring.opened().header.slots.length, 2)

  // Of three, one is foreign: it is not lost, and the keyring key stays.
  await addRootKey(keyring, newKey('THIRD'), testOptions)
  const version = keyring.opened().header.keyringVersion
  assert.equal(await removeSlot(keyring, keyring.opened().header.slots[2]!.id, testOptions), false)
  assert.equal(keyring.opened().header.keyringVersion, version)
  for (const provider of [file, elsewhere]) await loadKeyring(database, [provider], testOptions)
})

for (const step of ['key on disk', 'slot added'] as const) {
  test(`an addition that dies after "${step}" leaves a keyring that opens, and can be completed`, async (t) => {
    const { folder, database, path, keyring } = await testInstallation(t)
    const second = fileRootKey(join(folder, 'second.key'), randomBytes)
    const onStep = (done: string) => {
      if (done === step) throw new Crash()
    }
    await assert.rejects(addRootKey(keyring, second, { ...testOptions, onStep }), Crash)
    const again = await restart(database, path)
    if (step === 'key on disk') await addRootKey(again, second, testOptions)
    else await assert.rejects(addRootKey(again, second, testOptions), /opens the keyring already/)
    await loadKeyring(database, [second], testOptions)
    await restart(database, path)
  })
}

test('a rotation keeps the other slots that this server can open, under their ids', async (t) => {
  const { database, path, keyring, file } = await testInstallation(t)
  const second = newKey('SECOND')
  await addRootKey(keyring, second, testOptions)
  const { id } = keyring.opened().header.slots[1]!
  const old = envRootKey('OLD', () => readFileSync(path, 'utf8').trim())
  await assert.rejects(rotateRootKey(keyring, { ...testOptions, keepOldSlot: false }), /root-key remove [0-9a-f]{16}"$/)
  keyring.useRootKeys([file, second])
  await rotateRootKey(keyring, { ...testOptions, keepOldSlot: false })
  assert.equal(keyring.opened().header.slots.length, 2)
  assert.ok(keyring.opened().header.slots.some((slot) => slot.id === id))
  await loadKeyring(database, [second], testOptions)
  await restart(database, path)
  await assert.rejects(loadKeyring(database, [old], testOptions), WrongRootKeyError)
})

test('neither a rotation nor retiring closes out a slot of shares that are not here', async (t) => {
  const { database, keyring, file } = await testInstallation(t)
  const shareSet = { set: '00112233445566aa', shares: 5, threshold: 3 }
  const shamir: RootKeyProvider = { ...newKey('SHARES'), kind: 'shamir', where: 'shares', shareSet }
  await addRootKey(keyring, shamir, testOptions)
  const refused = {
    name: 'RootKeyError',
    message: /\(shamir\) has no root key here and would be closed out: give the server its shares/,
  }
  await assert.rejects(rotateRootKey(keyring, testOptions), refused)
  await assert.rejects(moveRootKey(keyring, newKey('NEXT'), testOptions), refused)
  await assert.rejects(retireRootKeys(keyring, testOptions), refused)

  keyring.useRootKeys([file, shamir])
  const next = newKey('NEXT')
  await moveRootKey(keyring, next, { ...testOptions, keepOldSlot: false })
  assert.deepEqual(
    keyring.opened().header.slots.map(({ kind }) => kind),
    ['shamir', 'env'],
  )
  assert.deepEqual(keyring.opened().header.slots[0]!.shareSet, shareSet)
  for (const provider of [shamir, next]) await loadKeyring(database, [provider], testOptions)
})

test('verify tries every slot, tells what cannot be tried, and a server that is asked at a cost is asked there alone', async (t) => {
  const { keyring, file } = await testInstallation(t)
  let asked = 0
  let down = false
  const raw = newKey('RAW')
  const remote: RootKeyProvider = {
    ...raw,
    kind: 'aws-kms',
    where: 'elsewhere',
    opened: new Set(),
    unwrap: async (slot, binding) => {
      asked++
      if (down) throw new (await import('./errors.ts')).RootKeyError('elsewhere does not answer')
      return raw.unwrap(slot, binding)
    },
  }
  await addRootKey(keyring, remote, testOptions)
  keyring.useRootKeys([file, remote])
  asked = 0
  assert.deepEqual(
    (await rootKeyStatus(keyring)).slots.map(({ openedBy }) => openedBy),
    [file.where, 'elsewhere'],
  )
  assert.equal(asked, 0)
  assert.equal((await verifySlots(keyring)).ok, true)
  assert.equal(asked, 1, 'for the slot of its kind')
  down = true
  const { ok, slots } = await verifySlots(keyring)
  assert.equal(ok, false)
  assert.deepEqual(
    slots.map(({ state, problem }) => [state, problem]),
    [
      ['opens', undefined],
      ['cannot be tried', 'elsewhere does not answer'],
    ],
  )
  keyring.useRootKeys([file])
  assert.equal((await verifySlots(keyring)).slots[1]!.state, 'has no root key here')
})

test('a header written before slots told their place still reads, and writes itself again', () => {
  const slot = {
    id: 'a',
    kind: 'file',
    createdAt: 1,
    check: Buffer.alloc(32, 1),
    wrapped: Buffer.alloc(60, 2),
  } as const
  const header = { instanceId: 'i', keyringVersion: 1, slots: [slot] }
  const bytes = encodeHeader(header)
  assert.deepEqual(decodeHeader(bytes), header)
  assert.ok(!bytes.includes('where'))
  assert.deepEqual(encodeHeader(decodeHeader(bytes)), bytes)
})
