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
  // Members that are numbers go first, as JavaScript has them.
  assert.equal(
    withMember(text, 'p\u201cw', 'x"y'),
    '{"2":null,"a":12345678901234567890,"__proto__":1.0,"b":{"c":[1e3]},"p“w":"x\\"y"}',
  )
  assert.equal(withMember('{"a":1}', '__proto__', 'x'), '{"a":1,"__proto__":"x"}')
  assert.equal(withMember('{\n    "a": 1\n}\n', 'a', '2'), '{\n    "a": "2"\n}')
  for (const value of ['[1]', '"a"', '7', 'null', 'no'])
    assert.throws(() => withMember(value, 'a', 'b'), /no JSON|not a JSON object/)
  assert.equal(memberText(text, 'a'), '12345678901234567890')
  assert.equal(memberText(text, '__proto__'), '1.0')
  assert.equal(memberText('{"a":"x\\n"}', 'a'), 'x\n')
  assert.throws(() => memberText(text, 'toString'), /^UsageError: the value has no field toString$/)
})

test('JSON of one line is spread for an editor and narrowed again to the same; other text stays as it is', () => {
  for (const text of ['{"a":1.50,"b":[1,{"c":null}]}', '[]', '["x"]']) assert.equal(narrow(spread(text)), text)
  for (const text of ['plain', '7', '{\n "a": 1\n}', '{"a":', 'null']) assert.equal(spread(text), text)
  assert.notEqual(parseJson('{}'), undefined)
})
