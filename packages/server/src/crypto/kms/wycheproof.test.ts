// Project Wycheproof's vectors, judged by the modules that the API calls: keys come in as a customer would import them or as public keys, and every
// vector of a message is judged again as one of its digest or external mu. "Acceptable" ones are refused unless a test says otherwise.

import assert from 'node:assert/strict'
import { createHash, createPublicKey } from 'node:crypto'
import { test } from 'node:test'
import { isSampled } from '../../testing-sample.ts'
import { bytes, noVectors as skip, wycheproof } from '../testing-wycheproof.ts'
import { CryptoError, type CryptoRefusal } from './crypto-error.ts'
import { der, TAG } from './der.ts'
import { generateMac, verifyMac } from './hmac.ts'
import { deriveSharedSecret } from './key-agreement.ts'
import { canonicalKeyMaterial, unwrapKwp } from './key-import.ts'
import {
  algorithmIdOf,
  openMacKey,
  openPrivateKey,
  openPublicKey,
  type PublicKey,
  publicKeyDer,
} from './key-material.ts'
import { decryptOaep, encryptOaep } from './rsa-oaep.ts'
import { sign, verify } from './signature.ts'
import {
  type AsymmetricSpec,
  ECC,
  type EccSpec,
  HMAC,
  type HmacSpec,
  hashOf,
  messageTypesOf,
  type RsaEncryptionAlgorithm,
  type RsaSpec,
  type SigningAlgorithm,
} from './spec.ts'

type Verdict = { readonly tcId: number; readonly flags: readonly string[]; readonly result: string }
type SignatureTest = Verdict & { readonly msg: string; readonly sig: string; readonly ctx?: string }

/** One in `n` where judging takes long, unless the soak asks for all. */
const oneIn = (n: number) => (_: unknown, i: number) => isSampled(i, n)

class Tally {
  readonly counts = { valid: 0, invalid: 0 }
  judge(about: string, accepted: boolean, expected: boolean): void {
    assert.equal(accepted, expected, about)
    this.counts[expected ? 'valid' : 'invalid'] += 1
  }
  atLeast(valid: number, invalid: number): void {
    const { counts } = this
    assert.ok(counts.valid >= valid && counts.invalid >= invalid, `${counts.valid} valid, ${counts.invalid} invalid`)
  }
}

const refusalOf = (error: unknown): CryptoRefusal => {
  if (error instanceof CryptoError) return error.refusal
  throw error
}

const SIGNATURES: readonly (readonly [file: string, AsymmetricSpec, SigningAlgorithm, oneInOfDigests: number])[] = [
  ['ecdsa_secp256r1_sha256', 'ECC_NIST_P256', 'ECDSA_SHA_256', 2],
  ['ecdsa_secp384r1_sha384', 'ECC_NIST_P384', 'ECDSA_SHA_384', 8],
  ['ecdsa_secp521r1_sha512', 'ECC_NIST_P521', 'ECDSA_SHA_512', 16],
  ['ecdsa_secp256k1_sha256', 'ECC_SECG_P256K1', 'ECDSA_SHA_256', 2],
  ['ed25519', 'ECC_NIST_EDWARDS25519', 'ED25519_SHA_512', 1],
  ['rsa_pss_2048_sha256_mgf1_32', 'RSA_2048', 'RSASSA_PSS_SHA_256', 1],
  ['rsa_pss_3072_sha256_mgf1_32', 'RSA_3072', 'RSASSA_PSS_SHA_256', 1],
  ['rsa_pss_4096_sha512_mgf1_64', 'RSA_4096', 'RSASSA_PSS_SHA_512', 1],
  ['rsa_signature_2048_sha256', 'RSA_2048', 'RSASSA_PKCS1_V1_5_SHA_256', 1],
  ['rsa_signature_3072_sha384', 'RSA_3072', 'RSASSA_PKCS1_V1_5_SHA_384', 1],
  ['rsa_signature_4096_sha512', 'RSA_4096', 'RSASSA_PKCS1_V1_5_SHA_512', 1],
]

