// Keys other than symmetric ones: signatures, MACs, agreement, RSA encryption and data key pairs, each checked by node:crypto too.

import assert from 'node:assert/strict'
import * as crypto from 'node:crypto'
import { test } from 'node:test'
import { DATA_KEY_PAIR_SPECS, HMAC, KEY_SPECS, keyUsagesOf, signingAlgorithmsOf } from '../../../crypto/kms/spec.ts'
import { startTestServer, type TestServer } from '../../../testing.ts'
import { createCaller } from '../../secretsmanager/testing.ts'
import { base64, call, codeOf, fromBase64, newKey, outcome } from '../testing.ts'

const Message = base64('message')
const digest = (name: string) => crypto.createHash(name).update('message').digest()

async function publicKeyOf(server: TestServer, KeyId: string): Promise<crypto.KeyObject> {
  const { PublicKey } = await call(server, 'GetPublicKey', { KeyId })
  return crypto.createPublicKey({ key: Buffer.from(PublicKey, 'base64'), format: 'der', type: 'spki' })
}

test('every spec and usage can be made, described and, of a pair, its public key had', async (t) => {
  const server = await startTestServer(t)
  for (const KeySpec of KEY_SPECS) {
    for (const KeyUsage of keyUsagesOf(KeySpec)) {
      const { id, arn, metadata } = await newKey(server, { KeySpec, KeyUsage })
      assert.deepEqual([metadata.KeySpec, metadata.KeyUsage, metadata.KeyState], [KeySpec, KeyUsage, 'Enabled'])
      const pair = KeySpec !== 'SYMMETRIC_DEFAULT' && !KeySpec.startsWith('HMAC')
      if (pair) {
        const { PublicKey, KeyId, ...rest } = await call(server, 'GetPublicKey', { KeyId: id })
        assert.equal(KeyId, arn)
        assert.ok(PublicKey.length > 40)
        for (const member of [
          'KeySpec',
          'KeyUsage',
          'SigningAlgorithms',
          'EncryptionAlgorithms',
          'KeyAgreementAlgorithms',
        ])
          assert.deepEqual(rest[member], metadata[member], `${KeySpec} ${member}`)
      } else assert.equal(await codeOf(server, 'GetPublicKey', { KeyId: id }), 'UnsupportedOperationException')
    }
  }
})

