import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import * as crypto from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { bytes } from '../testing-wycheproof.ts'
import { generateKeyMaterial, openPrivateKey, openPublicKey, type PrivateKey, publicKeyDer } from './key-material.ts'
import { signEd25519ph, verifyEd25519ph } from './raw-signer.ts'
import { sign, verify } from './signature.ts'
import {
  type AsymmetricSpec,
  digestBytesOf,
  hashOf,
  isAsymmetric,
  KEY_SPECS,
  messageTypesOf,
  type SigningAlgorithm,
  signingAlgorithmsOf,
} from './spec.ts'

test('Ed25519ph signs and verifies the vector of RFC 8032 section 7.3', async () => {
  const seed = bytes('833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42')
  const publicKey = bytes('ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf')
  const signature = bytes(
    '98a70222f0b8121aa9d30f813d683f809e462b469c7ff87639499bb94e6dae41' +
      '31f85042463c2a355a2003d062adf5aaa10b8c61e636062aaad11c2a26083406',
  )
  assert.deepEqual(await signEd25519ph(seed, Buffer.from('abc')), signature)
  assert.equal(await verifyEd25519ph(publicKey, signature, Buffer.from('abc')), true)
  assert.equal(await verifyEd25519ph(publicKey, signature, Buffer.from('abd')), false)
})

test('Ed25519 and Ed25519ph signatures are not each other’s, and the digest is hashed again', async () => {
  const key = openPrivateKey('ECC_NIST_EDWARDS25519', await generateKeyMaterial('ECC_NIST_EDWARDS25519'))
  const shown = openPublicKey('ECC_NIST_EDWARDS25519', publicKeyDer(key))
  const digest = crypto.randomBytes(64)
  const pure = await sign(key, 'ED25519_SHA_512', 'RAW', digest)
  const prehashed = await sign(key, 'ED25519_PH_SHA_512', 'DIGEST', digest)
  assert.equal(await verify(shown, 'ED25519_PH_SHA_512', 'DIGEST', digest, pure), false)
  assert.equal(await verify(shown, 'ED25519_SHA_512', 'RAW', digest, prehashed), false)
  assert.ok(await verifyEd25519ph(shown.publicKey.export({ format: 'raw-public' }), prehashed, digest))
})

const digestCases: readonly (readonly [AsymmetricSpec, SigningAlgorithm])[] = KEY_SPECS.filter(isAsymmetric)
  .flatMap((spec) => signingAlgorithmsOf(spec).map((algorithm) => [spec, algorithm] as const))
  .filter(([, algorithm]) => messageTypesOf(algorithm).includes('DIGEST') && algorithm !== 'ED25519_PH_SHA_512')

const noOpenssl = spawnSync('openssl', ['version']).status !== 0 && 'no openssl command here'

test('the openssl command and we verify each other’s signatures of digests, RSA and ECDSA', {
  skip: noOpenssl,
}, async (t) => {
  const file = scratch(t)
  const keys = new Map<AsymmetricSpec, PrivateKey>()
  for (const [spec, algorithm] of digestCases) {
    const key = keys.get(spec) ?? openPrivateKey(spec, await generateKeyMaterial(spec))
    keys.set(spec, key)
    const shown = openPublicKey(spec, publicKeyDer(key))
    const digest = crypto.randomBytes(digestBytesOf(algorithm))
    const [privatePath, publicPath, digestPath] = [
      file('private', key.privateKey.export({ type: 'pkcs8', format: 'pem' })),
      file('public', shown.publicKey.export({ type: 'spki', format: 'pem' })),
      file('digest', digest),
    ]
    const options = [`digest:${hashOf(algorithm)}`, ...paddingOf(algorithm)].flatMap((option) => ['-pkeyopt', option])

    const ours = file('signature', await sign(key, algorithm, 'DIGEST', digest))
    const verifying = ['-verify', '-pubin', '-inkey', publicPath, '-in', digestPath, '-sigfile', ours, ...options]
    assert.match(openssl('pkeyutl', ...verifying), /Verified Successfully/, `${spec} ${algorithm}`)

    const theirs = file('theirs', '')
    openssl('pkeyutl', '-sign', '-inkey', privatePath, '-in', digestPath, '-out', theirs, ...options)
    assert.ok(await verify(shown, algorithm, 'DIGEST', digest, readFileSync(theirs)), `${spec} ${algorithm}: theirs`)
  }
})

const paddingOf = (algorithm: SigningAlgorithm): readonly string[] => {
  if (algorithm.startsWith('RSASSA_PSS')) return ['rsa_padding_mode:pss', 'rsa_pss_saltlen:digest']
  return algorithm.startsWith('RSASSA') ? ['rsa_padding_mode:pkcs1'] : []
}

function openssl(...args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync('openssl', args, { encoding: 'utf8' })
  assert.equal(status, 0, stderr)
  return stdout
}

/** Files in a folder of the test's own, which goes with it. */
function scratch(t: TestContext): (name: string, contents: string | Uint8Array) => string {
  const folder = mkdtempSync(join(tmpdir(), 'strongroom-signatures-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return (name, contents) => {
    const path = join(folder, name)
    writeFileSync(path, contents)
    return path
  }
}
