// Rotation: by the clock and on demand; what was encrypted before always opens.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startTestServer } from '../../../testing.ts'
import { call as callSecrets, createCaller, events, token } from '../../secretsmanager/testing.ts'
import { base64, call, codeOf, DAY_MS, newKey } from '../testing.ts'

test('a key is rotated when its period is over, again and again, and every old ciphertext opens', async (t) => {
  const server = await startTestServer(t)
  const key = await newKey(server)
  const KeyId = key.id
  assert.deepEqual(await call(server, 'GetKeyRotationStatus', { KeyId }), { KeyId: key.arn, KeyRotationEnabled: false })
  for (const RotationPeriodInDays of [89, 2561])
    assert.equal(await codeOf(server, 'EnableKeyRotation', { KeyId, RotationPeriodInDays }), 'ValidationException')
  await call(server, 'EnableKeyRotation', { KeyId, RotationPeriodInDays: 90 })
  const status = await call(server, 'GetKeyRotationStatus', { KeyId })
  assert.deepEqual([status.KeyRotationEnabled, status.RotationPeriodInDays], [true, 90])
  assert.ok(Math.abs(status.NextRotationDate * 1000 - server.app.now() - 90 * DAY_MS) < 60_000)

  const blobs: { readonly blob: string; readonly material: string }[] = []
  const encrypt = async () => {
    const made = await call(server, 'GenerateDataKey', { KeyId, KeySpec: 'AES_256' })
    blobs.push({ blob: made.CiphertextBlob, material: made.KeyMaterialId })
  }
  await encrypt()
  for (let round = 0; round < 2; round++) {
    server.clock.advance(90 * DAY_MS + 1_000)
    await server.jobs.runDue()
    await encrypt()
  }
  await call(server, 'RotateKeyOnDemand', { KeyId })
  await encrypt()
  const after = await call(server, 'GetKeyRotationStatus', { KeyId })
  assert.equal(Math.round((after.NextRotationDate - status.NextRotationDate) / 86_400), 180)
  assert.equal(new Set(blobs.map(({ material }) => material)).size, 4)
  for (const { blob, material } of blobs)
    assert.equal((await call(server, 'Decrypt', { CiphertextBlob: blob })).KeyMaterialId, material)
  assert.equal((await call(server, 'DescribeKey', { KeyId })).KeyMetadata.CurrentKeyMaterialId, blobs[3]!.material)

  const { Rotations } = await call(server, 'ListKeyRotations', { KeyId })
  assert.deepEqual(
    Rotations.map((one: Record<string, string>) => [one.KeyMaterialId, one.RotationType, one.KeyMaterialState]),
    [
      [blobs[1]!.material, 'AUTOMATIC', 'NON_CURRENT'],
      [blobs[2]!.material, 'AUTOMATIC', 'NON_CURRENT'],
      [blobs[3]!.material, 'ON_DEMAND', 'CURRENT'],
    ],
  )
  const all = await call(server, 'ListKeyRotations', { KeyId, IncludeKeyMaterial: 'ALL_KEY_MATERIAL', Limit: 3 })
  assert.deepEqual([all.Rotations.length, all.Truncated, all.Rotations[0].RotationType], [3, true, undefined])
  const rest = { KeyId, IncludeKeyMaterial: 'ALL_KEY_MATERIAL', Marker: all.NextMarker }
  assert.equal((await call(server, 'ListKeyRotations', rest)).Rotations[0].KeyMaterialId, blobs[3]!.material)
  assert.equal((await events(server, 'RotateKey')).length, 2)

  // A disabled key is rotated once it is enabled again.
  await call(server, 'DisableKey', { KeyId })
  server.clock.advance(91 * DAY_MS)
  await server.jobs.runDue()
  assert.equal((await call(server, 'ListKeyRotations', { KeyId })).Rotations.length, 3)
  await call(server, 'EnableKey', { KeyId })
  await server.jobs.runDue()
  assert.equal((await call(server, 'ListKeyRotations', { KeyId })).Rotations.length, 4)
  await call(server, 'DisableKeyRotation', { KeyId })
  server.clock.advance(91 * DAY_MS)
  await server.jobs.runDue()
  assert.equal((await call(server, 'ListKeyRotations', { KeyId })).Rotations.length, 4)
})

test('what cannot be rotated, and how often', async (t) => {
  const server = await startTestServer(t)
  const pair = await newKey(server, { KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' })
  for (const operation of [
    'EnableKeyRotation',
    'DisableKeyRotation',
    'GetKeyRotationStatus',
    'RotateKeyOnDemand',
    'ListKeyRotations',
  ])
    assert.equal(await codeOf(server, operation, { KeyId: pair.id }), 'UnsupportedOperationException', operation)
  const key = await newKey(server)
  for (let n = 0; n < 25; n++) await call(server, 'RotateKeyOnDemand', { KeyId: key.id })
  assert.equal(await codeOf(server, 'RotateKeyOnDemand', { KeyId: key.id }), 'LimitExceededException')
  const Condition = { NumericLessThanEquals: { 'kms:RotationPeriodInDays': '180' } }
  const statement = { Effect: 'Allow', Action: 'kms:EnableKeyRotation', Resource: '*', Condition }
  const caller = await createCaller(server, 'often', [statement])
  const enable = (RotationPeriodInDays: number) =>
    codeOf(server, 'EnableKeyRotation', { KeyId: key.id, RotationPeriodInDays }, caller)
  assert.deepEqual([await enable(365), await enable(180)], ['AccessDeniedException', 'ok'])
})

test('a secret outlives the rotations of its key, and the managed key is rotated every year', async (t) => {
  const server = await startTestServer(t)
  const key = await newKey(server)
  for (const [Name, more] of [
    ['customer', { KmsKeyId: key.id }],
    ['managed', {}],
  ] as const)
    await callSecrets(server, 'CreateSecret', { Name, SecretString: Name, ClientRequestToken: token(), ...more })
  const managed = (await call(server, 'DescribeKey', { KeyId: 'alias/aws/secretsmanager' })).KeyMetadata
  assert.equal(managed.KeyManager, 'AWS')
  const { RotationPeriodInDays } = await call(server, 'GetKeyRotationStatus', { KeyId: managed.KeyId })
  assert.equal(RotationPeriodInDays, 365)
  await call(server, 'RotateKeyOnDemand', { KeyId: key.id })
  server.clock.advance(366 * DAY_MS)
  await server.jobs.runDue()
  const now = (await call(server, 'DescribeKey', { KeyId: managed.KeyId })).KeyMetadata
  assert.notEqual(now.CurrentKeyMaterialId, managed.CurrentKeyMaterialId)
  for (const SecretId of ['customer', 'managed'])
    assert.equal((await callSecrets(server, 'GetSecretValue', { SecretId })).SecretString, SecretId)
  // Nobody but its service uses it, and nobody ends it.
  for (const [operation, input] of [
    ['Encrypt', { Plaintext: base64('x') }],
    ['ScheduleKeyDeletion', {}],
    ['DisableKey', {}],
    ['DisableKeyRotation', {}],
  ] as const)
    assert.equal(
      await codeOf(server, operation, { KeyId: managed.KeyId, ...input }),
      'AccessDeniedException',
      operation,
    )
})
