// What wrapped material is bound to.

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { IntegrityError } from '../../errors.ts'
import { testKeyring } from '../../seal/testing.ts'
import { newMaterial, openMaterial } from './material.ts'
import { type KmsMaterial, materialAad, parseKeyName } from './model.ts'

const keyring = testKeyring()
const key = {
  partition: 'aws',
  accountId: '111122223333',
  region: 'us-east-1',
  keyId: '1234abcd-12ab-34cd-56ef-1234567890ab',
  createdAt: 0,
  description: '',
  keyManager: 'AWS',
  keySpec: 'SYMMETRIC_DEFAULT',
  keyUsage: 'ENCRYPT_DECRYPT',
  origin: 'AWS_KMS',
  keyState: 'Enabled',
  policy: '{}',
} as const

test('material moved to another partition, account, region, key, spec, usage or origin does not open', () => {
  const material = newMaterial(keyring, key, randomBytes(32), 0)
  assert.equal(openMaterial(keyring, material).symmetricKeySize, 32)
  for (const member of ['materialId', 'partition', 'accountId', 'region', 'keyId', 'keySpec', 'keyUsage', 'origin']) {
    const moved = { ...material, [member]: `${material[member as keyof KmsMaterial]}x` } as KmsMaterial
    assert.notDeepEqual(materialAad(moved), materialAad(material), member)
    assert.throws(() => openMaterial(keyring, moved), IntegrityError, member)
  }
  assert.throws(() => openMaterial(testKeyring(), material), IntegrityError)
})

test('a key name keeps the account of its ARN, and takes the caller’s where it has none', () => {
  const scope = { partition: 'aws-cn', region: 'cn-north-1', account: '111122223333' }
  const arn = (name: string) => `arn:aws-cn:kms:cn-north-1:444455556666:${name}`
  assert.deepEqual(parseKeyName(key.keyId, scope), { kind: 'key', account: scope.account, keyId: key.keyId })
  assert.deepEqual(parseKeyName(arn(`key/${key.keyId}`), scope), {
    kind: 'key',
    account: '444455556666',
    keyId: key.keyId,
  })
  assert.deepEqual(parseKeyName('alias/a/b', scope), { kind: 'alias', account: scope.account, aliasName: 'alias/a/b' })
  assert.deepEqual(parseKeyName(arn('alias/x'), scope), {
    kind: 'alias',
    account: '444455556666',
    aliasName: 'alias/x',
  })
  for (const wrong of [
    'key/x',
    'alias/',
    `key/${key.keyId}`,
    `${key.keyId}\n`,
    arn('key/alias/x'),
    arn(key.keyId),
    arn('alias/x:y'),
    arn('alias/x').replace('aws-cn', 'aws'),
  ])
    assert.throws(() => parseKeyName(wrong, scope), /Invalid keyId/, wrong)
})
