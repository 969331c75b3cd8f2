// Properties over requests that the official signers make, the habits of other clients, and garbage, which is refused and nothing worse.

import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { createSecretKey } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { ServiceError } from '../errors.ts'
import { SOAK } from '../testing-sample.ts'
import { SignatureError } from './errors.ts'
import type { WireRequest } from './request.ts'
import { SigningKeys } from './signing-keys.ts'
import { explainSignature, parseSignature, verifySignature } from './sigv4.ts'
import {
  ACCESS_KEY_ID,
  createAttempt,
  GET_CALLER_IDENTITY,
  GET_SECRET_VALUE,
  IDENTITY,
  NOW,
  SECRET,
  SECRETSMANAGER,
  STS,
  sign,
  WAYS,
  withField,
  withHeader,
  withMoreHeaders,
} from './testing.ts'

const attempt = createAttempt()
const numRuns = SOAK ? 5000 : 200
const OPTIONS = { service: 'secretsmanager', protocol: 'json', ownRegion: 'us-east-1' } as const

const isMismatch = (error: unknown): boolean =>
  error instanceof ServiceError && error.code === 'InvalidSignatureException'

const segment = fc.oneof(
  fc.constantFrom('.', '..', '', 'a', '%41', '%2F', 'a%20b'),
  fc.stringMatching(/^[A-Za-z0-9_.~!$'()*+,;=:@-]{1,6}$/),
)
const name = fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,8}$/).map((text) => `x-p-${text}`)
const value = fc.oneof(
  fc.stringMatching(/^[!-~]{0,4}[ -~\t]{0,12}$/),
  fc.string({ unit: 'grapheme', maxLength: 8 }).map((text) => text.replace(/\p{C}|\p{Z}/gu, '·')),
)
const unsigned = fc.record({
  method: fc.constantFrom('GET', 'POST', 'PUT', 'DELETE', 'PATCH'),
  path: fc.array(segment, { maxLength: 5 }).map((segments) => `/${segments.join('/')}`),
  query: fc.dictionary(
    fc.string({ unit: 'grapheme', minLength: 1, maxLength: 6 }).filter((key) => !/^x-amz-|^__proto__$/i.test(key)),
    fc.oneof(
      fc.string({ unit: 'grapheme', maxLength: 6 }),
      fc.array(fc.string({ maxLength: 3 }), { minLength: 1, maxLength: 3 }),
    ),
    { maxKeys: 5 },
  ),
  headers: fc.dictionary(name, value, { maxKeys: 5 }).map((headers) => ({ ...GET_SECRET_VALUE.headers, ...headers })),
  body: fc.string({ unit: 'grapheme', maxLength: 200 }),
})

describe('whatever the official signers sign', () => {
  for (const way of WAYS) {
    // SigV4a in JavaScript takes milliseconds a signature.
    const runs = { numRuns: way === 'header v4a' ? numRuns / 5 : numRuns }

    test(`in the ${way} verifies, and any changed byte of its body or signature is refused`, async () => {
      await fc.assert(
        fc.asyncProperty(unsigned, fc.nat(), fc.integer({ min: 1, max: 255 }), async (plain, place, flip) => {
          const request = await sign(way, plain)
          assert.equal((await attempt(request)).identity, IDENTITY)

          const body = Buffer.from(request.body.length === 0 ? [0] : request.body)
          if (request.body.length > 0) body[place % body.length]! ^= flip
          await assert.rejects(attempt({ ...request, body }), isMismatch)

          const changed = withField(request, 'Signature', (signature) => {
            const bytes = Buffer.from(signature, 'hex')
            bytes[place % bytes.length]! ^= flip
            return bytes.toString('hex')
          })
          await assert.rejects(attempt(changed), isMismatch)
        }),
        runs,
      )
    })
  }

  test('does so in whatever order the parameters of its query come', async () => {
    const query = { b: ['2', '1'], a: 'x y', 'a-': 'z', ü: '/+' }
    for (const way of WAYS) {
      const request = await sign(way, { ...GET_SECRET_VALUE, query })
      const [path, pairs] = request.target.split('?') as [string, string]
      for (const order of [pairs.split('&').reverse(), pairs.split('&').sort()])
        assert.equal((await attempt({ ...request, target: `${path}?${order.join('&')}` })).identity, IDENTITY)
      for (const [from, to] of [
        ['b=2', 'b=3'],
        ['b=1', 'c=1'],
        ['a=x%20y', 'a=x+y'],
        ['&a-=z', ''],
      ] as const) {
        const changed = request.target.replace(from, to)
        assert.notEqual(changed, request.target)
        await assert.rejects(attempt({ ...request, target: changed }), isMismatch)
      }
    }
  })
})

