// The rows of functions, their versions, aliases and policies, their code and the events that wait for them. A function's row is under a MAC
// and vouches for its parts; code and events are encrypted under the function's data key.

import { hash } from 'node:crypto'
import type { App } from '../../app.ts'
import { IntegrityError } from '../../errors.ts'
import { type Keyring, sealedVersion } from '../../seal/keyring.ts'
import type { SealedTable } from '../../seal/rotate.ts'
import { DatabaseError, type Transaction } from '../../storage/database.ts'
import type { Rows, SealedColumns } from '../../storage/sealed.ts'
import { KEY_PURPOSE, openData, openDataKey, rewrapDataKey, sealData } from './data-key.ts'
import type { LambdaFunction } from './model.ts'

/** What a call needs of App and of its own to reach rows; jobs have no Call but the same two. */
export type Store = { readonly app: Pick<App, 'partition' | 'rows' | 'keyring'>; readonly tx: Transaction }

export type StoredFunction = { readonly rev: number; readonly fn: LambdaFunction }

type Place = Pick<LambdaFunction, 'accountId' | 'region' | 'functionName'>

const placeOf = ({ accountId, region, functionName }: Place) => [accountId, region, functionName] as const
const WHERE = 'account_id = $1 AND region = $2 AND function_name = $3'

// Functions.

export async function findFunction(
  { app, tx }: Store,
  accountId: string,
  region: string,
  functionName: string,
): Promise<StoredFunction | undefined> {
  const place = placeOf({ accountId, region, functionName })
  const row = await tx.get<SealedColumns>(`SELECT rev, body, mac FROM lambda_function WHERE ${WHERE}`, ...place)
  return row && { rev: row.rev, fn: app.rows.open<LambdaFunction>('lambda_function', place, row) }
}

export async function insertFunction({ app, tx }: Store, fn: LambdaFunction): Promise<StoredFunction> {
  const { rev, body, mac } = app.rows.seal('lambda_function', placeOf(fn), 1, fn)
  await tx.run(
    `INSERT INTO lambda_function (account_id, region, function_name, domain_key_version, rev, body, mac)
       VALUES ($1, $2, $3, $4, $5, $6, $7)`,
    ...placeOf(fn),
    keyVersion(fn),
    rev,
    body,
    mac,
  )
  return { rev, fn }
}

/** Replaces a function that was read in this transaction. */
export async function updateFunction(
  { app, tx }: Store,
  stored: StoredFunction,
  fn: LambdaFunction,
): Promise<StoredFunction> {
  const { rev, body, mac } = app.rows.seal('lambda_function', placeOf(fn), stored.rev + 1, fn)
  const { changes } = await tx.run(
    `UPDATE lambda_function SET domain_key_version = $4, rev = $5, body = $6, mac = $7 WHERE ${WHERE} AND rev = $8`,
    ...placeOf(fn),
    keyVersion(fn),
    rev,
    body,
    mac,
    stored.rev,
  )
  if (changes !== 1) throw changedMeanwhile()
  return { rev, fn }
}

/** Removes a function and everything that is its own, for good. */
export async function removeFunction({ tx }: Store, { rev, fn }: StoredFunction): Promise<void> {
  const place = placeOf(fn)
  for (const table of ['lambda_part', 'lambda_code', 'lambda_event', 'lambda_lease']) {
    await tx.run(`DELETE FROM ${table} WHERE ${WHERE}`, ...place)
  }
  const { changes } = await tx.run(`DELETE FROM lambda_function WHERE ${WHERE} AND rev = $4`, ...place, rev)
  if (changes !== 1) throw changedMeanwhile()
}

const changedMeanwhile = () => new DatabaseError('conflict', 'a function was changed by another transaction')

