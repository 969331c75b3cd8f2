import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import * as crypto from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { promisify } from 'node:util'
import { ml_dsa44, ml_dsa65, ml_dsa87 } from '@noble/post-quantum/ml-dsa.js'
import fc from 'fast-check'
import { SOAK, seed } from '../../testing-sample.ts'
import { CryptoError } from './crypto-error.ts'
import { contextTag, DerReader, der, TAG } from './der.ts'
import { canonicalKeyMaterial, unwrapKeyMaterial, unwrapKwp, WRAPPED_BYTES_MAX } from './key-import.ts'
import {
  algorithmIdOf,
  generateKeyMaterial,
  openPrivateKey,
  openPublicKey,
  type PrivateKey,
  publicKeyDer,
} from './key-material.ts'
import { encryptOaep } from './rsa-oaep.ts'
import {
  type AsymmetricSpec,
  canWrap,
  ECC,
  type EccSpec,
  isAsymmetric,
  isEcc,
  KEY_SPECS,
  type KeySpec,
  type RsaEncryptionAlgorithm,
  type WrappingAlgorithm,
  type WrappingKeySpec,
} from './spec.ts'

const WRAPPING_ALGORITHMS = [
  'RSAES_OAEP_SHA_1',
  'RSAES_OAEP_SHA_256',
  'RSA_AES_KEY_WRAP_SHA_1',
  'RSA_AES_KEY_WRAP_SHA_256',
] as const satisfies readonly WrappingAlgorithm[]
const WRAPPING_SPECS = ['RSA_2048', 'RSA_3072', 'RSA_4096'] as const satisfies readonly WrappingKeySpec[]

const wrappingKeys = new Map<WrappingKeySpec, PrivateKey>()
const materials = new Map<KeySpec, Buffer>()
before(async () => {
  for (const spec of WRAPPING_SPECS) wrappingKeys.set(spec, openPrivateKey(spec, await generateKeyMaterial(spec)))
  for (const spec of KEY_SPECS) materials.set(spec, await generateKeyMaterial(spec))
})

/** Wraps as a customer does, following AWS's guide. */
function wrap(
  spec: WrappingKeySpec,
  algorithm: WrappingAlgorithm,
  material: Uint8Array,
  aesKey: Buffer = crypto.randomBytes(32),
): Buffer {
  const shown = openPublicKey(spec, publicKeyDer(wrappingKeys.get(spec)!))
  const oaep: RsaEncryptionAlgorithm = algorithm.endsWith('SHA_1') ? 'RSAES_OAEP_SHA_1' : 'RSAES_OAEP_SHA_256'
  if (algorithm === oaep) return encryptOaep(shown, oaep, material)
  const cipher = crypto.createCipheriv(`id-aes${aesKey.length * 8}-wrap-pad`, aesKey, Buffer.from('a65959a6', 'hex'))
  return Buffer.concat([encryptOaep(shown, oaep, aesKey), cipher.update(material), cipher.final()])
}

const noOpenssl = spawnSync('openssl', ['version']).status !== 0 && 'no openssl command here'

