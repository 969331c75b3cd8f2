// What the commands print: columns that line up in every script, and nothing that a terminal would act on.

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { jsonText, printable, printListing } from './output.ts'

function printed(t: TestContext, work: () => void): string {
  let text = ''
  const { mock } = t.mock.method(process.stdout, 'write', (chunk: string) => {
    text += chunk
    return true
  })
  try {
    work()
  } finally {
    mock.restore()
  }
  return text
}

const hostile = [
  'plain',
  '\u001b[2Jgone',
  'two\nlines\ttab',
  '\u009b31mred',
  '\u202egnp.exe',
  '\u2028',
  '\u0007',
] as const

test('columns line up where characters are two cells wide, or none', (t) => {
  const listing = {
    columns: ['name', 'age'],
    rows: [
      ['日本語', '1 d'],
      ['e\u0301te', ''],
      ['👩‍👩‍👧', '3 d'],
    ],
    json: [],
  }
  assert.equal(
    printed(t, () => printListing(listing, 'table')),
    'NAME    AGE\n日本語  1 d\ne\u0301te     -\n👩‍👩‍👧      3 d\n',
  )
  assert.equal(
    printed(t, () => printListing(listing, 'text')),
    '日本語\t1 d\ne\u0301te\t\n👩‍👩‍👧\t3 d\n',
  )
})

test('nothing of an answer moves the cursor, in any format, and JSON still says the same', (t) => {
  for (const text of hostile) assert.doesNotMatch(printable(text), /[\p{Cc}\u2028\u2029\u202e]/u)
  const listing = { columns: ['a'], rows: hostile.map((text) => [text]), json: hostile }
  for (const format of ['table', 'text', 'json'] as const) {
    const text = printed(t, () => printListing(listing, format))
    assert.doesNotMatch(text.replaceAll('\n', ''), /[\p{Cc}\u2028\u2029\u202e]/u, format)
    if (format !== 'json') assert.equal(text.split('\n').length, hostile.length + (format === 'table' ? 2 : 1))
  }
  assert.deepEqual(JSON.parse(jsonText(hostile)), hostile)
})