test('A derived key is kept once a signature proved right, and no sooner', async () => {
  for (const way of WAYS) {
    const keys = new SigningKeys()
    const [right, wrong] = [createSecretKey(Buffer.from(SECRET)), createSecretKey(Buffer.from('wrong'))]
    const request = await sign(way)
    const parsed = parseSignature(request, OPTIONS)
    assert.equal(verifySignature(parsed, request, wrong, keys), undefined)
    assert.equal(keys.size, 0)
    assert.ok(verifySignature(parsed, request, right, keys))
    assert.equal(keys.size, 1)
    assert.equal(keys.find(parsed, createSecretKey(Buffer.from(SECRET))).cached, true)
    assert.equal(keys.find(parsed, wrong).cached, false)
  }
  const keys = new SigningKeys(2)
  const secret = createSecretKey(Buffer.from(SECRET))
  for (const region of ['us-east-1', 'us-east-2', 'us-west-1', 'us-west-2']) {
    const request = await sign('header', GET_SECRET_VALUE, { region })
    assert.ok(verifySignature(parseSignature(request, OPTIONS), request, secret, keys))
  }
  assert.equal(keys.size, 2)
})

describe('the habits of clients', () => {
  test('spaces after the commas of Authorization may be none, one or many', async () => {
    for (const comma of [',', ', ', ' ,  \t']) {
      const request = await sign('header')
      const header = withHeader(request, 'authorization', (text) => text!.replaceAll(', ', comma))
      assert.equal((await attempt(header)).identity, IDENTITY)
    }
  })

  test('headers are signed over their bytes, whatever characters those make', async () => {
    const request = await sign('header', {
      ...GET_SECRET_VALUE,
      headers: { ...GET_SECRET_VALUE.headers, 'x-note': 'Łódź à\u00a0la 秘密' },
    })
    assert.ok(request.rawHeaders.includes(Buffer.from('Łódź à\u00a0la 秘密').toString('latin1')))
    assert.equal((await attempt(request)).identity, IDENTITY)
    await assert.rejects(
      attempt(withHeader(request, 'x-note', (text) => text!.replace('\u0081', '\u0082'))),
      isMismatch,
    )
  })

  test('a repeated header is signed as one, joined by commas', async () => {
    const request = await sign('header', {
      ...GET_SECRET_VALUE,
      headers: { ...GET_SECRET_VALUE.headers, 'x-note': 'a b,c,d' },
    })
    const once = withHeader(request, 'x-note', () => 'a  b')
    assert.equal((await attempt(withMoreHeaders(once, 'X-NOTE', ' c ', 'x-note', 'd'))).identity, IDENTITY)
    await assert.rejects(attempt(withMoreHeaders(once, 'X-NOTE', 'd', 'x-note', 'c')), isMismatch)
  })

  test('a Date header, in either format, stands in where X-Amz-Date is absent', async () => {
    const request = await sign('header')
    const parsed = parseSignature(request, OPTIONS)
    for (const date of ['20260314T150926Z', 'Sat, 14 Mar 2026 15:09:26 GMT']) {
      const other = withHeader(request, 'x-amz-date', () => undefined)
      const listed = withField(other, 'SignedHeaders', (names) => names.replace(';x-amz-date', ''))
      assert.deepEqual(parseSignature(withMoreHeaders(listed, 'Date', date), OPTIONS).time, parsed.time)
    }
    for (const date of ['Sun, 14 Mar 2026 15:09:26 GMT', 'Sat, 14 Mar 2026 15:09:26 UTC', 'yesterday', '']) {
      const other = withHeader(request, 'x-amz-date', () => undefined)
      assert.throws(() => parseSignature(withMoreHeaders(other, 'Date', date), OPTIONS), SignatureError)
    }
  })

  const skip = whyNoCurl()

  test('curl --aws-sigv4 is understood', { skip }, async () => {
    const json = await curl('secretsmanager', [
      ...['-H', 'X-Amz-Target: secretsmanager.GetSecretValue', '-H', 'Content-Type: application/x-amz-json-1.1'],
      ...['-d', '{"SecretId":"a"}'],
    ])
    assert.equal((await attempt(json, SECRETSMANAGER, Date.now())).identity, IDENTITY)
    await assert.rejects(attempt({ ...json, body: Buffer.from('{}') }, SECRETSMANAGER, Date.now()), isMismatch)

    // Without a content type of the caller's, curl sends that of a form and does not sign it.
    const target = ['-H', 'X-Amz-Target: secretsmanager.GetSecretValue']
    const bare = await curl('secretsmanager', [...target, '-d', '{"SecretId":"a"}'])
    assert.equal((await attempt(bare, SECRETSMANAGER, Date.now())).identity, IDENTITY)

    const form = ['-d', GET_CALLER_IDENTITY.body]
    const signed = await curl('sts', ['-H', 'Content-Type: application/x-www-form-urlencoded', ...form])
    assert.equal((await attempt(signed, STS, Date.now())).identity, IDENTITY)
  })
})

