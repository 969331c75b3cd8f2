import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseBinary, parseBoolean, parseDate, parseNumber } from './scalar.ts'

test('numbers are decimal, with a sign and a fraction, of 32 characters at most', () => {
  for (const [text, number] of [
    ['0', 0],
    ['007', 7],
    ['+5', 5],
    ['-5.25', -5.25],
    ['1'.repeat(32), Number('1'.repeat(32))],
  ] as const) {
    assert.equal(parseNumber(text), number, text)
  }
  for (const text of [
    '',
    '.5',
    '5.',
    '1e3',
    '0x1',
    ' 1',
    '1 ',
    '--1',
    '1,0',
    '1.2.3',
    'NaN',
    'Infinity',
    '1'.repeat(33),
  ]) {
    assert.equal(parseNumber(text), undefined, text)
  }
})

test('dates are epoch seconds of five digits or more, or ISO 8601 from the year to the fraction of a second', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['10000', '1970-01-01T02:46:40.000Z'],
    ['1767225600', '2026-01-01T00:00:00.000Z'],
    ['2026', '2026-01-01T00:00:00.000Z'],
    ['0099', '0099-01-01T00:00:00.000Z'],
    ['2026-02', '2026-02-01T00:00:00.000Z'],
    ['2026-02-03', '2026-02-03T00:00:00.000Z'],
    ['2024-02-29', '2024-02-29T00:00:00.000Z'],
    ['2026-02-03T04:05Z', '2026-02-03T04:05:00.000Z'],
    ['2026-02-03T04:05:06Z', '2026-02-03T04:05:06.000Z'],
    ['2026-02-03T04:05:06.789Z', '2026-02-03T04:05:06.789Z'],
    ['2026-02-03T04:05:06.7Z', '2026-02-03T04:05:06.700Z'],
    ['2026-02-03T23:59:59Z', '2026-02-03T23:59:59.000Z'],
    ['2026-02-03T04:05:06.789012+01:30', '2026-02-03T02:35:06.789Z'],
    ['2026-02-03T04:05:06+01:30', '2026-02-03T02:35:06.000Z'],
    ['2026-02-03T04:05:06.789-01:30', '2026-02-03T05:35:06.789Z'],
    ['2026-02-03T04:05+23:59', '2026-02-02T04:06:00.000Z'],
  ]
  for (const [text, date] of cases) assert.equal(new Date(parseDate(text)!).toISOString(), date, text)
})

test('what is no date gives nothing', () => {
  for (const text of [
    '',
    '-10000',
    '10000.5',
    '999',
    '2026-1',
    '2026-13',
    '2026-00',
    '2026-01-00',
    '2026-01-32',
    '2026-02-30',
    '2026-02-29',
    '2026-02-03T04:05',
    '2026-02-03T04:05:06',
    '2026-02-03T04Z',
    '2026-02-03T24:00Z',
    '2026-02-03T04:60Z',
    '2026-02-03T04:05:60Z',
    '2026-02-03T04:05:06.Z',
    '2026-02-03T04:05:06z',
    '2026-02-03 04:05Z',
    '2026-02-03T04:05+0100',
    '2026-02-03T04:05+24:00',
    '2026-02-03T04:05+01:60',
    '2026-02Z',
    ' 2026',
    '1'.repeat(33),
  ]) {
    assert.equal(parseDate(text), undefined, text)
  }
})

test('a moment is read back from the ISO 8601 that the platform writes', () => {
  fc.assert(
    fc.property(fc.date({ min: new Date('0000-01-01'), max: new Date('9999-12-31'), noInvalidDate: true }), (date) => {
      assert.equal(parseDate(date.toISOString()), date.getTime())
    }),
  )
})

test('booleans are true and false in any case', () => {
  for (const text of ['true', 'True', 'TRUE', 'tRuE']) assert.equal(parseBoolean(text), true, text)
  for (const text of ['false', 'False', 'FALSE']) assert.equal(parseBoolean(text), false, text)
  for (const text of ['', '1', '0', 'yes', 'true ', ' true', 'falsee', 'truefalse']) {
    assert.equal(parseBoolean(text), undefined, text)
  }
})

test('bytes are read from base64 with its padding', () => {
  for (const [text, bytes] of [
    ['', ''],
    ['AA==', '\0'],
    ['AB==', '\0'],
    ['QUI=', 'AB'],
    ['QUJD', 'ABC'],
    ['/+//', '\xff\xef\xff'],
  ] as const) {
    assert.equal(parseBinary(text), bytes, text)
  }
  for (const text of [
    'A',
    'AA',
    'AAA',
    'A===',
    'AAA@',
    'AA@=',
    'A@==',
    '@AAA',
    '====',
    'AA=A',
    'A=AA',
    'AA-_',
    'AA .',
    'AAAA\n',
    'AA==AA==',
    'A@A[',
    'a`a{',
    '.0:0',
  ]) {
    assert.equal(parseBinary(text), undefined, text)
  }
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      const buffer = Buffer.from(bytes)
      assert.equal(parseBinary(buffer.toString('base64')), buffer.toString('latin1'))
    }),
  )
})
