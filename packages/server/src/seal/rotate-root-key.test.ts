// Rotation of the root key with a crash after every step, and what a description may say.

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { RootKeyError, WrongRootKeyError } from './errors.ts'
import { loadKeyring, openKeyring } from './lifecycle.ts'
import { credentialRootKey, envRootKey, fileRootKey, type RootKeyProvider } from './root-key.ts'
import { rotateDomainKeys } from './rotate.ts'
import { moveRootKey, type RootKeyStep, retireRootKeys, rotateRootKey } from './rotate-root-key.ts'
import { addSlot, keepOnlySlotsOf, rootKeyStatus } from './slots.ts'
import { restart, testInstallation, testOptions, testStorage } from './testing.ts'

const parts = [Buffer.from('part')]
/** As on one host: PostgreSQL's default keeps the old slot for other hosts. */
const rotation = { ...testOptions, keepOldSlot: false }
const STEPS: readonly RootKeyStep[] = ['next key on disk', 'both keys open', 'next key in place', 'old key closed out']

class Crash extends Error {}
const crashAfter = (step: RootKeyStep) => (done: RootKeyStep) => {
  if (done === step) throw new Crash()
}

test('after a rotation the new root key opens the keyring and the old one does not', async (t) => {
  const { database, path, keyring } = await testInstallation(t)
  const old = readFileSync(path)
  const mac = keyring.mac('row', 't', parts)
  await rotateRootKey(keyring, rotation)

  assert.notDeepEqual(readFileSync(path), old)
  assert.ok(!existsSync(`${path}.new`))
  const restarted = await restart(database, path)
  assert.ok(restarted.verify('row', 't', mac, parts))
  assert.equal(restarted.opened().header.slots.length, 1)
  assert.equal(restarted.opened().header.keyringVersion, 2)

  const oldKey = envRootKey('OLD', () => old.toString().trim())
  await assert.rejects(loadKeyring(database, [oldKey], testOptions), WrongRootKeyError)
})

for (const step of STEPS) {
  test(`a rotation that dies after "${step}" leaves a key on the disk that opens the keyring, and can be run again`, async (t) => {
    const { database, path, keyring } = await testInstallation(t)
    const old = readFileSync(path).toString().trim()
    const mac = keyring.mac('row', 't', parts)
    await assert.rejects(rotateRootKey(keyring, { ...rotation, onStep: crashAfter(step) }), Crash)

    const restarted = await restart(database, path)
    assert.ok(restarted.verify('row', 't', mac, parts))
    await rotateRootKey(restarted, rotation)

    const again = await restart(database, path)
    assert.ok(again.verify('row', 't', mac, parts))
    assert.equal(again.opened().header.slots.length, 1)
    assert.ok(!existsSync(`${path}.new`))
    await assert.rejects(loadKeyring(database, [envRootKey('OLD', () => old)], testOptions), WrongRootKeyError)
  })
}

test('a rotation that finds a prepared key without a slot does not trust it', async (t) => {
  const { path, file, keyring } = await testInstallation(t)
  await file.prepareNext()
  const leftover = readFileSync(`${path}.new`, 'utf8')
  await rotateRootKey(keyring, rotation)
  assert.notEqual(readFileSync(path, 'utf8'), leftover)
})

test('a process that was running through a rotation of the root key goes on and follows', async (t) => {
  const { open, path, keyring } = await testInstallation(t)
  const other = await restart(await open(), path)
  await rotateRootKey(keyring, rotation)
  assert.equal(await other.refresh(), true)
  assert.equal(other.opened().header.keyringVersion, 2)
  await addSlot(
    other,
    envRootKey('KEY', () => randomBytes(32).toString('hex')),
    testOptions,
  )
  assert.equal(await keyring.refresh(), true)
})

