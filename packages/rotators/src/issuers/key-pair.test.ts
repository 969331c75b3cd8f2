import assert from 'node:assert/strict'
import { createPrivateKey, createPublicKey, generateKeyPairSync, randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify, SignJWT } from 'jose'
import type { PendingRun, Run, SecretValue } from '../rotator.ts'
import { testIo } from '../testing/io.ts'
import { refusal } from '../testing/refusals.ts'
import { unfitRsaKey } from '../testing/rsa.ts'
import { keyPair } from './key-pair.ts'

const io = testIo()
const runOn = (current: SecretValue, options: Run['options'] = {}): Run => ({
  current,
  versionId: randomUUID(),
  options,
  resumed: false,
})
const next = (current: SecretValue, options: Run['options'] = {}) => keyPair.create(runOn(current, options), io)
const setOf = ({ jwks }: SecretValue) => jwks as JSONWebKeySet
const kidsOf = (value: SecretValue) => setOf(value).keys.map(({ kid }) => kid)

/** As an application signs with what the secret has. */
const signed = ({ privateKey, kid, alg }: SecretValue): Promise<string> =>
  new SignJWT({ sub: 'who' })
    .setProtectedHeader({ alg: String(alg), kid: String(kid) })
    .setExpirationTime('1h')
    .sign(createPrivateKey(String(privateKey)))

const verifies = async (token: string, jwks: JSONWebKeySet): Promise<void> => {
  const { payload } = await jwtVerify(token, createLocalJWKSet(jwks))
  assert.equal(payload.sub, 'who')
}

for (const [options, type] of [
  [{ alg: 'RS256', modulusLength: '2048' }, 'rsa'],
  [{ alg: 'PS256', modulusLength: '2048' }, 'rsa'],
  [{ alg: 'ES256' }, 'ec'],
  [{ alg: 'ES384' }, 'ec'],
  [{ alg: 'ES512' }, 'ec'],
  [{ alg: 'EdDSA' }, 'ed25519'],
] as const) {
  test(`${options.alg}: every key is in the set before it signs and after, and a verifier one rotation behind or ahead knows it`, async () => {
    const versions = [await next({ note: 'kept' }, options)]
    for (let turn = 0; turn < 3; turn++) versions.push(await next(versions.at(-1)!, options))
    for (const [at, value] of versions.entries()) {
      assert.equal(createPrivateKey(String(value.privateKey)).asymmetricKeyType, type)
      const publicPem = createPublicKey(String(value.privateKey)).export({ type: 'spki', format: 'pem' })
      assert.deepEqual([value.publicKey, value.alg, value.note], [publicPem, options.alg, 'kept'])
      assert.ok(!JSON.stringify(setOf(value)).includes('"d":'))
      const token = await signed(value)
      for (const seen of versions.slice(Math.max(0, at - 1), at + 2)) await verifies(token, setOf(seen))
      if (at === 0) continue
      const run: PendingRun = { ...runOn(versions[at - 1]!), pending: value }
      await keyPair.test(run, io)
      assert.deepEqual(
        (await keyPair.settle!(run, io)).map(({ level }) => level),
        ['ok'],
      )
    }
    assert.equal(setOf(versions[3]!).keys.length, 3)
    assert.equal(new Set(versions.map(({ kid }) => kid)).size, 4)
    await assert.rejects(verifies(await signed(versions[0]!), setOf(versions[2]!)))
  })
}

test('as many keys of before stay in the set as are asked for, and a version that comes back verifies what was signed', async () => {
  const options = { previousKeys: '3' }
  const versions = [await next({}, options)]
  for (let turn = 0; turn < 5; turn++) versions.push(await next(versions.at(-1)!, options))
  const signers = versions.map(({ kid }) => kid)
  assert.deepEqual(
    kidsOf(versions[5]!).toSpliced(1, 1),
    [5, 4, 3, 2].map((at) => signers[at]),
  )
  const after = await next(versions[4]!, options)
  assert.equal(after.kid, signers[5])
  for (const value of versions.slice(2)) await verifies(await signed(value), setOf(after))
})