for (const [file, spec, algorithm, n] of SIGNATURES) {
  test(`${algorithm} of ${spec} judges Wycheproof’s ${file} as messages and as digests`, { skip }, async () => {
    const tally = new Tally()
    const hashes = messageTypesOf(algorithm).includes('DIGEST')
    for (const { publicKeyDer, tests } of wycheproof<{ publicKeyDer: string }, SignatureTest>(`${file}_test.json`)) {
      const exponent = createPublicKey({ key: bytes(publicKeyDer), format: 'der', type: 'spki' }).asymmetricKeyDetails
        ?.publicExponent
      if (exponent !== undefined && exponent !== 65537n) {
        assert.throws(() => openPublicKey(spec, bytes(publicKeyDer)), CryptoError)
        continue
      }
      const key = openPublicKey(spec, bytes(publicKeyDer))
      for (const { tcId, msg, sig, result } of tests) {
        const accepted = await verify(key, algorithm, 'RAW', bytes(msg), bytes(sig))
        tally.judge(`message ${tcId}`, accepted, result === 'valid')
      }
      for (const { tcId, msg, sig, result } of hashes ? tests.filter(oneIn(n)) : []) {
        const digest = createHash(hashOf(algorithm)).update(bytes(msg)).digest()
        const accepted = await verify(key, algorithm, 'DIGEST', digest, bytes(sig))
        tally.judge(`digest ${tcId}`, accepted, result === 'valid')
      }
    }
    tally.atLeast(7, 40)
  })
}

/** FIPS 204 algorithm 2: the representative of a message with its context. */
function muOf(publicKey: Uint8Array, context: Uint8Array, message: Uint8Array): Buffer {
  const tr = createHash('shake256', { outputLength: 64 }).update(publicKey).digest()
  const lead = Uint8Array.of(0, context.length)
  return createHash('shake256', { outputLength: 64 }).update(tr).update(lead).update(context).update(message).digest()
}

for (const [file, spec, n] of [
  ['mldsa_44_verify', 'ML_DSA_44', 2],
  ['mldsa_65_verify', 'ML_DSA_65', 4],
] as const) {
  test(`${spec} judges Wycheproof’s ${file} as messages and as external mu`, { skip }, async () => {
    const tally = new Tally()
    type Group = { readonly publicKey: string; readonly publicKeyDer?: string }
    for (const { publicKey, publicKeyDer, tests } of wycheproof<Group, SignatureTest>(`${file}_test.json`)) {
      const spki = publicKeyDer === undefined ? spkiOf(spec, bytes(publicKey)) : bytes(publicKeyDer)
      let key: PublicKey
      try {
        key = openPublicKey(spec, spki)
      } catch (error) {
        assert.equal(refusalOf(error), 'public-key')
        for (const { tcId, flags, result } of tests) {
          assert.ok(flags.includes('IncorrectPublicKeyLength'), `${tcId}`)
          tally.judge(`key ${tcId}`, false, result === 'valid')
        }
        continue
      }
      for (const { tcId, msg, sig, ctx, result } of tests) {
        if (ctx) continue // KMS signs with the empty context
        const accepted = await verify(key, 'ML_DSA_SHAKE_256', 'RAW', bytes(msg), bytes(sig))
        tally.judge(`message ${tcId}`, accepted, result === 'valid')
      }
      for (const { tcId, msg, sig, ctx = '', flags, result } of tests.filter(oneIn(n))) {
        if (ctx.length > 510 || flags.includes('InvalidContext')) continue // the context is no matter of the signature
        const mu = muOf(bytes(publicKey), bytes(ctx), bytes(msg))
        const accepted = await verify(key, 'ML_DSA_SHAKE_256', 'EXTERNAL_MU', mu, bytes(sig))
        tally.judge(`mu ${tcId}`, accepted, result === 'valid')
      }
    }
    tally.atLeast(79, 95)
  })
}

const spkiOf = (spec: AsymmetricSpec, raw: Uint8Array): Buffer =>
  der(TAG.sequence, algorithmIdOf(spec), der(TAG.bitString, Uint8Array.of(0), raw))

