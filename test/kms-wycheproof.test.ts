// Project Wycheproof's private and secret keys through the KMS API itself: imported as a customer imports them, then used. The vectors with public
// keys only are judged in packages/server/src/crypto/kms/wycheproof.test.ts, where the same functions are called.

import assert from 'node:assert/strict'
import * as crypto from 'node:crypto'
import { test } from 'node:test'
import {
  CreateKeyCommand,
  DecryptCommand,
  DeriveSharedSecretCommand,
  EncryptCommand,
  GenerateMacCommand,
  GetParametersForImportCommand,
  GetPublicKeyCommand,
  ImportKeyMaterialCommand,
  type KeySpec,
  type KeyUsageType,
  KMSClient,
  type MacAlgorithmSpec,
  SignCommand,
  VerifyCommand,
  VerifyMacCommand,
} from '@aws-sdk/client-kms'
import { bytes, noVectors, wycheproof } from '../packages/server/src/crypto/testing-wycheproof.ts'
import { startTestServer } from '../packages/server/src/testing.ts'
import { SOAK } from '../packages/server/src/testing-sample.ts'

/** Where keys are stored makes no difference to what they judge. */
const skip = noVectors || (process.env.TEST_DATABASE !== undefined && 'judged on SQLite')
/** An import makes an RSA key, so only some of a file's keys are imported. */
const KEYS = SOAK ? 12 : 1

type Verdict = { readonly tcId: number; readonly flags: readonly string[]; readonly result: string }

