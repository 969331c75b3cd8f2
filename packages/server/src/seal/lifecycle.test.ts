// The keyring in a real database: first start, later starts, wrong keys, damage, and two processes at once.

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { existsSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { SOAK } from '../testing-sample.ts'
import { DamagedKeyringError, MissingKeyringError, RootKeyError, WrongRootKeyError } from './errors.ts'
import { slotBinding } from './keyring-format.ts'
import { initializeKeyring, loadKeyring, openKeyring } from './lifecycle.ts'
import { credentialRootKey, envRootKey, fileRootKey } from './root-key.ts'
import { rotateDomainKeys } from './rotate.ts'
import { addSlot } from './slots.ts'
import { findKeyring } from './store.ts'
import { testOptions, testStorage } from './testing.ts'

async function installation(t: TestContext) {
  const { folder, open } = await testStorage(t)
  const file = fileRootKey(join(folder, 'root.key'), randomBytes)
  return { folder, open, database: await open(), file }
}

const parts = [Buffer.from('part')]

test('what one start seals, the next one opens', async (t) => {
  const { folder, database, file } = await installation(t)
  const first = await openKeyring(database, [file], testOptions)
  assert.ok(existsSync(join(folder, 'root.key')))
  const sealed = first.seal('p', Buffer.from('sesame'), parts)
  const mac = first.mac('audit', 'block', parts)

  const second = await openKeyring(database, [file], testOptions)
  assert.equal(second.instanceId, first.instanceId)
  assert.equal(second.open('p', sealed, parts)?.toString(), 'sesame')
  assert.ok(second.verify('audit', 'block', mac, parts))
})

test('two processes that start first at once end with one keyring', async (t) => {
  const { folder, open, database, file } = await installation(t)
  const other = await open()
  const [a, b] = await Promise.all([
    openKeyring(database, [file], testOptions),
    openKeyring(other, [fileRootKey(join(folder, 'root.key'), randomBytes)], testOptions),
  ])
  assert.ok(b.verify('row', 't', a.mac('row', 't', parts), parts))
})

test('another root key is told from a damaged keyring', async (t) => {
  const { folder, database, file } = await installation(t)
  const keyring = await openKeyring(database, [file], testOptions)
  const otherKey = fileRootKey(join(folder, 'other.key'), randomBytes)
  await otherKey.create()

  await assert.rejects(loadKeyring(database, [otherKey], testOptions), (error) => {
    assert.ok(error instanceof WrongRootKeyError)
    assert.equal(
      error.message,
      `wrong root key (${join(folder, 'other.key')}): the keyring of instance ${keyring.instanceId} was sealed under another one`,
    )
    return true
  })
  // The right key among wrong ones is found.
  await loadKeyring(database, [otherKey, file], testOptions)
})

test('no bit of the stored keyring can be flipped: it is damaged, whichever it was', async (t) => {
  const { database, file } = await installation(t)
  await openKeyring(database, [file], testOptions)
  const row = (await database.transaction('read', findKeyring))!
  const store = (column: 'header' | 'sealed' | 'rev', value: Uint8Array | number) =>
    database.transaction('write', (tx) => tx.run(`UPDATE keyring SET ${column} = $1`, value))

  // The bytes are the same in both databases, and a change of them is slow on PostgreSQL.
  const step = database.dialect === 'postgres' && SOAK ? 1 : 7
  for (const column of ['header', 'sealed'] as const) {
    for (let at = 0; at < row[column].length; at += step) {
      const altered = Buffer.from(row[column])
      altered[at]! ^= 1 << (at & 7)
      await store(column, altered)
      await assert.rejects(loadKeyring(database, [file], testOptions), (error) => {
        assert.ok(error instanceof DamagedKeyringError, `${column} ${at}: ${error}`)
        return !error.message.includes('\n')
      })
    }
    await store(column, row[column].subarray(0, 20))
    await assert.rejects(loadKeyring(database, [file], testOptions), DamagedKeyringError)
    await store(column, row[column])
  }
  await store('rev', 9)
  await assert.rejects(loadKeyring(database, [file], testOptions), DamagedKeyringError)
  await store('rev', row.rev)
  await loadKeyring(database, [file], testOptions)
})

test('a lost root key is missing, and no new one takes its place', async (t) => {
  const { folder, database, file } = await installation(t)
  await openKeyring(database, [file], testOptions)
  renameSync(join(folder, 'root.key'), join(folder, 'elsewhere'))
  await assert.rejects(openKeyring(database, [file], testOptions), (error) => {
    assert.ok(error instanceof RootKeyError)
    return error.message.endsWith('root.key is missing: put the key back')
  })
  assert.ok(!existsSync(join(folder, 'root.key')))
})

test('a database with data and without a keyring gets no new keyring', async (t) => {
  const { folder, database, file } = await installation(t)
  await database.transaction('write', (tx) =>
    tx.run('INSERT INTO account (account_id, rev, body, mac) VALUES ($1, 1, $2, $2)', '111122223333', Buffer.from('x')),
  )
  await assert.rejects(openKeyring(database, [file], testOptions), MissingKeyringError)
  assert.ok(!existsSync(join(folder, 'root.key')))
})

test('a crash between root key and keyring leaves the key, which the next start uses', async (t) => {
  const { database, file } = await installation(t)
  await file.create()
  const binding = slotBinding('i', 1, 's')
  const unbound = await file.wrap(randomBytes(32), binding)
  await initializeKeyring(database, file, testOptions)
  assert.notEqual(await file.unwrap(unbound, binding), 'other-key')
})

test('each slot opens the keyring alone', async (t) => {
  const { folder, database, file } = await installation(t)
  const keyring = await openKeyring(database, [file], testOptions)
  const credentialFile = fileRootKey(join(folder, 'credential'), randomBytes)
  await credentialFile.create()
  const credential = credentialRootKey(join(folder, 'credential'))
  const env = envRootKey('KEY', () => randomBytes(32).toString('hex'))
  await addSlot(keyring, credential, testOptions)
  await addSlot(keyring, env, testOptions)

  const mac = keyring.mac('row', 't', parts)
  for (const provider of [file, credential, env]) {
    const opened = await loadKeyring(database, [provider], testOptions)
    assert.ok(opened.verify('row', 't', mac, parts))
  }
  // Without its file, the others still do; a place that cannot be read hides nothing.
  rmSync(join(folder, 'root.key'))
  await loadKeyring(database, [file, env], testOptions)
})

test('a process follows a rotation of the domain keys by another, and neither ever refuses the other', async (t) => {
  const { open, database, file } = await installation(t)
  const a = await openKeyring(database, [file], testOptions)
  const b = await loadKeyring(await open(), [file], testOptions)
  const errors: unknown[] = []
  const stops = [a, b].map((keyring) => keyring.startPolling({ intervalMs: 5, onError: (error) => errors.push(error) }))

  const rotation = rotateDomainKeys(a, [], testOptions)
  for (let round = 0; round < 60; round++) {
    assert.ok(a.verify('row', 't', b.mac('row', 't', parts), parts), `round ${round}: a refuses b`)
    assert.ok(b.verify('row', 't', a.mac('row', 't', parts), parts), `round ${round}: b refuses a`)
    assert.ok(b.open('p', a.seal('p', parts[0]!, parts), parts))
    await sleep(2)
  }
  assert.deepEqual((await rotation).versions, { domain: 2, row: 2, token: 2, audit: 2 })
  assert.equal(b.activeVersion('row'), 2)
  await Promise.all(stops.map((stop) => stop()))
  assert.deepEqual(errors, [])
})

test('an unknown key version makes a process read the keyring at once', async (t) => {
  const { open, database, file } = await installation(t)
  const a = await openKeyring(database, [file], { ...testOptions, activationDelayMs: 0 })
  const b = await loadKeyring(await open(), [file], testOptions)
  const stop = b.startPolling({ intervalMs: 3_600_000, onError: assert.ifError })
  await rotateDomainKeys(a, [], { ...testOptions, activationDelayMs: 0 })
  const mac = a.mac('row', 't', parts)
  assert.ok(!b.verify('row', 't', mac, parts))
  for (let wait = 0; wait < 6_000 && !b.verify('row', 't', mac, parts); wait++) await sleep(5)
  await stop()
  assert.ok(b.verify('row', 't', mac, parts))
})

test('refresh is a no-op while nothing changed, and works inside a transaction', async (t) => {
  const { open, database, file } = await installation(t)
  const a = await openKeyring(database, [file], testOptions)
  const other = await open()
  const b = await loadKeyring(other, [file], testOptions)
  assert.equal(await b.refresh(), false)
  await addSlot(a, file, testOptions)
  assert.equal(await other.transaction('read', (tx) => b.refresh(tx)), true)
  assert.equal(b.opened().rev, 2)
  assert.equal(b.opened().header.slots.length, 2)
})
