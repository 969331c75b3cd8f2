// AWS REST JSON: where members stand, what one may hide where another stands, and what routes lead where.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ServiceError } from '../errors.ts'
import type { WireRequest } from '../http/request.ts'
import { operation, type Service } from '../operation.ts'
import { blob, boolean, integer, list, optional, string } from '../shape/shape.ts'
import { decodeRest, encodeRest, encodeRestError } from './rest-json.ts'
import { createRouter } from './route.ts'

const none = { target: async () => ({ resource: '*', account: '' }), run: async () => ({}) }

const change = operation({
  name: 'Change',
  readOnly: false,
  http: {
    method: 'POST',
    uri: '/2015-03-31/things/{Name}/parts/{Part}',
    code: 201,
    query: { Qualifier: 'Qualifier', Count: 'MaxItems', Flag: 'flag', Keys: 'tagKeys' },
  },
  headers: { Kind: 'x-amz-kind' },
  input: {
    Name: string(),
    Part: string(),
    Qualifier: optional(string()),
    Count: optional(integer()),
    Flag: optional(boolean()),
    Keys: optional(list(string())),
    Kind: optional(string()),
    Text: optional(string()),
  },
  output: { Text: optional(string()) },
  ...none,
})

const invoke = operation({
  name: 'Invoke',
  readOnly: false,
  http: {
    method: 'POST',
    uri: '/2015-03-31/things/{Name}',
    code: 200,
    payload: 'Payload',
    responsePayload: 'Payload',
    responseCode: 'StatusCode',
    responseHeaders: { Failure: 'X-Amz-Failure' },
    bodyBytesMax: 6_000_000,
  },
  input: { Name: string(), Payload: optional(blob()) },
  output: { StatusCode: optional(integer()), Failure: optional(string()), Payload: optional(blob()) },
  ...none,
})

const list_ = operation({
  name: 'List',
  readOnly: true,
  http: { method: 'GET', uri: '/2015-03-31/things', code: 200 },
  input: {},
  output: {},
  ...none,
})

const things: Service = {
  name: 'things',
  protocol: 'rest-json',
  bodyBytesMax: 1_000,
  operations: [change, invoke, list_],
}
const router = createRouter([things])

const request = (method: string, target: string, body = '', rawHeaders: readonly string[] = []): WireRequest => ({
  method,
  target,
  rawHeaders,
  body: Buffer.from(body),
  remoteAddress: '',
  secure: false,
})

const routed = (method: string, target: string) => {
  const { operation, labels, error } = router.route(request(method, target))
  return error?.code ?? (operation && [operation.name, labels])
}

test('a method and a path lead to an operation, whose labels are one decoded segment each', () => {
  const arn = 'arn:aws:things:eu-central-1:111122223333:thing:a:b'
  assert.deepEqual(routed('POST', `/2015-03-31/things/${encodeURIComponent(arn)}`), ['Invoke', { Name: arn }])
  assert.deepEqual(routed('POST', `/2015-03-31/things/${arn}/`), ['Invoke', { Name: arn }])
  assert.deepEqual(routed('POST', '/2015-03-31/things/a%2Fb/parts/%C3%A4+?x=1'), [
    'Change',
    { Name: 'a/b', Part: 'ä+' },
  ])
  assert.deepEqual(routed('POST', '/2015-03-31/things/%2e%2e'), ['Invoke', { Name: '..' }])
  assert.deepEqual(routed('GET', '/2015-03-31/things/?MaxItems=1'), ['List', {}])
})

test('what no operation stands at is none: another method, segments too many, empty or made of dots', () => {
  for (const [method, target] of [
    ['PUT', '/2015-03-31/things/a'],
    ['DELETE', '/2015-03-31/things'],
    ['POST', '/2015-03-31/things/a/parts'],
    ['POST', '/2015-03-31/things/a/parts/b/c'],
    ['POST', '/2015-03-31/things//parts/b'],
    ['POST', '//2015-03-31/things/b'],
    ['POST', '/2015-03-31/things/x/../b'],
    ['POST', '/2015-03-31/things/.'],
    ['POST', '/2015-03-31/THINGS/a'],
    ['POST', '/2015-03-31/%74hings/a'],
  ] as const)
    assert.equal(routed(method, target), undefined, `${method} ${target}`)
})

