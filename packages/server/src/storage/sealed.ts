// Rows under a MAC: what decides access or holds secrets is readable in the database but cannot be altered, moved or swapped there.

import { IntegrityError } from '../errors.ts'
import type { Keyring } from '../seal/keyring.ts'
import { Lru } from './cache.ts'

/** The columns that every sealed row has. `rev` rises with each change. */
export type SealedColumns = { readonly rev: number; readonly body: Uint8Array; readonly mac: Uint8Array }

export type Rows = {
  /** The columns of a row whose body is `value` as JSON, under format version 1. `key` is its primary key. */
  seal(table: string, key: readonly string[], rev: number, value: object): SealedColumns
  /** The same for a body of bytes. */
  sealBytes(table: string, key: readonly string[], rev: number, body: Uint8Array): SealedColumns
  /** The value of a row, shared between callers: treat it as frozen. @throws IntegrityError if the row was altered, moved or swapped. */
  open<T extends object>(table: string, key: readonly string[], row: SealedColumns): T
  openBytes(table: string, key: readonly string[], row: SealedColumns): Uint8Array
}

const FORMAT_JSON = 1
const FORMAT_BYTES = 2

/** Bodies above this are opened each time, so that the memory of what was opened stays bounded. */
const REMEMBERED_BYTES_MAX = 16_384
const REMEMBERED_ROWS_MAX = 4_096

export function createRows(keyring: Keyring): Rows {
  const encoder = new TextEncoder()
  const decoder = new TextDecoder('utf-8', { fatal: true })
  const opened = new Lru<string, { readonly row: SealedColumns; readonly value: object }>(REMEMBERED_ROWS_MAX)

  const sealBody = (table: string, key: readonly string[], rev: number, body: Uint8Array): SealedColumns => ({
    rev,
    body,
    mac: keyring.mac('row', table, [rowHeader(key, rev), body]),
  })

  const check = (table: string, key: readonly string[], row: SealedColumns, format: number): Uint8Array => {
    if (!keyring.verify('row', table, row.mac, [rowHeader(key, row.rev), row.body])) {
      throw new IntegrityError(table, key, 'was altered outside the server')
    }
    if (row.body[0] !== format)
      throw new IntegrityError(table, key, `has body format ${row.body[0]}, unknown to this server`)
    return row.body.subarray(1)
  }

  return {
    seal: (table, key, rev, value) => {
      const json = JSON.stringify(value)
      const body = Buffer.allocUnsafe(1 + Buffer.byteLength(json))
      body[0] = FORMAT_JSON
      encoder.encodeInto(json, body.subarray(1))
      return sealBody(table, key, rev, body)
    },
    sealBytes: (table, key, rev, bytes) => {
      const body = Buffer.allocUnsafe(1 + bytes.length)
      body[0] = FORMAT_BYTES
      body.set(bytes, 1)
      return sealBody(table, key, rev, body)
    },
    open: <T extends object>(table: string, key: readonly string[], row: SealedColumns): T => {
      const name = `${table}\0${key.join('\0')}`
      const known = opened.get(name)
      if (known !== undefined && sameColumns(known.row, row)) return known.value as T
      const value = JSON.parse(decoder.decode(check(table, key, row, FORMAT_JSON))) as T
      if (row.body.length <= REMEMBERED_BYTES_MAX) opened.set(name, { row, value })
      return value
    },
    openBytes: (table, key, row) => check(table, key, row, FORMAT_BYTES),
  }
}

const sameColumns = (a: SealedColumns, b: SealedColumns): boolean =>
  a.rev === b.rev && Buffer.compare(a.mac, b.mac) === 0 && Buffer.compare(a.body, b.body) === 0

/** `u32 parts ‖ (u32 length ‖ part)* ‖ u64 rev`: unambiguous, so that no two rows share a header. */
function rowHeader(key: readonly string[], rev: number): Uint8Array {
  let size = 12
  for (const part of key) size += 4 + Buffer.byteLength(part)
  const header = Buffer.allocUnsafe(size)
  let at = header.writeUInt32BE(key.length, 0)
  for (const part of key) {
    const length = header.write(part, at + 4)
    header.writeUInt32BE(length, at)
    at += 4 + length
  }
  header.writeBigUInt64BE(BigInt(rev), at)
  return header
}
