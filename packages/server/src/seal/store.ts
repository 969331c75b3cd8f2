// The keyring's one row. Whoever saves says which rev it changes, so that of two changes at once one is made again.

import type { Transaction } from '../storage/database.ts'

export type KeyringRow = { readonly rev: number; readonly header: Uint8Array; readonly sealed: Uint8Array }

export async function findKeyring(tx: Transaction): Promise<KeyringRow | undefined> {
  const row = await tx.get<KeyringRow>('SELECT rev, header, sealed FROM keyring WHERE id = 1')
  return row && { rev: Number(row.rev), header: row.header, sealed: row.sealed }
}

/** The cheap check: the row's rev, undefined where there is no row. */
export async function findKeyringRev(tx: Transaction): Promise<number | undefined> {
  const row = await tx.get<{ readonly rev: number }>('SELECT rev FROM keyring WHERE id = 1')
  return row && Number(row.rev)
}

/** False where there is a keyring already. */
export async function insertKeyring(tx: Transaction, row: KeyringRow): Promise<boolean> {
  const { changes } = await tx.run(
    'INSERT INTO keyring (id, rev, header, sealed) VALUES (1, $1, $2, $3) ON CONFLICT (id) DO NOTHING',
    row.rev,
    row.header,
    row.sealed,
  )
  return changes === 1
}

/** False where the row is no longer at the rev before. */
export async function saveKeyring(tx: Transaction, row: KeyringRow): Promise<boolean> {
  const { changes } = await tx.run(
    'UPDATE keyring SET rev = $1, header = $2, sealed = $3 WHERE id = 1 AND rev = $4',
    row.rev,
    row.header,
    row.sealed,
    row.rev - 1,
  )
  return changes === 1
}

/** Whether anything was stored that a keyring vouches for. */
export async function hasSealedRows(tx: Transaction): Promise<boolean> {
  const row = await tx.get(
    `SELECT 1 AS present WHERE EXISTS (SELECT 1 FROM account) OR EXISTS (SELECT 1 FROM setting)
       OR EXISTS (SELECT 1 FROM kms_material) OR EXISTS (SELECT 1 FROM secret_version)`,
  )
  return row !== undefined
}
