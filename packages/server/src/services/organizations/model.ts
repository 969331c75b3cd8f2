// The organization of the server and what it keeps of its accounts. There is one, it never changes, and the first account manages it.
// https://docs.aws.amazon.com/organizations/latest/userguide/orgs_getting-started_concepts.html

import type { ValueOf } from '../../shape/shape.ts'
import type { Account } from '../iam/port.ts'
import type { Account as AccountShape, CreateAccountStatus, FailureReason } from './shapes.ts'

/** Immutable, so that a process reads it once. */
export type Organization = {
  /** `o-` and 10 characters. */
  readonly id: string
  /** `r-` and 4 characters: the root, in which every account is. */
  readonly rootId: string
  /** MasterAccountId. */
  readonly managementAccount: string
}

/** Row `setting`, `organizations.organization`. */
export type OrganizationBody = Organization & {
  /** How many accounts there are. They are never deleted, so that a row that is missing is found. */
  readonly accounts: number
}

/** Row `organization_request`: what became of a CreateAccount. */
export type AccountRequest = {
  readonly accountName: string
  /** Milliseconds since the epoch. */
  readonly requestedAt: number
  /** An account is whole when the request is answered: there is no IN_PROGRESS. */
  readonly result: { readonly accountId: string } | { readonly failureReason: ValueOf<typeof FailureReason> }
}

// https://docs.aws.amazon.com/organizations/latest/userguide/orgs_reference_limits.html
export const TAGS_MAX = 50
export const DEFAULT_ROLE_NAME = 'OrganizationAccountAccessRole'

/** How long DescribeCreateAccountStatus knows a request, of the newest ones. AWS gives no number. */
export const REQUEST_KEPT_MS = 90 * 86_400_000
export const REQUESTS_KEPT_MAX = 10_000

const CHARACTERS = 'abcdefghijklmnopqrstuvwxyz0123456789'

/** A prefix and lower case letters and digits; a to d are a little likelier than the rest. */
export function newId(prefix: 'o-' | 'r-' | 'car-', length: number, randomBytes: (size: number) => Uint8Array): string {
  let id: string = prefix
  for (const byte of randomBytes(length)) id += CHARACTERS[byte % CHARACTERS.length]
  return id
}

export const organizationArn = (partition: string, { id, managementAccount }: Organization): string =>
  `arn:${partition}:organizations::${managementAccount}:organization/${id}`

export const accountArn = (partition: string, { id, managementAccount }: Organization, accountId: string): string =>
  `arn:${partition}:organizations::${managementAccount}:account/${id}/${accountId}`

/** Where every account is: aws:PrincipalOrgPaths has this, without the account. */
export const rootPath = ({ id, rootId }: Organization): string => `${id}/${rootId}/`

/** As DescribeAccount shows it. AWS says that the management account was invited, as an account that was there before. */
export function shownAccount(
  partition: string,
  organization: Organization,
  { accountId, name, email, status = 'ACTIVE', createdAt }: Account,
): ValueOf<typeof AccountShape> {
  return {
    Id: accountId,
    Arn: accountArn(partition, organization, accountId),
    Email: email,
    Name: name,
    Status: status,
    State: status === 'ACTIVE' ? 'ACTIVE' : 'CLOSED',
    Paths: [`${rootPath(organization)}${accountId}/`],
    JoinedMethod: accountId === organization.managementAccount ? 'INVITED' : 'CREATED',
    JoinedTimestamp: createdAt,
  }
}

export function shownRequest(
  id: string,
  { accountName, requestedAt, result }: AccountRequest,
): ValueOf<typeof CreateAccountStatus> {
  const times = { RequestedTimestamp: requestedAt, CompletedTimestamp: requestedAt }
  return 'accountId' in result
    ? { Id: id, AccountName: accountName, State: 'SUCCEEDED', ...times, AccountId: result.accountId }
    : { Id: id, AccountName: accountName, State: 'FAILED', ...times, FailureReason: result.failureReason }
}