test('Wycheproof’s private keys are imported through the API, and its vectors judged by it', {
  skip,
}, async (t) => {
  const server = await startTestServer(t)
  const kms = new KMSClient({
    endpoint: server.url,
    region: server.region,
    credentials: { ...server.credentials },
    maxAttempts: 1,
  })
  t.after(() => kms.destroy())

  async function imported(spec: KeySpec, usage: KeyUsageType, material: Uint8Array): Promise<string> {
    const { KeyMetadata } = await kms.send(new CreateKeyCommand({ KeySpec: spec, KeyUsage: usage, Origin: 'EXTERNAL' }))
    const KeyId = KeyMetadata!.KeyId!
    const byAes = spec.startsWith('RSA') || spec.startsWith('ECC')
    const WrappingAlgorithm = byAes ? 'RSA_AES_KEY_WRAP_SHA_256' : 'RSAES_OAEP_SHA_256'
    const { PublicKey, ImportToken } = await kms.send(
      new GetParametersForImportCommand({ KeyId, WrappingAlgorithm, WrappingKeySpec: 'RSA_2048' }),
    )
    const EncryptedKeyMaterial = wrap(PublicKey!, material, byAes)
    const ExpirationModel = 'KEY_MATERIAL_DOES_NOT_EXPIRE'
    await kms.send(new ImportKeyMaterialCommand({ KeyId, ImportToken, EncryptedKeyMaterial, ExpirationModel }))
    return KeyId
  }

  /** What came of a call: its value, or the name of its error. */
  const outcome = <T>(call: Promise<T>): Promise<T | string> => call.catch((error: Error) => error.name)

  for (const [file, spec, algorithm] of [
    ['rsa_oaep_2048_sha1_mgf1sha1', 'RSA_2048', 'RSAES_OAEP_SHA_1'],
    ['rsa_oaep_2048_sha256_mgf1sha256', 'RSA_2048', 'RSAES_OAEP_SHA_256'],
    ['rsa_oaep_3072_sha256_mgf1sha256', 'RSA_3072', 'RSAES_OAEP_SHA_256'],
    ['rsa_oaep_4096_sha256_mgf1sha256', 'RSA_4096', 'RSAES_OAEP_SHA_256'],
  ] as const)
    await t.test(`Decrypt: ${file}`, async () => {
      type Test = Verdict & { readonly msg: string; readonly ct: string; readonly label: string }
      const judged = { valid: 0, invalid: 0 }
      for (const { privateKeyPkcs8, tests } of wycheproof<{ privateKeyPkcs8: string }, Test>(`${file}_test.json`)) {
        const KeyId = await imported(spec, 'ENCRYPT_DECRYPT', bytes(privateKeyPkcs8))
        for (const { tcId, msg, ct, label, result } of tests) {
          if (ct === '') continue // the API takes none so short
          const answer = await outcome(
            kms.send(new DecryptCommand({ KeyId, CiphertextBlob: bytes(ct), EncryptionAlgorithm: algorithm })),
          )
          const valid = result === 'valid' && label === ''
          judged[valid ? 'valid' : 'invalid'] += 1
          if (!valid) assert.equal(answer, 'InvalidCiphertextException', `${tcId}`)
          else assert.equal(typeof answer === 'string' ? answer : hex(answer.Plaintext), msg, `${tcId}`)
        }
        const Plaintext = crypto.randomBytes(100)
        const sealed = await kms.send(new EncryptCommand({ KeyId, Plaintext, EncryptionAlgorithm: algorithm }))
        const opened = await kms.send(
          new DecryptCommand({ KeyId, CiphertextBlob: sealed.CiphertextBlob, EncryptionAlgorithm: algorithm }),
        )
        assert.equal(hex(opened.Plaintext), Plaintext.toString('hex'))
      }
      assert.ok(judged.valid >= 10 && judged.invalid >= 15, JSON.stringify(judged))
    })

  for (const [size, spec, algorithm] of [
    [224, 'HMAC_224', 'HMAC_SHA_224'],
    [256, 'HMAC_256', 'HMAC_SHA_256'],
    [384, 'HMAC_384', 'HMAC_SHA_384'],
    [512, 'HMAC_512', 'HMAC_SHA_512'],
  ] as const satisfies readonly (readonly [number, KeySpec, MacAlgorithmSpec])[])
    await t.test(`VerifyMac and GenerateMac: hmac_sha${size}`, async () => {
      type Group = { readonly keySize: number; readonly tagSize: number }
      type Test = Verdict & { readonly key: string; readonly msg: string; readonly tag: string }
      const tests = wycheproof<Group, Test>(`hmac_sha${size}_test.json`)
        .filter(({ keySize }) => keySize === size)
        .flatMap(({ tagSize, tests }) => tests.map((one) => ({ ...one, whole: tagSize === size })))
        .filter(({ msg }) => msg !== '') // the API takes none so short
      const judged = { valid: 0, invalid: 0 }
      for (const [key, group] of commonest(tests, ({ key }) => key, KEYS + 1)) {
        const KeyId = await imported(spec, 'GENERATE_VERIFY_MAC', bytes(key))
        for (const { tcId, msg, tag, result, whole } of group.filter(
          ({ result }, i) => SOAK || result === 'valid' || i % 4 === 0,
        )) {
          const about = { KeyId, Message: bytes(msg), MacAlgorithm: algorithm }
          const answer = await outcome(kms.send(new VerifyMacCommand({ ...about, Mac: bytes(tag) })))
          const valid = result === 'valid' && whole
          judged[valid ? 'valid' : 'invalid'] += 1
          if (!valid) assert.equal(answer, 'KMSInvalidMacException', `${tcId}`)
          else {
            assert.equal(typeof answer === 'string' ? answer : answer.MacValid, true, `${tcId}`)
            assert.equal(hex((await kms.send(new GenerateMacCommand(about))).Mac), tag)
          }
        }
      }
      assert.ok(judged.valid >= 1 && judged.invalid >= 10, JSON.stringify(judged))
    })

  for (const [file, spec, length] of [
    ['ecdh_secp256r1', 'ECC_NIST_P256', 32],
    ['ecdh_secp384r1', 'ECC_NIST_P384', 48],
    ['ecdh_secp521r1', 'ECC_NIST_P521', 66],
  ] as const)
    await t.test(`DeriveSharedSecret: ${file}`, async () => {
      type Test = Verdict & { readonly public: string; readonly private: string; readonly shared: string }
      const all = wycheproof<object, Test>(`${file}_test.json`).flatMap(({ tests }) => tests)
      const judged = { valid: 0, invalid: 0 }
      for (const [scalar, group] of commonest(all, (one) => one.private, KEYS + 1)) {
        const KeyId = await imported(spec, 'KEY_AGREEMENT', eccPkcs8(spec, fixed(bytes(scalar), length)))
        for (const { tcId, public: peer, shared, flags, result } of group.filter((_, i) => SOAK || i % 8 === 0)) {
          if (peer === '') continue
          const PublicKey = bytes(peer)
          const answer = await outcome(
            kms.send(new DeriveSharedSecretCommand({ KeyId, PublicKey, KeyAgreementAlgorithm: 'ECDH' })),
          )
          judged[result === 'valid' ? 'valid' : 'invalid'] += 1
          if (result !== 'valid') assert.equal(answer, 'ValidationException', `${tcId} ${flags}`)
          else assert.equal(typeof answer === 'string' ? answer : hex(answer.SharedSecret), shared, `${tcId}`)
        }
      }
      assert.ok(judged.valid >= 20 && judged.invalid >= 25, JSON.stringify(judged))
    })

  await t.test('Sign and Verify: mldsa_44_sign_seed', async () => {
    type Group = { readonly privateSeed: string; readonly privateKeyPkcs8?: string; readonly publicKey?: string }
    type Test = Verdict & { readonly msg?: string; readonly mu?: string; readonly sig?: string; readonly ctx?: string }
    const groups = wycheproof<Group, Test>('mldsa_44_sign_seed_test.json')
      .filter(({ privateKeyPkcs8 }) => privateKeyPkcs8)
      .sort((a, b) => b.tests.length - a.tests.length)
      .slice(0, KEYS)
    let judged = 0
    for (const { privateKeyPkcs8, publicKey, tests } of groups) {
      const KeyId = await imported('ML_DSA_44', 'SIGN_VERIFY', bytes(privateKeyPkcs8!))
      const shown = await kms.send(new GetPublicKeyCommand({ KeyId }))
      assert.ok(hex(shown.PublicKey).endsWith(publicKey!))
      const about = { KeyId, SigningAlgorithm: 'ML_DSA_SHAKE_256' } as const
      for (const { tcId, msg, mu, sig, ctx = '', result } of tests.filter((_, i) => SOAK || i % 8 === 0)) {
        if (mu === undefined || sig === undefined) continue
        const digest = { ...about, Message: bytes(mu), MessageType: 'EXTERNAL_MU' } as const
        const ours = await kms.send(new SignCommand(digest))
        for (const Signature of [bytes(sig), ours.Signature!]) {
          const answer = await outcome(kms.send(new VerifyCommand({ ...digest, Signature })))
          assert.equal(typeof answer === 'string' ? answer : answer.SignatureValid, result === 'valid', `${tcId}`)
          if (msg === undefined || msg === '' || bytes(msg).length > 4096 || ctx !== '') continue
          const raw = { ...about, Message: bytes(msg), MessageType: 'RAW', Signature } as const
          assert.equal((await kms.send(new VerifyCommand(raw))).SignatureValid, true, `${tcId}`)
        }
        const changed = bytes(sig)
        changed[crypto.randomInt(changed.length)]! ^= 1
        const refused = await outcome(kms.send(new VerifyCommand({ ...digest, Signature: changed })))
        assert.equal(refused, 'KMSInvalidSignatureException')
        judged += 1
      }
    }
    assert.ok(judged >= 5, `${judged}`)
  })
})