/** curl signs since 7.75. */
function whyNoCurl(): string | false {
  const version = /^curl (\d+)\.(\d+)/.exec(spawnSync('curl', ['--version'], { encoding: 'utf8' }).stdout ?? '')
  const [major, minor] = [Number(version?.[1] ?? 0), Number(version?.[2] ?? 0)]
  return major > 7 || (major === 7 && minor >= 75) ? false : 'no curl that signs'
}

/** What curl really sends. */
async function curl(service: string, options: readonly string[]): Promise<WireRequest> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  const signer = ['--aws-sigv4', `aws:amz:eu-central-1:${service}`, '--user', `${ACCESS_KEY_ID}:${SECRET}`]
  const child = spawn('curl', ['-s', '--max-time', '20', ...signer, ...options, url], { stdio: 'ignore' })
  try {
    const [request, response] = await once(server, 'request')
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    response.end()
    const { method, url: target, rawHeaders } = request
    return { method, target, rawHeaders, body: Buffer.concat(chunks), remoteAddress: '127.0.0.1', secure: false }
  } finally {
    if (child.exitCode === null) await once(child, 'exit')
    server.close()
  }
}

describe('garbage', () => {
  const text = fc.oneof(
    fc.string({ maxLength: 60 }),
    fc.string({ unit: 'binary', maxLength: 60 }),
    fc.string({ unit: fc.constantFrom(...'/=&?%,; *.-aA0'), maxLength: 60 }),
  )
  const authorization = fc.oneof(
    text,
    fc
      .tuple(
        fc.constantFrom('AWS4-HMAC-SHA256', 'AWS4-ECDSA-P256-SHA256', 'Basic', ''),
        fc.array(fc.tuple(fc.constantFrom('Credential', 'SignedHeaders', 'Signature', ' ', 'x'), text), {
          maxLength: 5,
        }),
      )
      .map(([algorithm, fields]) => `${algorithm} ${fields.map((field) => field.join('=')).join(', ')}`),
    fc
      .tuple(text, text, fc.stringMatching(/^[0-9a-f]{0,150}$/))
      .map(
        ([id, names, signature]) =>
          `AWS4-ECDSA-P256-SHA256 Credential=${id}/20260314/secretsmanager/aws4_request,SignedHeaders=host;x-amz-date;${names},Signature=${signature}`,
      ),
    fc
      .stringMatching(/^(?:[0-9a-f]{2}){8,72}$/)
      .map(
        (signature) =>
          `AWS4-ECDSA-P256-SHA256 Credential=a/20260314/secretsmanager/aws4_request,SignedHeaders=host;x-amz-date;x-amz-region-set,Signature=${signature}`,
      ),
  )
  const amz = fc.constantFrom(
    'Algorithm',
    'Credential',
    'Signature',
    'SignedHeaders',
    'Date',
    'Expires',
    'Region-Set',
    'Security-Token',
  )
  const parameters = fc
    .array(
      fc.tuple(
        amz,
        fc.oneof(
          text,
          fc.constantFrom(
            'AWS4-HMAC-SHA256',
            '20260314T150926Z',
            'host',
            'a%2F20260314%2Fus-east-1%2Fsecretsmanager%2Faws4_request',
          ),
        ),
      ),
      { maxLength: 8 },
    )
    .map((pairs) => `/?${pairs.map(([key, content]) => `X-Amz-${key}=${content}`).join('&')}`)
  const headers = fc.array(
    fc.tuple(
      fc.oneof(text, fc.constantFrom('Host', 'x-amz-date', 'date', 'X-Amz-Region-Set', 'x-amz-content-sha256')),
      fc.oneof(text, fc.constant('20260314T150926Z'), fc.constant('*')),
    ),
    { maxLength: 8 },
  )

  test('in Authorization, target and headers makes SignatureError and no other error, and never a valid signature', () => {
    const keys = new SigningKeys()
    const secret = createSecretKey(Buffer.from(SECRET))
    let read = 0
    fc.assert(
      fc.property(
        fc.option(authorization),
        fc.oneof(fc.constant('/'), text, parameters),
        headers,
        fc.constantFrom('json', 'query'),
        (header, target, more, protocol) => {
          const rawHeaders = [
            ...(header === null ? [] : ['Authorization', header]),
            'Host',
            'h',
            'X-Amz-Date',
            '20260314T150926Z',
            'X-Amz-Region-Set',
            '*',
            ...more.flat(),
          ]
          const request = {
            method: 'POST',
            target,
            rawHeaders,
            body: Buffer.alloc(1),
            remoteAddress: '',
            secure: false,
          }
          try {
            const parsed = parseSignature(request, { ...OPTIONS, protocol })
            read++
            assert.equal(verifySignature(parsed, request, secret, keys), undefined)
            explainSignature(parsed, request)
          } catch (error) {
            if (!(error instanceof SignatureError)) throw error
          }
        },
      ),
      { numRuns: numRuns * 10 },
    )
    assert.ok(read > 0, 'some of it is well-formed')
    assert.equal(keys.size, 0)
  })

  test('of great size is refused', async () => {
    const long = 'a-'.repeat(7000)
    for (const change of [
      (r: WireRequest) =>
        withField(r, 'Credential', () => `${ACCESS_KEY_ID}/20260314/${long}/secretsmanager/aws4_request`),
      (r: WireRequest) => withField(r, 'SignedHeaders', () => long),
      (r: WireRequest) => withHeader(r, 'x-note', () => ' '.repeat(14_000)),
      (r: WireRequest) => withHeader(r, 'x-note', () => `${' \t'.repeat(7000)}x`),
      (r: WireRequest) => ({ ...r, target: `/?${'%'.repeat(14_000)}` }),
      (r: WireRequest) => ({ ...r, target: `/${'../'.repeat(5000)}x` }),
      (r: WireRequest) => withHeader(r, 'authorization', () => ','.repeat(8000)),
    ]) {
      const request = change(await sign('header'))
      await assert.rejects(attempt(request, SECRETSMANAGER, NOW), ServiceError)
    }
  })
})
