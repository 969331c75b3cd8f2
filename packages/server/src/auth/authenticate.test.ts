// Every single change to a request signed by an official signer is refused, with AWS's code and words.

import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { describe, test } from 'node:test'
import { ServiceError } from '../errors.ts'
import { createAuthenticator, type FindSession } from './authenticate.ts'
import { MISMATCH } from './errors.ts'
import type { WireRequest } from './request.ts'
import {
  ACCESS_KEY_ID,
  createAttempt,
  GET_CALLER_IDENTITY,
  GET_SECRET_VALUE,
  IDENTITY,
  KEYS,
  NOW,
  SECRET,
  SECRETSMANAGER,
  SKEW_MS,
  STS,
  sign,
  signByHand,
  WAYS,
  type Way,
  withField,
  withHeader,
  withMoreHeaders,
} from './testing.ts'

const INVALID = 'InvalidSignatureException'
const INCOMPLETE = 'IncompleteSignatureException'
const UNRECOGNIZED = 'UnrecognizedClientException'
const INVALID_TOKEN = 'The security token included in the request is invalid.'

const attempt = createAttempt()

async function refused(trial: Promise<unknown>, code: string, message: string | RegExp, status = 400): Promise<void> {
  await assert.rejects(trial, (error) => {
    assert.ok(error instanceof ServiceError, String(error))
    if (typeof message === 'string') assert.equal(error.message, message)
    else assert.match(error.message, message)
    assert.deepEqual([error.code, error.status, error.messageKey], [code, status, 'message'])
    return true
  })
}

type Change = {
  readonly name: string
  readonly ways?: readonly Way[]
  readonly change: (request: WireRequest) => WireRequest
  readonly code: string
  readonly message: string | RegExp
}

const V4: readonly Way[] = ['header', 'query']
const IN_HEADER: readonly Way[] = ['header', 'header v4a']
const must = (header: string): string => `'${header}' must be a 'SignedHeader' in the AWS Authorization.`
const invalid = { code: INVALID, message: MISMATCH }
const list = (request: WireRequest, change: (names: string[]) => string[]): WireRequest =>
  withField(request, 'SignedHeaders', (names) => change(names.split(';')).join(';'))
const element = (request: WireRequest, fromEnd: number, value: string): WireRequest =>
  withField(request, 'Credential', (credential) => {
    const elements = credential.split('/')
    elements[elements.length - fromEnd] = value
    return elements.join('/')
  })
const target = (request: WireRequest, change: (target: string) => string): WireRequest => ({
  ...request,
  target: change(request.target),
})
const hashed = (header: string): string => hash('sha256', header, 'base64')
const sign64 = (): string => 'a'.repeat(64)