/** The commands of AWS's guide, as a customer gives them. https://docs.aws.amazon.com/kms/latest/developerguide/importing-keys-encrypt-key-material.html */
test('keys that the openssl command makes and wraps as AWS’s guide says are imported', {
  skip: noOpenssl,
}, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'strongroom-import-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const openssl = (command: string): void => {
    const { status, stderr } = spawnSync('openssl', command.split(' '), { cwd: folder, encoding: 'utf8' })
    assert.equal(status, 0, `${command}: ${stderr}`)
  }
  const contents = (name: string): Buffer => readFileSync(join(folder, name))
  const wrappingKey = wrappingKeys.get('RSA_4096')!
  writeFileSync(join(folder, 'WrappingPublicKey.bin'), publicKeyDer(wrappingKey))

  const makers: readonly (readonly [KeySpec, string])[] = [
    ['SYMMETRIC_DEFAULT', 'rand -out key.bin 32'],
    ['HMAC_224', 'rand -out key.bin 28'],
    ['HMAC_512', 'rand -out key.bin 64'],
    ['RSA_3072', 'genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:3072 -out key.pem'],
    ['ECC_NIST_P256', 'genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out key.pem'],
    ['ECC_NIST_P521', 'genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-521 -out key.pem'],
    ['ECC_SECG_P256K1', 'genpkey -algorithm EC -pkeyopt ec_paramgen_curve:secp256k1 -out key.pem'],
    ['ECC_NIST_EDWARDS25519', 'genpkey -algorithm ED25519 -out key.pem'],
  ]
  for (const [spec, command] of makers) {
    openssl(command)
    if (isAsymmetric(spec)) openssl('pkcs8 -topk8 -nocrypt -in key.pem -outform DER -out key.bin')
    for (const algorithm of WRAPPING_ALGORITHMS) {
      if (!canWrap('RSA_4096', algorithm, spec)) continue
      const direct = algorithm.startsWith('RSAES')
      const hash = algorithm.endsWith('SHA_1') ? 'sha1' : 'sha256'
      openssl('rand -out aes-key.bin 32')
      openssl(
        `pkeyutl -encrypt -in ${direct ? 'key.bin' : 'aes-key.bin'} -out wrapped.bin -inkey WrappingPublicKey.bin -keyform DER -pubin ` +
          `-pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:${hash} -pkeyopt rsa_mgf1_md:${hash}`,
      )
      let wrapped = contents('wrapped.bin')
      if (!direct) {
        const hex = contents('aes-key.bin').toString('hex')
        openssl(`enc -id-aes256-wrap-pad -K ${hex} -iv A65959A6 -in key.bin -out wrapped-key.bin`)
        wrapped = Buffer.concat([wrapped, contents('wrapped-key.bin')])
      }
      const material = await canonicalKeyMaterial(spec, await unwrapKeyMaterial(wrappingKey, algorithm, wrapped))
      if (!isAsymmetric(spec)) assert.deepEqual(material, contents('key.bin'))
      else {
        openssl('pkey -in key.bin -inform DER -pubout -outform DER -out public.bin')
        assert.deepEqual(
          publicKeyDer(openPrivateKey(spec, material)),
          contents('public.bin'),
          `${spec} by ${algorithm}`,
        )
      }
    }
  }
})

const refusal =
  (expected: string) =>
  (error: unknown): true => {
    assert.ok(error instanceof CryptoError, String(error))
    assert.equal(error.refusal, expected)
    return true
  }
const notOfSpec = refusal('key-material')

test('material of every spec comes through every wrapping that AWS has for it, under every wrapping key', async () => {
  for (const wrappingSpec of WRAPPING_SPECS)
    for (const algorithm of WRAPPING_ALGORITHMS)
      for (const [spec, material] of materials) {
        if (!canWrap(wrappingSpec, algorithm, spec)) continue
        const wrapped = wrap(wrappingSpec, algorithm, material)
        const unwrapped = await unwrapKeyMaterial(wrappingKeys.get(wrappingSpec)!, algorithm, wrapped)
        assert.deepEqual(unwrapped, material, `${spec} by ${algorithm} under ${wrappingSpec}`)
        assert.deepEqual(await canonicalKeyMaterial(spec, unwrapped), material)
      }
})

