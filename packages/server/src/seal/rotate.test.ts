// Rotation of the domain keys: what stays verifiable, what goes and when.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SEALED_PURPOSES, sealedVersion } from './keyring.ts'
import type { LiveKeyring } from './lifecycle.ts'
import { retireDomainKeys, rotateDomainKeys, type SealedTable } from './rotate.ts'
import { restart, testInstallation, testOptions } from './testing.ts'

const parts = [Buffer.from('part')]

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
  const { database, path, keyring } = await testInstallation(t)
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
  const { database, path, keyring } = await testInstallation(t)
  const before = keyring.mac('row', 't', parts)
  await rotateDomainKeys(keyring, [], { ...testOptions, families: ['row'] })
  const after = keyring.mac('row', 't', parts)
  assert.equal(sealedVersion(after), 2)
  const restarted = await restart(database, path)
  assert.ok(restarted.verify('row', 't', before, parts) && restarted.verify('row', 't', after, parts))
})

test('two rotations at once both count', async (t) => {
  const { open, path, keyring } = await testInstallation(t)
  const other = await restart(await open(), path)
  const stops = [keyring, other].map((each) => each.startPolling({ intervalMs: 5, onError: assert.ifError }))
  const versions = await Promise.all(
    [keyring, other].map(async (each) => (await rotateDomainKeys(each, [], testOptions)).versions.domain),
  )
  await Promise.all(stops.map((stop) => stop()))
  assert.deepEqual(versions.sort(), [2, 3])
})