test('another algorithm is for the key after the next, which verifiers know by then', async () => {
  const first = await next({}, { alg: 'ES256' })
  const second = await next(first, { alg: 'EdDSA' })
  const third = await next(second, { alg: 'EdDSA' })
  assert.deepEqual(
    [first, second, third].map(({ alg }) => alg),
    ['ES256', 'ES256', 'EdDSA'],
  )
  for (const value of [first, second, third]) await verifies(await signed(value), setOf(second))
})

test('a key that was there is kept in the set, and the first rotation says that nobody has seen the other', async () => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  const own = { privateKey: pem }
  const findings = await keyPair.dryRun(runOn(own), io)
  assert.deepEqual(
    findings.map(({ level }) => level),
    ['ok', 'ok', 'warning'],
  )
  const pending = await next(own)
  assert.equal(setOf(pending).keys.length, 3)
  const kid = kidsOf(pending)[2]
  const token = await new SignJWT({ sub: 'who' }).setProtectedHeader({ alg: 'ES256', kid: kid! }).sign(privateKey)
  await verifies(token, setOf(pending))
  assert.equal((await keyPair.settle!({ ...runOn(own), pending }, io))[0]!.level, 'warning')
})

test('nothing but public halves is published, and only where the options say so', async () => {
  const value = await next({})
  const jwk = createPrivateKey(String(value.privateKey)).export({ format: 'jwk' })
  const careless = { ...value, jwks: { keys: [{ ...jwk, kid: value.kid, alg: value.alg, extra: 'x' }] } }
  assert.equal(keyPair.published!(careless, {}), undefined)
  assert.equal(keyPair.published!({}, { publish: 'true' }), undefined)
  const { keys } = JSON.parse(keyPair.published!(careless, { publish: 'true' })!)
  assert.deepEqual(Object.keys(keys[0]).sort(), ['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y'])
})

test('what is no key, or no such option, is told before anything is made, without what it is', async () => {
  const weak = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey
  const other = generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).privateKey
  const locked = generateKeyPairSync('ed25519').privateKey
  const pem = (key: typeof weak) => key.export({ type: 'pkcs8', format: 'pem' })
  const cipher = { cipher: 'aes-256-cbc', passphrase: 'x' } as const
  const cases: readonly (readonly [SecretValue, Run['options'], RegExp])[] = [
    [{ privateKey: 'hunter2' }, {}, /privateKey is not the PEM of a private key without a passphrase/],
    [{ privateKey: 5 }, {}, /privateKey is not PEM/],
    [{ nextPrivateKey: pem(weak) }, {}, /nextPrivateKey is neither RSA of 2048 to 8192 bits/],
    [{ privateKey: unfitRsaKey(8_208) }, {}, /privateKey is neither RSA/],
    [{ privateKey: pem(other) }, {}, /privateKey is neither RSA/],
    [{ privateKey: locked.export({ type: 'pkcs8', format: 'pem', ...cipher }) }, {}, /without a passphrase/],
    [{ jwks: [] }, {}, /jwks is not a set of at most 10 keys/],
    [{ jwks: { keys: [{ kty: 'oct', k: 'aaaa', kid: 'a', alg: 'HS256' }] } }, {}, /something else than a public key/],
    [{}, { alg: 'HS256' }, /The option alg is none of RS256/],
    [{}, { modulusLength: '1024' }, /The option modulusLength is none of 2048/],
    [{}, { previousKeys: '9' }, /The option previousKeys is not a number from 1 to 8/],
    [{}, { publish: 'yes' }, /The option publish is neither true nor false/],
  ]
  for (const [value, options, message] of cases) {
    assert.throws(
      () => keyPair.check(value, options),
      (error: Error) => message.test(error.message) && !error.message.includes('hunter2'),
      String(message),
    )
  }
  const [good, stranger] = [await next({}), await next({})]
  await assert.rejects(
    keyPair.test({ ...runOn(good), pending: { ...good, jwks: stranger.jwks } }, io),
    /is not verified/,
  )
  await assert.rejects(
    keyPair.test({ ...runOn(good), pending: { ...good, privateKey: unfitRsaKey(2048) } }, io),
    refusal('secret', /privateKey does not sign/),
  )
})
