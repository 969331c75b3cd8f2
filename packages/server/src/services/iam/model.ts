// What the identity store keeps: accounts, users, access keys, customer managed policies. Each type is the sealed body of a row; the row's
// key stands beside it and not in it. A parent lists its children, so that only what it lists holds.

export type AccessKeyStatus = 'Active' | 'Inactive'

/** In the body of the owner: an access key works as its owner says, whatever its own row holds. Oldest first. */
export type AccessKeyEntry = {
  readonly accessKeyId: string
  readonly status: AccessKeyStatus
  /** Milliseconds since the epoch, as every time here. */
  readonly createdAt: number
}

/** Row `account`. */
export type AccountBody = {
  readonly name: string
  readonly createdAt: number
  /** Of the root user. */
  readonly accessKeys: readonly AccessKeyEntry[]
}

export type InlinePolicy = { readonly policyName: string; readonly document: string }

/** The id tells a policy from an earlier one of the same ARN; the policies of AWS itself, which are in code, have none. */
export type AttachedPolicy = { readonly arn: string; readonly policyId?: string }

/** Row `iam_user`. */
export type UserBody = {
  readonly userName: string
  /** Begins and ends with a slash. */
  readonly path: string
  readonly createdAt: number
  readonly accessKeys: readonly AccessKeyEntry[]
  readonly inlinePolicies: readonly InlinePolicy[]
  readonly attachedPolicies: readonly AttachedPolicy[]
}

/** Row `iam_access_key`. */
export type AccessKeyBody = {
  readonly account: string
  /** Absent: the root user of the account. */
  readonly userId?: string
  /** Base64 of the secret access key, sealed for account, owner and access key id. */
  readonly sealedSecret: string
}

/** Row `iam_policy`. */
export type PolicyBody = {
  readonly policyId: string
  readonly policyName: string
  readonly path: string
  readonly createdAt: number
  readonly document: string
}

/** A new access key; the only time that the secret access key is shown. */
export type NewAccessKey = AccessKeyEntry & { readonly secretAccessKey: string }

// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html; policies are counted without white space.
export const ACCESS_KEYS_PER_OWNER_MAX = 2
export const ATTACHED_POLICIES_PER_USER_MAX = 10
export const INLINE_POLICIES_PER_USER_CHARACTERS_MAX = 2_048
export const MANAGED_POLICY_CHARACTERS_MAX = 6_144

export const rootArn = (partition: string, account: string): string => `arn:${partition}:iam::${account}:root`

export const userArn = (partition: string, account: string, { path, userName }: UserBody): string =>
  `arn:${partition}:iam::${account}:user${path}${userName}`

export const policyArn = (partition: string, account: string, path: string, policyName: string): string =>
  `arn:${partition}:iam::${account}:policy${path}${policyName}`

/** Names are unique in an account without regard to case. */
export const userNameKey = (userName: string): string => userName.toLowerCase()

export const policyCharacters = (document: string): number => document.replaceAll(/\s/g, '').length