test('what Sign signs, Verify and node:crypto verify; nothing else verifies', async (t) => {
  const server = await startTestServer(t)
  for (const KeySpec of [
    'RSA_2048',
    'ECC_NIST_P256',
    'ECC_NIST_P521',
    'ECC_SECG_P256K1',
    'ECC_NIST_EDWARDS25519',
    'ML_DSA_44',
  ] as const) {
    const { id: KeyId, arn } = await newKey(server, { KeySpec, KeyUsage: 'SIGN_VERIFY' })
    for (const SigningAlgorithm of signingAlgorithmsOf(KeySpec)) {
      if (KeySpec === 'RSA_2048' && !SigningAlgorithm.endsWith('256')) continue
      const prehashed = SigningAlgorithm === 'ED25519_PH_SHA_512'
      const message = prehashed
        ? { Message: base64(digest('sha512')), MessageType: 'DIGEST' }
        : { Message, MessageType: 'RAW' }
      const asked = { KeyId, SigningAlgorithm, ...message }
      const { Signature, ...answer } = await call(server, 'Sign', asked)
      assert.deepEqual(answer, { KeyId: arn, SigningAlgorithm })
      assert.deepEqual(await call(server, 'Verify', { ...asked, Signature }), {
        KeyId: arn,
        SigningAlgorithm,
        SignatureValid: true,
      })
      const altered = Buffer.from(Signature, 'base64')
      altered[altered.length - 1]! ^= 1
      const refused = await outcome(server, 'Verify', { ...asked, Signature: base64(altered) })
      assert.equal(refused, 'KMSInvalidSignatureException: ', SigningAlgorithm)

      // A signature of the digest is one of the message.
      if (/SHA_256$/.test(SigningAlgorithm) && KeySpec !== 'ML_DSA_44') {
        const hashed = { ...asked, Message: base64(digest('sha256')), MessageType: 'DIGEST' }
        const { Signature: ofDigest } = await call(server, 'Sign', hashed)
        assert.ok((await call(server, 'Verify', { ...asked, Signature: ofDigest })).SignatureValid)
        const short = await outcome(server, 'Sign', { ...hashed, Message })
        assert.equal(short, `ValidationException: Digest is invalid length for algorithm ${SigningAlgorithm}.`)
        const padding = SigningAlgorithm.includes('PSS')
          ? { padding: crypto.constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 }
          : {}
        const key = { key: await publicKeyOf(server, KeyId), ...padding }
        assert.ok(
          crypto.verify('sha256', Buffer.from('message'), key, Buffer.from(ofDigest, 'base64')),
          SigningAlgorithm,
        )
      }
    }
    const other = KeySpec === 'RSA_2048' ? 'ECDSA_SHA_384' : 'RSASSA_PSS_SHA_256'
    assert.equal(
      await outcome(server, 'Sign', { KeyId, Message, SigningAlgorithm: other }),
      `InvalidKeyUsageException: Algorithm ${other} is not compatible with key spec ${KeySpec}.`,
    )
  }
  const { id: KeyId, arn } = await newKey(server)
  const wrong = await outcome(server, 'Sign', { KeyId, Message, SigningAlgorithm: 'ECDSA_SHA_256' })
  assert.equal(wrong, `InvalidKeyUsageException: ${arn} key usage is ENCRYPT_DECRYPT which is not valid for Sign.`)
  // The message type is for policies to ask.
  const signer = await newKey(server, { KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' })
  const Condition = { StringEquals: { 'kms:MessageType': 'RAW', 'kms:SigningAlgorithm': 'ECDSA_SHA_256' } }
  const caller = await createCaller(server, 'raw', [{ Effect: 'Allow', Action: 'kms:Sign', Resource: '*', Condition }])
  const sign = (more: object) =>
    codeOf(server, 'Sign', { KeyId: signer.id, Message, SigningAlgorithm: 'ECDSA_SHA_256', ...more }, caller)
  assert.equal(await sign({}), 'ok')
  assert.equal(await sign({ MessageType: 'DIGEST', Message: base64(digest('sha256')) }), 'AccessDeniedException')
})

test('MACs are those of node:crypto under a key that nobody sees, and a wrong one is an error', async (t) => {
  const server = await startTestServer(t)
  for (const [KeySpec, { mac: MacAlgorithm, bytes }] of Object.entries(HMAC)) {
    const { id: KeyId, arn } = await newKey(server, { KeySpec, KeyUsage: 'GENERATE_VERIFY_MAC' })
    const asked = { KeyId, Message, MacAlgorithm }
    const { Mac, ...answer } = await call(server, 'GenerateMac', asked)
    assert.deepEqual(answer, { KeyId: arn, MacAlgorithm })
    assert.equal(Buffer.from(Mac, 'base64').length, bytes)
    assert.deepEqual(await call(server, 'VerifyMac', { ...asked, Mac }), { KeyId: arn, MacValid: true, MacAlgorithm })
    const altered = Buffer.from(Mac, 'base64')
    altered[0]! ^= 1
    for (const wrong of [altered, altered.subarray(1)])
      assert.equal(await outcome(server, 'VerifyMac', { ...asked, Mac: base64(wrong) }), 'KMSInvalidMacException: ')
    const other = MacAlgorithm === 'HMAC_SHA_256' ? 'HMAC_SHA_512' : 'HMAC_SHA_256'
    assert.equal(await codeOf(server, 'GenerateMac', { ...asked, MacAlgorithm: other }), 'InvalidKeyUsageException')
  }
})

test('an agreed secret is the one that the other side has', async (t) => {
  const server = await startTestServer(t)
  const KeyAgreementAlgorithm = 'ECDH'
  for (const [KeySpec, namedCurve] of [
    ['ECC_NIST_P256', 'prime256v1'],
    ['ECC_NIST_P384', 'secp384r1'],
    ['ECC_NIST_P521', 'secp521r1'],
  ] as const) {
    const { id: KeyId, arn } = await newKey(server, { KeySpec, KeyUsage: 'KEY_AGREEMENT' })
    const peer = crypto.generateKeyPairSync('ec', { namedCurve })
    const PublicKey = base64(peer.publicKey.export({ type: 'spki', format: 'der' }))
    const { SharedSecret, ...answer } = await call(server, 'DeriveSharedSecret', {
      KeyId,
      KeyAgreementAlgorithm,
      PublicKey,
    })
    assert.deepEqual(answer, { KeyId: arn, KeyAgreementAlgorithm, KeyOrigin: 'AWS_KMS' })
    const theirs = crypto.diffieHellman({ privateKey: peer.privateKey, publicKey: await publicKeyOf(server, KeyId) })
    assert.equal(SharedSecret, base64(theirs))
    const other = crypto.generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).publicKey
    const foreign = { KeyId, KeyAgreementAlgorithm, PublicKey: base64(other.export({ type: 'spki', format: 'der' })) }
    assert.equal(await codeOf(server, 'DeriveSharedSecret', foreign), 'ValidationException')
  }
})

test('RSA keys encrypt what node:crypto opens not, and open what it encrypted', async (t) => {
  const server = await startTestServer(t)
  const { id: KeyId, arn } = await newKey(server, { KeySpec: 'RSA_2048', KeyUsage: 'ENCRYPT_DECRYPT' })
  const publicKey = await publicKeyOf(server, KeyId)
  for (const [EncryptionAlgorithm, oaepHash, max] of [
    ['RSAES_OAEP_SHA_1', 'sha1', 214],
    ['RSAES_OAEP_SHA_256', 'sha256', 190],
  ] as const) {
    const Plaintext = base64('x'.repeat(max))
    const { CiphertextBlob, ...answer } = await call(server, 'Encrypt', { KeyId, Plaintext, EncryptionAlgorithm })
    assert.deepEqual(answer, { KeyId: arn, EncryptionAlgorithm })
    const asked = { KeyId, EncryptionAlgorithm, CiphertextBlob }
    assert.deepEqual(await call(server, 'Decrypt', asked), { KeyId: arn, EncryptionAlgorithm, Plaintext })
    const padding = crypto.constants.RSA_PKCS1_OAEP_PADDING
    const theirs = crypto.publicEncrypt({ key: publicKey, padding, oaepHash }, Buffer.from('theirs'))
    const opened = await call(server, 'Decrypt', { ...asked, CiphertextBlob: base64(theirs) })
    assert.equal(fromBase64(opened.Plaintext), 'theirs')
    const long = { KeyId, EncryptionAlgorithm, Plaintext: base64('x'.repeat(max + 1)) }
    assert.equal(await codeOf(server, 'Encrypt', long), 'ValidationException')
    theirs[0]! ^= 1
    assert.equal(
      await outcome(server, 'Decrypt', { ...asked, CiphertextBlob: base64(theirs) }),
      'InvalidCiphertextException: ',
    )
    const symmetric = await newKey(server)
    const moved = await call(server, 'ReEncrypt', {
      CiphertextBlob,
      SourceKeyId: KeyId,
      SourceEncryptionAlgorithm: EncryptionAlgorithm,
      DestinationKeyId: symmetric.id,
    })
    assert.equal((await call(server, 'Decrypt', { CiphertextBlob: moved.CiphertextBlob })).Plaintext, Plaintext)
  }
  const plain = { KeyId, Plaintext: base64('x') }
  assert.equal(await codeOf(server, 'Encrypt', plain), 'InvalidKeyUsageException') // SYMMETRIC_DEFAULT
  const context = { ...plain, EncryptionAlgorithm: 'RSAES_OAEP_SHA_256', EncryptionContext: { a: 'b' } }
  assert.equal(await codeOf(server, 'Encrypt', context), 'ValidationException')
  assert.equal(
    await outcome(server, 'GenerateDataKey', { KeyId, KeySpec: 'AES_256' }),
    'InvalidKeyUsageException: You cannot generate a data key with an asymmetric CMK',
  )
})

test('data key pairs: the private key opens as Decrypt gives it, and belongs to the public key', async (t) => {
  const server = await startTestServer(t)
  const key = await newKey(server)
  for (const KeyPairSpec of DATA_KEY_PAIR_SPECS) {
    if (KeyPairSpec === 'RSA_3072' || KeyPairSpec === 'RSA_4096') continue // as RSA_2048, and slow
    for (const operation of ['GenerateDataKeyPair', 'GenerateDataKeyPairWithoutPlaintext']) {
      const input = { KeyId: key.id, KeyPairSpec, EncryptionContext: { a: '1' } }
      const made = await call(server, operation, input)
      assert.deepEqual([made.KeyId, made.KeyPairSpec], [key.arn, KeyPairSpec])
      const CiphertextBlob = made.PrivateKeyCiphertextBlob
      const { Plaintext } = await call(server, 'Decrypt', { CiphertextBlob, EncryptionContext: { a: '1' } })
      assert.equal(made.PrivateKeyPlaintext, operation === 'GenerateDataKeyPair' ? Plaintext : undefined)
      const privateKey = crypto.createPrivateKey({
        key: Buffer.from(Plaintext, 'base64'),
        format: 'der',
        type: 'pkcs8',
      })
      const publicKey = crypto.createPublicKey(privateKey).export({ type: 'spki', format: 'der' })
      assert.equal(base64(publicKey), made.PublicKey)
    }
  }
  const unknown = { KeyId: key.id, KeyPairSpec: 'ML_KEM_768' }
  assert.equal(await codeOf(server, 'GenerateDataKeyPair', unknown), 'UnsupportedOperationException')
})
