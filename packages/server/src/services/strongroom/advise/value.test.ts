// What values and names are taken for, each with what is near and is not.

import assert from 'node:assert/strict'
import { createSecretKey, randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { fieldOf, isProduction, namesDatabase, saysSecret, userPattern } from './names.ts'
import { type Fingerprints, factsOf } from './value.ts'

const newFingerprints = (): Fingerprints => ({
  key: createSecretKey(randomBytes(32)),
  nonce: randomBytes(32),
  bytesMin: 8,
})
const prints = newFingerprints()
const facts = (value: string | object, name = 'app/thing', using = prints) =>
  factsOf(
    { kind: 'string', bytes: Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)) },
    name,
    using,
  )

test('plain configuration is what a few words, numbers and addresses make; whatever could be a secret is not', () => {
  const plain = [
    ...[
      'true',
      'OFF',
      'info',
      'production',
      'eu-central-1',
      '8080',
      '-3.5',
      '30s',
      '10.0.0.1',
      '10.0.0.0/8',
      '10.0.0.1:5432',
    ],
    ...['db.example.com', 'cache.internal:6379', 'https://api.example.com/v1/orders', 'http://localhost:8080/'],
    { level: 'debug', retries: 3, nested: { hosts: ['a.example.com', 'b.example.com'] }, on: true, none: null },
  ]
  for (const value of plain) assert.ok(facts(value).isConfiguration, JSON.stringify(value))
  const secret = [
    ...['hunter2', 'correct horse', 'a', '482913', 'Tr0ub4dor', '-----BEGIN PRIVATE KEY-----', 'AKIAIOSFODNN7EXAMPLE'],
    'https://user:pass@example.com/',
    'https://hooks.example.com/services/T00/B00/XyZ1234',
    'https://api.example.com/?token=abc',
    'https://api.example.com/f3a9c1d2e4b5',
    'postgres://shop:pw@db.example.com/shop',
    'abcdef0123.example.com9',
    {},
    [],
    { level: 'debug', password: 'debug' },
    { level: 'debug', clientSecret: 'info' },
    { level: 'debug', note: 'x7Kp' },
    { id: 123_456_789 },
    '{"level": "debug"',
  ]
  for (const value of secret) assert.ok(!facts(value).isConfiguration, JSON.stringify(value))
  for (const name of ['app/pin', 'door-code', 'apiKey', 'db/password', 'admin_token'])
    assert.ok(!facts('8080', name).isConfiguration, name)
  assert.ok(!factsOf({ kind: 'binary', bytes: Buffer.from('true') }, 'flag', prints).isConfiguration)
})

test('credentials of a database are known by their fields or as a URL', () => {
  const login = { username: 'shop', password: 'pw' }
  for (const value of [
    { ...login, engine: 'mysql' },
    { ...login, host: 'db' },
    { ...login, dbInstanceIdentifier: 'orders' },
    'postgres://shop:pw@db.example.com/shop',
  ])
    assert.ok(facts(value).isDatabase, JSON.stringify(value))
  for (const value of [
    login,
    { password: 'pw', host: 'db' },
    { ...login, password: '', host: 'db' },
    [{ ...login, host: 'db' }],
    'postgres://db.example.com/shop',
    'https://shop:pw@db.example.com/',
  ])
    assert.ok(!facts(value).isDatabase, JSON.stringify(value))
})

test('a value that is made to take long is looked at as quickly as any, and one that is nested very deeply is compared byte by byte', () => {
  const started = performance.now()
  assert.ok(!facts(`postgres://${':'.repeat(65_500)}`).isDatabase)
  assert.ok(!facts(`postgres://${'a:'.repeat(32_700)}`).isDatabase)
  assert.ok(performance.now() - started < 2_000)

  const deep = (inner: string) => `{"a":${'['.repeat(32_000)}{"0":${inner}}${']'.repeat(32_000)}}`
  assert.equal(facts(deep('1')).fingerprint, facts(deep('1')).fingerprint)
  assert.notEqual(facts(deep('1')).fingerprint, facts(deep('2')).fingerprint)
})

