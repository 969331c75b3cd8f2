// The table of key states, every operation in every state, through the real endpoint; and how keys come into their states and out of them.
// https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html#key-state-table

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startTestServer, type TestServer } from '../../../testing.ts'
import { createCaller, events } from '../../secretsmanager/testing.ts'
import { base64, call, codeOf, DAY_MS, newKey, outcome, type TestKey } from '../testing.ts'

type State = 'Enabled' | 'Disabled' | 'PendingDeletion' | 'PendingImport'

/** What is told of a key in a state, after its ARN. */
const WORDS: { readonly [note: string]: (arn: string) => string } = {
  ok: () => 'ok',
  1: (arn) => `DisabledException: ${arn} is disabled.`,
  3: (arn) => `KMSInvalidStateException: ${arn} is pending deletion.`,
  4: (arn) => `KMSInvalidStateException: ${arn} is not pending deletion.`,
  5: (arn) => `KMSInvalidStateException: ${arn} is pending import.`,
  6: (arn) => `UnsupportedOperationException: ${arn} origin is EXTERNAL which is not valid for this operation.`,
  9: (arn) => `UnsupportedOperationException: ${arn} origin is AWS_KMS which is not valid for this operation.`,
}

const x = base64('x')
/** By the notes of AWS's table: Enabled, Disabled, PendingDeletion, PendingImport. */
const TABLE: readonly (readonly [string, object, string, string, string, string])[] = [
  ['Encrypt', { Plaintext: x }, 'ok', '1', '3', '5'],
  ['GenerateDataKey', { KeySpec: 'AES_256' }, 'ok', '1', '3', '5'],
  ['GenerateDataKeyWithoutPlaintext', { KeySpec: 'AES_256' }, 'ok', '1', '3', '5'],
  ['GenerateDataKeyPair', { KeyPairSpec: 'ECC_NIST_P256' }, 'ok', '1', '3', '5'],
  ['GenerateDataKeyPairWithoutPlaintext', { KeyPairSpec: 'ECC_NIST_P256' }, 'ok', '1', '3', '5'],
  ['CreateGrant', { GranteePrincipal: 'ACCOUNT', Operations: ['Encrypt'] }, 'ok', '1', '3', '5'],
  ['EnableKeyRotation', {}, 'ok', '1', '3', '6'],
  ['DisableKeyRotation', {}, 'ok', '1', '3', '6'],
  ['GetKeyRotationStatus', {}, 'ok', 'ok', 'ok', '6'],
  ['RotateKeyOnDemand', {}, 'ok', '1', '3', '5'],
  [
    'GetParametersForImport',
    { WrappingAlgorithm: 'RSAES_OAEP_SHA_256', WrappingKeySpec: 'RSA_2048' },
    '9',
    '9',
    '9',
    'ok',
  ],
  ['DeleteImportedKeyMaterial', {}, '9', '9', '9', 'ok'],
  ['TagResource', { Tags: [{ TagKey: 'a', TagValue: 'b' }] }, 'ok', 'ok', '3', 'ok'],
  ['UntagResource', { TagKeys: ['a'] }, 'ok', 'ok', '3', 'ok'],
  ['UpdateKeyDescription', { Description: 'd' }, 'ok', 'ok', '3', 'ok'],
  ['CreateAlias', { AliasName: 'alias/STATE', TargetKeyId: 'KEY' }, 'ok', 'ok', '3', 'ok'],
  ['CancelKeyDeletion', {}, '4', '4', 'last', '4'],
  ['DescribeKey', {}, 'ok', 'ok', 'ok', 'ok'],
  ['GetKeyPolicy', {}, 'ok', 'ok', 'ok', 'ok'],
  ['ListKeyPolicies', {}, 'ok', 'ok', 'ok', 'ok'],
  ['ListResourceTags', {}, 'ok', 'ok', 'ok', 'ok'],
  ['ListGrants', {}, 'ok', 'ok', 'ok', 'ok'],
  ['ListKeyRotations', {}, 'ok', 'ok', 'ok', 'ok'],
  ['ListAliases', {}, 'ok', 'ok', 'ok', 'ok'],
  ['GetKeyLastUsage', {}, 'ok', 'ok', 'ok', 'ok'],
  ['DisableKey', {}, 'last', 'ok', '3', '5'],
  ['EnableKey', {}, 'ok', 'last', '3', '5'],
  ['ScheduleKeyDeletion', {}, 'last', 'last', '3', 'last'],
]

