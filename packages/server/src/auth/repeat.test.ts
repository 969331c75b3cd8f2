// Requests that come again: what may differ from the first, and that nothing else may.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createAuthenticator } from './authenticate.ts'
import { type IsRepeated, repeatsOf } from './repeat.ts'
import type { WireRequest } from './request.ts'
import {
  GET_SECRET_VALUE,
  KEYS,
  NOW,
  SECRETSMANAGER,
  SKEW_MS,
  sign,
  withField,
  withHeader,
  withMoreHeaders,
} from './testing.ts'

const authenticate = createAuthenticator({ skewMs: SKEW_MS })
const SDK = { ...GET_SECRET_VALUE, headers: { ...GET_SECRET_VALUE.headers, 'amz-sdk-invocation-id': 'first' } }

async function repeatedOf(first: WireRequest): Promise<IsRepeated> {
  const { proof } = await authenticate(first, SECRETSMANAGER, KEYS, NOW)
  return repeatsOf(first, proof, (text) => text)
}

test('a later request of the same client is a repetition, whatever stands in the headers that only the signature reads', async () => {
  const isRepeated = await repeatedOf(await sign('header', SDK))
  assert.ok(isRepeated(await sign('header', SDK), NOW))
  const later = { ...SDK, headers: { ...SDK.headers, 'amz-sdk-invocation-id': 'other' } }
  const [time, skew] = [NOW + 90_000, SKEW_MS]
  const request = await sign('header', later, { at: time })
  assert.ok(isRepeated(request, time))
  assert.ok(isRepeated(request, time + skew) && !isRepeated(request, time + skew + 1_000), 'too old')
  assert.ok(isRepeated(request, time - skew) && !isRepeated(request, time - skew - 1_000), 'too new')
})

test('no other header, no part of the signature, no address and no connection may differ', async () => {
  const first = await sign('header', SDK)
  const isRepeated = await repeatedOf(first)
  for (let at = 0; at < first.rawHeaders.length; at++) {
    const rawHeaders = first.rawHeaders.with(at, `${first.rawHeaders[at]!.slice(0, -1)}~`)
    assert.ok(!isRepeated({ ...first, rawHeaders }, NOW), `${first.rawHeaders[at]}`)
  }
  for (let at = 0; at < 64; at++) {
    const flip = (text: string): string => `${text.slice(0, at)}${text[at] === '0' ? '1' : '0'}${text.slice(at + 1)}`
    assert.ok(!isRepeated(withField(first, 'Signature', flip), NOW), `digit ${at}`)
  }
  for (const other of [
    withMoreHeaders(first, 'User-Agent', 'x'),
    withHeader(first, 'x-amz-date', () => '20260314T150926Z '),
    withHeader(first, 'x-amz-date', () => 'yesterday'),
    withHeader(first, 'amz-sdk-invocation-id', () => 'an unsigned change'),
    withHeader(first, 'amz-sdk-invocation-id', () => 'é'),
    { ...first, method: 'PUT' },
    { ...first, target: '/?' },
    { ...first, remoteAddress: '192.0.2.1' },
    { ...first, secure: true },
    { ...first, tlsVersion: 'TLSv1.3' },
  ]) {
    assert.ok(!isRepeated(other, NOW), JSON.stringify(other))
  }
})

test('a signature over another body is none over the first', async () => {
  const isRepeated = await repeatedOf(await sign('header', SDK))
  const same = await sign('header', { ...SDK, body: SDK.body.replace(/.$/, ' ') })
  assert.ok(!isRepeated(same, NOW))
})

test('a session does not outlive its end', async () => {
  const first = await sign('header', SDK)
  const { proof } = await authenticate(first, SECRETSMANAGER, KEYS, NOW)
  const isRepeated = repeatsOf(first, { ...proof, expiresMs: NOW + 1 }, (text) => text)
  assert.ok(isRepeated(first, NOW))
  assert.ok(!isRepeated(first, NOW + 1))
})

test('what is signed in the query, by SigV4a, or has a header twice is read anew each time', async () => {
  const twice = withMoreHeaders(await sign('header', SDK), 'X-Other', 'a', 'x-other', 'b')
  for (const first of [await sign('query', SDK), await sign('header v4a', SDK), twice]) {
    const isRepeated = await repeatedOf(first)
    assert.ok(!isRepeated(first, NOW))
  }
})