test('RSA keys come only by AES key wrap, raw keys only directly, and P-521 not directly under RSA_2048', () => {
  const direct = (spec: KeySpec, under: WrappingKeySpec = 'RSA_4096') => canWrap(under, 'RSAES_OAEP_SHA_256', spec)
  const aes = (spec: KeySpec) => canWrap('RSA_2048', 'RSA_AES_KEY_WRAP_SHA_256', spec)
  assert.deepEqual([direct('RSA_2048'), aes('RSA_2048')], [false, true])
  assert.deepEqual([direct('SYMMETRIC_DEFAULT'), aes('SYMMETRIC_DEFAULT')], [true, false])
  assert.deepEqual([direct('HMAC_512'), aes('HMAC_512')], [true, false])
  assert.deepEqual(
    [direct('ECC_NIST_P521'), direct('ECC_NIST_P521', 'RSA_2048'), aes('ECC_NIST_P521')],
    [true, false, true],
  )
})

test('whatever does not unwrap is refused with one and the same error', async () => {
  const key = wrappingKeys.get('RSA_2048')!
  const material = materials.get('ECC_NIST_P256')!
  const errors: Error[] = []
  const refused = async (algorithm: WrappingAlgorithm, wrapped: Uint8Array) => {
    await assert.rejects(unwrapKeyMaterial(key, algorithm, wrapped), (error: Error) => {
      errors.push(error)
      return refusal('ciphertext')(error)
    })
  }
  for (const algorithm of WRAPPING_ALGORITHMS) {
    const wrapped = wrap('RSA_2048', algorithm, material)
    const bits = wrapped.length * 8
    const step = SOAK ? 1 : 41
    for (let bit = seed() % step; bit < bits; bit += step) {
      const changed = Buffer.from(wrapped)
      changed[bit >> 3]! ^= 1 << (bit & 7)
      await refused(algorithm, changed)
    }
    for (const other of WRAPPING_ALGORITHMS) if (other !== algorithm) await refused(other, wrapped)
    for (const length of [0, 1, 255, 256, 257, 264, 271, wrapped.length - 8, wrapped.length - 1])
      if (length < wrapped.length) await refused(algorithm, wrapped.subarray(0, length))
    await refused(algorithm, Buffer.concat([wrapped, Buffer.alloc(8)]))
    await refused(algorithm, Buffer.concat([wrapped, Buffer.alloc(WRAPPED_BYTES_MAX)]))
    await refused(algorithm, wrap('RSA_3072', algorithm, material))
  }
  for (const size of [16, 24])
    await refused(
      'RSA_AES_KEY_WRAP_SHA_256',
      wrap('RSA_2048', 'RSA_AES_KEY_WRAP_SHA_256', material, crypto.randomBytes(size)),
    )
  assert.equal(new Set(errors.map(({ name, message }) => `${name} ${message}`)).size, 1)
})

test('AES key wrap takes a key of AES-256 only', () => {
  for (const size of [0, 16, 24, 33])
    assert.throws(() => unwrapKwp(new Uint8Array(size), new Uint8Array(16)), RangeError)
})

test('material of one spec is not taken for another', async () => {
  for (const [spec, material] of materials)
    for (const other of KEY_SPECS) {
      const sameLength = !isAsymmetric(other) && materials.get(other)!.length === material.length
      if (other === spec || sameLength) continue
      await assert.rejects(canonicalKeyMaterial(other, material), notOfSpec, `${spec} as ${other}`)
    }
})

test('raw keys have one length', async () => {
  for (const [spec, length] of [
    ['SYMMETRIC_DEFAULT', 32],
    ['HMAC_224', 28],
    ['HMAC_256', 32],
    ['HMAC_384', 48],
    ['HMAC_512', 64],
  ] as const) {
    assert.equal((await canonicalKeyMaterial(spec, crypto.randomBytes(length))).length, length)
    for (const other of [0, 16, length - 1, length + 1])
      await assert.rejects(canonicalKeyMaterial(spec, crypto.randomBytes(other)), notOfSpec)
  }
})

const version = (n: number): Buffer => der(TAG.integer, Uint8Array.of(n))
const pkcs8 = (algorithmId: Uint8Array, key: Uint8Array, v = 0, ...more: readonly Uint8Array[]): Buffer =>
  der(TAG.sequence, version(v), algorithmId, der(TAG.octetString, key), ...more)
