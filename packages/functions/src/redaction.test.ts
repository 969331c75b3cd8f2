import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createRedactor, MARK, redact } from './redaction.ts'

const VALUE = 'p4ss/wörd "%+ü\\'

test('a value is taken out as it is, URL-encoded, in Base64 and inside JSON', () => {
  const bytes = Buffer.from(VALUE)
  const forms = [
    VALUE,
    encodeURIComponent(VALUE),
    encodeURIComponent(VALUE).toLowerCase(),
    encodeURIComponent(VALUE).replaceAll('%20', '+'),
    bytes.toString('base64'),
    bytes.toString('base64url'),
    JSON.stringify(VALUE).slice(1, -1),
    // As Python's json.dumps writes it.
    'p4ss/w\\u00f6rd \\"%+\\u00fc\\\\',
  ]
  for (const form of forms) assert.equal(redact(`before ${form} after`, [VALUE]), `before ${MARK} after`, form)
})

test('a value inside something longer that is in Base64 is taken out', () => {
  for (const user of ['u', 'us', 'use', 'user']) {
    const header = Buffer.from(`${user}:long enough a value!x`).toString('base64')
    const kept = redact(header, ['long enough a value'])
    assert.ok(kept.includes(MARK), user)
    assert.doesNotMatch(Buffer.from(kept.replace(MARK, ''), 'base64').toString('latin1'), /enough|value/)
  }
})

test('values that overlap, contain and follow each other are one mark each run', () => {
  assert.equal(redact('xabcdefx', ['abc', 'abcdef', 'def']), `x${MARK}x`)
  assert.equal(redact('abab', ['ab']), MARK)
  assert.equal(redact('ab ab', ['ab']), `${MARK} ${MARK}`)
  assert.equal(redact('aaab', ['aab']), `a${MARK}`)
  assert.equal(redact('nothing', ['', 'else']), 'nothing')
})

test('what may be the beginning of a value is told only when it is known not to be one', () => {
  const redactor = createRedactor()
  redactor.add(['secret'])
  const stream = redactor.stream()
  assert.equal(stream.write(Buffer.from('a sec')).toString(), 'a ')
  assert.equal(stream.write(Buffer.from('ond')).toString(), 'second')
  assert.equal(stream.write(Buffer.from(' secre')).toString(), ' ')
  assert.equal(stream.end().toString(), MARK)
})

test('values added later are taken out from then on', () => {
  const redactor = createRedactor()
  const stream = redactor.stream()
  assert.equal(stream.write(Buffer.from('one two ')).toString(), 'one two ')
  redactor.add(['two'])
  assert.equal(stream.write(Buffer.from('one two ')).toString(), `one ${MARK} `)
})

test('however a stream is cut, the same is told, and no value', () => {
  const letters = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 1, maxLength: 5 })
  const property = fc.property(
    fc.array(letters, { minLength: 1, maxLength: 3 }),
    fc.string({ unit: fc.constantFrom('a', 'b', 'c', ' '), maxLength: 60 }),
    fc.array(fc.nat(12), { maxLength: 20 }),
    (values, text, cuts) => {
      const redactor = createRedactor()
      redactor.add(values)
      const stream = redactor.stream()
      const told: Buffer[] = []
      let rest = Buffer.from(text)
      for (const cut of cuts) {
        told.push(stream.write(rest.subarray(0, cut)))
        rest = rest.subarray(cut)
      }
      told.push(stream.write(rest), stream.end())
      const whole = Buffer.concat(told).toString()
      assert.equal(whole, redact(text, values))
      for (const value of values) assert.ok(!whole.includes(value))
    },
  )
  fc.assert(property, { numRuns: 2_000 })
})

test('text that is nearly a value a thousand times over costs time in proportion to its length', () => {
  const redactor = createRedactor()
  redactor.add([`${'a'.repeat(65_000)}b`])
  const stream = redactor.stream()
  const chunk = Buffer.alloc(1_000, 'a')
  const before = performance.now()
  let told = 0
  for (let i = 0; i < 1_000; i++) told += stream.write(chunk).length
  // A quadratic search would take minutes.
  assert.ok(performance.now() - before < 20_000)
  assert.ok(told > 900_000)
})
