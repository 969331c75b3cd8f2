// SecureString: what KMS is asked for, by whom and through what, in which context; and what is told where it refuses.
// https://docs.aws.amazon.com/systems-manager/latest/userguide/secure-string-parameter-kms-encryption.html

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startTestServer } from '../../testing.ts'
import { call as kms, newKey, outcome as outcomeOfKms } from '../kms/testing.ts'
import { createCaller } from '../secretsmanager/testing.ts'
import { call, history, outcome, overwrite, put, read } from './testing.ts'

/** Without the request id. */
const plain = (told: string) => told.replace(/; Request ID: [0-9a-f-]{36}\)$/, ')')

test('a standard SecureString is what Encrypt made, and Decrypt opens it in the context of its ARN', async (t) => {
  const server = await startTestServer(t)
  const key = await newKey(server)
  await put(server, '/s', 'secret', { Type: 'SecureString', KeyId: key.id })
  const { Value, ARN, ...rest } = await read(server, '/s')
  assert.deepEqual([rest.Type, rest.Version], ['SecureString', 1])
  const context = { PARAMETER_ARN: ARN }
  const opened = await kms(server, 'Decrypt', { CiphertextBlob: Value, EncryptionContext: context })
  assert.deepEqual([Buffer.from(opened.Plaintext, 'base64').toString(), opened.KeyId], ['secret', key.arn])
  const elsewhere = { PARAMETER_ARN: `${ARN}2` }
  assert.match(
    await outcomeOfKms(server, 'Decrypt', { CiphertextBlob: Value, EncryptionContext: elsewhere }),
    /^InvalidCiphertextException/,
  )
  assert.equal((await read(server, '/s', { WithDecryption: false })).Value, Value)
  assert.equal((await read(server, '/s', { WithDecryption: true })).Value, 'secret')
  // WithDecryption is for SecureString alone.
  await put(server, '/t', 'text')
  assert.equal((await read(server, '/t')).Value, 'text')
  assert.equal((await read(server, '/t', { WithDecryption: true })).Value, 'text')

  // An advanced one is an envelope. The key is told as it was given, and what was encrypted before stays under the one before.
  await put(server, '/a', 'x'.repeat(8192), { Type: 'SecureString', Tier: 'Advanced', KeyId: key.arn })
  assert.equal((await read(server, '/a', { WithDecryption: true })).Value, 'x'.repeat(8192))
  await overwrite(server, '/s', 'second')
  await overwrite(server, '/s', 'third', { Tier: 'Advanced', KeyId: key.arn })
  const versions = await history(server, '/s', { WithDecryption: true })
  assert.deepEqual(
    versions.map(({ KeyId, Value, Tier }: { KeyId: string; Value: string; Tier: string }) => [KeyId, Value, Tier]),
    [
      [key.id, 'secret', 'Standard'],
      ['alias/aws/ssm', 'second', 'Standard'],
      [key.arn, 'third', 'Advanced'],
    ],
  )
  const page = await call(server, 'GetParametersByPath', { Path: '/', WithDecryption: true })
  assert.deepEqual(
    page.Parameters.map(({ Name, Value }: { Name: string; Value: string }) => [Name, Value.slice(0, 6)]),
    [
      ['/a', 'xxxxxx'],
      ['/s', 'third'],
      ['/t', 'text'],
    ],
  )
})