const bodyOf = (material: Uint8Array): Buffer => {
  const outer = new DerReader(material).inside(TAG.sequence)
  outer.unsigned()
  outer.read(TAG.sequence)
  return Buffer.from(outer.read(TAG.octetString))
}
/** `a000`: attributes that are none. */
const ATTRIBUTES = der(contextTag(0), der(TAG.sequence, der(TAG.objectId, Uint8Array.of(0x55, 0x1d, 0x0f)), der(0x31)))

test('keys as other tools write them become this server’s own form', async () => {
  for (const spec of KEY_SPECS.filter(isAsymmetric)) {
    const material = materials.get(spec)!
    const withAttributes = pkcs8(algorithmIdOf(spec), bodyOf(material), 0, ATTRIBUTES)
    assert.deepEqual(await canonicalKeyMaterial(spec, withAttributes), material, `${spec} with attributes`)
    if (!isEcc(spec)) continue
    const curve = new DerReader(algorithmIdOf(spec)).inside(TAG.sequence)
    curve.read(TAG.objectId)
    const named = der(contextTag(0), curve.readWhole(TAG.objectId))
    const { scalar, point } = partsOf(spec)
    for (const parts of [[], [named], [point], [named, point]]) {
      const written = pkcs8(algorithmIdOf(spec), ecPrivateKey(scalar, ...parts))
      assert.deepEqual(await canonicalKeyMaterial(spec, written), material, `${spec} of ${parts.length} parts`)
    }
  }
  const edwards = materials.get('ECC_NIST_EDWARDS25519')!
  const publicKey = publicKeyDer(openPrivateKey('ECC_NIST_EDWARDS25519', edwards)).subarray(-32)
  const id = algorithmIdOf('ECC_NIST_EDWARDS25519')
  const v2 = (key: Uint8Array) => pkcs8(id, bodyOf(edwards), 1, der(0x81, Buffer.alloc(1), key))
  assert.deepEqual(await canonicalKeyMaterial('ECC_NIST_EDWARDS25519', v2(publicKey)), edwards)
  await assert.rejects(canonicalKeyMaterial('ECC_NIST_EDWARDS25519', v2(crypto.randomBytes(32))), notOfSpec)
})

const ecPrivateKey = (scalar: Uint8Array, ...parts: readonly Uint8Array[]): Buffer =>
  der(TAG.sequence, version(1), der(TAG.octetString, scalar), ...parts)

function partsOf(spec: EccSpec): { readonly scalar: Buffer; readonly point: Buffer } {
  const { privateKey } = openPrivateKey(spec, materials.get(spec)!)
  const raw = crypto.createPublicKey(privateKey).export({ format: 'raw-public' })
  return {
    scalar: privateKey.export({ format: 'raw-private' }),
    point: der(contextTag(1), der(TAG.bitString, Buffer.alloc(1), raw)),
  }
}

const ORDERS: { readonly [spec in EccSpec]: string } = {
  ECC_NIST_P256: 'ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551',
  ECC_NIST_P384: 'ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973',
  ECC_NIST_P521:
    '01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409',
  ECC_SECG_P256K1: 'fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141',
}

