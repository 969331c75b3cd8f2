// The organization: made by the first start, and the accounts in it. Its row counts them, so that one whose row was deleted outside the
// server is missed.

import type { App } from '../../app.ts'
import type { Call } from '../../call.ts'
import { IntegrityError } from '../../errors.ts'
import type { Transaction } from '../../storage/database.ts'
import {
  type Account,
  countAccounts,
  createAccessRole,
  createAccount,
  findAccount,
  findAccountByEmail,
  listAccounts,
  setAccountEmail,
} from '../iam/port.ts'
import * as errors from './errors.ts'
import { isEmailAddress, type NewAccountInput } from './input.ts'
import {
  type AccountRequest,
  DEFAULT_ROLE_NAME,
  newId,
  type Organization,
  type OrganizationBody,
  REQUEST_KEPT_MS,
  REQUESTS_KEPT_MAX,
} from './model.ts'
import {
  findOrganization,
  forgetRequests,
  insertOrganization,
  insertRequest,
  organizationGone,
  readOrganization,
  replaceOrganization,
} from './store.ts'

/** What accounts that nobody gave an address have: RFC 2606 keeps the domain from ever being one. */
const defaultEmail = (accountId: string): string => `${accountId}@accounts.invalid`

/**
 * The organization, made where there is none, with the first account to manage it.
 * @throws IntegrityError where there was one.
 */
export async function ensureOrganization(
  app: Pick<App, 'partition' | 'rows' | 'keyring' | 'randomBytes'>,
  tx: Transaction,
  managementAccount: string,
): Promise<Organization> {
  const stored = await findOrganization(app, tx)
  if (stored !== undefined) return immutable(stored.body)
  const account = await findAccount(app, tx, managementAccount)
  // The address came together with the organization.
  if (account?.email !== undefined) throw organizationGone()
  await setAccountEmail(app, tx, managementAccount, defaultEmail(managementAccount))
  const organization = {
    id: newId('o-', 10, app.randomBytes),
    rootId: newId('r-', 4, app.randomBytes),
    managementAccount,
  }
  await insertOrganization(app, tx, { ...organization, accounts: await countAccounts(tx) })
  return organization
}

const immutable = ({ id, rootId, managementAccount }: OrganizationBody): Organization => ({
  id,
  rootId,
  managementAccount,
})

/** @throws AccessDeniedException unless the caller's account manages the organization. */
export function mustManage({ app, account }: Pick<Call, 'app' | 'account'>): void {
  if (account !== app.organization.managementAccount) throw errors.notManagementAccount()
}

/**
 * Makes an account with the role through which the management account reaches it, and keeps what became of the request.
 * @throws ConstraintViolationException at the most accounts that the server may hold.
 */
export async function createMember(
  { app, tx, now }: Pick<Call, 'app' | 'tx' | 'now'>,
  input: NewAccountInput,
): Promise<{ readonly id: string; readonly request: AccountRequest }> {
  await forgetRequests(tx, now - REQUEST_KEPT_MS, REQUESTS_KEPT_MAX)
  const id = newId('car-', 32, app.randomBytes)
  const request = { accountName: input.AccountName, requestedAt: now, result: await result(app, tx, now, input) }
  await insertRequest(app, tx, id, request)
  return { id, request }
}

async function result(
  app: App,
  tx: Transaction,
  now: number,
  input: NewAccountInput,
): Promise<AccountRequest['result']> {
  const { AccountName: name, Email: email, RoleName: roleName = DEFAULT_ROLE_NAME, Tags: tags = [] } = input
  if (!isEmailAddress(email)) return { failureReason: 'INVALID_EMAIL' }
  if ((await findAccountByEmail(app, tx, email)) !== undefined) return { failureReason: 'EMAIL_ALREADY_EXISTS' }
  const stored = await readOrganization(app, tx)
  const accounts = stored.body.accounts + 1
  if (accounts > app.limits.accounts) throw errors.tooManyAccounts()
  // First, so that of two requests at once one waits for the other.
  await replaceOrganization(app, tx, stored, { ...stored.body, accounts })
  const accountId = await createAccount(app, tx, {
    name,
    email,
    now,
    tags: tags.map(({ Key, Value }) => ({ key: Key, value: Value })),
  })
  await createAccessRole(app, tx, accountId, { roleName, trustedAccount: app.organization.managementAccount, now })
  return { accountId }
}

/** A page of accounts in the order of their ids, and whether more follow. @throws IntegrityError where a row was altered or is gone. */
export async function listMembers(
  { app, tx }: Pick<Call, 'app' | 'tx'>,
  after: string,
  max: number,
): Promise<{ readonly accounts: readonly Account[]; readonly more: boolean }> {
  const { body } = await readOrganization(app, tx)
  if ((await countAccounts(tx)) !== body.accounts) {
    throw new IntegrityError('account', [], `are not the ${body.accounts} that the organization has`)
  }
  const found = await listAccounts(app, tx, after, max + 1)
  return { accounts: found.slice(0, max), more: found.length > max }
}
