// AWS Query: forms in, XML or JSON out.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ServiceError } from '../errors.ts'
import { boolean, integer, list, map, optional, string, structure, timestamp } from '../shape/shape.ts'
import {
  decodeQuery,
  encodeQueryJson,
  encodeQueryJsonError,
  encodeXml,
  encodeXmlError,
  parseForm,
  wantsJson,
} from './query.ts'

const members = {
  Name: optional(string()),
  Count: optional(integer()),
  Flag: optional(boolean()),
  Tags: optional(list(structure({ Key: string(), Value: optional(string()) }))),
  Names: optional(list(string())),
  Map: optional(map(string(), string())),
}

const decode = (text: string) => decodeQuery(members, parseForm('', text))

test('members, lists and structures are read by their numbered names', () => {
  const many = Array.from({ length: 12 }, (_, at) => `Names.member.${at + 1}=n${at + 1}`).join('&')
  const decoded = decode(
    `Action=X&Name=a%2Bb+c&Count=-5&Flag=true&Tags.member.2.Key=b&Tags.member.1.Key=a&Tags.member.1.Value=%C3%A4&Map.entry.1.key=k&Map.entry.1.value=v&${many}`,
  )
  assert.equal(decoded.Name, 'a+b c')
  assert.equal(decoded.Count, -5)
  assert.equal(decoded.Flag, true)
  assert.deepEqual(decoded.Tags, [{ Key: 'a', Value: 'ä' }, { Key: 'b' }])
  assert.deepEqual(
    decoded.Names,
    Array.from({ length: 12 }, (_, at) => `n${at + 1}`),
  )
  assert.deepEqual({ ...(decoded.Map as object) }, { k: 'v' })
  assert.deepEqual(decode('Names='), { Names: [] })
})

test('a plus sign is a space in a form and a plus sign in a query string, as the signature reads it', () => {
  assert.equal(parseForm('Name=a+b', '').get('Name'), 'a+b')
  assert.equal(parseForm('', 'Name=a+b').get('Name'), 'a b')
  assert.throws(() => parseForm('Name=a', 'Name=b'), { code: 'MalformedQueryString' })
})

const refused: readonly string[] = [
  'Name=a&Name=b',
  'Name=%zz',
  'Name=%ff',
  'Count=abc',
  'Count=1e9',
  'Flag=yes',
  'Names.member.2=b',
  'Names.member.01=b',
  'Map.entry.1.key=k',
  Array.from({ length: 1001 }, (_, at) => `p${at}=1`).join('&'),
  `${'a.'.repeat(20)}b=1`,
]

for (const text of refused) {
  test(`${text.slice(0, 40)} is a MalformedQueryString`, () => {
    assert.throws(() => decode(text), { code: 'MalformedQueryString', status: 400 })
  })
}

test('an answer is XML in which nothing that was sent can become markup', () => {
  const xml = encodeXml(
    'Get',
    'https://example.org/',
    { Name: string(), When: timestamp(), Tags: members.Tags },
    { Name: `<a>&"'\u0001\r`, When: 0, Tags: [{ Key: 'k' }] },
    'id',
  )
  assert.equal(
    xml,
    '<GetResponse xmlns="https://example.org/"><GetResult><Name>&lt;a&gt;&amp;&quot;&apos;\ufffd&#xD;</Name>' +
      '<When>1970-01-01T00:00:00Z</When><Tags><member><Key>k</Key></member></Tags></GetResult>' +
      '<ResponseMetadata><RequestId>id</RequestId></ResponseMetadata></GetResponse>',
  )
  assert.match(
    encodeXmlError(new ServiceError('A', 403, '<x>'), 'n', 'id'),
    /<Type>Sender<\/Type><Code>A<\/Code><Message>&lt;x&gt;/,
  )
})

test('an answer in JSON has the same members under the same names, and a refusal its code', () => {
  const output = { Name: '<"\u0001', When: 1_500, Tags: [{ Key: 'k' }], Absent: undefined }
  const shapes = { Name: string(), When: timestamp(), Tags: members.Tags, Absent: optional(string()) }
  assert.deepEqual(JSON.parse(encodeQueryJson('Get', shapes, output, 'id')), {
    GetResponse: {
      GetResult: { Name: '<"\u0001', When: 1.5, Tags: [{ Key: 'k' }] },
      ResponseMetadata: { RequestId: 'id' },
    },
  })
  assert.equal(encodeQueryJson('Get', undefined, {}, 'id'), '{"GetResponse":{"ResponseMetadata":{"RequestId":"id"}}}')
  assert.equal(
    encodeQueryJsonError(new ServiceError('A', 500, '<x>'), 'id'),
    '{"Error":{"Code":"A","Message":"<x>","Type":"Receiver"},"RequestId":"id"}',
  )
})

test('JSON is what a caller gets who names it first', () => {
  const wants = (accept?: string): boolean => wantsJson(accept === undefined ? [] : ['Accept', accept])
  for (const accept of ['application/json', 'APPLICATION/JSON;q=1', 'application/json, */*']) assert.ok(wants(accept))
  for (const accept of [undefined, '*/*', 'text/xml', 'application/jsonx', 'text/xml, application/json'])
    assert.ok(!wants(accept), String(accept))
})
