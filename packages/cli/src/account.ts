// `strongroom account`: accounts made, listed and closed through the AWS APIs alone, as anyone with the AWS CLI could. What failed halfway is
// gone on with by the same command: the account is found by its address.

import { createHash } from 'node:crypto'
import { createInterface } from 'node:readline/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  AttachUserPolicyCommand,
  CreateAccessKeyCommand,
  CreateUserCommand,
  EntityAlreadyExistsException,
  IAMClient,
  ListAccessKeysCommand,
} from '@aws-sdk/client-iam'
import {
  type Account,
  CloseAccountCommand,
  CreateAccountCommand,
  type CreateAccountStatus,
  DescribeAccountCommand,
  DescribeCreateAccountStatusCommand,
  OrganizationsClient,
  paginateListAccounts,
} from '@aws-sdk/client-organizations'
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts'
import { type Connection, noAnswer } from './connection.ts'
import type { Credentials } from './credentials.ts'
import { saidBy } from './sdk.ts'
import { UsageError } from './usage-error.ts'

const ROLE_NAME = 'OrganizationAccountAccessRole'
const ADMINISTRATOR_ACCESS = 'arn:aws:iam::aws:policy/AdministratorAccess'
const POLL_MS = 1_000
const POLLS_MAX = 120

export type NewAccountOptions = {
  /** Absent: one made of the name. */
  readonly email?: string | undefined
  readonly userName: string
}

/** What a new account is used with. The secret access key is shown this once. */
export type AccountKeys = {
  readonly AccountId: string
  readonly AccessKeyId: string
  readonly SecretAccessKey: string
}

/**
 * Makes an account, and in it a user with AdministratorAccess and an access key. An account of this name and address that has no such user with
 * keys yet is completed.
 * @throws UsageError
 */
export async function createAccount(
  connection: Connection,
  name: string,
  { email = emailOf(name), userName }: NewAccountOptions,
): Promise<AccountKeys> {
  const AccountId = await withOrganizations(connection, (client) => ensureAccount(client, name, email))
  try {
    const credentials = await withSts(connection, (client) => assumeAccessRole(client, AccountId))
    const inside = { ...connection, credentials }
    return { AccountId, ...(await withIam(inside, (client) => createAdministrator(client, AccountId, userName))) }
  } catch (error) {
    if (!(error instanceof CallError)) throw error
    throw new UsageError(
      `account ${AccountId} is there, but its user is not: ${error.message}. The same command again goes on from there`,
    )
  }
}

/** As ListAccounts answers, all pages in one. @throws UsageError */
export const listAccounts = (connection: Connection): Promise<{ readonly Accounts: readonly Account[] }> =>
  withOrganizations(connection, async (client) => ({ Accounts: await allAccounts(client) }))

/** Closes an account, if `confirm` says so; without it nobody is asked. @throws UsageError */
export const closeAccount = (
  connection: Connection,
  AccountId: string,
  confirm?: (account: Account) => Promise<boolean>,
): Promise<{ readonly AccountId: string; readonly Status: string | undefined }> =>
  withOrganizations(connection, async (client) => {
    const describe = async (): Promise<Account> =>
      (await client.send(new DescribeAccountCommand({ AccountId }))).Account!
    if (confirm !== undefined && !(await confirm(await describe()))) throw new UsageError('nothing was closed')
    await client.send(new CloseAccountCommand({ AccountId }))
    return { AccountId, Status: (await describe()).Status }
  })

/** Asks on the terminal for the account's id. @throws UsageError where there is no terminal. */
export async function confirmClosing({ Id, Name }: Account): Promise<boolean> {
  if (!process.stdin.isTTY) throw new UsageError('--yes is missing: without a terminal nobody can be asked')
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  try {
    const question = `Nothing of account ${Id} (${Name}) will be let in any more. Its data stays.\nType its id to close it: `
    return (await terminal.question(question)).trim() === Id
  } finally {
    terminal.close()
  }
}

/** The id of the account that was made, or that was there with this name and address. */
async function ensureAccount(client: OrganizationsClient, name: string, email: string): Promise<string> {
  const { State, AccountId, FailureReason } = await requestAccount(client, name, email)
  if (State === 'SUCCEEDED') return AccountId!
  if (FailureReason !== 'EMAIL_ALREADY_EXISTS') {
    throw new UsageError(`--email ${email}: the account was not made (${FailureReason ?? State})`)
  }
  const key = email.toLowerCase()
  const found = (await allAccounts(client)).find((account) => account.Email?.toLowerCase() === key)
  if (found?.Name !== name) {
    const whose = found === undefined ? 'another account' : `account ${found.Id} (${found.Name})`
    throw new UsageError(`--email ${email} belongs to ${whose}: give another address`)
  }
  if (found.Status !== 'ACTIVE') {
    throw new UsageError(`account ${found.Id} (${name}) is there and closed: give another --email for a new one`)
  }
  return found.Id!
}

