// The rows of Organizations, under their MACs: the organization, a setting, and what became of each CreateAccount. The accounts are IAM's.

import type { App } from '../../app.ts'
import { IntegrityError } from '../../errors.ts'
import type { Transaction } from '../../storage/database.ts'
import type { SealedColumns } from '../../storage/sealed.ts'
import type { AccountRequest, OrganizationBody } from './model.ts'

export type OrganizationReader = Pick<App, 'rows'>

const SETTING = ['organizations.organization']

type Stored = { readonly rev: number; readonly body: OrganizationBody }

/** @throws IntegrityError */
export async function findOrganization({ rows }: OrganizationReader, tx: Transaction): Promise<Stored | undefined> {
  const row = await tx.get<SealedColumns>('SELECT rev, body, mac FROM setting WHERE name = $1', ...SETTING)
  return row && { rev: row.rev, body: rows.open('setting', SETTING, row) }
}

/** @throws IntegrityError where it is gone: the first start made it. */
export async function readOrganization(app: OrganizationReader, tx: Transaction): Promise<Stored> {
  const stored = await findOrganization(app, tx)
  if (stored === undefined) throw organizationGone()
  return stored
}

export const organizationGone = (): IntegrityError =>
  new IntegrityError('setting', SETTING, 'is gone, though accounts are in the organization')

export async function insertOrganization(
  { rows }: OrganizationReader,
  tx: Transaction,
  organization: OrganizationBody,
): Promise<void> {
  const { rev, body, mac } = rows.seal('setting', SETTING, 1, organization)
  await tx.run('INSERT INTO setting (name, rev, body, mac) VALUES ($1, $2, $3, $4)', ...SETTING, rev, body, mac)
}

export async function replaceOrganization(
  { rows }: OrganizationReader,
  tx: Transaction,
  stored: Stored,
  organization: OrganizationBody,
): Promise<void> {
  const { rev, body, mac } = rows.seal('setting', SETTING, stored.rev + 1, organization)
  await tx.run('UPDATE setting SET rev = $2, body = $3, mac = $4 WHERE name = $1', ...SETTING, rev, body, mac)
}

const REQUEST = 'organization_request'

/** @throws IntegrityError */
export async function findRequest(
  { rows }: OrganizationReader,
  tx: Transaction,
  requestId: string,
): Promise<AccountRequest | undefined> {
  const row = await tx.get<SealedColumns>(
    'SELECT rev, body, mac FROM organization_request WHERE request_id = $1',
    requestId,
  )
  return row && rows.open(REQUEST, [requestId], row)
}

export async function insertRequest(
  { rows }: OrganizationReader,
  tx: Transaction,
  requestId: string,
  request: AccountRequest,
): Promise<void> {
  const { rev, body, mac } = rows.seal(REQUEST, [requestId], 1, request)
  await tx.run(
    'INSERT INTO organization_request (request_id, requested_at, rev, body, mac) VALUES ($1, $2, $3, $4, $5)',
    requestId,
    request.requestedAt,
    rev,
    body,
    mac,
  )
}

/** Deletes what was requested before `time`, and the oldest where there are more than `max`: a thousand of these at most in one go. */
export async function forgetRequests(tx: Transaction, time: number, max: number): Promise<void> {
  await tx.run('DELETE FROM organization_request WHERE requested_at < $1', time)
  await tx.run(
    `DELETE FROM organization_request WHERE request_id IN
     (SELECT request_id FROM organization_request ORDER BY requested_at DESC, request_id LIMIT 1000 OFFSET $1)`,
    max,
  )
}
