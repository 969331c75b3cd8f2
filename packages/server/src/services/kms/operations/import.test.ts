// Imported material: wrapped under a key of ours, taken, expired, deleted and brought again; and everything that is not taken.

import assert from 'node:assert/strict'
import * as crypto from 'node:crypto'
import { test } from 'node:test'
import { startTestServer, type TestServer } from '../../../testing.ts'
import { events } from '../../secretsmanager/testing.ts'
import { base64, call, codeOf, DAY_MS, fromBase64, newKey, outcome, type Who } from '../testing.ts'

type Wrapping = 'RSAES_OAEP_SHA_1' | 'RSAES_OAEP_SHA_256' | 'RSA_AES_KEY_WRAP_SHA_256'

/** Wraps as a customer does. */
async function wrap(
  server: TestServer,
  KeyId: string,
  material: Buffer,
  WrappingAlgorithm: Wrapping = 'RSAES_OAEP_SHA_256',
  who: Who = {},
) {
  const asked = { KeyId, WrappingAlgorithm, WrappingKeySpec: 'RSA_2048' }
  const { ImportToken, PublicKey, ParametersValidTo } = await call(server, 'GetParametersForImport', asked, who)
  assert.ok(Math.abs(ParametersValidTo * 1000 - server.app.wallNow() - DAY_MS) < 60_000)
  const key = crypto.createPublicKey({ key: Buffer.from(PublicKey, 'base64'), format: 'der', type: 'spki' })
  const oaep = (bytes: Buffer) =>
    crypto.publicEncrypt(
      {
        key,
        padding: crypto.constants.RSA_PKCS1_OAEP_PADDING,
        oaepHash: WrappingAlgorithm.endsWith('256') ? 'sha256' : 'sha1',
      },
      bytes,
    )
  if (WrappingAlgorithm.startsWith('RSAES')) return { ImportToken, EncryptedKeyMaterial: base64(oaep(material)) }
  const aes = crypto.randomBytes(32)
  const cipher = crypto.createCipheriv('id-aes256-wrap-pad', aes, Buffer.from('a65959a6', 'hex'))
  const wrapped = Buffer.concat([oaep(aes), cipher.update(material), cipher.final()])
  return { ImportToken, EncryptedKeyMaterial: base64(wrapped) }
}

const forever = { ExpirationModel: 'KEY_MATERIAL_DOES_NOT_EXPIRE' }