const hex = (value: Uint8Array | undefined): string => Buffer.from(value!).toString('hex')

/** The groups with most members, so that few imports judge many vectors. */
function commonest<T>(
  all: readonly T[],
  of: (one: T) => string,
  most: number,
): readonly (readonly [string, readonly T[]])[] {
  return [...Map.groupBy(all, of)].sort(([, a], [, b]) => b.length - a.length).slice(0, most)
}

function wrap(publicKey: Uint8Array, material: Uint8Array, byAes: boolean): Buffer {
  const key = crypto.createPublicKey({ key: Buffer.from(publicKey), format: 'der', type: 'spki' })
  const oaep = { key, padding: crypto.constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' }
  if (!byAes) return crypto.publicEncrypt(oaep, material)
  const aesKey = crypto.randomBytes(32)
  const cipher = crypto.createCipheriv('id-aes256-wrap-pad', aesKey, Buffer.from('a65959a6', 'hex'))
  return Buffer.concat([crypto.publicEncrypt(oaep, aesKey), cipher.update(material), cipher.final()])
}

/** The vectors' scalars have bytes of 00 too many or too few. */
function fixed(scalar: Buffer, length: number): Buffer {
  const out = Buffer.alloc(length)
  out.set(scalar.subarray(Math.max(0, scalar.length - length)), Math.max(0, length - scalar.length))
  return out
}

const CURVES = { ECC_NIST_P256: 'prime256v1', ECC_NIST_P384: 'secp384r1', ECC_NIST_P521: 'secp521r1' } as const

function eccPkcs8(spec: keyof typeof CURVES, scalar: Buffer): Buffer {
  const namedCurve = CURVES[spec]
  const key = crypto.createPrivateKey({ key: scalar, format: 'raw-private', asymmetricKeyType: 'ec', namedCurve })
  return key.export({ type: 'pkcs8', format: 'der' })
}
