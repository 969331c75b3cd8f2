// Encrypting under keys of KMS: contexts, data keys, re-encryption, dry runs, and every ciphertext that must not open.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startTestServer } from '../../../testing.ts'
import { policyDocument } from '../../iam/testing.ts'
import { createCaller, events } from '../../secretsmanager/testing.ts'
import { allow, base64, call, codeOf, fromBase64, newKey, outcome } from '../testing.ts'

test('what was encrypted comes back in its context only, under its key only', async (t) => {
  const server = await startTestServer(t)
  const [key, other] = [await newKey(server), await newKey(server)]
  const context = { a: '1', b: 'zwei' }
  const sent = { KeyId: key.id, Plaintext: base64('text'), EncryptionContext: context }
  const { CiphertextBlob, ...answer } = await call(server, 'Encrypt', sent)
  assert.deepEqual(answer, { KeyId: key.arn, EncryptionAlgorithm: 'SYMMETRIC_DEFAULT' })
  assert.match(CiphertextBlob, /^AQI/)
  const decrypt = (input: object) =>
    outcome(server, 'Decrypt', { CiphertextBlob, EncryptionContext: context, ...input })

  const opened = await call(server, 'Decrypt', { CiphertextBlob, EncryptionContext: { b: 'zwei', a: '1' } })
  assert.equal(fromBase64(opened.Plaintext), 'text')
  assert.equal(opened.KeyId, key.arn)
  assert.equal(opened.KeyMaterialId, key.metadata.CurrentKeyMaterialId)
  assert.equal(await decrypt({ KeyId: key.arn }), 'ok')
  for (const EncryptionContext of [undefined, {}, { a: '1' }, { ...context, c: '' }, { A: '1', b: 'zwei' }]) {
    assert.equal(await decrypt({ EncryptionContext }), 'InvalidCiphertextException: ')
  }
  assert.equal(
    await decrypt({ KeyId: other.id }),
    'IncorrectKeyException: The key ID in the request does not identify a CMK that can perform this operation.',
  )
  const bytes = Buffer.from(CiphertextBlob, 'base64')
  for (let at = 0; at < bytes.length; at += 5) {
    const altered = Buffer.from(bytes)
    altered[at]! ^= 1
    const told = await decrypt({ CiphertextBlob: base64(altered), KeyId: key.id })
    // The id of the material is what says which key: another one is another key.
    const of = at >= 4 && at < 36 ? /^IncorrectKeyException/ : /^InvalidCiphertextException: $/
    assert.match(told, of, `byte ${at}`)
  }
  assert.equal(await decrypt({ CiphertextBlob: base64('short') }), 'InvalidCiphertextException: ')
  const unknown = Buffer.from(bytes)
  unknown[10]! ^= 1
  assert.match(await decrypt({ CiphertextBlob: base64(unknown) }), /^AccessDeniedException: The ciphertext refers to/)
  assert.match(
    await outcome(server, 'Decrypt', { CiphertextBlob }, { region: 'us-west-1' }),
    /^AccessDeniedException: The/,
  )
  assert.equal(await codeOf(server, 'Encrypt', { ...sent, Plaintext: base64('x'.repeat(4097)) }), 'ValidationException')
  await call(server, 'Encrypt', { ...sent, Plaintext: base64('x'.repeat(4096)) })

  const [event] = await events(server, 'Decrypt')
  assert.ok(event!.readOnly)
  const texts = JSON.stringify(await events(server, 'Encrypt'))
  assert.ok(texts.includes('zwei') && !texts.includes(base64('text')) && !texts.includes(CiphertextBlob))
})

test('data keys, random bytes and dry runs', async (t) => {
  const server = await startTestServer(t)
  const key = await newKey(server)
  const KeyId = key.id
  for (const [input, size] of [
    [{ KeySpec: 'AES_256' }, 32],
    [{ KeySpec: 'AES_128' }, 16],
    [{ NumberOfBytes: 1024 }, 1024],
  ] as const) {
    for (const operation of ['GenerateDataKey', 'GenerateDataKeyWithoutPlaintext']) {
      const made = await call(server, operation, { KeyId, EncryptionContext: { a: '1' }, ...input })
      const opened = await call(server, 'Decrypt', {
        CiphertextBlob: made.CiphertextBlob,
        EncryptionContext: { a: '1' },
      })
      assert.equal(Buffer.from(opened.Plaintext, 'base64').length, size)
      assert.equal(made.Plaintext, operation === 'GenerateDataKey' ? opened.Plaintext : undefined)
      assert.deepEqual([made.KeyId, made.KeyMaterialId], [key.arn, key.metadata.CurrentKeyMaterialId])
    }
  }
  for (const input of [{}, { KeySpec: 'AES_256', NumberOfBytes: 32 }])
    assert.equal(await codeOf(server, 'GenerateDataKey', { KeyId, ...input }), 'ValidationException')
  const { Plaintext } = await call(server, 'GenerateRandom', { NumberOfBytes: 40 })
  assert.equal(Buffer.from(Plaintext, 'base64').length, 40)
  assert.equal(await codeOf(server, 'GenerateRandom', {}), 'ValidationException')
  const Recipient = { KeyEncryptionAlgorithm: 'RSAES_OAEP_SHA_256', AttestationDocument: base64('x') }
  const enclave = { NumberOfBytes: 1, Recipient }
  assert.equal(await codeOf(server, 'GenerateRandom', enclave), 'UnsupportedOperationException')
  assert.equal(await codeOf(server, 'GenerateDataKey', { KeyId, ...enclave }), 'UnsupportedOperationException')

  const { CiphertextBlob } = await call(server, 'Encrypt', { KeyId, Plaintext: base64('x') })
  const wouldDo = 'DryRunOperationException: The request would have succeeded, but the DryRun option is set.'
  const nobody = await createCaller(server, 'nobody', [])
  for (const [operation, input] of [
    ['Encrypt', { KeyId, Plaintext: base64('x') }],
    ['Decrypt', { CiphertextBlob }],
    ['Decrypt', { KeyId, DryRunModifiers: ['IGNORE_CIPHERTEXT'] }],
    ['ReEncrypt', { CiphertextBlob, DestinationKeyId: KeyId }],
    ['GenerateDataKey', { KeyId, KeySpec: 'AES_256' }],
    ['GenerateDataKeyWithoutPlaintext', { KeyId, KeySpec: 'AES_256' }],
    ['GenerateDataKeyPair', { KeyId, KeyPairSpec: 'ECC_NIST_P256' }],
  ] as const) {
    assert.equal(await outcome(server, operation, { ...input, DryRun: true }), wouldDo, operation)
    assert.equal(
      await codeOf(server, operation, { ...input, DryRun: true }, nobody),
      'AccessDeniedException',
      operation,
    )
  }
  await call(server, 'DisableKey', { KeyId })
  const disabled = await outcome(server, 'Encrypt', { KeyId, Plaintext: base64('x'), DryRun: true })
  assert.equal(disabled, `DisabledException: ${key.arn} is disabled.`)
})