test('imported material makes a key usable, ends when it expires or is deleted, and only the same comes back', async (t) => {
  const server = await startTestServer(t)
  const key = await newKey(server, { Origin: 'EXTERNAL' })
  const KeyId = key.id
  assert.deepEqual(
    [key.metadata.KeyState, key.metadata.Origin, key.metadata.CurrentKeyMaterialId],
    ['PendingImport', 'EXTERNAL', undefined],
  )
  const [material, other] = [crypto.randomBytes(32), crypto.randomBytes(32)]
  const send = async (bytes: Buffer, more: object = forever) =>
    outcome(server, 'ImportKeyMaterial', { KeyId, ...(await wrap(server, KeyId, bytes)), ...more })
  const describe = async () => (await call(server, 'DescribeKey', { KeyId })).KeyMetadata

  for (const more of [
    {},
    { ...forever, ValidTo: 4_000_000_000 },
    { ValidTo: 1 },
    { ValidTo: server.app.now() / 1000 + 366 * 86_400 },
  ])
    assert.match(await send(material, more), /^ValidationException/)
  assert.match(await send(crypto.randomBytes(16)), /^IncorrectKeyMaterialException/)
  const ValidTo = Math.round(server.app.now() / 1000) + 30 * 86_400
  assert.equal(await send(material, { ValidTo }), 'ok')
  const first = await describe()
  assert.deepEqual([first.KeyState, first.ExpirationModel, first.ValidTo], ['Enabled', 'KEY_MATERIAL_EXPIRES', ValidTo])
  const { CiphertextBlob, KeyMaterialId } = await call(server, 'GenerateDataKey', { KeyId, KeySpec: 'AES_256' })
  assert.equal(KeyMaterialId, first.CurrentKeyMaterialId)
  const decrypt = () => outcome(server, 'Decrypt', { CiphertextBlob })

  server.clock.advance(30 * DAY_MS + 2_000)
  await server.jobs.runDue()
  assert.equal((await describe()).KeyState, 'PendingImport')
  assert.equal(await decrypt(), `KMSInvalidStateException: ${key.arn} is pending import.`)
  assert.equal((await events(server, 'DeleteExpiredKeyMaterial')).length, 1)
  assert.match(await send(other), /^IncorrectKeyMaterialException/)
  assert.equal(await send(material), 'ok')
  assert.equal(await decrypt(), 'ok')
  const deleted = await call(server, 'DeleteImportedKeyMaterial', { KeyId })
  assert.deepEqual(deleted, { KeyId: key.arn, KeyMaterialId })
  assert.equal(await decrypt(), `KMSInvalidStateException: ${key.arn} is pending import.`)
  assert.equal(await send(material), 'ok')

  // Other material, for a rotation on demand.
  const next = { ...forever, ImportType: 'NEW_KEY_MATERIAL', KeyMaterialDescription: 'second' }
  assert.match(await outcome(server, 'RotateKeyOnDemand', { KeyId }), /^KMSInvalidStateException/)
  assert.equal(await send(other, next), 'ok')
  assert.match(await send(crypto.randomBytes(32), next), /^KMSInvalidStateException/)
  const all = { KeyId, IncludeKeyMaterial: 'ALL_KEY_MATERIAL' }
  const shown = async () =>
    (await call(server, 'ListKeyRotations', all)).Rotations.map((one: Record<string, string>) => [
      one.KeyMaterialState,
      one.ImportState,
      one.RotationType,
      one.KeyMaterialDescription,
    ])
  assert.deepEqual(await shown(), [
    ['CURRENT', 'IMPORTED', undefined, undefined],
    ['PENDING_ROTATION', 'IMPORTED', undefined, 'second'],
  ])
  await call(server, 'RotateKeyOnDemand', { KeyId })
  assert.deepEqual(await shown(), [
    ['NON_CURRENT', 'IMPORTED', undefined, undefined],
    ['CURRENT', 'IMPORTED', 'ON_DEMAND', 'second'],
  ])
  assert.equal(await decrypt(), 'ok')
  await call(server, 'DeleteImportedKeyMaterial', { KeyId, KeyMaterialId })
  assert.equal((await describe()).KeyState, 'PendingImport') // all of it is needed
  assert.equal(
    await send(material, { ...forever, KeyMaterialId: (await describe()).CurrentKeyMaterialId }),
    'IncorrectKeyMaterialException: The key material is not that of the KeyMaterialId.',
  )
  assert.equal(await send(material, { ...forever, KeyMaterialId }), 'ok')
  assert.equal(await decrypt(), 'ok')
})

test('a token is for one key and for a day, and what does not open is told in one way', async (t) => {
  const server = await startTestServer(t)
  const [key, other] = [await newKey(server, { Origin: 'EXTERNAL' }), await newKey(server, { Origin: 'EXTERNAL' })]
  const wrapped = await wrap(server, key.id, crypto.randomBytes(32))
  const send = (KeyId: string, more: object) =>
    outcome(server, 'ImportKeyMaterial', { KeyId, ...wrapped, ...forever, ...more })
  const invalid = 'InvalidImportTokenException: The import token is not one for this key.'
  assert.equal(await send(other.id, {}), invalid)
  assert.equal(await send(key.id, { ImportToken: base64('x') }), invalid)
  const token = Buffer.from(wrapped.ImportToken, 'base64')
  token[40]! ^= 1
  assert.equal(await send(key.id, { ImportToken: base64(token) }), invalid)
  const closed =
    'InvalidCiphertextException: The encrypted key material does not open under the wrapping key of the import token.'
  const bytes = Buffer.from(wrapped.EncryptedKeyMaterial, 'base64')
  bytes[10]! ^= 1
  for (const EncryptedKeyMaterial of [base64(bytes), base64('x'), base64(crypto.randomBytes(256))])
    assert.equal(await send(key.id, { EncryptedKeyMaterial }), closed)
  assert.equal(await send(key.arn, {}), 'ok')
  const own = await newKey(server)
  const asked = { KeyId: own.id, WrappingAlgorithm: 'RSAES_OAEP_SHA_256', WrappingKeySpec: 'RSA_2048' }
  assert.equal(await codeOf(server, 'GetParametersForImport', asked), 'UnsupportedOperationException')
  for (const more of [{ WrappingAlgorithm: 'RSAES_PKCS1_V1_5' }, { WrappingKeySpec: 'SM2' }])
    assert.equal(
      await codeOf(server, 'GetParametersForImport', { ...asked, KeyId: key.id, ...more }),
      'UnsupportedOperationException',
    )
  const direct = { ...asked, KeyId: key.id, WrappingAlgorithm: 'RSA_AES_KEY_WRAP_SHA_256' }
  assert.equal(await codeOf(server, 'GetParametersForImport', direct), 'ValidationException') // 32 bytes need no AES
})

