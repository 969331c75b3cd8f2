import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import { PROVIDER_KEYS_BYTES_MAX, parseProviderKeys } from './provider-keys.ts'

const rsa = (modulusLength: number, publicExponent = 65_537) =>
  generateKeyPairSync('rsa', { modulusLength, publicExponent })
const RSA = rsa(2_048)
const EC = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const jwkOf = ({ publicKey }: { readonly publicKey: typeof RSA.publicKey }) => publicKey.export({ format: 'jwk' })
const good = { ...jwkOf(RSA), kid: 'one', alg: 'RS256', use: 'sig' }
const parse = (...keys: readonly unknown[]) => parseProviderKeys(JSON.stringify({ keys }))

test('public keys are kept in their order, with what verifying needs and nothing else', () => {
  const ec = { ...jwkOf(EC), kid: 'two', key_ops: ['verify'], x5c: ['AAAA'], note: 'x' }
  const { kty, n, e } = jwkOf(RSA)
  const { crv, x, y } = jwkOf(EC)
  assert.deepEqual(parse(good, ec), [
    { kty, n, e, alg: 'RS256', kid: 'one', use: 'sig' },
    { kty: 'EC', crv, x, y, kid: 'two', use: 'sig' },
  ])
})

test('what is no sound public key is refused, and no part of it is told', () => {
  const privateRsa = { ...RSA.privateKey.export({ format: 'jwk' }), kid: 'one' }
  const privateEc = { ...EC.privateKey.export({ format: 'jwk' }), kid: 'one' }
  const ed25519 = jwkOf(generateKeyPairSync('ed25519'))
  const secp256k1 = jwkOf(generateKeyPairSync('ec', { namedCurve: 'secp256k1' }))
  const notPublic = /the key one is not a public key: take it for known to others/
  const malformed = /the key one is malformed, or an RSA key of less than 2048 or more than 8192 bits/
  const cases: readonly (readonly [unknown, RegExp])[] = [
    [privateRsa, notPublic],
    [privateEc, notPublic],
    [{ kty: 'oct', k: 'c2VjcmV0', kid: 'one' }, notPublic],
    [{ ...good, dp: '' }, notPublic],
    [{ ...good, alg: 'HS256' }, /must have one of the algorithms RS256, RS384/],
    [{ ...good, alg: 'none' }, /must have one of the algorithms/],
    [{ ...good, alg: 'ES256' }, /must have one of the algorithms/],
    [{ ...good, alg: ['RS256'] }, /must have one of the algorithms/],
    [{ ...jwkOf(EC), kid: 'one', alg: 'ES384' }, /must have one of the algorithms ES256/],
    [{ ...good, use: 'enc' }, /is not for signatures/],
    [{ ...good, kid: undefined }, /every key must have a kid/],
    [{ ...good, kid: '' }, /every key must have a kid/],
    [{ ...good, kid: 1 }, /every key must have a kid/],
    [{ ...good, kid: 'x'.repeat(257) }, /every key must have a kid/],
    [{ ...good, n: undefined }, /lacks a part/],
    [{ ...good, e: 65_537 }, /lacks a part/],
    [{ ...good, n: 'AAAA' }, malformed],
    [{ ...good, e: 'AQ' }, malformed],
    [{ ...good, e: 'Ag' }, malformed],
    [{ ...good, e: `AQ${'A'.repeat(40)}B` }, malformed],
    [{ ...jwkOf(rsa(1_024)), kid: 'one' }, malformed],
    [{ ...jwkOf(EC), y: jwkOf(EC).x, kid: 'one' }, malformed],
    [{ ...ed25519, kid: 'one' }, /is neither an RSA key nor one of the curves/],
    [{ ...secp256k1, kid: 'one' }, /is neither an RSA key nor one of the curves/],
    [{ kid: 'one', kty: '__proto__' }, /is neither an RSA key nor one of the curves/],
    ['one', /it is not an object/],
    [null, /it is not an object/],
  ]
  for (const [key, message] of cases) {
    const refused = (error: Error): true => {
      assert.match(error.message, message, JSON.stringify(key))
      for (const part of [privateRsa.d!, privateEc.d!, 'c2VjcmV0']) assert.ok(!error.message.includes(part))
      return true
    }
    assert.throws(() => parse(key), refused)
  }
  assert.throws(() => parse(good, { ...jwkOf(EC), kid: 'one' }), /two of its keys have the same kid/)
})

test('a set is bounded, and is a set', () => {
  const many = (count: number) => Array.from({ length: count }, (_, i) => ({ ...jwkOf(EC), kid: `key-${i}` }))
  assert.equal(parse(...many(50)).length, 50)
  assert.throws(() => parse(...many(51)), /it has more than 50 keys/)
  assert.throws(() => parseProviderKeys(' '.repeat(PROVIDER_KEYS_BYTES_MAX + 1)), /it has more than 32768 bytes/)
  for (const document of ['', 'null', '[]', '{}', '{"keys":[]}', '{"keys":{}}', '{"keys":', JSON.stringify(good)]) {
    assert.throws(() => parseProviderKeys(document), { code: 'InvalidParameterException' }, document)
  }
})