test('ReEncrypt moves a ciphertext between keys and contexts, where both keys allow it', async (t) => {
  const server = await startTestServer(t)
  const caller = await createCaller(server, 'caller', [{ Effect: 'Allow', Action: 'kms:ReEncrypt*', Resource: '*' }])
  const root = `arn:aws:iam::${server.accountId}:root`
  const Policy = policyDocument(allow(root), {
    ...allow(caller.arn, 'kms:ReEncryptTo'),
    Effect: 'Deny',
    Condition: { Bool: { 'kms:ReEncryptOnSameKey': 'false' } },
  })
  const [from, to, closed] = [await newKey(server), await newKey(server), await newKey(server, { Policy })]
  const { CiphertextBlob } = await call(server, 'Encrypt', {
    KeyId: from.id,
    Plaintext: base64('text'),
    EncryptionContext: { a: '1' },
  })
  const input = { CiphertextBlob, SourceEncryptionContext: { a: '1' }, DestinationKeyId: to.id }
  const moved = await call(server, 'ReEncrypt', { ...input, DestinationEncryptionContext: { b: '2' } }, caller)
  assert.deepEqual(
    [moved.SourceKeyId, moved.KeyId, moved.SourceKeyMaterialId, moved.DestinationKeyMaterialId],
    [from.arn, to.arn, from.metadata.CurrentKeyMaterialId, to.metadata.CurrentKeyMaterialId],
  )
  const opened = await call(server, 'Decrypt', {
    CiphertextBlob: moved.CiphertextBlob,
    EncryptionContext: { b: '2' },
    KeyId: to.id,
  })
  assert.equal(fromBase64(opened.Plaintext), 'text')
  assert.equal(
    await codeOf(server, 'ReEncrypt', { ...input, SourceEncryptionContext: {} }),
    'InvalidCiphertextException',
  )
  assert.match(
    await outcome(server, 'ReEncrypt', { ...input, DestinationKeyId: closed.id }, caller),
    new RegExp(`kms:ReEncryptTo on resource: ${closed.arn} with an explicit deny in a resource-based policy`),
  )
  const own = await call(server, 'Encrypt', { KeyId: closed.id, Plaintext: base64('x') })
  const same = { CiphertextBlob: own.CiphertextBlob, DestinationKeyId: closed.id }
  assert.equal(await outcome(server, 'ReEncrypt', same, caller), 'ok')
})

test('a policy asks for the encryption context, for all its keys, and for the algorithm', async (t) => {
  const server = await startTestServer(t)
  const when = (Condition: object) => ({ Effect: 'Allow', Action: 'kms:Encrypt', Resource: '*', Condition })
  const key = await newKey(server)
  const cases = [
    [{ StringEquals: { 'kms:EncryptionContext:app': 'pay' } }, { app: 'pay' }, { app: 'other' }],
    [{ StringEquals: { 'kms:EncryptionContext:app': 'pay' } }, { app: 'pay', more: 'x' }, { more: 'pay' }],
    [{ 'ForAllValues:StringEquals': { 'kms:EncryptionContextKeys': ['app'] } }, { app: 'x' }, { app: 'x', more: '' }],
    [
      { StringEquals: { 'kms:EncryptionAlgorithm': 'SYMMETRIC_DEFAULT', 'kms:KeySpec': 'SYMMETRIC_DEFAULT' } },
      {},
      undefined,
    ],
    [{ StringEquals: { 'kms:CallerAccount': server.accountId, 'kms:KeyOrigin': 'AWS_KMS' } }, {}, undefined],
    [{ Null: { 'kms:ViaService': 'true' }, Bool: { 'kms:MultiRegion': 'false' } }, {}, undefined],
  ] as const
  for (const [at, [condition, fits, fails]] of cases.entries()) {
    const caller = await createCaller(server, `caller-${at}`, [when(condition)])
    const encrypt = (EncryptionContext: object) =>
      codeOf(server, 'Encrypt', { KeyId: key.id, Plaintext: base64('x'), EncryptionContext }, caller)
    assert.equal(await encrypt(fits), 'ok', JSON.stringify(condition))
    if (fails) assert.equal(await encrypt(fails), 'AccessDeniedException', JSON.stringify(condition))
  }
})
