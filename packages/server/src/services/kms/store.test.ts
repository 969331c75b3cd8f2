// Rotation of the domain keys over real rows of key material.

import assert from 'node:assert/strict'
import { randomBytes, randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { test } from 'node:test'
import { SEALED_PURPOSES } from '../../seal/keyring.ts'
import { loadKeyring, openKeyring } from '../../seal/lifecycle.ts'
import { fileRootKey } from '../../seal/root-key.ts'
import { retireDomainKeys, rotateDomainKeys, type SealedTable } from '../../seal/rotate.ts'
import { testOptions, testStorage } from '../../seal/testing.ts'
import { createRows } from '../../storage/sealed.ts'
import { newMaterial, openMaterial } from './material.ts'
import type { KmsMaterial } from './model.ts'
import { createKmsRows, findMaterial, insertMaterial, materialTable } from './store.ts'

test('material is wrapped anew in batches, stays the same material, and outlives the old domain key', async (t) => {
  const { folder, open } = await testStorage(t)
  const database = await open()
  const file = fileRootKey(join(folder, 'root.key'), randomBytes)
  const keyring = await openKeyring(database, [file], testOptions)
  const rows = createRows(keyring)
  const kmsRows = createKmsRows(Date.now)
  const made: KmsMaterial[] = Array.from({ length: 7 }, () =>
    newMaterial(
      keyring,
      {
        partition: 'aws',
        accountId: '111122223333',
        region: 'us-east-1',
        keyId: randomUUID(),
        keySpec: 'SYMMETRIC_DEFAULT',
        keyUsage: 'ENCRYPT_DECRYPT',
        origin: 'AWS_KMS',
      },
      randomBytes(32),
      0,
    ),
  )
  await database.transaction('write', async (tx) => {
    for (const material of made)
      await insertMaterial({ app: { partition: 'aws', rows, keyring, kmsRows }, tx }, material)
  })

  const others: SealedTable = {
    name: 'others',
    purposes: SEALED_PURPOSES,
    reseal: async () => 0,
    refersTo: async () => false,
  }
  const tables = [materialTable(keyring, rows), others]
  const { resealed } = await rotateDomainKeys(keyring, tables, { ...testOptions, batchRows: 3 })
  assert.equal(resealed, 7)
  assert.deepEqual(await retireDomainKeys(keyring, tables, { wallNow: Date.now, retireAfterMs: 0 }), [1])

  const restarted = await loadKeyring(await open(), [file], testOptions)
  const freshRows = createRows(restarted)
  for (const before of made) {
    const after = await restarted.database.transaction('read', (tx) =>
      findMaterial(
        { app: { partition: 'aws', rows: freshRows, keyring: restarted, kmsRows: createKmsRows(Date.now) }, tx },
        before.materialId,
        before.region,
      ),
    )
    assert.notEqual(after!.wrapped, before.wrapped)
    assert.equal(openMaterial(restarted, after!).export().length, 32)
    assert.deepEqual({ ...after, wrapped: '' }, { ...before, wrapped: '' })
  }
})