test('with the old slot kept, both keys open the keyring until it is closed out', async (t) => {
  const { database, path, keyring, file } = await testInstallation(t)
  const old = envRootKey('OLD', () => readFileSync(path, 'utf8').trim())
  await rotateRootKey(keyring, { ...testOptions, keepOldSlot: true })
  await loadKeyring(database, [old], testOptions)
  await restart(database, path)
  await keepOnlySlotsOf(keyring, [file], testOptions)
  await assert.rejects(loadKeyring(database, [old], testOptions), WrongRootKeyError)
  await restart(database, path)
})

const newKey = (name: string): RootKeyProvider => envRootKey(name, () => randomBytes(32).toString('hex'))

test('a root key moves between places of every kind, and after each move the new one alone opens the keyring', async (t) => {
  const { folder, database, file, keyring } = await testInstallation(t)
  const mac = keyring.mac('row', 't', parts)
  const credential = join(folder, 'credential')
  writeFileSync(credential, randomBytes(32).toString('base64'), { mode: 0o400 })
  const moves = [
    credentialRootKey(credential),
    newKey('KEY'),
    fileRootKey(join(folder, 'made.key'), randomBytes),
    newKey('LAST'),
  ]
  let old: RootKeyProvider = file
  for (const next of moves) {
    await moveRootKey(keyring, next, rotation)
    assert.deepEqual(keyring.providers, [next])
    assert.equal(keyring.opened().header.slots.length, 1)
    const restarted = await loadKeyring(database, [next], testOptions)
    assert.ok(restarted.verify('row', 't', mac, parts))
    await assert.rejects(loadKeyring(database, [old], testOptions), WrongRootKeyError)
    old = next
  }
  assert.equal(statSync(join(folder, 'made.key')).mode & 0o777, 0o600)
})

for (const step of ['both keys open', 'next key in use', 'old key closed out'] as const) {
  test(`a move that dies after "${step}" leaves a keyring that the old or the new key opens, and can be run again`, async (t) => {
    const { database, file, keyring } = await testInstallation(t)
    const mac = keyring.mac('row', 't', parts)
    const next = newKey('NEXT')
    await assert.rejects(moveRootKey(keyring, next, { ...rotation, onStep: crashAfter(step) }), Crash)

    const closedOut = step === 'old key closed out'
    const restarted = await loadKeyring(database, [closedOut ? next : file], testOptions)
    assert.ok(restarted.verify('row', 't', mac, parts))
    await loadKeyring(database, [next], testOptions)
    if (closedOut) return
    await moveRootKey(restarted, next, rotation)
    assert.equal(restarted.opened().header.slots.length, 1)
    await assert.rejects(loadKeyring(database, [file], testOptions), WrongRootKeyError)
    await loadKeyring(database, [next], testOptions)
  })
}

test('a root key that is in use already is not moved to, and an unreadable one changes nothing', async (t) => {
  const { folder, path, keyring } = await testInstallation(t)
  const before = keyring.opened().rev
  const same = envRootKey('SAME', () => readFileSync(path, 'utf8').trim())
  await assert.rejects(moveRootKey(keyring, same, rotation), {
    name: 'RootKeyError',
    message: /SAME is the one in use/,
  })
  const missing = credentialRootKey(join(folder, 'missing'))
  await assert.rejects(moveRootKey(keyring, missing, rotation), { name: 'RootKeyError', message: /is missing/ })
  assert.equal(keyring.opened().rev, before)
  assert.equal(keyring.providers[0]!.where, path)
})