test('scalars out of range or of another length, foreign points and curves by parameters are refused', async () => {
  for (const spec of Object.keys(ECC) as EccSpec[]) {
    const id = algorithmIdOf(spec)
    const { scalar, point } = partsOf(spec)
    const order = Buffer.from(ORDERS[spec], 'hex')
    const below = Buffer.from(order)
    below[below.length - 1]! -= 1
    const above = Buffer.from(order)
    above[above.length - 1]! += 1
    assert.ok(await canonicalKeyMaterial(spec, pkcs8(id, ecPrivateKey(below))), 'n - 1 is a scalar')
    const longer = Buffer.concat([Buffer.alloc(1), scalar])
    for (const bad of [
      Buffer.alloc(scalar.length),
      order,
      above,
      Buffer.alloc(scalar.length, 0xff),
      longer,
      scalar.subarray(1),
    ])
      await assert.rejects(canonicalKeyMaterial(spec, pkcs8(id, ecPrivateKey(bad))), notOfSpec)

    const foreign = crypto
      .generateKeyPairSync('ec', { namedCurve: ECC[spec].curve })
      .publicKey.export({ format: 'raw-public' })
    const parts = [
      der(contextTag(1), der(TAG.bitString, Buffer.alloc(1), foreign)),
      der(contextTag(1), der(TAG.bitString, Buffer.alloc(1))),
      der(contextTag(0), der(TAG.sequence)),
      der(contextTag(0), der(TAG.objectId, Uint8Array.of(0x2b, 0x81, 0x04, 0x00, 0x01))),
      der(contextTag(2)),
    ]
    for (const part of parts)
      await assert.rejects(canonicalKeyMaterial(spec, pkcs8(id, ecPrivateKey(scalar, part))), notOfSpec)
    await assert.rejects(canonicalKeyMaterial(spec, pkcs8(id, ecPrivateKey(scalar, point, point))), notOfSpec)

    const explicit = crypto.createPrivateKey({ key: materials.get(spec)!, format: 'der', type: 'pkcs8' })
    const pem = explicit.export({ type: 'sec1', format: 'pem' })
    const { stdout, status } = spawnSync('openssl', ['pkcs8', '-topk8', '-nocrypt', '-outform', 'DER'], {
      input: spawnSync('openssl', ['ec', '-param_enc', 'explicit'], { input: pem }).stdout,
    })
    if (status !== 0) continue // no openssl command here
    assert.ok(stdout.length > materials.get(spec)!.length, 'explicit parameters are longer')
    await assert.rejects(canonicalKeyMaterial(spec, stdout), notOfSpec)
  }
})

const integer = (n: bigint): Buffer => {
  const hex = n.toString(16)
  const whole = Buffer.from(hex.length % 2 ? `0${hex}` : hex, 'hex')
  return der(TAG.integer, whole[0]! < 0x80 ? whole : Buffer.concat([Buffer.alloc(1), whole]))
}

test('RSA keys whose numbers do not belong together, of another exponent or size, are refused', async () => {
  const material = materials.get('RSA_2048')!
  const id = algorithmIdOf('RSA_2048')
  const reader = new DerReader(bodyOf(material)).inside(TAG.sequence)
  const numbers = Array.from({ length: 9 }, () => reader.unsigned())
  const written = (all: readonly bigint[]) => pkcs8(id, der(TAG.sequence, ...all.map(integer)))
  assert.deepEqual(await canonicalKeyMaterial('RSA_2048', written(numbers)), material)
  for (const index of numbers.keys())
    for (const change of [1n, 2n, 4n, -2n]) {
      const changed = numbers.map((n, i) => (i === index ? (n + change < 0n ? 1n : n + change) : n))
      await assert.rejects(
        canonicalKeyMaterial('RSA_2048', written(changed)),
        notOfSpec,
        `number ${index} by ${change}`,
      )
    }
  const [v, n, e, d, p, q, dp, dq, qInverse] = numbers as [bigint, ...bigint[]]
  const inverse = modInverse(p!, q!)
  assert.ok(
    await canonicalKeyMaterial('RSA_2048', written([v, n!, e!, d!, q!, p!, dq!, dp!, inverse])),
    'the primes may be swapped, their numbers with them',
  )
  await assert.rejects(
    canonicalKeyMaterial('RSA_2048', written([v, n!, e!, d!, q!, p!, dp!, dq!, qInverse!])),
    notOfSpec,
  )
  await assert.rejects(canonicalKeyMaterial('RSA_2048', written([v, n!, e!, d!, 1n, n!, 0n, dq!, 0n])), notOfSpec)

  const generate = promisify(crypto.generateKeyPair)
  for (const options of [
    { modulusLength: 2048, publicExponent: 3 },
    { modulusLength: 2047 },
    { modulusLength: 1024 },
  ]) {
    const { privateKey } = await generate('rsa', options)
    const other = privateKey.export({ type: 'pkcs8', format: 'der' })
    await assert.rejects(canonicalKeyMaterial('RSA_2048', other), notOfSpec, JSON.stringify(options))
  }
  const pss = await generate('rsa-pss', { modulusLength: 2048 })
  await assert.rejects(
    canonicalKeyMaterial('RSA_2048', pss.privateKey.export({ type: 'pkcs8', format: 'der' })),
    notOfSpec,
  )
})