const CHANGES: readonly Change[] = [
  // What is signed.
  { name: 'another method', change: (r) => ({ ...r, method: 'PUT' }), ...invalid },
  { name: 'another path', change: (r) => target(r, (t) => t.replace('/', '/x')), ...invalid },
  {
    name: 'an added query parameter',
    change: (r) => target(r, (t) => `${t}${t.includes('?') ? '&' : '?'}a=b`),
    ...invalid,
  },
  { name: 'a changed body', change: (r) => ({ ...r, body: Buffer.from('{"SecretId":"prod/databasf"}') }), ...invalid },
  { name: 'an emptied body', change: (r) => ({ ...r, body: Buffer.alloc(0) }), ...invalid },
  { name: 'a changed header', change: (r) => withHeader(r, 'x-note', () => 'two wards'), ...invalid },
  { name: 'another host', change: (r) => withHeader(r, 'host', () => '127.0.0.1:4651'), ...invalid },
  {
    name: 'another operation',
    change: (r) => withHeader(r, 'x-amz-target', () => 'secretsmanager.DeleteSecret'),
    ...invalid,
  },
  { name: 'another content type', change: (r) => withHeader(r, 'content-type', () => 'application/json'), ...invalid },
  { name: 'a signed header removed', change: (r) => withHeader(r, 'x-note', () => undefined), ...invalid },
  { name: 'the target removed', change: (r) => withHeader(r, 'x-amz-target', () => undefined), ...invalid },
  { name: 'the host removed', change: (r) => withHeader(r, 'host', () => undefined), ...invalid },
  { name: 'a signed header doubled', change: (r) => withMoreHeaders(r, 'X-Note', 'two  words'), ...invalid },
  { name: 'a header beyond latin1', change: (r) => withHeader(r, 'x-note', () => 'two \u0177ords'), ...invalid },

  // Headers that may stand only once.
  ...[
    'Host',
    'X-Amz-Target',
    'Content-Type',
    'X-Amz-Content-Sha256',
    'Content-Length',
    'Date',
    'X-Amz-Security-Token',
  ].map((name) => ({
    name: `a second ${name}`,
    change: (r: WireRequest) =>
      withMoreHeaders(
        withHeader(r, name.toLowerCase(), (value) => value ?? 'x'),
        name,
        'x',
      ),
    code: INCOMPLETE,
    message: `Found more than one '${name.toLowerCase()}' HTTP header.`,
  })),
  ...['Authorization', 'X-Amz-Date'].map((name) => ({
    name: `a second ${name}`,
    ways: IN_HEADER,
    change: (r: WireRequest) => withMoreHeaders(r, name, 'x'),
    code: INCOMPLETE,
    message: `Found more than one '${name.toLowerCase()}' HTTP header.`,
  })),

  // The list of signed headers.
  {
    name: 'the host not in the list',
    change: (r) => list(r, (names) => names.filter((name) => name !== 'host')),
    code: INVALID,
    message: "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.",
  },
  {
    name: 'the target not in the list',
    change: (r) => list(r, (names) => names.filter((name) => name !== 'x-amz-target')),
    code: INVALID,
    message: must('X-Amz-Target'),
  },
  {
    name: 'the date not in the list',
    ways: IN_HEADER,
    change: (r) => list(r, (names) => names.filter((name) => name !== 'x-amz-date')),
    code: INVALID,
    message: must('X-Amz-Date'),
  },
  {
    name: 'the payload hash not in the list',
    ways: IN_HEADER,
    change: (r) => list(r, (names) => names.filter((name) => name !== 'x-amz-content-sha256')),
    code: INVALID,
    message: must('X-Amz-Content-Sha256'),
  },
  {
    name: 'the region set not in the list',
    ways: ['header v4a'],
    change: (r) => list(r, (names) => names.filter((name) => name !== 'x-amz-region-set')),
    code: INVALID,
    message: must('X-Amz-Region-Set'),
  },
  {
    name: 'another header not in the list',
    change: (r) => list(r, (names) => names.filter((n) => n !== 'x-note')),
    ...invalid,
  },
  {
    name: 'an unsigned header in the list',
    change: (r) => list(r, (names) => [...names, 'user-agent'].sort()),
    ...invalid,
  },
  { name: 'an absent header in the list', change: (r) => list(r, (names) => [...names, 'x-zero']), ...invalid },
  { name: 'the list in another order', change: (r) => list(r, (names) => names.reverse()), ...invalid },
  { name: 'a name doubled in the list', change: (r) => list(r, (names) => [...names, names.at(-1)!]), ...invalid },
  {
    name: 'capitals in the list',
    change: (r) => list(r, ([first, ...names]) => [first!.toUpperCase(), ...names]),
    ...invalid,
  },
  { name: 'a semicolon after the list', change: (r) => list(r, (names) => [...names, '']), ...invalid },
  { name: 'a line feed in the list', change: (r) => list(r, (names) => [...names, 'x-z\nx']), ...invalid },
  {
    name: 'a session token added and not signed',
    change: (r) => withMoreHeaders(r, 'X-Amz-Security-Token', 'token'),
    code: INVALID,
    message: must('X-Amz-Security-Token'),
  },

  // The scope.
  {
    name: 'an unknown access key',
    change: (r) => withField(r, 'Credential', (c) => c.replace(ACCESS_KEY_ID, 'AKIAUNKNOWNEXAMPLE00')),
    code: UNRECOGNIZED,
    message: INVALID_TOKEN,
  },
  {
    name: 'an inactive access key',
    change: (r) => withField(r, 'Credential', (c) => c.replace(ACCESS_KEY_ID, 'AKIAINACTIVEEXAMPLE0')),
    code: UNRECOGNIZED,
    message: INVALID_TOKEN,
  },
  {
    name: 'an access key that is none',
    change: (r) => withField(r, 'Credential', (c) => c.replace(ACCESS_KEY_ID, 'test')),
    code: UNRECOGNIZED,
    message: INVALID_TOKEN,
  },
  {
    name: 'a temporary access key without a token',
    change: (r) => withField(r, 'Credential', (c) => c.replace('AKIA', 'ASIA')),
    code: UNRECOGNIZED,
    message: INVALID_TOKEN,
  },
  {
    name: 'another date in the scope',
    change: (r) => withField(r, 'Credential', (c) => c.replace('20260314', '20260313')),
    code: INVALID,
    message:
      "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '20260313' != '20260314', from '20260314T150926Z'.",
  },
  { name: 'another region', ways: V4, change: (r) => element(r, 3, 'eu-central-2'), ...invalid },
  ...['nowhere', 'eu-central-', 'EU-central-1', `${'a-'.repeat(20)}1`].map((region) => ({
    name: `the region ${region}`,
    ways: V4,
    change: (r: WireRequest) => element(r, 3, region),
    code: INVALID,
    message: `Credential should be scoped to a valid region, not '${region}'.`,
  })),
  {
    name: 'another service',
    change: (r) => element(r, 2, 'kms'),
    code: INVALID,
    message: "Credential should be scoped to correct service: 'secretsmanager'.",
  },
  {
    name: 'another terminator',
    change: (r) => element(r, 1, 'aws3_request'),
    code: INVALID,
    message: "Credential should be scoped with a valid terminator: 'aws4_request', not 'aws3_request'.",
  },
  {
    name: 'another service and terminator',
    change: (r) => element(element(r, 2, 'kms'), 1, 'x'),
    code: INVALID,
    message:
      "Credential should be scoped to correct service: 'secretsmanager'. Credential should be scoped with a valid terminator: 'aws4_request', not 'x'.",
  },
  {
    name: 'a longer credential',
    ways: V4,
    change: (r) => withField(r, 'Credential', (c) => `x/${c}`),
    code: INCOMPLETE,
    message: `Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got 'x/${ACCESS_KEY_ID}/20260314/eu-central-1/secretsmanager/aws4_request'`,
  },
  {
    name: 'a shorter credential',
    ways: V4,
    change: (r) => withField(r, 'Credential', () => 'foo'),
    code: INCOMPLETE,
    message: "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got 'foo'",
  },
  {
    name: 'a region in a SigV4a credential',
    ways: ['header v4a'],
    change: (r) => withField(r, 'Credential', (c) => c.replace('/secrets', '/eu-central-1/secrets')),
    code: INCOMPLETE,
    message: /^Credential must have exactly 4 slash-delimited elements, e\.g\. keyid\/date\/service\/term, got 'AKIA/,
  },
  {
    name: 'another region set',
    ways: ['header v4a'],
    change: (r) => withField(r, 'Region-Set', () => '*'),
    ...invalid,
  },
  {
    name: 'a region set without a region',
    ways: ['header v4a'],
    change: (r) => withField(r, 'Region-Set', () => 'ap-*'),
    code: INVALID,
    message: "Credential should be scoped to a valid region, not 'ap-*'.",
  },
  {
    name: 'no region set',
    ways: ['header v4a'],
    change: (r) => withHeader(r, 'x-amz-region-set', () => undefined),
    code: INCOMPLETE,
    message: /^Authorization header requires existence of a 'X-Amz-Region-Set' header\. \(Hashed/,
  },

  // The signature and the algorithm.
  { name: 'the signature of nothing', change: (r) => withField(r, 'Signature', sign64), ...invalid },
  { name: 'a signature cut short', change: (r) => withField(r, 'Signature', (s) => s.slice(2)), ...invalid },
  { name: 'a signature made longer', change: (r) => withField(r, 'Signature', (s) => `${s}00`), ...invalid },
  { name: 'a signature in capitals', change: (r) => withField(r, 'Signature', (s) => s.toUpperCase()), ...invalid },
  {
    name: 'a signature that is not hexadecimal',
    change: (r) => withField(r, 'Signature', (s) => `${s.slice(1)}g`),
    ...invalid,
  },
  {
    name: 'another algorithm',
    change: (r) => withField(r, 'Algorithm', () => 'AWS4-HMAC-SHA512'),
    code: INCOMPLETE,
    message: "Unsupported AWS 'algorithm': 'AWS4-HMAC-SHA512'.",
  },
  {
    name: 'SigV4 for SigV4a',
    ways: ['header v4a'],
    change: (r) => withField(r, 'Algorithm', () => 'AWS4-HMAC-SHA256'),
    code: INCOMPLETE,
    message: /^Credential must have exactly 5/,
  },
  {
    name: 'SigV4a for SigV4',
    ways: ['header'],
    change: (r) => withField(r, 'Algorithm', () => 'AWS4-ECDSA-P256-SHA256'),
    code: INCOMPLETE,
    message: /^Authorization header requires existence of a 'X-Amz-Region-Set' header\./,
  },
  {
    name: 'SigV4a for SigV4',
    ways: ['query'],
    change: (r) => withField(r, 'Algorithm', () => 'AWS4-ECDSA-P256-SHA256'),
    code: INCOMPLETE,
    message: "AWS query-string parameters must include 'X-Amz-Region-Set'. Re-examine the query-string parameters.",
  },

  // The time.
  { name: 'a second later', change: (r) => withField(r, 'Date', () => '20260314T150927Z'), ...invalid },
  ...['20260314', '2026-03-14T15:09:26Z', '20260229T150926Z', '20260314T240000Z', 'zzz'].map((date) => ({
    name: `the date ${date}`,
    change: (r: WireRequest) => withField(r, 'Date', () => date),
    code: INCOMPLETE,
    message: `Date must be in ISO-8601 'basic format'. Got '${date}'. See http://en.wikipedia.org/wiki/ISO_8601`,
  })),
  {
    name: 'no date',
    ways: ['header'],
    change: (r) => withHeader(r, 'x-amz-date', () => undefined),
    code: INCOMPLETE,
    message: /^Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header\. \(Hashed/,
  },

  // The payload hash that S3 would take instead.
  ...[
    'UNSIGNED-PAYLOAD',
    'STREAMING-AWS4-HMAC-SHA256-PAYLOAD',
    'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
    hash('sha256', ''),
  ].map((value) => ({
    name: `the payload hash ${value}`,
    ways: IN_HEADER,
    change: (r: WireRequest) => withHeader(r, 'x-amz-content-sha256', () => value),
    ...invalid,
  })),
  {
    name: 'an unsigned payload hash',
    ways: ['query'],
    change: (r) => withMoreHeaders(r, 'x-amz-content-sha256', 'UNSIGNED-PAYLOAD'),
    code: INVALID,
    message: must('X-Amz-Content-Sha256'),
  },

  // Where the signature stands.
  {
    name: 'an Authorization header besides',
    ways: ['query'],
    change: (r) => withMoreHeaders(r, 'authorization', 'AWS4-HMAC-SHA256 Credential=x'),
    code: INVALID,
    message: "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header.",
  },
  ...['X-Amz-Algorithm=AWS4-HMAC-SHA256', 'X-Amz-Signature=00', 'X%2DAmz%2DCredential=a'].map((parameter) => ({
    name: `${parameter} in the query besides`,
    ways: IN_HEADER,
    change: (r: WireRequest) => target(r, (t) => `${t}?${parameter}`),
    code: INVALID,
    message: "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header.",
  })),
  {
    name: 'no Authorization header',
    ways: IN_HEADER,
    change: (r) => withHeader(r, 'authorization', () => undefined),
    code: 'MissingAuthenticationTokenException',
    message: 'Missing Authentication Token',
  },
  {
    name: 'no query',
    ways: ['query'],
    change: (r) => target(r, () => '/'),
    code: 'MissingAuthenticationTokenException',
    message: 'Missing Authentication Token',
  },
  {
    name: 'an empty Authorization header',
    ways: IN_HEADER,
    change: (r) => withHeader(r, 'authorization', () => ' '),
    code: 'MissingAuthenticationTokenException',
    message: 'Missing Authentication Token',
  },

  // The grammar.
  {
    name: 'another scheme',
    ways: IN_HEADER,
    change: (r) => withHeader(r, 'authorization', () => 'Bearer abc'),
    code: INCOMPLETE,
    message: `Invalid key=value pair (missing equal-sign) in Authorization header (hashed with SHA-256 and encoded with Base64): '${hashed('Bearer abc')}'.`,
  },
  {
    name: 'nothing but a scheme',
    ways: ['header'],
    change: (r) =>
      withHeader(
        withHeader(r, 'authorization', () => 'AWS4-HMAC-SHA256'),
        'x-amz-date',
        () => undefined,
      ),
    code: INCOMPLETE,
    message:
      "Authorization header requires 'Credential' parameter. Authorization header requires 'Signature' parameter. " +
      "Authorization header requires 'SignedHeaders' parameter. Authorization header requires existence of either a " +
      `'X-Amz-Date' or a 'Date' header. (Hashed with SHA-256 and encoded with Base64) Authorization=${hashed('AWS4-HMAC-SHA256')}`,
  },
  ...['Credential', 'SignedHeaders', 'Signature'].map((field) => ({
    name: `no ${field}`,
    ways: IN_HEADER,
    change: (r: WireRequest) =>
      withHeader(r, 'authorization', (header) => header!.replace(new RegExp(`${field}=[^,]*`), `${field}=`)),
    code: INCOMPLETE,
    message: new RegExp(`^Authorization header requires '${field}' parameter\\. \\(Hashed`),
  })),
  ...['Signature=00', 'Credential=x', 'Nonce=1'].map((field) => ({
    name: `${field} besides`,
    ways: IN_HEADER,
    change: (r: WireRequest) => withHeader(r, 'authorization', (header) => `${header}, ${field}`),
    code: INCOMPLETE,
    message: new RegExp(
      `^Authorization header has an unknown or repeated '${field.split('=')[0]}' parameter\\. \\(Hashed`,
    ),
  })),
  ...['Algorithm', 'Credential', 'Signature', 'SignedHeaders', 'Date'].map((field) => ({
    name: `no X-Amz-${field}`,
    ways: ['query'] as const,
    change: (r: WireRequest) => target(r, (t) => t.replace(new RegExp(`X-Amz-${field}=[^&]*`), 'x=y')),
    code: INCOMPLETE,
    message: `AWS query-string parameters must include 'X-Amz-${field}'. Re-examine the query-string parameters.`,
  })),
  ...[
    'Algorithm=AWS4-HMAC-SHA256',
    'Credential=a',
    'Signature=00',
    'SignedHeaders=host',
    'Date=x',
    'Expires=604800',
  ].map((parameter) => ({
    name: `X-Amz-${parameter} besides`,
    ways: ['query'] as const,
    change: (r: WireRequest) => target(r, (t) => `${t}&X-Amz-${parameter}`),
    code: INCOMPLETE,
    message: `AWS query-string parameters must not include 'X-Amz-${parameter.split('=')[0]}' more than once. Re-examine the query-string parameters.`,
  })),
  {
    name: 'a longer life',
    ways: ['query'],
    change: (r) => target(r, (t) => t.replace('Expires=900', 'Expires=901')),
    ...invalid,
  },
  {
    name: 'no expiry',
    ways: ['query'],
    change: (r) => target(r, (t) => t.replace('X-Amz-Expires=900', 'x=y')),
    ...invalid,
  },
  {
    name: 'a life of more than a week',
    ways: ['query'],
    change: (r) => target(r, (t) => t.replace('Expires=900', 'Expires=604801')),
    code: INCOMPLETE,
    message: /^X-Amz-Expires must be less than a week/,
  },
  ...['-1', '1e3', '', '99999999999'].map((expires) => ({
    name: `a life of '${expires}' seconds`,
    ways: ['query'] as const,
    change: (r: WireRequest) => target(r, (t) => t.replace('Expires=900', `Expires=${expires}`)),
    code: INCOMPLETE,
    message: 'X-Amz-Expires should be a number',
  })),
  {
    name: 'a percent sign that is no escape',
    change: (r) => target(r, (t) => `${t}${t.includes('?') ? '&' : '?'}a=%4`),
    code: INCOMPLETE,
    message: 'Illegal hex character in escape % pattern: %4',
  },
  {
    name: 'more headers than anyone sends',
    change: (r) => withMoreHeaders(r, ...Array.from({ length: 128 }, (_, at) => [`x-${at}`, '']).flat()),
    code: INCOMPLETE,
    message: 'Request must not have more than 128 headers.',
  },
]

for (const way of WAYS)
  describe(`a request signed in the ${way}`, () => {
    test('is that of its signer, in the region of its scope', async () => {
      const { identity, region, signedHeaders } = await attempt(await sign(way))
      assert.equal(identity, IDENTITY)
      assert.equal(region, 'eu-central-1')
      assert.ok(signedHeaders.includes('x-amz-target') && !signedHeaders.includes('user-agent'))
    })

    for (const { name, change, code, message } of CHANGES.filter(({ ways }) => ways?.includes(way) ?? true))
      test(`is refused with ${name}`, async () => {
        const request = await sign(way)
        await attempt(request)
        await refused(attempt(change(request)), code, message)
      })

    test('is refused with any digit of its signature changed', async () => {
      const request = await sign(way)
      const length = { header: 64, query: 64, 'header v4a': 140 }[way]
      for (let at = 0; at < length; at++)
        for (const flip of [1, 8]) {
          const changed = withField(request, 'Signature', (signature) => {
            const digit = (Number.parseInt(signature[at]!, 16) ^ flip).toString(16)
            return signature.slice(0, at) + digit + signature.slice(at + 1)
          })
          assert.notDeepEqual(changed, request)
          await refused(attempt(changed), INVALID, MISMATCH)
        }
    })

    test('is refused with another secret, and does not spoil the key that is kept', async () => {
      const own = createAttempt()
      await refused(own(await sign(way, GET_SECRET_VALUE, { secret: 'other' })), INVALID, MISMATCH)
      assert.equal((await own(await sign(way))).identity, IDENTITY)
      await refused(own(await sign(way, GET_SECRET_VALUE, { secret: 'other' })), INVALID, MISMATCH)
    })

    test('may carry headers that a proxy added, and others unsigned', async () => {
      const request = withMoreHeaders(await sign(way), 'X-Forwarded-For', '10.0.0.1', 'x-amzn-trace-id', 'Root=1')
      assert.equal((await attempt(request)).identity, IDENTITY)
    })

    test('may come with its headers in any order and any case', async () => {
      const request = await sign(way)
      const rawHeaders: string[] = []
      for (let at = request.rawHeaders.length - 2; at >= 0; at -= 2)
        rawHeaders.push(request.rawHeaders[at]!.toUpperCase(), request.rawHeaders[at + 1]!)
      assert.equal((await attempt({ ...request, rawHeaders })).identity, IDENTITY)
    })

    test('is valid to the second within the skew of the clocks, and not beyond', async () => {
      const request = await sign(way)
      const life = way === 'query' ? 900_000 : 300_000
      const minutes = life / 60_000
      for (const now of [NOW - 300_000, NOW + life, NOW + life + 999])
        assert.equal((await attempt(request, SECRETSMANAGER, now)).identity, IDENTITY)
      const late = way === 'query' ? '152427Z' : '151427Z'
      await refused(
        attempt(request, SECRETSMANAGER, NOW + life + 1000),
        INVALID,
        `Signature expired: 20260314T150926Z is now earlier than 20260314T150927Z (20260314T${late} - ${minutes} min.)`,
      )
      await refused(
        attempt(request, SECRETSMANAGER, NOW - 301_000),
        INVALID,
        'Signature not yet current: 20260314T150926Z is still later than 20260314T150925Z (20260314T150425Z + 5 min.)',
      )
    })

    test('answers an unknown key before a wrong clock, and a wrong clock before a wrong signature', async () => {
      const wrong = withField(await sign(way), 'Signature', sign64)
      const late = NOW + 86_400_000
      await refused(attempt(wrong, SECRETSMANAGER, late), INVALID, /^Signature expired/)
      const unknown = withField(wrong, 'Credential', (c) => c.replace(ACCESS_KEY_ID, 'AKIAUNKNOWNEXAMPLE00'))
      await refused(attempt(unknown, SECRETSMANAGER, late), UNRECOGNIZED, INVALID_TOKEN)
    })

    test('is refused with a session token that nobody knows, and with one besides a long-term key ever', async () => {
      const findSession: FindSession = async () => ({ identity: IDENTITY, secretAccessKey: 'x', expiresMs: NOW + 1 })
      const temporary = await sign(way, GET_SECRET_VALUE, {
        accessKeyId: 'ASIAIOSFODNN7EXAMPLE',
        sessionToken: 'token',
      })
      await refused(attempt(temporary), UNRECOGNIZED, INVALID_TOKEN)
      const longTerm = await sign(way, GET_SECRET_VALUE, { sessionToken: 'token' })
      await refused(attempt(longTerm), UNRECOGNIZED, INVALID_TOKEN)
      await refused(createAttempt({}, { ...KEYS, findSession })(longTerm), UNRECOGNIZED, INVALID_TOKEN)
    })

    test('is that of its session while the token of that very access key lives', async () => {
      const options = { accessKeyId: 'ASIAIOSFODNN7EXAMPLE', sessionToken: 'a/+=token', secret: 'session' }
      const asked: string[][] = []
      const findSession: FindSession = async (token, accessKeyId) => {
        asked.push([token, accessKeyId])
        if (token !== options.sessionToken || accessKeyId !== options.accessKeyId) return undefined
        return { identity: IDENTITY, secretAccessKey: options.secret, expiresMs: NOW + 10_000 }
      }
      const open = createAttempt({}, { ...KEYS, findSession })
      const request = await sign(way, GET_SECRET_VALUE, options)
      assert.equal((await open(request)).identity, IDENTITY)
      assert.deepEqual(asked, [['a/+=token', 'ASIAIOSFODNN7EXAMPLE']])
      await refused(
        open(request, SECRETSMANAGER, NOW + 10_000),
        'ExpiredTokenException',
        'The security token included in the request is expired',
      )
      await refused(
        open(await sign(way, GET_SECRET_VALUE, { ...options, sessionToken: 'other' })),
        UNRECOGNIZED,
        INVALID_TOKEN,
      )
      await refused(open(await sign(way, GET_SECRET_VALUE, { ...options, secret: 'wrong' })), INVALID, MISMATCH)
    })

    test('explains a mismatch only where the operator asked for it', async () => {
      const request = { ...(await sign(way)), body: Buffer.from('{}') }
      await refused(attempt(request), INVALID, MISMATCH)
      const explaining = createAttempt({ explainMismatch: true })
      await refused(
        explaining(request),
        INVALID,
        /\n\nThe Canonical String for this request should have been\n'POST\n\/\n[\s\S]*x-note:two words\n[\s\S]*\n\nThe String-to-Sign should have been\n'AWS4-/,
      )
    })

    test('may name any service where nothing was found that could be asked for', async () => {
      assert.equal((await attempt(await sign(way), { service: undefined, protocol: 'json' })).identity, IDENTITY)
    })
  })

describe('a request whose signature is right but covers what it must not, or too little,', () => {
  const headers = { ...GET_SECRET_VALUE.headers, 'x-note': 'words' }
  const LIST = ['content-type', 'host', 'x-amz-content-sha256', 'x-amz-date', 'x-amz-target', 'x-note']
  const without = (name: string): string[] => LIST.filter((other) => other !== name)

  test('is accepted where it covers all it must', async () => {
    const request = await sign('header', { ...GET_SECRET_VALUE, headers })
    assert.equal((await attempt(signByHand(request, LIST))).identity, IDENTITY)
    assert.equal((await attempt(signByHand(request, without('x-note')))).identity, IDENTITY)
    assert.equal((await attempt(signByHand(request, without('content-type')))).identity, IDENTITY)
  })

  for (const [name, spelling] of [
    ['x-amz-target', 'X-Amz-Target'],
    ['x-amz-date', 'X-Amz-Date'],
    ['x-amz-content-sha256', 'X-Amz-Content-Sha256'],
  ] as const)
    test(`is refused without ${name}`, async () => {
      const request = await sign('header', { ...GET_SECRET_VALUE, headers })
      await refused(attempt(signByHand(request, without(name))), INVALID, must(spelling))
    })

  test('is refused without host', async () => {
    const request = signByHand(await sign('header', { ...GET_SECRET_VALUE, headers }), without('host'))
    await refused(
      attempt(request),
      INVALID,
      "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.",
    )
  })

  test('is refused without the session token', async () => {
    const request = withMoreHeaders(
      await sign('header', { ...GET_SECRET_VALUE, headers }),
      'X-Amz-Security-Token',
      'token',
    )
    await refused(attempt(signByHand(request, LIST)), INVALID, must('X-Amz-Security-Token'))
  })

  for (const contentType of ['application/x-www-form-urlencoded', 'text/plain'])
    test(`is refused to a Query service without its content type, ${contentType}`, async () => {
      const headers = { host: 'localhost', 'content-type': contentType }
      const request = await sign('header', { ...GET_CALLER_IDENTITY, headers }, { service: 'sts' })
      const signed = signByHand(request, ['host', 'x-amz-content-sha256', 'x-amz-date'], 'sts')
      await refused(attempt(signed, STS), 'SignatureDoesNotMatch', must('Content-Type'), 403)
    })

  for (const [where, path, target, accepted] of [
    ['where its target says that it is JSON', '/', 'secretsmanager.GetSecretValue', true],
    ['on a path of our own', '/_strongroom/clock', undefined, true],
    ['where only its content type tells how to read it', '/', undefined, false],
  ] as const)
    test(`is ${accepted ? 'accepted' : 'refused'} without the content type of a form ${where}`, async () => {
      const headers = {
        host: 'localhost',
        'content-type': 'application/x-www-form-urlencoded',
        ...(target && { 'x-amz-target': target }),
      }
      const request = await sign('header', { ...GET_SECRET_VALUE, path, headers })
      const list = ['host', 'x-amz-content-sha256', 'x-amz-date', ...(target ? ['x-amz-target'] : [])]
      const signed = signByHand(request, list)
      if (accepted) assert.equal((await attempt(signed)).identity, IDENTITY)
      else await refused(attempt(signed), INVALID, must('Content-Type'))
    })

  for (const list of [LIST.toReversed(), [...LIST, 'x-note']])
    test(`is refused over the list ${list.join(';')}`, async () => {
      await refused(
        attempt(signByHand(await sign('header', { ...GET_SECRET_VALUE, headers }), list)),
        INVALID,
        MISMATCH,
      )
    })

  for (const stated of ['UNSIGNED-PAYLOAD', 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD', hash('sha256', '')])
    test(`is refused where it states the payload hash ${stated}`, async () => {
      const request = withHeader(
        await sign('header', { ...GET_SECRET_VALUE, headers }),
        'x-amz-content-sha256',
        () => stated,
      )
      await refused(attempt(signByHand(request, LIST)), INVALID, MISMATCH)
    })
})

describe('a Query request', () => {
  const options = { service: 'sts', region: 'us-east-1' }
  const codes: readonly [string, (request: WireRequest) => WireRequest, number, string, number, string | RegExp][] = [
    [
      'no signature',
      (r) => withHeader(r, 'authorization', () => undefined),
      NOW,
      'MissingAuthenticationToken',
      403,
      'Request is missing Authentication Token',
    ],
    [
      'half a signature',
      (r) => withHeader(r, 'authorization', () => 'AWS4-HMAC-SHA256 Credential=x'),
      NOW,
      'IncompleteSignature',
      400,
      /^Authorization header requires 'Signature'/,
    ],
    [
      'a second host',
      (r) => withMoreHeaders(r, 'host', 'x'),
      NOW,
      'IncompleteSignature',
      400,
      "Found more than one 'host' HTTP header.",
    ],
    [
      'an unknown key',
      (r) => withField(r, 'Credential', (c) => c.replace('AKIA', 'AKIB')),
      NOW,
      'InvalidClientTokenId',
      403,
      INVALID_TOKEN,
    ],
    [
      'another body',
      (r) => ({ ...r, body: Buffer.from('Action=AssumeRole') }),
      NOW,
      'SignatureDoesNotMatch',
      403,
      MISMATCH,
    ],
    [
      'another content type',
      (r) => withHeader(r, 'content-type', () => 'text/plain'),
      NOW,
      'SignatureDoesNotMatch',
      403,
      MISMATCH,
    ],
    [
      'another service',
      (r) => element(r, 2, 'iam'),
      NOW,
      'SignatureDoesNotMatch',
      403,
      "Credential should be scoped to correct service: 'sts'.",
    ],
    ['a late clock', (r) => r, NOW + 301_000, 'SignatureDoesNotMatch', 403, /^Signature expired: /],
    ['an early clock', (r) => r, NOW - 301_000, 'SignatureDoesNotMatch', 403, /^Signature not yet current: /],
    [
      'both signatures',
      (r) => target(r, () => '/?X-Amz-Algorithm=x'),
      NOW,
      'SignatureDoesNotMatch',
      403,
      /^Found both /,
    ],
  ]
  for (const [name, change, now, code, status, message] of codes)
    test(`is refused with ${name} as ${code}`, async () => {
      const request = await sign('header', GET_CALLER_IDENTITY, options)
      assert.equal((await attempt(request, STS)).region, 'us-east-1')
      await refused(attempt(change(request), STS, now), code, message, status)
    })

  test('may name any region', async () => {
    for (const region of ['us-east-1', 'eu-central-1', 'us-gov-west-1'])
      assert.equal(
        (await attempt(await sign('header', GET_CALLER_IDENTITY, { ...options, region }), STS)).region,
        region,
      )
  })

  for (const way of WAYS)
    test(`signed in the ${way} is refused where the content type of its form is not signed`, async () => {
      const request = await sign(way, GET_CALLER_IDENTITY, { service: 'sts', unsigned: ['content-type'] })
      await refused(attempt(request, STS), 'SignatureDoesNotMatch', must('Content-Type'), 403)
      await refused(attempt(request, { ...STS, protocol: 'json' }), INVALID, must('Content-Type'))
    })

  test('presigned without a body honours a signed header of its own, as verifiers of identities need', async () => {
    const query = { Action: 'GetCallerIdentity', Version: '2011-06-15' }
    const headers = { host: 'sts.local', 'x-k8s-aws-id': 'cluster' }
    const request = await sign('query', { method: 'GET', path: '/', query, headers, body: '' }, options)
    assert.ok((await attempt(request, STS)).signedHeaders.includes('x-k8s-aws-id'))
    await refused(
      attempt(
        withHeader(request, 'x-k8s-aws-id', () => 'other'),
        STS,
      ),
      'SignatureDoesNotMatch',
      MISMATCH,
      403,
    )
    await refused(
      attempt(
        target(request, (t) => t.replace('GetCallerIdentity', 'GetSessionToken')),
        STS,
      ),
      'SignatureDoesNotMatch',
      MISMATCH,
      403,
    )
  })
})

describe('the region of a SigV4a request', () => {
  const regions = [
    ['eu-west-1', 'eu-west-1'],
    ['ap-*, eu-west-1,us-east-2', 'eu-west-1'],
    ['*', 'us-east-1'],
    ['eu-*,us-*', 'us-east-1'],
    ['u*-e*t-1', 'us-east-1'],
  ] as const
  for (const [set, region] of regions)
    test(`signed for ${set} is ${region}`, async () => {
      assert.equal((await attempt(await sign('header v4a', GET_SECRET_VALUE, { region: set }))).region, region)
    })
  for (const set of ['eu-*', 'us-east-1?', 'us-*t-1*t-1', 'us*us-east-1', `${'us-east-1,'.repeat(40)}`])
    test(`signed for ${set.slice(0, 20)} is none`, async () => {
      const request = await sign('header v4a', GET_SECRET_VALUE, { region: set })
      await refused(
        attempt(request),
        INVALID,
        `Credential should be scoped to a valid region, not '${set.slice(0, 64)}'.`,
      )
    })
  test('signed for patterns is the server’s own, where it has another', async () => {
    const own = createAttempt({ ownRegion: 'eu-north-1' })
    assert.equal((await own(await sign('header v4a', GET_SECRET_VALUE, { region: 'eu-*' }))).region, 'eu-north-1')
  })
})

test('A secret that changed is obeyed at once, also where a key derived from the old one is kept', async () => {
  const authenticate = createAuthenticator({ skewMs: SKEW_MS })
  const withSecret = (secret: string) => ({
    ...KEYS,
    find: async () => ({ identity: IDENTITY, secretAccessKey: secret, active: true }),
  })
  for (const way of WAYS) {
    const [old, fresh] = [await sign(way), await sign(way, GET_SECRET_VALUE, { secret: 'fresh' })]
    for (let round = 0; round < 2; round++) {
      assert.equal((await authenticate(old, SECRETSMANAGER, withSecret(SECRET), NOW)).identity, IDENTITY)
      await refused(authenticate(old, SECRETSMANAGER, withSecret('fresh'), NOW), INVALID, MISMATCH)
      assert.equal((await authenticate(fresh, SECRETSMANAGER, withSecret('fresh'), NOW)).identity, IDENTITY)
      await refused(authenticate(fresh, SECRETSMANAGER, withSecret(SECRET), NOW), INVALID, MISMATCH)
    }
  }
})

test('A key that was made inactive is refused at once', async () => {
  const authenticate = createAuthenticator({ skewMs: SKEW_MS })
  const request = await sign('header')
  const keys = (active: boolean) => ({
    ...KEYS,
    find: async () => ({ identity: IDENTITY, secretAccessKey: SECRET, active }),
  })
  assert.equal((await authenticate(request, SECRETSMANAGER, keys(true), NOW)).identity, IDENTITY)
  await refused(authenticate(request, SECRETSMANAGER, keys(false), NOW), UNRECOGNIZED, INVALID_TOKEN)
})

test('Whoever signs with the secret that stands in for an unknown key is refused', async () => {
  const nobody = { accessKeyId: 'AKIAUNKNOWNEXAMPLE00', secret: Buffer.alloc(40, 'nobody').toString() }
  for (const way of WAYS)
    for (let round = 0; round < 2; round++)
      await refused(attempt(await sign(way, GET_SECRET_VALUE, nobody)), UNRECOGNIZED, INVALID_TOKEN)
})

test('What an error repeats of a request is short and printable', async () => {
  const request = withField(await sign('query'), 'Date', () => `\u0000<é>${'x'.repeat(100)}`)
  const shown = `?<??>${'x'.repeat(59)}`
  const message = `Date must be in ISO-8601 'basic format'. Got '${shown}'. See http://en.wikipedia.org/wiki/ISO_8601`
  await refused(attempt(request), INCOMPLETE, message)
})

test('A failure of the key store is not taken for a refusal', async () => {
  const failure = new Error('the database is gone')
  const authenticate = createAuthenticator({ skewMs: 1000 })
  const keys = { ...KEYS, find: () => Promise.reject(failure) }
  await assert.rejects(authenticate(await sign('header'), SECRETSMANAGER, keys, NOW), failure)
})