test('keys of every kind are imported and are the same keys here', async (t) => {
  const server = await startTestServer(t)
  const rsa = crypto.generateKeyPairSync('rsa', { modulusLength: 2048 })
  const ec = crypto.generateKeyPairSync('ec', { namedCurve: 'secp256k1' })
  const ed = crypto.generateKeyPairSync('ed25519')
  const hmac = crypto.randomBytes(48)
  const pkcs8 = ({ privateKey }: { readonly privateKey: crypto.KeyObject }) =>
    privateKey.export({ type: 'pkcs8', format: 'der' })
  const spki = ({ publicKey }: { readonly publicKey: crypto.KeyObject }) =>
    base64(publicKey.export({ type: 'spki', format: 'der' }))
  const bring = async (KeySpec: string, KeyUsage: string, material: Buffer, algorithm?: Wrapping) => {
    const { id: KeyId } = await newKey(server, { Origin: 'EXTERNAL', KeySpec, KeyUsage })
    await call(server, 'ImportKeyMaterial', { KeyId, ...forever, ...(await wrap(server, KeyId, material, algorithm)) })
    return KeyId
  }
  for (const [KeySpec, pair, algorithm] of [
    ['RSA_2048', rsa, 'RSA_AES_KEY_WRAP_SHA_256'],
    ['ECC_SECG_P256K1', ec, 'RSAES_OAEP_SHA_1'],
    ['ECC_NIST_EDWARDS25519', ed, 'RSA_AES_KEY_WRAP_SHA_256'],
  ] as const) {
    const KeyId = await bring(KeySpec, 'SIGN_VERIFY', pkcs8(pair), algorithm)
    assert.equal((await call(server, 'GetPublicKey', { KeyId })).PublicKey, spki(pair), KeySpec)
    const again = {
      KeyId,
      ...forever,
      ImportType: 'NEW_KEY_MATERIAL',
      ...(await wrap(server, KeyId, pkcs8(pair), algorithm)),
    }
    assert.equal(await codeOf(server, 'ImportKeyMaterial', again), 'IncorrectKeyMaterialException')
  }
  const KeyId = await bring('HMAC_384', 'GENERATE_VERIFY_MAC', hmac)
  const { Mac } = await call(server, 'GenerateMac', { KeyId, Message: base64('x'), MacAlgorithm: 'HMAC_SHA_384' })
  assert.equal(Mac, base64(crypto.createHmac('sha384', hmac).update('x').digest()))
})

test('each Region of a multi-Region key is brought the same material', async (t) => {
  const server = await startTestServer(t)
  const WEST = { region: 'us-west-2' }
  const { id: KeyId } = await newKey(server, { Origin: 'EXTERNAL', MultiRegion: true })
  const [material, other] = [crypto.randomBytes(32), crypto.randomBytes(32)]
  const send = async (bytes: Buffer, who: Who, more: object = {}) =>
    codeOf(
      server,
      'ImportKeyMaterial',
      { KeyId, ...forever, ...(await wrap(server, KeyId, bytes, undefined, who)), ...more },
      who,
    )
  assert.equal(await send(material, {}), 'ok')
  await call(server, 'ReplicateKey', { KeyId, ReplicaRegion: WEST.region })
  assert.equal((await call(server, 'DescribeKey', { KeyId }, WEST)).KeyMetadata.KeyState, 'PendingImport')
  assert.equal(await send(other, WEST), 'IncorrectKeyMaterialException')
  assert.equal(await send(material, WEST), 'ok')
  const { CiphertextBlob } = await call(server, 'Encrypt', { KeyId, Plaintext: base64('x') })
  assert.equal(fromBase64((await call(server, 'Decrypt', { CiphertextBlob }, WEST)).Plaintext), 'x')

  const next = { ImportType: 'NEW_KEY_MATERIAL' }
  assert.equal(await send(other, WEST, next), 'IncorrectKeyMaterialException') // the primary first
  assert.equal(await send(other, {}, next), 'ok')
  assert.equal(await codeOf(server, 'RotateKeyOnDemand', { KeyId }), 'KMSInvalidStateException')
  assert.equal(await send(other, WEST, next), 'ok')
  assert.equal(await codeOf(server, 'RotateKeyOnDemand', { KeyId }), 'ok')
  const rotated = await call(server, 'Encrypt', { KeyId, Plaintext: base64('y') })
  assert.equal(
    fromBase64((await call(server, 'Decrypt', { CiphertextBlob: rotated.CiphertextBlob }, WEST)).Plaintext),
    'y',
  )
})
