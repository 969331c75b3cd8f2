// The rows of keys, aliases and material. Every one is under a MAC.

import { type Keyring, sealedVersion } from '../../seal/keyring.ts'
import type { SealedTable } from '../../seal/rotate.ts'
import type { Transaction } from '../../storage/database.ts'
import type { Rows, SealedColumns } from '../../storage/sealed.ts'
import { MATERIAL_PURPOSE, openMaterial, wrapMaterial } from './material.ts'
import type { KmsAlias, KmsKey, KmsMaterial } from './model.ts'

export async function findKey(
  tx: Transaction,
  rows: Rows,
  account: string,
  region: string,
  keyId: string,
): Promise<KmsKey | undefined> {
  const row = await tx.get<SealedColumns>(
    'SELECT rev, body, mac FROM kms_key WHERE account_id = $1 AND region = $2 AND key_id = $3',
    account,
    region,
    keyId,
  )
  return row && rows.open<KmsKey>('kms_key', [account, region, keyId], row)
}

export async function insertKey(tx: Transaction, rows: Rows, key: KmsKey): Promise<void> {
  const { accountId, region, keyId } = key
  const { rev, body, mac } = rows.seal('kms_key', [accountId, region, keyId], 1, key)
  await tx.run(
    'INSERT INTO kms_key (account_id, region, key_id, rev, body, mac) VALUES ($1, $2, $3, $4, $5, $6)',
    accountId,
    region,
    keyId,
    rev,
    body,
    mac,
  )
}

export async function findAlias(
  tx: Transaction,
  rows: Rows,
  account: string,
  region: string,
  aliasName: string,
): Promise<KmsAlias | undefined> {
  const row = await tx.get<SealedColumns>(
    'SELECT rev, body, mac FROM kms_alias WHERE account_id = $1 AND region = $2 AND alias_name = $3',
    account,
    region,
    aliasName,
  )
  return row && rows.open<KmsAlias>('kms_alias', [account, region, aliasName], row)
}

/** False where the alias exists. */
export async function insertAlias(
  tx: Transaction,
  rows: Rows,
  account: string,
  region: string,
  alias: KmsAlias,
): Promise<boolean> {
  const { rev, body, mac } = rows.seal('kms_alias', [account, region, alias.aliasName], 1, alias)
  const { changes } = await tx.run(
    `INSERT INTO kms_alias (account_id, region, alias_name, rev, body, mac) VALUES ($1, $2, $3, $4, $5, $6)
       ON CONFLICT (account_id, region, alias_name) DO NOTHING`,
    account,
    region,
    alias.aliasName,
    rev,
    body,
    mac,
  )
  return changes === 1
}

export async function findMaterial(
  tx: Transaction,
  rows: Rows,
  materialId: string,
  region: string,
): Promise<KmsMaterial | undefined> {
  const row = await tx.get<SealedColumns>(
    'SELECT rev, body, mac FROM kms_material WHERE material_id = $1 AND region = $2',
    materialId,
    region,
  )
  return row && rows.open<KmsMaterial>('kms_material', [materialId, region], row)
}

export async function insertMaterial(tx: Transaction, rows: Rows, material: KmsMaterial): Promise<void> {
  const { materialId, region, accountId, keyId } = material
  const { rev, body, mac } = rows.seal('kms_material', [materialId, region], 1, material)
  await tx.run(
    `INSERT INTO kms_material (material_id, account_id, region, key_id, domain_key_version, rev, body, mac)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
    materialId,
    accountId,
    region,
    keyId,
    wrappedUnder(material),
    rev,
    body,
    mac,
  )
}

/** How domain key rotation finds wrapped material and wraps it anew. The column only finds; the bytes say which version they need. */
export const materialTable = (keyring: Keyring, rows: Rows): SealedTable => ({
  name: 'kms_material',
  purposes: [MATERIAL_PURPOSE],

  reseal: async (tx, version, limit) => {
    const found = await tx.all<SealedColumns & { readonly material_id: string; readonly region: string }>(
      'SELECT material_id, region, rev, body, mac FROM kms_material WHERE domain_key_version < $1 LIMIT $2',
      version,
      limit,
    )
    for (const { material_id, region, ...row } of found) {
      const key = [material_id, region]
      const material = rows.open<KmsMaterial>('kms_material', key, row)
      const rewrapped = wrapMaterial(keyring, material, openMaterial(keyring, material))
      const { rev, body, mac } = rows.seal('kms_material', key, Number(row.rev) + 1, rewrapped)
      await tx.run(
        `UPDATE kms_material SET domain_key_version = $1, rev = $2, body = $3, mac = $4
           WHERE material_id = $5 AND region = $6`,
        wrappedUnder(rewrapped),
        rev,
        body,
        mac,
        material_id,
        region,
      )
    }
    return found.length
  },

  refersTo: async (tx, version) => {
    const row = await tx.get('SELECT 1 AS present FROM kms_material WHERE domain_key_version = $1 LIMIT 1', version)
    return row !== undefined
  },
})

const wrappedUnder = (material: KmsMaterial): number => sealedVersion(Buffer.from(material.wrapped, 'base64'))