function modInverse(a: bigint, m: bigint): bigint {
  let [r0, r1, s0, s1] = [m, a % m, 0n, 1n]
  while (r1 !== 0n) [r0, r1, s0, s1] = [r1, r0 % r1, s1, s0 - (r0 / r1) * s1]
  return ((s0 % m) + m) % m
}

const EXPANDED = { ML_DSA_44: ml_dsa44, ML_DSA_65: ml_dsa65, ML_DSA_87: ml_dsa87 }

test('an ML-DSA key comes as its seed, or as the seed with the expanded key that is the seed’s', async () => {
  for (const spec of ['ML_DSA_44', 'ML_DSA_65', 'ML_DSA_87'] as const) {
    const material = materials.get(spec)!
    const seed = openPrivateKey(spec, material).privateKey.export({ format: 'raw-seed' })
    const expanded = Buffer.from(EXPANDED[spec].keygen(seed).secretKey)
    const both = (key: Uint8Array) =>
      pkcs8(algorithmIdOf(spec), der(TAG.sequence, der(TAG.octetString, seed), der(TAG.octetString, key)))
    assert.deepEqual(await canonicalKeyMaterial(spec, both(expanded)), material)
    for (const at of [0, 40, 100, expanded.length - 1]) {
      const changed = Buffer.from(expanded)
      changed[at]! ^= 1
      await assert.rejects(canonicalKeyMaterial(spec, both(changed)), notOfSpec, `byte ${at}`)
    }
    await assert.rejects(
      canonicalKeyMaterial(spec, pkcs8(algorithmIdOf(spec), der(TAG.octetString, expanded))),
      notOfSpec,
    )
    for (const size of [0, 31, 33])
      await assert.rejects(
        canonicalKeyMaterial(spec, pkcs8(algorithmIdOf(spec), der(0x80, Buffer.alloc(size)))),
        notOfSpec,
      )
  }
})

test('no bytes make the import fail with anything but its own refusal, and what it takes is a whole key', async () => {
  const spec = fc.constantFrom(...KEY_SPECS.filter(isAsymmetric))
  const edit = fc.record({ at: fc.nat(3000), byte: fc.nat(255), kind: fc.constantFrom('set', 'insert', 'cut') })
  const runs = SOAK ? 20_000 : 150
  await fc.assert(
    fc.asyncProperty(spec, fc.array(edit, { minLength: 1, maxLength: 3 }), async (of: AsymmetricSpec, edits) => {
      let bytes = [...materials.get(of)!]
      for (const { at, byte, kind } of edits) {
        const index = at % bytes.length
        bytes = kind === 'cut' ? bytes.slice(0, index + 1) : bytes.toSpliced(index, kind === 'set' ? 1 : 0, byte)
      }
      try {
        const taken = await canonicalKeyMaterial(of, Buffer.from(bytes))
        assert.deepEqual(await canonicalKeyMaterial(of, taken), taken)
        openPublicKey(of, publicKeyDer(openPrivateKey(of, taken)))
      } catch (error) {
        notOfSpec(error)
      }
    }),
    { numRuns: runs },
  )
})
