// What `--root-key` says of another KMS and of a token.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadConfig } from './config.ts'

const place = (rootKey: string, environment: { [name: string]: string } = {}) =>
  loadConfig({ rootKey }, environment).rootKeys[0]!

test('a key of another KMS is named with its region, its endpoint and its credentials', () => {
  const arn = 'arn:aws:kms:eu-west-1:111122223333:key/1234'
  assert.deepEqual(place(`aws-kms:${arn}?credentials=/etc/keys&profile=a%26b`).settings, {
    key: arn,
    region: 'eu-west-1',
    credentials: '/etc/keys',
    profile: 'a&b',
  })
  const given = place(
    'aws-kms:alias/root?region=eu-central-1&credentials=credential:kms&endpoint=https://kms:4650&ca=/ca',
    {
      CREDENTIALS_DIRECTORY: '/run/c',
    },
  )
  assert.equal(given.settings.credentials, '/run/c/kms')
  assert.equal(given.settings.endpoint, 'https://kms:4650')
  assert.equal(given.text, '')
})

test('a token is named as RFC 7512 does, and its PIN never stands there', () => {
  const uri = 'pkcs11:token=My%20token;object=root?module-path=/usr/lib/p11.so&pin-source='
  assert.deepEqual(place(`${uri}file:/etc/pin`).settings, {
    token: 'My token',
    object: 'root',
    'module-path': '/usr/lib/p11.so',
    'pin-source': '/etc/pin',
  })
  const environment = { PIN: '123456' }
  assert.equal(place(`${uri}env:PIN`, environment).text, '123456')
  assert.deepEqual(environment, {})
  const mistakes: readonly (readonly [string, RegExp])[] = [
    [
      'pkcs11:token=t;object=o?module-path=/m&pin-value=123456',
      /^--root-key pkcs11: may not hold a PIN: give pin-source=$/,
    ],
    ['pkcs11:token=t?module-path=/m&pin-source=/p', / lacks object=$/],
    [`${uri}env:NONE`, / needs the variable NONE: put the PIN in it$/],
    [`${uri}pin`, /: pin-source= needs an absolute path$/],
    ['aws-kms:alias/root?credentials=/c', / lacks region=$/],
    ['aws-kms:k?region=r', / lacks credentials=$/],
    ['aws-kms:k?region=r&region=s&credentials=/c', / has "region", unknown or twice: give /],
    ['aws-kms:k?region=r&credentials=/c&colour=red', / has "colour", unknown or twice: give /],
    ['aws-kms:k?region=%zz&credentials=/c', / has a value of "region" that is not percent-encoded$/],
    ['aws-kms:k?region=r&credentials=credential:../x', /needs CREDENTIALS_DIRECTORY/],
    ['shamir:5', / is not allowed: give /],
  ]
  for (const [rootKey, message] of mistakes)
    assert.throws(
      () => place(rootKey),
      (error: Error) => message.test(error.message) && !error.message.includes('123456'),
      rootKey,
    )
})

test('several root keys come in the order given, from the command line, the environment and the file alike', () => {
  const kinds = (config: ReturnType<typeof loadConfig>) => config.rootKeys.map(({ kind }) => kind)
  assert.deepEqual(kinds(loadConfig({ rootKey: ['shamir', 'file'] }, {})), ['shamir', 'file'])
  assert.deepEqual(kinds(loadConfig({}, { STRONGROOM_ROOT_KEY: 'env:K,shamir', K: 'x' })), ['env', 'shamir'])
  assert.deepEqual(kinds(loadConfig({}, {})), ['file'])
})