/** The same for keys of other usages. */
const OTHERS: readonly (readonly [string, object, object])[] = [
  ['Sign', { KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' }, { Message: x, SigningAlgorithm: 'ECDSA_SHA_256' }],
  [
    'Verify',
    { KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' },
    { Message: x, Signature: x, SigningAlgorithm: 'ECDSA_SHA_256' },
  ],
  ['GetPublicKey', { KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' }, {}],
  [
    'GenerateMac',
    { KeySpec: 'HMAC_256', KeyUsage: 'GENERATE_VERIFY_MAC' },
    { Message: x, MacAlgorithm: 'HMAC_SHA_256' },
  ],
  [
    'VerifyMac',
    { KeySpec: 'HMAC_256', KeyUsage: 'GENERATE_VERIFY_MAC' },
    { Message: x, Mac: x, MacAlgorithm: 'HMAC_SHA_256' },
  ],
  [
    'DeriveSharedSecret',
    { KeySpec: 'ECC_NIST_P256', KeyUsage: 'KEY_AGREEMENT' },
    { KeyAgreementAlgorithm: 'ECDH', PublicKey: x },
  ],
]

async function keyIn(server: TestServer, state: State, input: object = {}): Promise<TestKey> {
  const key = await newKey(server, { ...input, ...(state === 'PendingImport' && { Origin: 'EXTERNAL' }) })
  if (state === 'Disabled') await call(server, 'DisableKey', { KeyId: key.id })
  if (state === 'PendingDeletion') await call(server, 'ScheduleKeyDeletion', { KeyId: key.id })
  const { KeyMetadata } = await call(server, 'DescribeKey', { KeyId: key.id })
  assert.equal(KeyMetadata.KeyState, state)
  return key
}

test('every operation in every state answers as the table has it', async (t) => {
  const server = await startTestServer(t)
  const states = ['Enabled', 'Disabled', 'PendingDeletion', 'PendingImport'] as const
  for (const [at, state] of states.entries()) {
    const key = await keyIn(server, state)
    for (const [operation, input, ...notes] of TABLE) {
      const note = notes[at]!
      if (note === 'last') continue
      const filled = JSON.parse(
        JSON.stringify(input)
          .replaceAll('KEY"', `${key.id}"`)
          .replaceAll('STATE', `of-${state}`)
          .replaceAll('ACCOUNT', server.accountId),
      )
      const given = operation === 'CreateAlias' ? filled : { KeyId: key.id, ...filled }
      assert.equal(await outcome(server, operation, given), WORDS[note]!(key.arn), `${operation} of a key ${state}`)
    }
    for (const [operation, input, ...notes] of TABLE) {
      if (notes[at] !== 'last') continue
      const changed = await keyIn(server, state)
      assert.equal(
        await outcome(server, operation, { KeyId: changed.id, ...input }),
        'ok',
        `${operation} of a key ${state}`,
      )
    }
  }
  for (const [operation, spec, input] of OTHERS) {
    for (const [state, note] of [
      ['Disabled', '1'],
      ['PendingDeletion', '3'],
      ['PendingImport', '5'],
    ] as const) {
      const key = await keyIn(server, state, spec)
      assert.equal(
        await outcome(server, operation, { KeyId: key.id, ...input }),
        WORDS[note]!(key.arn),
        `${operation} ${state}`,
      )
    }
  }

  // What was encrypted before waits for its key.
  const key = await newKey(server)
  const { CiphertextBlob } = await call(server, 'Encrypt', { KeyId: key.id, Plaintext: x })
  const decrypt = () => outcome(server, 'Decrypt', { CiphertextBlob })
  const reencrypt = () => outcome(server, 'ReEncrypt', { CiphertextBlob, DestinationKeyId: key.id })
  await call(server, 'DisableKey', { KeyId: key.id })
  for (const told of [await decrypt(), await reencrypt()]) assert.equal(told, WORDS['1']!(key.arn))
  await call(server, 'EnableKey', { KeyId: key.id })
  for (const told of [await decrypt(), await reencrypt()]) assert.equal(told, 'ok')
  // An alias leaves a key that is to be deleted, and goes to none such.
  const [going, staying] = [await newKey(server), await newKey(server)]
  await call(server, 'CreateAlias', { AliasName: 'alias/moves', TargetKeyId: going.id })
  await call(server, 'ScheduleKeyDeletion', { KeyId: going.id })
  await call(server, 'UpdateAlias', { AliasName: 'alias/moves', TargetKeyId: staying.id })
  const back = { AliasName: 'alias/moves', TargetKeyId: going.id }
  assert.equal(await outcome(server, 'UpdateAlias', back), WORDS['3']!(going.arn))
})

test('a key is deleted when its window is over, with everything that was its own, and not if that was called off', async (t) => {
  const server = await startTestServer(t)
  const [key, kept] = [await newKey(server), await newKey(server)]
  const { CiphertextBlob } = await call(server, 'Encrypt', { KeyId: key.id, Plaintext: x })
  await call(server, 'CreateAlias', { AliasName: 'alias/gone', TargetKeyId: key.id })
  await call(server, 'CreateGrant', { KeyId: key.id, GranteePrincipal: server.accountId, Operations: ['Encrypt'] })

  for (const PendingWindowInDays of [6, 31])
    assert.equal(
      await codeOf(server, 'ScheduleKeyDeletion', { KeyId: key.id, PendingWindowInDays }),
      'ValidationException',
    )
  const answer = await call(server, 'ScheduleKeyDeletion', { KeyId: key.id, PendingWindowInDays: 7 })
  assert.deepEqual([answer.KeyId, answer.KeyState, answer.PendingWindowInDays], [key.arn, 'PendingDeletion', 7])
  const { KeyMetadata } = await call(server, 'DescribeKey', { KeyId: key.id })
  assert.equal(KeyMetadata.DeletionDate, answer.DeletionDate)
  assert.ok(Math.abs(answer.DeletionDate * 1000 - server.app.now() - 7 * DAY_MS) < 60_000)
  await call(server, 'ScheduleKeyDeletion', { KeyId: kept.id, PendingWindowInDays: 7 })
  assert.equal((await call(server, 'CancelKeyDeletion', { KeyId: kept.id })).KeyId, kept.arn)

  server.clock.advance(7 * DAY_MS - 60_000)
  await server.jobs.runDue()
  assert.equal(await codeOf(server, 'DescribeKey', { KeyId: key.id }), 'ok')
  server.clock.advance(61_000)
  await server.jobs.runDue()
  assert.equal(
    await outcome(server, 'DescribeKey', { KeyId: key.id }),
    `NotFoundException: Key '${key.arn}' does not exist`,
  )
  assert.equal(await codeOf(server, 'DescribeKey', { KeyId: 'alias/gone' }), 'NotFoundException')
  assert.match(await outcome(server, 'Decrypt', { CiphertextBlob }), /^AccessDeniedException: The ciphertext refers to/)
  for (const table of ['kms_material', 'kms_alias', 'kms_grant', 'kms_key_usage']) {
    const rows = await server.app.database.transaction('read', (tx) => tx.all<object>(`SELECT * FROM ${table}`))
    assert.ok(!JSON.stringify(rows).includes(key.id), table)
  }
  assert.equal((await call(server, 'DescribeKey', { KeyId: kept.id })).KeyMetadata.KeyState, 'Disabled')
  const [event] = await events(server, 'DeleteKey')
  assert.equal(event!.eventType, 'AwsServiceEvent')
  assert.equal(event!.resources![0]!.ARN, key.arn)
})

test('a policy bounds the window, and asks how long a key was not used', async (t) => {
  const server = await startTestServer(t)
  const when = (Condition: object) => ({
    Effect: 'Allow',
    Action: ['kms:ScheduleKeyDeletion', 'kms:DisableKey'],
    Resource: '*',
    Condition,
  })
  const long = { NumericGreaterThanEquals: { 'kms:ScheduleKeyDeletionPendingWindowInDays': '20' } }
  const caller = await createCaller(server, 'long', [when(long)])
  const idle = await createCaller(server, 'idle', [
    when({ NumericGreaterThanEquals: { 'kms:TrailingDaysWithoutKeyUsage': '30' } }),
  ])
  const key = await newKey(server)
  const short = { KeyId: key.id, PendingWindowInDays: 7 }
  assert.equal(await codeOf(server, 'ScheduleKeyDeletion', short, caller), 'AccessDeniedException')
  assert.equal(await codeOf(server, 'ScheduleKeyDeletion', { KeyId: key.id }, caller), 'ok') // 30 unless given
  await call(server, 'CancelKeyDeletion', { KeyId: key.id })
  await call(server, 'EnableKey', { KeyId: key.id })

  server.clock.advance(29 * DAY_MS)
  assert.equal(await codeOf(server, 'DisableKey', { KeyId: key.id }, idle), 'AccessDeniedException')
  server.clock.advance(2 * DAY_MS)
  await call(server, 'Encrypt', { KeyId: key.id, Plaintext: x })
  assert.equal(await codeOf(server, 'DisableKey', { KeyId: key.id }, idle), 'AccessDeniedException')
  await server.app.keyUses.flush()
  server.clock.advance(30 * DAY_MS)
  assert.equal(await codeOf(server, 'DisableKey', { KeyId: key.id }, idle), 'ok')
  const { KeyLastUsage, TrackingStartDate, KeyCreationDate } = await call(server, 'GetKeyLastUsage', { KeyId: key.id })
  assert.equal(KeyLastUsage.Operation, 'Encrypt')
  assert.equal(TrackingStartDate, KeyCreationDate)
  const [event] = await events(server, 'Encrypt')
  assert.equal(KeyLastUsage.CloudTrailEventId, event!.eventID)
})