test('tokens are long, without white space, of letters and digits, or fields that say so', () => {
  for (const value of [
    'ghp_0123456789abcdefghij',
    'eyJhbGciOiJIUzI1NiJ9.e30.ZRrHA1JJJW8opsbCGfG_HACGpVUMN_a9IV7pAx_Zmeo',
    { access_token: 'x'.repeat(16) },
    { refreshToken: 'y'.repeat(40), scope: 'all' },
  ])
    assert.ok(facts(value).isToken, JSON.stringify(value))
  for (const value of [
    'short1',
    'only-letters-and-nothing-else',
    '01234567890123456789',
    'a sentence with 3 or more words in it',
    'https://example.com/0123456789',
    { tokenizer: 'x'.repeat(16) },
    { token: 'short' },
    { username: 'a', password: 'b'.repeat(30) },
  ])
    assert.ok(!facts(value).isToken, JSON.stringify(value))
})

test('fingerprints are those of equal values within one report, and of nothing between two', () => {
  const { fingerprint } = facts('a-secret-value')
  assert.match(fingerprint!, /^[A-Za-z0-9+/]{43}=$/)
  assert.equal(facts('a-secret-value').fingerprint, fingerprint)
  assert.notEqual(facts('a-secret-valuE').fingerprint, fingerprint)
  assert.notEqual(facts('a-secret-value', 'app', { ...prints, nonce: randomBytes(32) }).fingerprint, fingerprint)
  assert.notEqual(facts('a-secret-value', 'app', newFingerprints()).fingerprint, fingerprint)
  assert.equal(facts('7 bytes').fingerprint, undefined)
  assert.equal(facts('{"a":"1", "b":"2"}').fingerprint, facts('{"b":"2","a":"1"}').fingerprint)
  assert.notEqual(facts('{"a":"1","b":"2"}').fingerprint, facts('{"a":"2","b":"1"}').fingerprint)
})

test('production is said by a tag of the stage, else by whole words of the name', () => {
  const at = (name: string, ...tags: readonly [string, string][]) =>
    isProduction({ name, tags: tags.map(([key, value]) => ({ key, value })) })
  for (const name of ['prod/db', 'shop-production', 'db.prd', 'prod1/x', 'shopProd', 'LIVE_db'])
    assert.ok(at(name), name)
  for (const name of ['nonprod/db', 'non-prod/db', 'pre-production/db', 'product/db', 'reproduce', 'staging', 'olive'])
    assert.ok(!at(name), name)
  assert.ok(at('orders', ['Environment', 'Production']))
  assert.ok(!at('prod/copy', ['env', 'staging']))
  assert.ok(!at('orders', ['note', 'prod']))
})

test('names tell fields, databases, users and what is secret by whole words', () => {
  assert.deepEqual(fieldOf('prod/db/password'), { stem: 'prod/db', field: 'password' })
  assert.deepEqual(fieldOf('shop_DB_USER'), { stem: 'shop_DB', field: 'username' })
  for (const name of ['password', 'db/password2', 'dbpassword', 'db/keyhost', 'db/constructor'])
    assert.equal(fieldOf(name), undefined, name)
  for (const name of ['shop/postgres', 'orders-db', 'rds2/x']) assert.ok(namesDatabase(name), name)
  for (const name of ['dbx/y', 'adb', 'redistribute']) assert.ok(!namesDatabase(name), name)
  for (const name of ['api_key', 'userPassword', 'x/TOKEN']) assert.ok(saysSecret(name), name)
  for (const name of ['keyboard', 'monkey', 'passenger', 'tokenizer']) assert.ok(!saysSecret(name), name)
  assert.equal(userPattern('users/alice/token'), 'users/{user}/token')
  assert.equal(userPattern('github-user-42'), 'github-user-{user}')
  assert.equal(userPattern('t/alice@example.com'), 't/{user}')
  assert.equal(userPattern('t/7f1c6a52-5d83-4b0e-9d3a-0b8f5f6c7d81/x'), 't/{user}/x')
  for (const name of ['prod/db', 'username/x', 'superuser-1x', 'token'])
    assert.equal(userPattern(name), undefined, name)
})