/** Makes the request and waits for what becomes of it. */
async function requestAccount(client: OrganizationsClient, name: string, email: string): Promise<CreateAccountStatus> {
  const created = await client.send(new CreateAccountCommand({ AccountName: name, Email: email, RoleName: ROLE_NAME }))
  let status = created.CreateAccountStatus!
  for (let i = 0; i < POLLS_MAX && status.State === 'IN_PROGRESS'; i += 1) {
    await sleep(POLL_MS)
    const asked = await client.send(new DescribeCreateAccountStatusCommand({ CreateAccountRequestId: status.Id }))
    status = asked.CreateAccountStatus!
  }
  return status
}

async function allAccounts(client: OrganizationsClient): Promise<readonly Account[]> {
  const accounts: Account[] = []
  for await (const page of paginateListAccounts({ client }, {})) accounts.push(...(page.Accounts ?? []))
  return accounts
}

async function assumeAccessRole(client: STSClient, accountId: string): Promise<Credentials> {
  const RoleArn = `arn:aws:iam::${accountId}:role/${ROLE_NAME}`
  const assumed = await client.send(
    new AssumeRoleCommand({ RoleArn, RoleSessionName: 'strongroom-account-create', DurationSeconds: 900 }),
  )
  const { AccessKeyId, SecretAccessKey, SessionToken } = assumed.Credentials!
  return { accessKeyId: AccessKeyId!, secretAccessKey: SecretAccessKey!, sessionToken: SessionToken! }
}

async function createAdministrator(
  client: IAMClient,
  accountId: string,
  UserName: string,
): Promise<Omit<AccountKeys, 'AccountId'>> {
  try {
    await client.send(new CreateUserCommand({ UserName }))
  } catch (error) {
    if (!(error instanceof EntityAlreadyExistsException)) throw error
    const { AccessKeyMetadata: keys = [] } = await client.send(new ListAccessKeysCommand({ UserName }))
    if (keys[0] !== undefined) {
      throw new UsageError(
        `account ${accountId} is there, and its user ${UserName} has the access key ${keys[0].AccessKeyId}: delete the key if it is lost, or give another --user-name`,
      )
    }
  }
  await client.send(new AttachUserPolicyCommand({ UserName, PolicyArn: ADMINISTRATOR_ACCESS }))
  const { AccessKey } = await client.send(new CreateAccessKeyCommand({ UserName }))
  return { AccessKeyId: AccessKey!.AccessKeyId!, SecretAccessKey: AccessKey!.SecretAccessKey! }
}

type Work<Client> = <T>(connection: Connection, work: (client: Client) => Promise<T>) => Promise<T>

const withOrganizations: Work<OrganizationsClient> = (connection, work) =>
  calling(connection, new OrganizationsClient(optionsOf(connection)), work)

const withSts: Work<STSClient> = (connection, work) => calling(connection, new STSClient(optionsOf(connection)), work)

const withIam: Work<IAMClient> = (connection, work) => calling(connection, new IAMClient(optionsOf(connection)), work)

const optionsOf = ({ endpoint, region, credentials }: Connection) => ({
  endpoint: endpoint.href,
  region,
  credentials: { ...credentials },
})

/** A call that was refused or had no answer. */
class CallError extends UsageError {}

/** @throws CallError with what the server says, or that it does not answer. */
async function calling<Client extends { destroy(): void }, T>(
  { endpoint }: Connection,
  client: Client,
  work: (client: Client) => Promise<T>,
): Promise<T> {
  try {
    return await work(client)
  } catch (error) {
    if (error instanceof UsageError) throw error
    throw new CallError(
      '$fault' in (error as Error) ? saidBy(error as Error) : noAnswer(endpoint, error as Error).message,
    )
  } finally {
    client.destroy()
  }
}

/** The same for the same name, so that a second run finds the account of the first. Nothing is sent to `.invalid`, by RFC 2606. */
function emailOf(name: string): string {
  const slug = name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .slice(0, 30)
  const digest = createHash('sha256').update(name).digest('hex').slice(0, 12)
  return `${slug === name ? slug : `${slug}-${digest}`}@accounts.invalid`
}