/** The functions of an account in a region whose names come after `after`, or at it too, in byte order. */
export async function listFunctions(
  { app, tx }: Store,
  accountId: string,
  region: string,
  from: { readonly name: string; readonly inclusive: boolean },
  limit: number,
): Promise<readonly LambdaFunction[]> {
  const rows = await tx.all<SealedColumns & { readonly function_name: string }>(
    `SELECT function_name, rev, body, mac FROM lambda_function
       WHERE account_id = $1 AND region = $2 AND function_name ${from.inclusive ? '>=' : '>'} $3
       ORDER BY function_name LIMIT $4`,
    accountId,
    region,
    from.name,
    limit,
  )
  return rows.map((row) =>
    app.rows.open<LambdaFunction>('lambda_function', [accountId, region, row.function_name], row),
  )
}

/** Counts functions, or bytes of code, more or, with a negative number, less. @returns how many there are now. */
export async function countUsage(
  { tx }: Pick<Store, 'tx'>,
  accountId: string,
  region: string,
  resource: 'lambda-function' | 'lambda-code',
  by: number,
): Promise<number> {
  await tx.run(
    `INSERT INTO quota_usage (account_id, region, resource, used) VALUES ($1, $2, $3, $4)
       ON CONFLICT (account_id, region, resource) DO UPDATE SET used = quota_usage.used + $4`,
    accountId,
    region,
    resource,
    by,
  )
  return readUsage({ tx }, accountId, region, resource)
}

export async function readUsage(
  { tx }: Pick<Store, 'tx'>,
  accountId: string,
  region: string,
  resource: 'lambda-function' | 'lambda-code',
): Promise<number> {
  const row = await tx.get<{ readonly used: number }>(
    'SELECT used FROM quota_usage WHERE account_id = $1 AND region = $2 AND resource = $3',
    accountId,
    region,
    resource,
  )
  return row?.used ?? 0
}

// Parts: versions, aliases and policies.

/** Undefined where the function has no such part. @throws IntegrityError where it is not the one that the function vouches for */
export async function findPart<T extends object>(
  { app, tx }: Store,
  fn: LambdaFunction,
  part: string,
): Promise<T | undefined> {
  const digest = Object.hasOwn(fn.parts, part) ? fn.parts[part] : undefined
  if (digest === undefined) return undefined
  const key = [...placeOf(fn), part]
  const row = await tx.get<SealedColumns>(`SELECT rev, body, mac FROM lambda_part WHERE ${WHERE} AND part = $4`, ...key)
  if (row === undefined) throw new IntegrityError('lambda_part', key, 'is gone')
  const value = app.rows.open<T>('lambda_part', key, row)
  if (digestOf(row) !== digest)
    throw new IntegrityError('lambda_part', key, 'is not the row that its function vouches for')
  return value
}

/** Stores a part in the place of the one that may be there. @returns what the function's row is to say of its parts */
export async function writePart(
  { app, tx }: Store,
  { rev, fn }: StoredFunction,
  part: string,
  value: object,
): Promise<LambdaFunction['parts']> {
  const row = app.rows.seal('lambda_part', [...placeOf(fn), part], rev + 1, value)
  await tx.run(
    `INSERT INTO lambda_part (account_id, region, function_name, part, rev, body, mac) VALUES ($1, $2, $3, $4, $5, $6, $7)
       ON CONFLICT (account_id, region, function_name, part) DO UPDATE SET rev = $5, body = $6, mac = $7`,
    ...placeOf(fn),
    part,
    row.rev,
    row.body,
    row.mac,
  )
  return { ...fn.parts, [part]: digestOf(row) }
}

export async function removePart({ tx }: Store, fn: LambdaFunction, part: string): Promise<LambdaFunction['parts']> {
  await tx.run(`DELETE FROM lambda_part WHERE ${WHERE} AND part = $4`, ...placeOf(fn), part)
  const { [part]: _, ...others } = fn.parts
  return others
}

const digestOf = (row: SealedColumns): string => hash('sha256', row.body, 'base64')

// Code.

const CHUNK_BYTES = 262_144

export const chunksOf = (bytes: number): number => Math.ceil(bytes / CHUNK_BYTES)

