// Values on their way in, and JSON that is changed without touching the rest.

import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { memberText, narrow, parseJson, spread, withMember } from './json-text.ts'
import { temporaryDirectory } from './testing.ts'
import { passwordInput, readValue, textOf } from './value.ts'

function fileWith(t: TestContext, bytes: string | Uint8Array): string {
  const file = join(temporaryDirectory(t), 'value')
  writeFileSync(file, bytes)
  return file
}

test('the line end of a value of one line is left out, and nothing of any other', async (t) => {
  const cases = [
    ['pw\n', 'pw'],
    ['pw\r\n', 'pw'],
    ['pw', 'pw'],
    ['a\nb\n', 'a\nb\n'],
    ['pw\n\n', 'pw\n\n'],
    ['  pw ', '  pw '],
  ] as const
  for (const [given, stored] of cases) {
    const file = fileWith(t, given)
    assert.equal(String(await readValue({ file })), stored, JSON.stringify(given))
    assert.equal(String(await readValue({ file, exact: true })), given)
  }
  const binary = Uint8Array.of(0xff, 0x0a, 0, 1)
  assert.deepEqual(new Uint8Array(await readValue({ file: fileWith(t, binary) })), binary)
})

test('a value that is empty, too long or not there is refused without a word of it', async (t) => {
  await assert.rejects(readValue({ file: fileWith(t, '\n') }), /^UsageError: the value is empty/)
  await assert.rejects(readValue({ file: fileWith(t, 'x'.repeat(65_537)) }), /too long: 65536 bytes at most$/)
  await assert.rejects(readValue({ file: '/nowhere' }), /^UsageError: --file \/nowhere cannot be read \(ENOENT\)$/)
  await assert.rejects(readValue({ file: temporaryDirectory(t) }), /cannot be read \(EISDIR\)$/)
})

test('text is what is UTF-8 without NUL', () => {
  assert.equal(textOf(Buffer.from('Größe 日本 \u{1f511}\n\u001b')), 'Größe 日本 \u{1f511}\n\u001b')
  for (const bytes of [[0xff], [0xed, 0xa0, 0x80], [0x61, 0], [0xc3]])
    assert.equal(textOf(Buffer.from(bytes)), undefined)
})

test('what a password is made of is passed on, and goes with --generate only', () => {
  assert.deepEqual(
    passwordInput({ generate: true, length: '12', requireEachIncludedType: false, includeSpace: true }),
    {
      PasswordLength: 12,
      IncludeSpace: true,
      RequireEachIncludedType: false,
    },
  )
  assert.deepEqual(passwordInput({ requireEachIncludedType: true }), {})
  assert.throws(() => passwordInput({ excludeNumbers: true }), /goes with --generate/)
  assert.throws(() => passwordInput({ generate: true, length: '1e3' }), /--length 1e3 is not a whole number/)
})

test('a member is set without touching the others: digits, order, names, indentation', () => {
  const text = '{"a":12345678901234567890,"__proto__":1.0,"b":{"c":[1e3]},"2":null}'
  assert.equal(
    withMember(text, 'p\u201cw', 'x"y'),
    '{"a":12345678901234567890,"__proto__":1.0,"b":{"c":[1e3]},"2":null,"p“w":"x\\"y"}',
  )
  for (const [before, name, after] of [
    ['{"a":1}', '__proto__', '{"a":1,"__proto__":"x"}'],
    ['{\n    "a": 1\n}\n', 'a', '{\n    "a": "x"\n}\n'],
    ['{\n    "a": 1\n}\n', 'b', '{\n    "a": 1,\n    "b": "x"\n}\n'],
    ['{\r\n\t"a":{"b":[1,"}"]}\r\n}', 'a', '{\r\n\t"a":"x"\r\n}'],
    [' { "a" : { "b" : 1 } , "b" : 2 } ', 'b', ' { "a" : { "b" : 1 } , "b" : "x" } '],
    ['{"a": [1, 2], "\\u0061": 3}', 'a', '{"a": [1, 2], "\\u0061": "x"}'],
    ['{"a": 1}', 'b', '{"a": 1, "b": "x"}'],
    ['{"a":"b"}', 'b', '{"a":"b","b":"x"}'],
    [' {} ', 'b', ' {"b":"x"} '],
    ['{ }', 'b', '{"b":"x" }'],
  ] as const) {
    const changed = withMember(before, name, 'x')
    assert.equal(changed, after)
    assert.equal(memberText(changed, name), 'x')
  }
  for (const value of ['[1]', '"a"', '7', 'null', 'no'])
    assert.throws(() => withMember(value, 'a', 'b'), /no JSON|not a JSON object/)
  assert.equal(memberText(text, 'a'), '12345678901234567890')
  assert.equal(memberText(text, '__proto__'), '1.0')
  assert.equal(memberText('{"a":"x\\n"}', 'a'), 'x\n')
  assert.equal(memberText('{"a": {"10": 1, "9": [true, "\\u0041"]}}', 'a'), '{"10":1,"9":[true,"\\u0041"]}')
  assert.throws(() => memberText(text, 'toString'), /^UsageError: the value has no field toString$/)
})

test('JSON of one line is spread for an editor and narrowed again to the same; other text stays as it is', () => {
  for (const text of ['{"a":1.50,"b":[1,{"c":null}],"10":[],"9":{}}', '[]', '["x"]', '{"a":",]}{[:","a":"\\"\\\\"}']) {
    assert.equal(narrow(spread(text)), text)
  }
  const plain = { a: 'b', c: [1, { d: null, e: [] }], f: {}, g: true }
  assert.equal(spread(JSON.stringify(plain)), JSON.stringify(plain, null, 2))
  const long = JSON.stringify({ a: '\n"'.repeat(16_000), b: 'x'.repeat(60_000) })
  assert.equal(narrow(spread(long)), long)
  assert.equal(memberText(long, 'b').length, 60_000)
  const deep = '['.repeat(5_000) + ']'.repeat(5_000)
  assert.equal(spread(deep), deep)
  for (const text of ['plain', '7', '{\n "a": 1\n}', '{"a":', 'null']) assert.equal(spread(text), text)
  assert.notEqual(parseJson('{}'), undefined)
})
