// Rotation with a crash after every step, and what a description may say.

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { inspect } from 'node:util'
import type { Database } from '../storage/database.ts'
import { RootKeyError, WrongRootKeyError } from './errors.ts'
import { SEALED_PURPOSES, sealedVersion } from './keyring.ts'
import { type LiveKeyring, loadKeyring, openKeyring } from './lifecycle.ts'
import { envRootKey, fileRootKey } from './root-key.ts'
import {
  addSlot,
  describeRootKey,
  keepOnlySlotsOf,
  type RootKeyStep,
  retireDomainKeys,
  rotateDomainKeys,
  rotateRootKey,
  type SealedTable,
} from './rotate.ts'
import { testOptions, testStorage } from './testing.ts'

async function installation(t: TestContext) {
  const { folder, open } = await testStorage(t)
  const database = await open()
  const path = join(folder, 'root.key')
  const file = fileRootKey(path, randomBytes)
  return { open, database, path, file, keyring: await openKeyring(database, [file], testOptions) }
}

const parts = [Buffer.from('part')]
/** As on one host: PostgreSQL's default keeps the old slot for other hosts. */
const rotation = { ...testOptions, keepOldSlot: false }
const STEPS: readonly RootKeyStep[] = ['next key on disk', 'both keys open', 'next key in place', 'old key closed out']

class Crash extends Error {}
const crashAfter = (step: RootKeyStep) => (done: RootKeyStep) => {
  if (done === step) throw new Crash()
}

/** What a fresh process finds on the disk. */
const restart = (database: Database, path: string): Promise<LiveKeyring> =>
  loadKeyring(database, [fileRootKey(path, randomBytes)], testOptions)

test('after a rotation the new root key opens the keyring and the old one does not', async (t) => {
  const { database, path, keyring } = await installation(t)
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
    const { database, path, keyring } = await installation(t)
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
  const { path, file, keyring } = await installation(t)
  await file.prepareNext()
  const leftover = readFileSync(`${path}.new`, 'utf8')
  await rotateRootKey(keyring, rotation)
  assert.notEqual(readFileSync(path, 'utf8'), leftover)
})

test('a process that was running through a rotation of the root key goes on and follows', async (t) => {
  const { open, path, keyring } = await installation(t)
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
  const { database, path, keyring, file } = await installation(t)
  const old = envRootKey('OLD', () => readFileSync(path, 'utf8').trim())
  await rotateRootKey(keyring, { ...testOptions, keepOldSlot: true })
  await loadKeyring(database, [old], testOptions)
  await restart(database, path)
  await keepOnlySlotsOf(keyring, [file], testOptions)
  await assert.rejects(loadKeyring(database, [old], testOptions), WrongRootKeyError)
  await restart(database, path)
})

test('a root key that the server cannot write is rotated by slots, and refused otherwise', async (t) => {
  const database = await (await testStorage(t)).open()
  const [first, second] = ['FIRST', 'SECOND'].map((name) => envRootKey(name, () => randomBytes(32).toString('hex')))
  const keyring = await openKeyring(database, [first!], testOptions)
  await assert.rejects(rotateRootKey(keyring, rotation), (error) => {
    assert.ok(error instanceof RootKeyError)
    return error.message.includes('cannot write the root key in FIRST')
  })
  await addSlot(keyring, second!, testOptions)
  await keepOnlySlotsOf(keyring, [second!], testOptions)
  await loadKeyring(database, [second!], testOptions)
  await assert.rejects(loadKeyring(database, [first!], testOptions), WrongRootKeyError)
})

test('a slot that nobody here can open stops a rotation before anything is written', async (t) => {
  const { database, path, file, keyring } = await installation(t)
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

/** A table in memory with one sealed thing a row. */
function sealedTable(keyring: LiveKeyring, rows: Uint8Array[]): SealedTable {
  return {
    name: 'thing',
    purposes: ['p', ...SEALED_PURPOSES],
    reseal: async (_tx, version, limit) => {
      const found = rows.map((row, at) => ({ row, at })).filter(({ row }) => sealedVersion(row) < version)
      for (const { row, at } of found.slice(0, limit))
        rows[at] = keyring.seal('p', keyring.open('p', row, parts)!, parts)
      return Math.min(found.length, limit)
    },
    refersTo: async (_tx, version) => rows.some((row) => sealedVersion(row) === version),
  }
}

test('old domain keys go when nothing is sealed under them any more, and not before', async (t) => {
  const { database, path, keyring } = await installation(t)
  const rows = Array.from({ length: 5 }, (_, n) => keyring.seal('p', Buffer.of(n), parts))
  const table = sealedTable(keyring, rows)
  const straggler = keyring.seal('p', Buffer.from('late'), parts)
  const { resealed } = await rotateDomainKeys(keyring, [table], { ...testOptions, batchRows: 2 })
  assert.equal(resealed, 5)

  const now = { wallNow: Date.now }
  assert.deepEqual(await retireDomainKeys(keyring, [table], now), [], 'too early')
  rows.push(straggler)
  assert.deepEqual(await retireDomainKeys(keyring, [table], { ...now, retireAfterMs: 0 }), [], 'still referred to')
  rows.pop()
  const without = { ...table, purposes: SEALED_PURPOSES }
  assert.deepEqual(await retireDomainKeys(keyring, [without], { ...now, retireAfterMs: 0 }), [], 'not in any table')
  assert.deepEqual(await retireDomainKeys(keyring, [table], { ...now, retireAfterMs: 0 }), [1])

  const restarted = await restart(database, path)
  assert.equal(restarted.open('p', straggler, parts), undefined)
  assert.deepEqual(
    rows.map((row) => restarted.open('p', row, parts)?.[0]),
    [0, 1, 2, 3, 4],
  )
  assert.deepEqual(
    restarted.keys().map(({ family, version }) => `${family} ${version}`),
    ['domain 2', 'row 1', 'row 2', 'token 1', 'token 2', 'audit 1', 'audit 2'],
  )
})

test('MACs made before a rotation hold after it', async (t) => {
  const { database, path, keyring } = await installation(t)
  const before = keyring.mac('row', 't', parts)
  await rotateDomainKeys(keyring, [], { ...testOptions, families: ['row'] })
  const after = keyring.mac('row', 't', parts)
  assert.equal(sealedVersion(after), 2)
  const restarted = await restart(database, path)
  assert.ok(restarted.verify('row', 't', before, parts) && restarted.verify('row', 't', after, parts))
})

test('two rotations at once both count', async (t) => {
  const { open, path, keyring } = await installation(t)
  const other = await restart(await open(), path)
  const stops = [keyring, other].map((each) => each.startPolling({ intervalMs: 5, onError: assert.ifError }))
  const versions = await Promise.all(
    [keyring, other].map(async (each) => (await rotateDomainKeys(each, [], testOptions)).versions.domain),
  )
  await Promise.all(stops.map((stop) => stop()))
  assert.deepEqual(versions.sort(), [2, 3])
})

test('a description names states and places, and holds no key', async (t) => {
  const { path, keyring } = await installation(t)
  await rotateDomainKeys(keyring, [], { ...testOptions, families: ['domain'] })
  const description = await describeRootKey(keyring)
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
