// The shapes of Organizations. What it refuses with InvalidInputException and a Reason of its own is checked in input.ts.
// https://docs.aws.amazon.com/organizations/latest/APIReference/API_Account.html

import { enumeration, integer, list, optional, string, structure, timestamp } from '../../shape/shape.ts'

/** 12 digits. */
export const AccountId = string()
export const AccountName = string({ sensitive: true })
export const CreateAccountRequestId = string()
export const Email = string({ sensitive: true })
export const IAMUserAccessToBilling = string()
export const MaxResults = integer()
export const NextToken = string()
export const RoleName = string()
export const Tags = list(structure({ Key: string(), Value: string() }))

export const Account = structure({
  Id: optional(AccountId),
  Arn: optional(string()),
  Email: optional(Email),
  Name: optional(AccountName),
  /** AWS calls it retired in favour of State. */
  Status: optional(enumeration('ACTIVE', 'SUSPENDED', 'PENDING_CLOSURE')),
  State: optional(enumeration('PENDING_ACTIVATION', 'ACTIVE', 'SUSPENDED', 'PENDING_CLOSURE', 'CLOSED')),
  Paths: optional(list(string())),
  JoinedMethod: optional(enumeration('INVITED', 'CREATED')),
  JoinedTimestamp: optional(timestamp()),
})

/** Those of AWS's reasons that there are here. */
export const FailureReason = enumeration('EMAIL_ALREADY_EXISTS', 'INVALID_EMAIL')

export const CreateAccountStatus = structure({
  Id: optional(CreateAccountRequestId),
  AccountName: optional(AccountName),
  State: optional(enumeration('IN_PROGRESS', 'SUCCEEDED', 'FAILED')),
  RequestedTimestamp: optional(timestamp()),
  CompletedTimestamp: optional(timestamp()),
  AccountId: optional(AccountId),
  GovCloudAccountId: optional(AccountId),
  FailureReason: optional(FailureReason),
})

export const Organization = structure({
  Id: optional(string()),
  Arn: optional(string()),
  FeatureSet: optional(enumeration('ALL', 'CONSOLIDATED_BILLING')),
  MasterAccountArn: optional(string()),
  MasterAccountId: optional(AccountId),
  MasterAccountEmail: optional(Email),
  AvailablePolicyTypes: optional(list(structure({ Type: optional(string()), Status: optional(string()) }))),
})
