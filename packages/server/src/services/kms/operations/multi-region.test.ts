// Multi-Region keys: one id and material in several Regions, each key with a life of its own.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startTestServer, TEST_REGION } from '../../../testing.ts'
import { createCaller } from '../../secretsmanager/testing.ts'
import { base64, call, codeOf, DAY_MS, fromBase64, newKey, outcome } from '../testing.ts'

const WEST = { region: 'us-west-2' }
const SOUTH = { region: 'ap-south-1' }

test('a replica opens what its primary encrypted, is rotated with it, and outlives nothing that it must not', async (t) => {
  const server = await startTestServer(t)
  const key = await newKey(server, { MultiRegion: true, Tags: [{ TagKey: 'a', TagValue: 'b' }] })
  const KeyId = key.id
  assert.match(KeyId, /^mrk-[0-9a-f]{32}$/)
  const made = await call(server, 'ReplicateKey', { KeyId, ReplicaRegion: WEST.region, Description: 'west' })
  const west = made.ReplicaKeyMetadata
  assert.deepEqual(
    [west.KeyId, west.Description, west.KeyState, west.Arn],
    [KeyId, 'west', 'Enabled', key.arn.replace(TEST_REGION, WEST.region)],
  )
  const { MultiRegionConfiguration } = (await call(server, 'DescribeKey', { KeyId })).KeyMetadata
  assert.deepEqual(MultiRegionConfiguration, {
    MultiRegionKeyType: 'PRIMARY',
    PrimaryKey: { Arn: key.arn, Region: TEST_REGION },
    ReplicaKeys: [{ Arn: west.Arn, Region: WEST.region }],
  })
  assert.deepEqual((await call(server, 'ListResourceTags', { KeyId }, WEST)).Tags, [])

  const encrypt = async (who = {}) =>
    (await call(server, 'Encrypt', { KeyId, Plaintext: base64('x') }, who)).CiphertextBlob
  const decrypt = (CiphertextBlob: string, who = {}) => outcome(server, 'Decrypt', { CiphertextBlob, KeyId }, who)
  const old = await encrypt()
  assert.equal(await decrypt(old, WEST), 'ok')
  await call(server, 'EnableKeyRotation', { KeyId })
  assert.equal((await call(server, 'GetKeyRotationStatus', { KeyId }, WEST)).KeyRotationEnabled, true)
  for (const operation of ['EnableKeyRotation', 'DisableKeyRotation', 'RotateKeyOnDemand'])
    assert.equal(await codeOf(server, operation, { KeyId }, WEST), 'UnsupportedOperationException', operation)
  server.clock.advance(366 * DAY_MS)
  await server.jobs.runDue()
  const [here, there] = [await encrypt(), await encrypt(WEST)]
  for (const blob of [old, here, there])
    for (const who of [{}, WEST])
      assert.equal(fromBase64((await call(server, 'Decrypt', { CiphertextBlob: blob }, who)).Plaintext), 'x')
  assert.equal((await call(server, 'ListKeyRotations', { KeyId }, WEST)).Rotations.length, 1)

  for (const [input, who, code] of [
    [{ KeyId, ReplicaRegion: WEST.region }, {}, 'AlreadyExistsException'],
    [{ KeyId, ReplicaRegion: TEST_REGION }, {}, 'AlreadyExistsException'],
    [{ KeyId, ReplicaRegion: SOUTH.region }, WEST, 'UnsupportedOperationException'],
    [{ KeyId: (await newKey(server)).id, ReplicaRegion: SOUTH.region }, {}, 'UnsupportedOperationException'],
  ] as const)
    assert.equal(await codeOf(server, 'ReplicateKey', input, who), code)

  // The one of another Region becomes primary, and the job of rotation goes with it.
  await call(server, 'ReplicateKey', { KeyId, ReplicaRegion: SOUTH.region })
  assert.equal(await codeOf(server, 'UpdatePrimaryRegion', { KeyId, PrimaryRegion: 'eu-west-3' }), 'NotFoundException')
  await call(server, 'UpdatePrimaryRegion', { KeyId, PrimaryRegion: WEST.region })
  const types = async () =>
    Promise.all(
      [{}, WEST, SOUTH].map(
        async (who) =>
          (await call(server, 'DescribeKey', { KeyId }, who)).KeyMetadata.MultiRegionConfiguration.MultiRegionKeyType,
      ),
    )
  assert.deepEqual(await types(), ['REPLICA', 'PRIMARY', 'REPLICA'])
  assert.equal(
    await codeOf(server, 'UpdatePrimaryRegion', { KeyId, PrimaryRegion: SOUTH.region }),
    'UnsupportedOperationException',
  )
  server.clock.advance(366 * DAY_MS)
  await server.jobs.runDue()
  assert.equal((await call(server, 'ListKeyRotations', { KeyId })).Rotations.length, 2)

  // A primary waits for its replicas.
  const answer = await call(server, 'ScheduleKeyDeletion', { KeyId, PendingWindowInDays: 7 }, WEST)
  assert.deepEqual([answer.KeyState, answer.DeletionDate], ['PendingReplicaDeletion', undefined])
  assert.equal(
    await outcome(server, 'Encrypt', { KeyId, Plaintext: base64('x') }, WEST),
    `KMSInvalidStateException: ${west.Arn} is pending replica deletion.`,
  )
  for (const who of [{}, SOUTH]) await call(server, 'ScheduleKeyDeletion', { KeyId, PendingWindowInDays: 7 }, who)
  server.clock.advance(8 * DAY_MS)
  await server.jobs.runDue()
  assert.equal(await codeOf(server, 'DescribeKey', { KeyId }), 'NotFoundException')
  const { KeyMetadata } = await call(server, 'DescribeKey', { KeyId }, WEST)
  assert.equal(KeyMetadata.KeyState, 'PendingDeletion')
  assert.deepEqual(KeyMetadata.MultiRegionConfiguration.ReplicaKeys, [])
  server.clock.advance(8 * DAY_MS)
  await server.jobs.runDue()
  assert.equal(await codeOf(server, 'DescribeKey', { KeyId }, WEST), 'NotFoundException')
})