test('ML_DSA_44 imports Wycheproof’s seeds, verifies its signatures of mu, and OpenSSL verifies ours', {
  skip,
}, async () => {
  type Group = { readonly privateSeed: string; readonly privateKeyPkcs8?: string; readonly publicKey?: string }
  type Test = Verdict & { readonly msg?: string; readonly mu?: string; readonly sig?: string; readonly ctx?: string }
  const tally = new Tally()
  for (const { privateSeed, privateKeyPkcs8, publicKey, tests } of wycheproof<Group, Test>(
    'mldsa_44_sign_seed_test.json',
  )) {
    const seed = bytes(privateSeed)
    const pkcs8 = pkcs8Of('ML_DSA_44', der(0x80, seed))
    if (privateKeyPkcs8 && seed.length === 32) assert.deepEqual(pkcs8, bytes(privateKeyPkcs8))
    const material = await canonicalKeyMaterial('ML_DSA_44', pkcs8).catch(refusalOf)
    if (typeof material === 'string') {
      assert.equal(material, 'key-material')
      for (const { tcId, flags } of tests) {
        assert.ok(flags.includes('IncorrectPrivateKeyLength'))
        tally.judge(`key ${tcId}`, false, false)
      }
      continue
    }
    const key = openPrivateKey('ML_DSA_44', material)
    const shown = openPublicKey('ML_DSA_44', publicKeyDer(key))
    assert.deepEqual(shown.publicKey.export({ format: 'raw-public' }), bytes(publicKey!))
    for (const { tcId, msg, mu, sig, ctx = '', result } of tests.filter(oneIn(2))) {
      if (mu === undefined || sig === undefined) continue
      const representative = bytes(mu)
      if (msg !== undefined)
        assert.deepEqual(muOf(bytes(publicKey!), bytes(ctx), bytes(msg)), representative, `mu ${tcId}`)
      const accepted = await verify(shown, 'ML_DSA_SHAKE_256', 'EXTERNAL_MU', representative, bytes(sig))
      tally.judge(`mu ${tcId}`, accepted, result === 'valid')
      if (msg === undefined || ctx !== '') continue
      assert.ok(await verify(shown, 'ML_DSA_SHAKE_256', 'RAW', bytes(msg), bytes(sig)))
      const ours = await sign(key, 'ML_DSA_SHAKE_256', 'EXTERNAL_MU', representative)
      assert.ok(await verify(shown, 'ML_DSA_SHAKE_256', 'RAW', bytes(msg), ours), `ours ${tcId}`)
    }
  }
  tally.atLeast(20, 3)
})

const pkcs8Of = (spec: AsymmetricSpec, key: Uint8Array): Buffer =>
  der(TAG.sequence, der(TAG.integer, Uint8Array.of(0)), algorithmIdOf(spec), der(TAG.octetString, key))

for (const [file, spec, algorithm] of [
  ['rsa_oaep_2048_sha1_mgf1sha1', 'RSA_2048', 'RSAES_OAEP_SHA_1'],
  ['rsa_oaep_2048_sha256_mgf1sha256', 'RSA_2048', 'RSAES_OAEP_SHA_256'],
  ['rsa_oaep_3072_sha256_mgf1sha256', 'RSA_3072', 'RSAES_OAEP_SHA_256'],
  ['rsa_oaep_4096_sha256_mgf1sha256', 'RSA_4096', 'RSAES_OAEP_SHA_256'],
] as const satisfies readonly (readonly [string, RsaSpec, RsaEncryptionAlgorithm])[]) {
  test(`${algorithm} of ${spec} imports the keys of Wycheproof’s ${file} and judges it`, { skip }, async () => {
    type Test = Verdict & { readonly msg: string; readonly ct: string; readonly label: string }
    const tally = new Tally()
    for (const { privateKeyPkcs8, tests } of wycheproof<{ privateKeyPkcs8: string }, Test>(`${file}_test.json`)) {
      const key = openPrivateKey(spec, await canonicalKeyMaterial(spec, bytes(privateKeyPkcs8)))
      for (const { tcId, msg, ct, label, result } of tests) {
        const opened = await decryptOaep(key, algorithm, bytes(ct)).catch(refusalOf)
        const expected = result === 'valid' && label === '' // KMS has no labels
        tally.judge(`${tcId}`, opened instanceof Buffer, expected)
        if (opened instanceof Buffer) assert.equal(opened.toString('hex'), msg)
        else assert.equal(opened, 'ciphertext')
        if (!expected) continue
        const again = encryptOaep(openPublicKey(spec, publicKeyDer(key)), algorithm, bytes(msg))
        assert.equal((await decryptOaep(key, algorithm, again)).toString('hex'), msg)
      }
    }
    tally.atLeast(10, 19)
  })
}