export async function insertCode(
  { app, tx }: Store,
  fn: LambdaFunction,
  codeSha256: string,
  archive: Uint8Array,
): Promise<void> {
  const key = openDataKey(app, fn)
  const chunks = chunksOf(archive.length)
  for (let chunk = 0; chunk < chunks; chunk++) {
    const plain = archive.subarray(chunk * CHUNK_BYTES, (chunk + 1) * CHUNK_BYTES)
    const sealed = sealData(key, fn, ['code', codeSha256, String(chunk), String(chunks)], plain)
    const row = app.rows.sealBytes('lambda_code', [...placeOf(fn), codeSha256, String(chunk)], 1, sealed)
    await tx.run(
      `INSERT INTO lambda_code (account_id, region, function_name, code_sha256, chunk, rev, body, mac)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
      ...placeOf(fn),
      codeSha256,
      chunk,
      row.rev,
      row.body,
      row.mac,
    )
  }
}

/** The archive. @throws IntegrityError where a part of it is gone or was altered */
export async function readCode({ app, tx }: Store, fn: LambdaFunction, codeSha256: string): Promise<Buffer> {
  const code = fn.codes[codeSha256]
  if (code === undefined) throw new RangeError('a code that the function does not have is read')
  const key = openDataKey(app, fn)
  const archive = Buffer.allocUnsafe(code.size)
  let at = 0
  for (let chunk = 0; chunk < code.chunks; chunk++) {
    const rowKey = [...placeOf(fn), codeSha256, String(chunk)]
    const row = await tx.get<SealedColumns>(
      `SELECT rev, body, mac FROM lambda_code WHERE ${WHERE} AND code_sha256 = $4 AND chunk = $5`,
      ...placeOf(fn),
      codeSha256,
      chunk,
    )
    if (row === undefined) throw new IntegrityError('lambda_code', rowKey, 'is gone')
    const sealed = app.rows.openBytes('lambda_code', rowKey, row)
    at += openData(key, fn, ['code', codeSha256, String(chunk), String(code.chunks)], sealed).copy(archive, at)
  }
  if (at !== code.size || hash('sha256', archive, 'base64') !== codeSha256) {
    throw new IntegrityError('lambda_code', [...placeOf(fn), codeSha256], 'is not the code of its function')
  }
  return archive
}

export async function removeCode({ tx }: Store, fn: LambdaFunction, codeSha256: string): Promise<void> {
  await tx.run(`DELETE FROM lambda_code WHERE ${WHERE} AND code_sha256 = $4`, ...placeOf(fn), codeSha256)
}

// Events of asynchronous invocations.

/** What waits, besides its payload. */
export type WaitingEvent = {
  readonly functionId: string
  readonly qualifier?: string
  /** Of the call that asked for it: the function sees it as its request id. */
  readonly requestId: string
  readonly acceptedAt: number
  /** Times that the function ran for it and failed. */
  readonly failures: number
  readonly clientContext?: string
  /** Encrypted under the function's data key, in base64. */
  readonly payload: string
}

export type EventPlace = Place & { readonly eventId: string }

export async function insertEvent({ app, tx }: Store, place: EventPlace, event: WaitingEvent): Promise<void> {
  const { eventId } = place
  const { rev, body, mac } = app.rows.seal('lambda_event', [eventId, ...placeOf(place)], 1, event)
  await tx.run(
    `INSERT INTO lambda_event (account_id, region, function_name, event_id, rev, body, mac)
       VALUES ($1, $2, $3, $4, $5, $6, $7)`,
    ...placeOf(place),
    eventId,
    rev,
    body,
    mac,
  )
}

/** Undefined where it is over, or its function is gone. */
export async function findEvent(
  { app, tx }: Store,
  place: EventPlace,
): Promise<{ readonly rev: number; readonly event: WaitingEvent } | undefined> {
  const row = await tx.get<SealedColumns>(
    `SELECT rev, body, mac FROM lambda_event WHERE ${WHERE} AND event_id = $4`,
    ...placeOf(place),
    place.eventId,
  )
  const event = row && app.rows.open<WaitingEvent>('lambda_event', [place.eventId, ...placeOf(place)], row)
  return event && { rev: row.rev, event }
}

export async function updateEvent(
  { app, tx }: Store,
  place: EventPlace,
  rev: number,
  event: WaitingEvent,
): Promise<void> {
  const row = app.rows.seal('lambda_event', [place.eventId, ...placeOf(place)], rev + 1, event)
  await tx.run(
    'UPDATE lambda_event SET rev = $1, body = $2, mac = $3 WHERE event_id = $4 AND rev = $5',
    row.rev,
    row.body,
    row.mac,
    place.eventId,
    rev,
  )
}

export async function removeEvent({ tx }: Store, { eventId }: EventPlace): Promise<void> {
  await tx.run('DELETE FROM lambda_event WHERE event_id = $1', eventId)
}

/** How many events wait for a function, counted up to `max`. */
export async function countEvents({ tx }: Store, fn: LambdaFunction, max: number): Promise<number> {
  const rows = await tx.all(`SELECT event_id FROM lambda_event WHERE ${WHERE} LIMIT $4`, ...placeOf(fn), max)
  return rows.length
}

// Leases: invocations under way of functions with reserved concurrency.

/** False where `max` others are under way. Times are of the wall clock, in milliseconds. */
export async function takeLease(
  { tx }: Pick<Store, 'tx'>,
  fn: LambdaFunction,
  lease: { readonly id: string; readonly now: number; readonly until: number; readonly max: number },
): Promise<boolean> {
  const place = placeOf(fn)
  await tx.run(`DELETE FROM lambda_lease WHERE ${WHERE} AND lease_until <= $4`, ...place, lease.now)
  const row = await tx.get<{ readonly held: number }>(
    `SELECT COUNT(*) AS held FROM lambda_lease WHERE ${WHERE}`,
    ...place,
  )
  if (Number(row?.held ?? 0) >= lease.max) return false
  await tx.run(
    'INSERT INTO lambda_lease (account_id, region, function_name, lease_id, lease_until) VALUES ($1, $2, $3, $4, $5)',
    ...place,
    lease.id,
    lease.until,
  )
  return true
}

export async function endLease({ tx }: Pick<Store, 'tx'>, fn: LambdaFunction, leaseId: string): Promise<void> {
  await tx.run(`DELETE FROM lambda_lease WHERE ${WHERE} AND lease_id = $4`, ...placeOf(fn), leaseId)
}

/** How domain key rotation finds sealed data keys and seals them anew. The column only finds; the bytes say which version they need. */
export const dataKeyTable = (keyring: Keyring, rows: Rows): SealedTable => ({
  name: 'lambda_function',
  purposes: [KEY_PURPOSE],

  reseal: async (tx, version, limit) => {
    const found = await tx.all<SealedColumns & { account_id: string; region: string; function_name: string }>(
      `SELECT account_id, region, function_name, rev, body, mac FROM lambda_function
         WHERE domain_key_version < $1 LIMIT $2`,
      version,
      limit,
    )
    for (const { account_id, region, function_name, ...row } of found) {
      const fn = rows.open<LambdaFunction>('lambda_function', [account_id, region, function_name], row)
      const resealed = { ...fn, key: rewrapDataKey(keyring, fn) }
      await updateFunction({ app: { partition: '', rows, keyring }, tx }, { rev: row.rev, fn }, resealed)
    }
    return found.length
  },

  refersTo: async (tx, version) => {
    const row = await tx.get('SELECT 1 AS present FROM lambda_function WHERE domain_key_version = $1 LIMIT 1', version)
    return row !== undefined
  },
})

const keyVersion = ({ key }: LambdaFunction): number => sealedVersion(Buffer.from(key, 'base64'))