test('replicating asks for the right on the key, and to make one in the other Region', async (t) => {
  const server = await startTestServer(t)
  const { id: KeyId, arn } = await newKey(server, { MultiRegion: true })
  const onKey = { Effect: 'Allow', Action: ['kms:ReplicateKey', 'kms:UpdatePrimaryRegion'], Resource: '*' }
  const inWest = { StringEquals: { 'aws:RequestedRegion': WEST.region } }
  const make = { Effect: 'Allow', Action: 'kms:CreateKey', Resource: '*', Condition: inWest }
  const replicate = async (name: string, statements: readonly object[], ReplicaRegion: string) =>
    outcome(server, 'ReplicateKey', { KeyId, ReplicaRegion }, await createCaller(server, name, statements))
  assert.match(await replicate('no-key', [make], WEST.region), new RegExp(`kms:ReplicateKey on resource: ${arn}`))
  assert.match(await replicate('no-make', [onKey], WEST.region), /kms:CreateKey on resource: \*/)
  assert.match(await replicate('elsewhere', [onKey, make], SOUTH.region), /kms:CreateKey on resource: \*/)
  assert.equal(await replicate('both', [onKey, make], WEST.region), 'ok')
  const here = { ...onKey, Resource: arn }
  const move = { KeyId, PrimaryRegion: WEST.region }
  const caller = await createCaller(server, 'here-only', [here])
  assert.match(
    await outcome(server, 'UpdatePrimaryRegion', move, caller),
    /kms:UpdatePrimaryRegion on resource: arn:aws:kms:us-west-2/,
  )
})
