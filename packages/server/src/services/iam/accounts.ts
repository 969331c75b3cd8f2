// The accounts of the server: their aliases; and as Organizations sees them: found, listed, closed, and reached through a role of the
// management account.

import { IntegrityError } from '../../errors.ts'
import type { Transaction } from '../../storage/database.ts'
import { attachPolicy } from './attachments.ts'
import * as errors from './errors.ts'
import { managedPolicyArn } from './managed-policies.ts'
import { type AccountBody, rootArn } from './model.ts'
import { createRole } from './roles.ts'
import {
  ACCOUNT,
  findAccountByAlias,
  findRow,
  findAccountByEmail as findRowByEmail,
  type IamReader,
  type IamWriter,
  isSuspended,
  listAccountRows,
  ROLE,
  replaceRow,
  type Stored,
} from './store.ts'

export type Account = { readonly accountId: string } & AccountBody

export async function findAccount(app: IamReader, tx: Transaction, accountId: string): Promise<Account | undefined> {
  const row = await findRow(app, tx, ACCOUNT, [accountId])
  return row && accountOf(row)
}

/**
 * Whether an account is there and not closed. Whoever finds a resource of another account than the caller's asks: what stands in a closed
 * account is for nobody, whatever the policy on it says.
 */
export async function isOpenAccount(app: IamReader, tx: Transaction, accountId: string): Promise<boolean> {
  const row = await findRow(app, tx, ACCOUNT, [accountId])
  return row !== undefined && !isSuspended(row)
}

/** Without regard to case. */
export async function findAccountByEmail(app: IamReader, tx: Transaction, email: string): Promise<Account | undefined> {
  const row = await findRowByEmail(app, tx, email)
  return row && accountOf(row)
}

/** Those whose ids come after `after`, in the order of ids. @throws IntegrityError */
export async function listAccounts(
  app: IamReader,
  tx: Transaction,
  after: string,
  limit: number,
): Promise<readonly Account[]> {
  return (await listAccountRows(app, tx, after, limit)).map(accountOf)
}

export const setAccountEmail = (app: IamReader, tx: Transaction, accountId: string, email: string): Promise<void> =>
  change(app, tx, accountId, { email })

export const setAccountStatus = (
  app: IamReader,
  tx: Transaction,
  accountId: string,
  status: 'ACTIVE' | 'SUSPENDED',
): Promise<void> => change(app, tx, accountId, { status })

/**
 * Takes the place of the alias that the account has. An account that is closed keeps its own.
 * @throws EntityAlreadyExists where an account of the server has it, this one too.
 */
export async function createAlias(app: IamReader, tx: Transaction, accountId: string, alias: string): Promise<void> {
  if ((await findAccountByAlias(app, tx, alias)) !== undefined) throw errors.aliasExists(alias)
  await change(app, tx, accountId, { alias })
}

/** @throws NoSuchEntity where it is not the account's own. */
export async function deleteAlias(app: IamReader, tx: Transaction, accountId: string, alias: string): Promise<void> {
  const row = await readAccountRow(app, tx, accountId)
  const { alias: own, ...body } = row.body
  if (own !== alias) throw errors.noSuchAlias(alias)
  await replaceRow(app, tx, ACCOUNT, row, body)
}

async function change(app: IamReader, tx: Transaction, accountId: string, part: Partial<AccountBody>): Promise<void> {
  const row = await readAccountRow(app, tx, accountId)
  await replaceRow(app, tx, ACCOUNT, row, { ...row.body, ...part })
}

async function readAccountRow(app: IamReader, tx: Transaction, accountId: string): Promise<Stored<AccountBody>> {
  const row = await findRow(app, tx, ACCOUNT, [accountId])
  if (row === undefined) throw new IntegrityError(ACCOUNT.name, [accountId], 'is gone')
  return row
}

const accountOf = ({ key, body }: Stored<AccountBody>): Account => ({ ...body, accountId: key[0]! })

/**
 * The role through which the account that manages the organization reaches a member: whoever may assume it there has AdministratorAccess.
 * https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_accounts_access.html
 */
export async function createAccessRole(
  app: IamWriter,
  tx: Transaction,
  accountId: string,
  {
    roleName,
    trustedAccount,
    now,
  }: { readonly roleName: string; readonly trustedAccount: string; readonly now: number },
): Promise<void> {
  const Statement = [
    { Effect: 'Allow', Principal: { AWS: rootArn(app.partition, trustedAccount) }, Action: 'sts:AssumeRole' },
  ]
  const trustPolicy = JSON.stringify({ Version: '2012-10-17', Statement })
  const role = await createRole(app, tx, accountId, { roleName, trustPolicy, now })
  await attachPolicy(app, tx, ROLE, role, managedPolicyArn(app.partition, 'AdministratorAccess'))
}