test('KMS is asked as the caller, through ssm, for Encrypt, GenerateDataKey and Decrypt', async (t) => {
  const server = await startTestServer(t)
  const arn = `arn:aws:ssm:eu-central-1:${server.accountId}:parameter/s`
  const through = {
    StringEquals: { 'kms:ViaService': 'ssm.eu-central-1.amazonaws.com', 'kms:EncryptionContext:PARAMETER_ARN': arn },
  }
  const { KeyMetadata: key } = await kms(server, 'CreateKey', {})
  const ssmOnly = { Effect: 'Allow', Action: 'ssm:*', Resource: '*' }
  const allow = (Action: string, more: object = {}) => ({ Effect: 'Allow', Action, Resource: key.Arn, ...more })
  const [none, encrypts, generates, decrypts, directly] = await Promise.all(
    [
      [],
      [allow('kms:Encrypt', { Condition: through })],
      [allow('kms:GenerateDataKey', { Condition: through })],
      [allow('kms:Decrypt', { Condition: through })],
      [allow('kms:*', { Condition: { StringNotLike: { 'kms:ViaService': '*' } } })],
    ].map((statements, at) => createCaller(server, `caller-${at}`, [ssmOnly, ...statements])),
  )
  const standard = { Name: '/s', Value: 'x', Type: 'SecureString', KeyId: key.Arn, Overwrite: true }
  const advanced = { ...standard, Tier: 'Advanced' }
  const told = async (operation: string, input: object, who: typeof none) =>
    plain(await outcome(server, operation, input, who!))
  for (const who of [none, generates, decrypts, directly]) {
    assert.match(await told('PutParameter', standard, who), /^AccessDeniedException: .*kms:Encrypt/)
  }
  assert.equal(await told('PutParameter', standard, encrypts), 'ok')
  const asked = { Name: '/s', WithDecryption: true }
  for (const who of [none, encrypts, generates, directly]) {
    assert.match(await told('GetParameter', asked, who), /^AccessDeniedException: .*kms:Decrypt/)
  }
  assert.equal(await told('GetParameter', asked, decrypts), 'ok')
  assert.equal(await told('GetParameter', { Name: '/s' }, none), 'ok')
  for (const who of [none, encrypts]) {
    assert.match(await told('PutParameter', advanced, who), /^AccessDeniedException: .*kms:GenerateDataKey/)
  }
  assert.equal(await told('PutParameter', advanced, generates), 'ok')
  assert.equal(await told('GetParameter', asked, decrypts), 'ok')
  for (const [operation, input] of [
    ['GetParameters', { Names: ['/s'], WithDecryption: true }],
    ['GetParametersByPath', { Path: '/', WithDecryption: true }],
    ['GetParameterHistory', asked],
  ] as const) {
    assert.match(await told(operation, input, none), /^AccessDeniedException: .*kms:Decrypt/, operation)
  }
})

test('a key that does not serve is told as InvalidKeyId, in the words of KMS', async (t) => {
  const server = await startTestServer(t)
  const key = await newKey(server)
  await put(server, '/s', 'x', { Type: 'SecureString', KeyId: key.id })
  await put(server, '/a', 'x', { Type: 'SecureString', KeyId: key.id, Tier: 'Advanced' })
  const mac = await newKey(server, { KeySpec: 'HMAC_256', KeyUsage: 'GENERATE_VERIFY_MAC' })
  const told = async (operation: string, input: object) => plain(await outcome(server, operation, input))
  const writing = (KeyId: string, more: object = {}) =>
    told('PutParameter', { Name: '/n', Value: 'x', Type: 'SecureString', KeyId, ...more })
  const kmsSaid = (code: string, text: string) =>
    `InvalidKeyId: ${text} (Service: AWSKMS; Status Code: 400; Error Code: ${code})`
  const missing = key.arn.replace(/key\/.*/, 'alias/none')
  assert.equal(await writing('alias/none'), kmsSaid('NotFoundException', `Alias ${missing} is not found.`))
  assert.match(await writing('alias/aws/secretsmanager'), /^(InvalidKeyId|AccessDeniedException): /)
  assert.match(await writing(mac.id), /^InvalidKeyId: .*key usage is GENERATE_VERIFY_MAC/)
  assert.match(await writing(mac.id, { Tier: 'Advanced' }), /^InvalidKeyId: .*key usage is GENERATE_VERIFY_MAC/)
  await kms(server, 'DisableKey', { KeyId: key.id })
  const disabled = kmsSaid('DisabledException', `${key.arn} is disabled.`)
  assert.equal(await writing(key.id), disabled)
  for (const Name of ['/s', '/a']) {
    assert.equal(await told('GetParameter', { Name, WithDecryption: true }), disabled)
    assert.equal(await told('GetParameter', { Name }), 'ok')
  }
  assert.equal(await told('GetParameters', { Names: ['/s'], WithDecryption: true }), disabled)
  await kms(server, 'EnableKey', { KeyId: key.id })
  assert.equal(await told('GetParameter', { Name: '/s', WithDecryption: true }), 'ok')
})

test('the managed key admits who may use Parameter Store, and a policy can take it away', async (t) => {
  const server = await startTestServer(t)
  await put(server, '/s', 'x', { Type: 'SecureString' })
  const statement = { Effect: 'Allow', Action: 'ssm:*', Resource: '*' }
  const one = await createCaller(server, 'one', [statement])
  assert.equal((await read(server, '/s', { WithDecryption: true }, one)).Value, 'x')
  const other = await createCaller(server, 'other', [
    statement,
    { Effect: 'Deny', Action: 'kms:Decrypt', Resource: '*' },
  ])
  assert.match(
    await outcome(server, 'GetParameter', { Name: '/s', WithDecryption: true }, other),
    /^AccessDeniedException: .*kms:Decrypt.* with an explicit deny in an identity-based policy/,
  )
  const { KeyMetadata: managed } = await kms(server, 'DescribeKey', { KeyId: 'alias/aws/ssm' })
  assert.deepEqual([managed.KeyManager, managed.KeyState], ['AWS', 'Enabled'])
})
