// AWS JSON 1.1: types, bounds, blobs, times, and what is refused before it is parsed.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { blob, boolean, integer, list, map, optional, string, structure, timestamp } from '../shape/shape.ts'
import { JSON_DEPTH_MAX, JSON_VALUES_MAX, jsonOutOfBounds } from './bounds.ts'
import { decodeJson, encodeJson, encoderLike } from './json.ts'

const members = {
  Text: optional(string()),
  Bytes: optional(blob()),
  Count: optional(integer()),
  Flag: optional(boolean()),
  Time: optional(timestamp()),
  List: optional(list(structure({ Key: optional(string()) }))),
  Map: optional(map(string(), string())),
}

const decode = (text: string | Uint8Array) => decodeJson(members, Buffer.from(text as string))

test('declared members come back with their types; unknown ones are ignored and null is absent', () => {
  const text =
    '{"Text":"ä\\u0000","Bytes":"AAH/","Count":7,"Flag":false,"Time":1.5,"List":[{"Key":"k","X":1}],"Y":{},"Map":null}'
  assert.deepEqual(decode(text), {
    Text: 'ä\0',
    Bytes: Buffer.from([0, 1, 255]),
    Count: 7,
    Flag: false,
    Time: 1500,
    List: [{ Key: 'k' }],
  })
  assert.deepEqual(decode(''), {})
})

test('names of the prototype are names like any other', () => {
  const decoded = decode('{"__proto__":{"Text":"x"},"constructor":1,"Map":{"__proto__":"y"}}')
  assert.equal(Object.getPrototypeOf(decoded), Object.prototype)
  assert.equal(decoded.Text, undefined)
  assert.deepEqual(Object.entries(decoded.Map as object), [['__proto__', 'y']])
})

const refused: readonly [text: string | Uint8Array, message: RegExp][] = [
  ['{"Text":1}', /^NUMBER_VALUE can not be converted to a String$/],
  ['{"Text":true}', /^TRUE_VALUE can not be converted to a String$/],
  ['{"Text":[]}', /^Start of list found where not expected$/],
  ['{"Text":{}}', /^Start of structure or map found where not expected\.$/],
  ['{"Text":"\\ud800"}', /surrogate/],
  ['{"Count":"7"}', /^STRING_VALUE can not be converted to an Integer$/],
  ['{"Count":7.5}', /^DECIMAL_VALUE/],
  ['{"Count":1e300}', /^DECIMAL_VALUE/],
  ['{"Bytes":"AAH"}', /base64/],
  ['{"Bytes":"AA H/"}', /base64/],
  ['{"Flag":"true"}', /^STRING_VALUE can not be converted to a Boolean$/],
  ['{"List":{}}', /list/],
  ['{"List":[null]}', /null/],
  ['{"Map":[]}', /map/],
  ['{"Time":1e300}', /range/],
  ['[]', /object/],
  ['"x"', /object/],
  ['null', /object/],
  ['{', /JSON/],
  ['{}{}', /JSON/],
  [Uint8Array.of(0x22, 0xff, 0x22), /UTF-8/],
  [`{"X":${'['.repeat(JSON_DEPTH_MAX)}`, /deeper/],
  [`{"X":[${'1,'.repeat(JSON_VALUES_MAX)}1]}`, /values/],
]

for (const [text, message] of refused) {
  test(`${JSON.stringify(text.toString().slice(0, 40))} is a SerializationException`, () => {
    assert.throws(() => decode(text), { code: 'SerializationException', status: 400, messageKey: 'message', message })
  })
}

test('brackets, commas and quotes inside strings are not counted', () => {
  const text = JSON.stringify({ X: `${'[,{'.repeat(9_000)}\\"` })
  assert.equal(jsonOutOfBounds(Buffer.from(text)), undefined)
  assert.equal(jsonOutOfBounds(Buffer.from('"never closed [[[')), undefined)
})

test('an answer has seconds for times, base64 for blobs, and no absent members', () => {
  const output = {
    Time: 1523477145713,
    Bytes: Buffer.from([255]),
    List: [{ Key: 'k' }],
    Map: { a: 'b' },
    Text: undefined,
  }
  assert.equal(
    encodeJson(members, output),
    '{"Bytes":"/w==","Time":1523477145.713,"List":[{"Key":"k"}],"Map":{"a":"b"}}',
  )
  assert.equal(encodeJson(undefined, {}), '')
})

test('an encoder for outputs like a first one gives what encodeJson gives, for those that are not like it too', () => {
  const shapes = { ...members, Secret: optional(string({ sensitive: true })), Key: optional(blob({ sensitive: true })) }
  const first = { Text: 'a "b"', List: [{ Key: 'k' }], Time: 1_500, Secret: 'one' }
  for (const like of [first, { Secret: 'x' }, { Key: Buffer.from('k'), Flag: true }, {}, { Text: 'only' }]) {
    const encode = encoderLike(shapes, like)
    for (const output of [
      like,
      { ...like, Secret: '"two" é\u0001' },
      { ...like, Key: Buffer.from('bytes') },
      { ...like, Text: 'other' },
      { ...like, Count: 1 },
      {},
    ]) {
      assert.deepEqual(JSON.parse(encode(output)), JSON.parse(encodeJson(shapes, output)))
    }
  }
})