test('other servers on the database go on through a move, follow when they are told, and retiring closes the old key out', async (t) => {
  const { open, database, path, file, keyring } = await testInstallation(t)
  const other = await restart(await open(), path)
  const next = newKey('NEXT')
  await moveRootKey(keyring, next, { ...testOptions, keepOldSlot: true })
  assert.equal(await other.refresh(), true)
  await rotateDomainKeys(keyring, [], { ...testOptions, families: ['row'] })
  assert.equal(await other.refresh(), true)
  await assert.rejects(retireRootKeys(other, testOptions), { name: 'RootKeyError', message: /is not the one here/ })

  await moveRootKey(other, next, { ...testOptions, keepOldSlot: true })
  assert.equal(other.opened().header.slots.length, 2, 'the slot was there already')
  await retireRootKeys(other, testOptions)
  assert.equal(await keyring.refresh(), true)
  assert.equal(keyring.opened().header.slots.length, 1)
  await loadKeyring(database, [next], testOptions)
  await assert.rejects(loadKeyring(database, [file], testOptions), WrongRootKeyError)
})

test('slots are bounded, and retiring makes room', async (t) => {
  const { keyring } = await testInstallation(t)
  for (let slots = 2; slots < 16; slots++) await addSlot(keyring, newKey('OLD'), testOptions)
  await moveRootKey(keyring, newKey('NEXT'), { ...testOptions, keepOldSlot: true })
  await assert.rejects(addSlot(keyring, newKey('MORE'), testOptions), { name: 'RootKeyError', message: /has 16 slots/ })
  await retireRootKeys(keyring, testOptions)
  assert.equal(keyring.opened().header.slots.length, 1)
  await addSlot(keyring, newKey('MORE'), testOptions)
})

test('a root key that the server cannot write is rotated by slots, and refused otherwise', async (t) => {
  const database = await (await testStorage(t)).open()
  const [first, second] = ['FIRST', 'SECOND'].map((name) => envRootKey(name, () => randomBytes(32).toString('hex')))
  const keyring = await openKeyring(database, [first!], testOptions)
  await assert.rejects(rotateRootKey(keyring, rotation), (error) => {
    assert.ok(error instanceof RootKeyError)
    return /cannot write the root key in FIRST: .* --new-root-key/.test(error.message)
  })
  await addSlot(keyring, second!, testOptions)
  await keepOnlySlotsOf(keyring, [second!], testOptions)
  await loadKeyring(database, [second!], testOptions)
  await assert.rejects(loadKeyring(database, [first!], testOptions), WrongRootKeyError)
})

test('a slot that nobody here can open stops a rotation before anything is written', async (t) => {
  const { database, path, file, keyring } = await testInstallation(t)
  await addSlot(
    keyring,
    envRootKey('RECOVERY', () => randomBytes(32).toString('hex')),
    testOptions,
  )
  const without = await loadKeyring(database, [file], testOptions)
  const before = readFileSync(path, 'utf8')
  await assert.rejects(rotateRootKey(without, rotation), /slot [0-9a-f]{16} \(env\) has no root key here/)
  assert.equal(readFileSync(path, 'utf8'), before)
  assert.equal(without.opened().header.slots.length, 2)
})

test('a description names states and places, and holds no key', async (t) => {
  const { path, keyring } = await testInstallation(t)
  await rotateDomainKeys(keyring, [], { ...testOptions, families: ['domain'] })
  const description = await rootKeyStatus(keyring)
  assert.deepEqual(
    description.slots.map(({ kind, openedBy }) => ({ kind, openedBy })),
    [{ kind: 'file', openedBy: path }],
  )
  assert.deepEqual(
    description.keys.map(({ family, version, state }) => `${family} ${version} ${state}`),
    ['domain 1 old', 'domain 2 active', 'row 1 active', 'token 1 active', 'audit 1 active'],
  )
  const opened = keyring.opened()
  const secrets = [
    Buffer.from(readFileSync(path, 'utf8'), 'base64'),
    opened.keyringKey.export(),
    ...opened.keys.map(({ key }) => key.export()),
  ]
  const shown =
    JSON.stringify(description) +
    JSON.stringify(opened) +
    inspect([keyring, opened, keyring.providers], { depth: 9, showHidden: true })
  for (const secret of secrets)
    for (const encoding of ['hex', 'base64', 'latin1'] as const) assert.ok(!shown.includes(secret.toString(encoding)))
})
