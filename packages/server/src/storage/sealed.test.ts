import assert from 'node:assert/strict'
import { createHmac, timingSafeEqual } from 'node:crypto'
import { test } from 'node:test'
import { IntegrityError } from '../errors.ts'
import type { Keyring } from '../seal/keyring.ts'
import { createRows, type SealedColumns } from './sealed.ts'

/** A keyring of one key: what rows rely on is an honest MAC over length-prefixed parts. */
const mac: Keyring['mac'] = (family, purpose, parts) => {
  const hmac = createHmac('sha256', 'key')
  for (const part of [Buffer.from(family), Buffer.from(purpose), ...parts]) {
    const length = Buffer.alloc(4)
    length.writeUInt32BE(part.length)
    hmac.update(length).update(part)
  }
  return hmac.digest()
}
const keyring = {
  mac,
  verify: (family, purpose, given, parts) => timingSafeEqual(mac(family, purpose, parts), given),
} as Keyring

const value = { name: 'prod/db', labels: ['AWSCURRENT'], nested: { ä: '€' } }

test('a sealed row opens to the value it was made of', () => {
  const rows = createRows(keyring)
  const row = rows.seal('secret', ['1', 'eu', 'a'], 7, value)
  assert.equal(row.rev, 7)
  assert.deepEqual(rows.open('secret', ['1', 'eu', 'a'], row), value)
  const bytes = Uint8Array.from([0, 1, 255])
  const sealed = rows.sealBytes('secret', ['b'], 1, bytes)
  assert.deepEqual(new Uint8Array(rows.openBytes('secret', ['b'], sealed)), bytes)
  assert.deepEqual(
    new Uint8Array(rows.openBytes('secret', ['c'], rows.sealBytes('secret', ['c'], 1, new Uint8Array(0)))),
    new Uint8Array(0),
  )
})

test('a row that was altered, moved or swapped is refused, also after the honest one was opened', () => {
  const rows = createRows(keyring)
  const key = ['1', 'eu', 'a']
  const row = rows.seal('secret', key, 7, value)
  const other = rows.seal('secret', ['1', 'eu', 'b'], 7, { name: 'other' })
  assert.deepEqual(rows.open('secret', key, row), value)
  const flipped = (bytes: Uint8Array): Uint8Array => bytes.map((byte, i) => (i === 3 ? byte ^ 1 : byte))
  const forgeries: readonly (readonly [string, string, readonly string[], SealedColumns])[] = [
    ['body', 'secret', key, { ...row, body: flipped(row.body) }],
    ['mac', 'secret', key, { ...row, mac: flipped(row.mac) }],
    ['rev', 'secret', key, { ...row, rev: 8 }],
    ['table', 'iam_user', key, row],
    ['key', 'secret', ['1', 'eu', 'c'], row],
    ['parts of the key', 'secret', ['1e', 'u', 'a'], row],
    ['number of parts', 'secret', ['1', 'eua'], row],
    ['another row', 'secret', key, other],
    ['body of another row', 'secret', key, { ...row, body: other.body }],
  ]
  for (const [what, table, where, forged] of forgeries) {
    assert.throws(() => rows.open(table, where, forged), IntegrityError, what)
  }
  assert.deepEqual(rows.open('secret', key, row), value)
})

test('bytes do not open as a value, nor a value as bytes', () => {
  const rows = createRows(keyring)
  assert.throws(() => rows.open('t', ['a'], rows.sealBytes('t', ['a'], 1, Buffer.from('{}'))), {
    name: 'IntegrityError',
    message: /has body format 2, unknown to this server/,
  })
  assert.throws(() => rows.openBytes('t', ['a'], rows.seal('t', ['a'], 1, {})), IntegrityError)
})

test('an unchanged row is opened once and shared, a changed one anew', () => {
  const rows = createRows(keyring)
  const row = rows.seal('t', ['a'], 1, value)
  const copy = { ...row, body: new Uint8Array(row.body), mac: new Uint8Array(row.mac) }
  assert.equal(rows.open('t', ['a'], row), rows.open('t', ['a'], copy))
  const next = rows.seal('t', ['a'], 2, { name: 'next' })
  assert.deepEqual(rows.open('t', ['a'], next), { name: 'next' })
})

test('an error names the row and never what is in it', () => {
  const rows = createRows(keyring)
  const row = rows.seal('secret', ['1', 'a'], 1, { value: 'HUSH' })
  assert.throws(
    () => rows.open('secret', ['1', 'b'], row),
    (error: Error) =>
      /row \["1","b"\] of secret was altered/.test(error.message) && !JSON.stringify(error).includes('HUSH'),
  )
})