for (const spec of Object.keys(HMAC) as HmacSpec[]) {
  const { bytes: keyBytes, mac: algorithm } = HMAC[spec]
  test(`${algorithm} judges Wycheproof’s vectors of its key length, and no truncated tag`, { skip }, () => {
    type Group = { readonly keySize: number; readonly tagSize: number }
    type Test = Verdict & { readonly key: string; readonly msg: string; readonly tag: string }
    const tally = new Tally()
    const file = `hmac_sha${keyBytes * 8}_test.json`
    for (const { tests, tagSize } of wycheproof<Group, Test>(file).filter(({ keySize }) => keySize === keyBytes * 8)) {
      for (const { tcId, key: raw, msg, tag, result } of tests) {
        const key = openMacKey(spec, bytes(raw))
        const expected = result === 'valid' && tagSize === keyBytes * 8
        tally.judge(`${tcId}`, verifyMac(key, algorithm, bytes(msg), bytes(tag)), expected)
        if (expected) assert.equal(generateMac(key, algorithm, bytes(msg)).toString('hex'), tag)
      }
    }
    tally.atLeast(15, 50)
  })
}

for (const [file, spec, n] of [
  ['ecdh_secp256r1', 'ECC_NIST_P256', 1],
  ['ecdh_secp384r1', 'ECC_NIST_P384', 10],
  ['ecdh_secp521r1', 'ECC_NIST_P521', 10],
] as const) {
  test(`ECDH on ${spec} imports the scalars of Wycheproof’s ${file} and takes only curves by name and whole points`, {
    skip,
  }, async () => {
    type Test = Verdict & { readonly public: string; readonly private: string; readonly shared: string }
    const tally = new Tally()
    for (const { tests } of wycheproof<object, Test>(`${file}_test.json`)) {
      for (const { tcId, public: peer, private: scalar, shared, flags, result } of tests.filter(
        (t, i) => t.result !== 'valid' || oneIn(n)(t, i),
      )) {
        const key = openPrivateKey(spec, await canonicalKeyMaterial(spec, eccPkcs8(spec, bytes(scalar))))
        const secret = await deriveSharedSecret(key, bytes(peer)).catch(refusalOf)
        tally.judge(`${tcId} ${flags}`, secret instanceof Buffer, result === 'valid')
        assert.equal(
          secret instanceof Buffer ? secret.toString('hex') : secret,
          result === 'valid' ? shared : 'public-key',
        )
      }
    }
    tally.atLeast(60, 270)
  })
}

/** A private key without its public key, as RFC 5915 allows. The vectors' scalars have bytes of 00 too many or too few. */
function eccPkcs8(spec: EccSpec, scalar: Uint8Array): Buffer {
  const { bytes: length } = ECC[spec]
  const fixed = Buffer.alloc(length)
  fixed.set(scalar.subarray(Math.max(0, scalar.length - length)), Math.max(0, length - scalar.length))
  const version = der(TAG.integer, Uint8Array.of(1))
  return pkcs8Of(spec, der(TAG.sequence, version, der(TAG.octetString, fixed)))
}

test('AES key wrap with padding judges Wycheproof’s vectors of AES-256', { skip }, () => {
  type Test = Verdict & { readonly key: string; readonly msg: string; readonly ct: string }
  const tally = new Tally()
  for (const { tests } of wycheproof<{ keySize: number }, Test>('aes_kwp_test.json').filter((g) => g.keySize === 256)) {
    for (const { tcId, key, msg, ct, result } of tests) {
      const opened = unwrapKwp(bytes(key), bytes(ct))
      tally.judge(`${tcId}`, opened !== undefined, result === 'valid')
      if (opened !== undefined) assert.equal(opened.toString('hex'), msg)
    }
  }
  tally.atLeast(20, 50)
})
