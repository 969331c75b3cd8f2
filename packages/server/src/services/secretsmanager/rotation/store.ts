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