test('a path that is not UTF-8 in ASCII is refused', () => {
  for (const name of ['%', '%zz', '%ff', 'ä', '%C3'])
    assert.equal(routed('POST', `/2015-03-31/things/${name}`), 'SerializationException', name)
})

test('how large a body may be is known from the path', () => {
  assert.equal(router.bodyBytesMax([], '/2015-03-31/things/a?x=1'), 6_000_000)
  assert.equal(router.bodyBytesMax([], '/2015-03-31/things/a/parts/b'), 1_000)
})

test('members come from where they stand, with their types, and from nowhere else', () => {
  const target =
    '/2015-03-31/things/a/parts/b?Qualifier=x%2By+z&MaxItems=7&flag=true&tagKeys=a&tagKeys=b&Text=query&Name=c'
  const body = JSON.stringify({ Name: 'body', Qualifier: 'body', Kind: 'body', Count: 1, Keys: ['body'], Text: 'body' })
  const labels = { Name: 'a', Part: 'b' }
  assert.deepEqual(decodeRest(change, labels, request('POST', target, body, ['X-Amz-Kind', 'header'])), {
    Name: 'a',
    Part: 'b',
    Qualifier: 'x+y+z',
    Count: 7,
    Flag: true,
    Keys: ['a', 'b'],
    Kind: 'header',
    Text: 'body',
  })
  assert.deepEqual(decodeRest(change, labels, request('POST', '/x', body)), { ...labels, Text: 'body' })
  const payload = request('POST', '/x', 'not JSON {')
  assert.deepEqual(decodeRest(invoke, { Name: 'a' }, payload), { Name: 'a', Payload: payload.body })
  assert.deepEqual(decodeRest(invoke, { Name: 'a' }, request('POST', '/x')), { Name: 'a' })
})

for (const [what, target, headers] of [
  ['a scalar of the query that stands twice', '/x?MaxItems=1&MaxItems=2', []],
  ['a header that stands twice', '/x', ['X-Amz-Kind', 'a', 'x-amz-kind', 'b']],
  ['an integer that is none', '/x?MaxItems=1.5', []],
  ['a boolean that is none', '/x?flag=yes', []],
  ['a query that is not UTF-8', '/x?Qualifier=%ff', []],
  ['a query of too many parameters', `/x?${'a&'.repeat(1_001)}`, []],
] as const) {
  test(`${what} is a SerializationException`, () => {
    const sent = request('POST', target, '', headers)
    assert.throws(() => decodeRest(change, { Name: 'a', Part: 'b' }, sent), { code: 'SerializationException' })
  })
}

test('an answer has its status, its headers and its body where they stand', () => {
  const Payload = Buffer.from([1, 255])
  const answer = encodeRest(invoke, { StatusCode: 202, Failure: 'Unhandled', Payload }, 'r')
  assert.deepEqual(answer, {
    status: 202,
    contentType: 'application/json',
    requestId: 'r',
    headers: { 'X-Amz-Failure': 'Unhandled' },
    body: Payload,
  })
  const { status, body } = encodeRest(change, { Text: 'x' }, 'r')
  assert.deepEqual([status, body], [201, '{"Text":"x"}'])
  assert.equal(encodeRest(list_, {}, 'r').body, '')
})

test('a refusal says whose fault it is, and its text under the key that its type has', () => {
  const error = new ServiceError('TooManyRequestsException', 429, 'text', { messageKey: 'message', reason: 'Why' })
  assert.equal(encodeRestError(error), '{"Type":"User","message":"text","Reason":"Why"}')
  assert.equal(encodeRestError(new ServiceError('X', 500, 'text')), '{"Type":"Service","Message":"text"}')
})
