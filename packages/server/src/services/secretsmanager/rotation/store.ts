// The journals of rotations: one row for each run, under its MAC. Which of them is under way is in the sealed row of its secret.

import { IntegrityError } from '../../../errors.ts'
import { DatabaseError, type Transaction } from '../../../storage/database.ts'
import type { SealedColumns } from '../../../storage/sealed.ts'
import type { Store } from '../store.ts'
import type { Rotation } from './model.ts'

/** Runs of one secret that are kept, the latest ones. */
export const ROTATIONS_KEPT = 50

export type StoredRotation = { readonly rev: number; readonly rotation: Rotation }

type RotationRow = SealedColumns & { readonly rotation_id: string; readonly started_at: number }

const rotationKey = (arn: string, id: string) => [arn, id] as const

/** @throws IntegrityError if the row, or a lookup column of it, was altered */
function openRotation({ app }: Store, arn: string, row: RotationRow): StoredRotation {
  const key = rotationKey(arn, row.rotation_id)
  const rotation = app.rows.open<Rotation>('rotation', key, row)
  if (rotation.startedAt !== row.started_at) {
    throw new IntegrityError('rotation', key, 'has lookup columns that differ from its body')
  }
  return { rev: row.rev, rotation }
}

export async function findRotation(store: Store, arn: string, id: string): Promise<StoredRotation | undefined> {
  const row = await store.tx.get<RotationRow>(
    'SELECT rotation_id, started_at, rev, body, mac FROM rotation WHERE secret_arn = $1 AND rotation_id = $2',
    arn,
    id,
  )
  return row && openRotation(store, arn, row)
}

/** The latest runs of a secret, newest first. */
export async function listRotations(store: Store, arn: string, limit: number): Promise<readonly Rotation[]> {
  const rows = await store.tx.all<RotationRow>(
    `SELECT rotation_id, started_at, rev, body, mac FROM rotation WHERE secret_arn = $1
     ORDER BY started_at DESC, rotation_id DESC LIMIT $2`,
    arn,
    limit,
  )
  return rows.map((row) => openRotation(store, arn, row).rotation)
}

/** Stores a new journal; the oldest ones beyond ROTATIONS_KEPT go. */
export async function insertRotation({ app, tx }: Store, rotation: Rotation): Promise<void> {
  const { secretArn: arn, id, startedAt } = rotation
  const { rev, body, mac } = app.rows.seal('rotation', rotationKey(arn, id), 1, rotation)
  await tx.run(
    'INSERT INTO rotation (secret_arn, rotation_id, started_at, rev, body, mac) VALUES ($1, $2, $3, $4, $5, $6)',
    arn,
    id,
    startedAt,
    rev,
    body,
    mac,
  )
  const oldest = await tx.get<{ readonly started_at: number }>(
    'SELECT started_at FROM rotation WHERE secret_arn = $1 ORDER BY started_at DESC LIMIT 1 OFFSET $2',
    arn,
    ROTATIONS_KEPT,
  )
  if (oldest === undefined) return
  await tx.run(
    'DELETE FROM rotation WHERE secret_arn = $1 AND started_at <= $2 AND rotation_id <> $3',
    arn,
    oldest.started_at,
    id,
  )
}

/** Replaces a journal that was read in this transaction. */
export async function updateRotation(
  { app, tx }: Store,
  stored: Pick<StoredRotation, 'rev'>,
  rotation: Rotation,
): Promise<void> {
  const { secretArn: arn, id } = rotation
  const { rev, body, mac } = app.rows.seal('rotation', rotationKey(arn, id), stored.rev + 1, rotation)
  const { changes } = await tx.run(
    'UPDATE rotation SET rev = $1, body = $2, mac = $3 WHERE secret_arn = $4 AND rotation_id = $5 AND rev = $6',
    rev,
    body,
    mac,
    arn,
    id,
    stored.rev,
  )
  if (changes !== 1) throw new DatabaseError('conflict', 'a rotation was changed by another transaction')
}

export async function removeRotations(tx: Transaction, arn: string): Promise<void> {
  await tx.run('DELETE FROM rotation WHERE secret_arn = $1', arn)
}

/** What a run of a secret takes turns at. Names are keyed hashes, under the key of that version; '' where there is none. */
export type Turn = {
  readonly arn: string
  readonly account: string
  readonly keyVersion: number
  /** The secret's own ARN. */
  readonly own: string
  readonly server: string
  readonly master: string
  readonly rotationId: string
  /** Wall clock. */
  readonly waitsSince: number
  /** Wall clock; 0: it does not hold. */
  readonly heldUntil: number
}

type TurnRow = {
  readonly secret_arn: string
  readonly account_id: string
  readonly key_version: number
  readonly own: string
  readonly server: string
  readonly master: string
  readonly rotation_id: string
  readonly waits_since: number
  readonly held_until: number
}

const TURN = 'secret_arn, account_id, key_version, own, server, master, rotation_id, waits_since, held_until'

const turnOf = (row: TurnRow): Turn => ({
  arn: row.secret_arn,
  account: row.account_id,
  keyVersion: row.key_version,
  own: row.own,
  server: row.server,
  master: row.master,
  rotationId: row.rotation_id,
  waitsSince: row.waits_since,
  heldUntil: row.held_until,
})

/** What is known of the secret, perhaps by an earlier run of it. */
export async function findTurn(tx: Transaction, arn: string): Promise<Turn | undefined> {
  const row = await tx.get<TurnRow>(`SELECT ${TURN} FROM rotation_target WHERE secret_arn = $1`, arn)
  return row && turnOf(row)
}

/** `waitsUntil` by the wall clock; 0: it does not wait. */
export async function putTurn(tx: Transaction, turn: Turn, waitsUntil: number): Promise<void> {
  await tx.run(
    `INSERT INTO rotation_target (${TURN}, waits_until) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
     ON CONFLICT (secret_arn) DO UPDATE SET account_id = excluded.account_id, key_version = excluded.key_version,
       own = excluded.own, server = excluded.server, master = excluded.master, rotation_id = excluded.rotation_id,
       waits_since = excluded.waits_since, held_until = excluded.held_until, waits_until = excluded.waits_until`,
    turn.arn,
    turn.account,
    turn.keyVersion,
    turn.own,
    turn.server,
    turn.master,
    turn.rotationId,
    turn.waitsSince,
    turn.heldUntil,
    waitsUntil,
  )
}

/**
 * Whether a run of the account goes on at the same server, at the master secret, or of a secret that this one is master of. What goes on under
 * another key cannot be compared, and counts.
 */
export async function isTurnTaken(tx: Transaction, turn: Turn, wallNow: number): Promise<boolean> {
  const { account, arn, keyVersion, own, server, master } = turn
  const row = await tx.get(
    `SELECT secret_arn FROM rotation_target WHERE account_id = $1 AND held_until > $2 AND secret_arn <> $3
     AND (key_version <> $4 OR (server <> '' AND server = $5) OR master = $6 OR own = $7) LIMIT 1`,
    account,
    wallNow,
    arn,
    keyVersion,
    server,
    own,
    master,
  )
  return row !== undefined
}

/** The secrets that name this one as their master, but for those that it names itself. */
export async function listUsers(tx: Transaction, { account, arn, keyVersion, own, master }: Turn) {
  const rows = await tx.all<{ readonly secret_arn: string; readonly waits_until: number }>(
    `SELECT secret_arn, waits_until FROM rotation_target WHERE account_id = $1 AND master = $2 AND key_version = $3
     AND own <> $4 AND secret_arn <> $5`,
    account,
    own,
    keyVersion,
    master,
    arn,
  )
  return rows.map((row) => ({ arn: row.secret_arn, waitsUntil: row.waits_until }))
}

/** Runs that may wait for what this one held, the first comers first. */
export async function listWaiting(tx: Transaction, turn: Turn, wallNow: number, limit: number) {
  const { account, arn, keyVersion, own, server, master } = turn
  const rows = await tx.all<TurnRow>(
    `SELECT ${TURN} FROM rotation_target WHERE account_id = $1 AND waits_until > $2 AND secret_arn <> $3
     AND (key_version <> $4 OR (server <> '' AND server = $5) OR master = $6 OR own = $7)
     ORDER BY waits_since, secret_arn LIMIT $8`,
    account,
    wallNow,
    arn,
    keyVersion,
    server,
    own,
    master,
    limit,
  )
  return rows.map(turnOf)
}

export async function removeTurn(tx: Transaction, arn: string): Promise<void> {
  await tx.run('DELETE FROM rotation_target WHERE secret_arn = $1', arn)
}
